"""The commands that are printed for the hour in which this program does not run, carried out as they are printed."""

import html as pages
import json
import os
import subprocess
import sys

import pytest

from github_front import TOKEN, github_forge
from releasegate.ledger.state import Release
from releasegate.policy.load import load_policy
from releasegate.render.report import html
from releasegate.runbook.break_glass import break_glass
from releasegate.runbook.rollout import Rollout
from releasegate.runbook.story import story_of
from repositories import committed, git, origin, with_origin
from service import Service

GOOD = Release("v1.0.0-rc.1", "0123456789abcdef0123456789abcdef01234567", tag="v1.0.0")
HEAD = "version: 1\nservice: shop\nenvironment: test\n"
FLAG = HEAD + "traffic: {flag: {name: checkout-v2}}\nflags: {publish: {command: [./publish.sh, '{blob}']}}\n"
DEPLOY = "deploy: {production: {command: [./deploy.sh, '{track}', '{tag}', '{commit}']}}\n"
ROUTE = HEAD + "traffic: {document: {file: 'k8s/the route.yaml', baseline: stable, canary: canary}}\n"
FLAGS = "checkout-v2:\n  enabled: true\n  percentage: 5\n"
PUBLISH = 'echo "$1" > ../published; cat config/feature-flags.yaml >> ../published\n'
SCRIPT = '#!/bin/sh\necho "$@" >> done\n'

TO_MAIN = "HEAD:refs/heads/main"


def lines_of(policy, environ=None, **options):
    return break_glass(load_policy(policy.encode(), "releasegate.yaml", environ or {}), **options)


def carry_out(folder, lines, **environment):
    """All of them in one shell, as somebody pastes them."""
    done = subprocess.run(
        ["bash", "-e"], cwd=folder, input="\n".join(lines), env={**os.environ, **environment}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def checkout(tmp_path):
    folder = with_origin(tmp_path / "here", origin(tmp_path / "origin"))
    files = {"config/feature-flags.yaml": FLAGS, "k8s/the route.yaml": "stable: 95\ncanary: 5\n"}
    committed(folder, {**files, "deploy.sh": SCRIPT, "publish.sh": SCRIPT})
    for script in ("deploy.sh", "publish.sh"):
        (folder / script).chmod(0o755)
    committed(folder, {})
    git(folder, "commit", "--quiet", "--all", "--allow-empty", "-m", "scripts")
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    return folder


def at_origin(checkout, path):
    return git(checkout.parent / "origin", "show", f"refs/heads/main:{path}")


def test_a_flag_is_off_on_the_remote_and_the_release_before_is_deployed(checkout):
    lines = lines_of(FLAG + DEPLOY, good=GOOD)
    assert lines == (
        "git fetch origin && git switch --detach origin/main",
        "$EDITOR config/feature-flags.yaml    # checkout-v2: set the percentage to 0, or switch it off",
        f"git commit -m 'Take checkout-v2 back by hand' -- config/feature-flags.yaml && git push origin {TO_MAIN}",
        './publish.sh "$(git rev-parse HEAD:config/feature-flags.yaml)"',
        "# where everybody has the bad release: deploy v1.0.0",
        f"./deploy.sh baseline v1.0.0 {GOOD.commit}",
    )
    (checkout / "deploy.sh").write_text(SCRIPT + "# half done\n")
    (checkout / "half done").write_text("and staged\n")
    git(checkout, "add", "half done")
    carry_out(checkout, lines, EDITOR="sed -i s/percentage:.*/percentage:0/")
    assert at_origin(checkout, "config/feature-flags.yaml") == FLAGS.replace(" 5\n", "0\n").rstrip()
    changed = git(checkout.parent / "origin", "show", "--name-only", "--format=", "main").split()
    assert changed == ["config/feature-flags.yaml"]
    blob = git(checkout.parent / "origin", "rev-parse", "main:config/feature-flags.yaml")
    assert (checkout / "done").read_text() == f"{blob}\nbaseline v1.0.0 {GOOD.commit}\n"


def test_weights_in_a_file_are_those_of_before_on_the_remote_though_a_tag_has_the_branchs_name(checkout):
    git(checkout, "push", "--quiet", "origin", "HEAD:refs/tags/main")
    carry_out(checkout, lines_of(ROUTE), EDITOR="sed -i -e s/canary:.*/canary:0/ -e s/stable:.*/stable:100/")
    assert at_origin(checkout, "k8s/the route.yaml") == "stable:100\ncanary:0"


def test_what_came_from_the_environment_is_asked_for_again(checkout):
    policy = HEAD + "traffic: {command: {set: [./deploy.sh, '{percent}', 'Bearer ${SHOP_TOKEN}'], get: [./get]}}\n"
    lines = lines_of(policy, {"SHOP_TOKEN": "planted"})
    assert lines == ('./deploy.sh 0 "Bearer ${SHOP_TOKEN}"',)
    carry_out(checkout, lines, SHOP_TOKEN="planted")
    assert (checkout / "done").read_text() == "0 Bearer planted\n"
    assert lines_of(policy, {"SHOP_TOKEN": "planted"}, live="green") == ('./deploy.sh 100 "Bearer ${SHOP_TOKEN}"',)


def test_where_no_good_release_is_known_it_has_to_be_looked_for():
    assert lines_of(HEAD + DEPLOY) == (
        "# where everybody has the bad release: deploy TAG and COMMIT of the last known good one",
        "./deploy.sh baseline TAG COMMIT",
    )


GH = f"""#!{sys.executable}
# The two commands of GitHub's own client that are printed, as its manual describes them.
import json, os, sys
from urllib.request import Request, urlopen
words, fields, jq, method, repository = [], {{}}, None, "GET", None
ahead = iter(sys.argv[1:])
for word in ahead:
    if word == "-f":
        name, _, value = next(ahead).partition("=")
        fields[name] = value
    elif word == "--jq":
        jq = next(ahead)[1:]
    elif word == "-X":
        method = next(ahead)
    elif word == "-R":
        repository = next(ahead)
    else:
        words.append(word)
if words[:2] == ["workflow", "run"]:
    path, method = f"repos/{{repository}}/actions/workflows/{{words[2]}}/dispatches", "POST"
    fields = dict(ref="main", inputs=fields)
else:
    path = words[1]
body = json.dumps(fields).encode() if fields else None
head = {{"Accept": "application/vnd.github+json"}}
asked = Request(os.environ["GITHUB_API_URL"] + "/" + path, body, head, method=method)
asked.add_unredirected_header("Authorization", "Bearer " + os.environ["GH_TOKEN"])
answer = urlopen(asked).read()
if jq is None:
    sys.stdout.buffer.write(answer)
else:
    found = json.loads(answer)
    for name in jq.split("."):
        found = found[name]
    print(found)
"""


def workflow(name):
    run = f"run-name: {name} ${{{{ inputs.id }}}}"
    return f"name: {name}\n{run}\non: {{workflow_dispatch: {{inputs: {{id: {{}}}}}}}}\n".encode()


@pytest.fixture
def shop(github, program, tmp_path):
    """A repository on GitHub, and what somebody's shell has who has no checkout of it."""
    program("curl")
    forge = github_forge(github)
    files = {"config/feature-flags.yaml": FLAGS.encode(), "publish.sh": PUBLISH.encode()}
    workflows = {f".github/workflows/{name}.yml": workflow(name) for name in ("deploy", "publish")}
    forge.commit("main", {**files, **workflows}, "start\n", parent=None)
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "GH_TOKEN": TOKEN, "GITHUB_API_URL": github.address,
        "EDITOR": "sed -i s/percentage:.*/percentage:0/",
    }  # fmt: skip
    return forge, environment


def without_a_checkout(lines):
    return lines[lines.index("# the same without a checkout:") :]


def dispatched(github, workflow):
    return [json.loads(asked.body) for asked in github.exchanges if asked.path.endswith(f"/{workflow}/dispatches")]


def test_on_github_without_a_checkout(github, shop, tmp_path):
    forge, environment = shop
    policy = FLAG.replace("command: [./publish.sh, '{blob}']", "workflow: publish.yml")
    lines = lines_of(policy + "deploy: {production: {workflow: deploy.yml}}\n", repository=forge.home, good=GOOD)
    lines = without_a_checkout(lines)
    carry_out(tmp_path, lines, **environment)
    written = forge.read("config/feature-flags.yaml", "main")
    assert written.content == FLAGS.replace(" 5\n", "0\n").encode()
    by_curl = [line.removeprefix("# or: ") for line in lines if line.startswith("# or: curl ")]
    carry_out(tmp_path, [f"blob={written.blob}", *by_curl], **environment)
    published = {"ref": "main", "inputs": {"blob": written.blob, "id": "by-hand"}}
    assert dispatched(github, "publish.yml") == [published, published]
    place = {"tag": "v1.0.0", "commit": GOOD.commit, "environment": "test", "track": "baseline"}
    deployed = {"ref": "main", "inputs": {**place, "id": "shop-test-baseline-v1.0.0-by-hand"}}
    assert dispatched(github, "deploy.yml") == [deployed, deployed]


def test_on_github_without_a_checkout_a_command_publishes_what_is_on_the_branch(shop, tmp_path):
    forge, environment = shop
    policy = FLAG.replace("[./publish.sh, '{blob}']", "[sh, publish.sh, '{blob}']")
    lines = without_a_checkout(lines_of(policy, repository=forge.home))
    fetched = f"gh api repos/{forge.home}/tarball/main | tar xzf - --strip-components=1 -C by-hand"
    assert lines[-2:] == (f"mkdir -p by-hand && {fetched} && cd by-hand", 'sh publish.sh "$blob"')
    carry_out(tmp_path, lines, **environment)
    written = forge.read("config/feature-flags.yaml", "main")
    assert (tmp_path / "published").read_text() == f"{written.blob}\n{written.content.decode()}"


def test_every_report_prints_them(tmp_path):
    service = Service(tmp_path)
    world = service.world()
    story = story_of(world, Rollout(world, service.tag, lambda _: None).run())
    assert story.break_glass[-2:] == ("# where everybody has the bad release: deploy v1.0.0", "deploy baseline v1.0.0")
    printed = pages.unescape(html(story).partition("<h2>Break glass: take it back without releasegate</h2>")[2])
    assert printed.strip().startswith("<pre>" + "\n".join(story.break_glass))


@pytest.mark.parametrize("kept", [None, "", '{"schema": "releasegate/rec'])
def test_a_watch_that_saw_nothing_has_its_story_told(tmp_path, kept):
    service = Service(tmp_path)
    world = service.world()
    result = Rollout(world, service.tag, lambda _: None).run()
    recording = world.documents / "recording.jsonl"
    recording.unlink()
    if kept is not None:
        recording.write_text(kept)
    story = story_of(world, result)
    assert (story.recording, story.exit_code, story.headline) == (None, result.exit_code, result.headline)
