"""`releasegate ledger` on real repositories: what is shown, what is exported, and what is found out."""

import json
import re
from datetime import datetime

import pytest
from click.testing import CliRunner

from fakes import Randomness
from releasegate.cli.app import App
from releasegate.cli.clock import SystemClock
from releasegate.cli.ledger import ledger
from releasegate.errors import ReleasegateError
from releasegate.forge.local import LocalForge
from releasegate.runbook.journal import Draft, Journal
from repositories import committed, git, repository

SCOPE = {"service": "checkout", "environment": "production"}
BRANCH = "releasegate/ledger"
EVIDENCE = {"path": "lhr.json", "sha256": "a" * 64, "bytes": 5}


@pytest.fixture
def repo(tmp_path):
    """A repository with a policy and a ledger that tells of one release that was taken back."""
    folder = repository(tmp_path / "repo")
    commit = committed(folder, {"releasegate.yaml": "version: 1\nservice: checkout\nenvironment: production\n"})
    forge = LocalForge(folder)
    journal = Journal(forge, BRANCH, SystemClock(), Randomness())
    subject = {**SCOPE, "tag": "v1.0.0-rc.1", "commit": commit}
    gates = {"lighthouse": {"verdict": "pass", "evidence": [EVIDENCE]}}
    head = journal.append(
        Draft("release.candidate", subject, {"branch": "release/v1.0.0"}),
        Draft("gates.judged", subject, {"verdict": "pass", "gates": gates}),
    )
    forge.create_tag("v1.0.0-rc.1", commit, f"Release candidate\n\nLedger: {head}")
    journal.append(Draft("rollout.started", subject), Draft("rollout.settled", subject))
    journal.append(Draft("release.marked-bad", subject, {"reason": "slow\x1b[31m"}))
    return folder


def run(folder, *arguments, json_output=False):
    app = App(directory=folder, output="json" if json_output else "text")
    result = CliRunner().invoke(ledger, list(arguments), obj=app, standalone_mode=False)
    if isinstance(result.exception, ReleasegateError):
        return result.exception.exit_code, str(result.exception)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout


def heads(folder):
    return git(folder, "rev-list", "--reverse", BRANCH).splitlines()


def test_show(repo):
    code, out = run(repo, "show")
    lines = [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "", line) for line in out.splitlines()]
    assert (code, lines) == (
        0,
        [
            "  release.candidate    checkout/production v1.0.0-rc.1  Ada (unverified)  branch=release/v1.0.0",
            "  gates.judged         checkout/production v1.0.0-rc.1  Ada (unverified)  verdict=pass",
            "  rollout.started      checkout/production v1.0.0-rc.1  Ada (unverified)",
            "  rollout.settled      checkout/production v1.0.0-rc.1  Ada (unverified)",
            "  release.marked-bad   checkout/production v1.0.0-rc.1  Ada (unverified)  reason=slow [31m",
            "",
            "live:            v1.0.0-rc.1",
            "last known good: none",
            "split asked:     unknown",
            "unfinished:      nothing",
            "marked bad:      v1.0.0-rc.1",
        ],
    )


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        ([], ["release.candidate", "gates.judged", "rollout.started", "rollout.settled", "release.marked-bad"]),
        (["--kind", "rollout"], ["rollout.started", "rollout.settled"]),
        (["--kind", "rollout.settled"], ["rollout.settled"]),
        (["--kind", "roll"], []),
        (["--last", "1"], ["release.marked-bad"]),
        (["--tag", "v1.0.0-rc.1", "--kind", "gates"], ["gates.judged"]),
        (["--tag", "v2"], []),
    ],
)
def test_show_as_json(repo, arguments, kinds):
    code, out = run(repo, "show", *arguments, json_output=True)
    found = json.loads(out)
    assert (code, [event["kind"] for event in found["events"]]) == (0, kinds)
    assert found["head"] == heads(repo)[-1]
    assert found["state"] == {
        "live": "v1.0.0-rc.1",
        "last_known_good": None,
        "rollout": None,
        "rollback": None,
        "weight": None,
        "marked_bad": {"v1.0.0-rc.1": "slow\x1b[31m"},
    }


def test_verify(repo):
    one, two, three = heads(repo)
    assert run(repo, "verify") == (
        0,
        (
            "ledger: PASS: 5 events in 3 commits, one chain\n"
            f"  anchored up to {one[:12]} by the tag v1.0.0-rc.1; 2 commits from {two[:12]} on cannot be proved\n"
            f"  keep this head for --expect-head: {three}\n"
        ),
    )
    assert run(repo, "verify", "--expect-head", two)[0] == 0
    assert run(repo, "verify", "--expect-head", "x") == (
        2,
        "`x` is no commit; give the head as `ledger verify` printed it",
    )


def test_verify_finds_what_was_cut_off(repo):
    one, two, three = heads(repo)
    git(repo, "update-ref", f"refs/heads/{BRANCH}", two)
    assert run(repo, "verify")[0] == 0  # no anchor covers it
    code, out = run(repo, "verify", "--expect-head", three)
    assert code == 1
    assert out.splitlines()[:2] == [
        "ledger: FAIL: 1 finding in 4 events in 2 commits",
        f"  error  expected-head: the head that was kept is not in the ledger (expected {three}, observed {two})",
    ]
    git(repo, "branch", "-D", BRANCH)
    code, out = run(repo, "verify")
    assert code == 1
    assert "a commit that a tag names is not in the ledger: it was cut off or rewritten" in out
    assert one in out


def test_verify_finds_an_edit_by_hand(repo, tmp_path):
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "ledger"), BRANCH)
    event = next((tmp_path / "ledger").rglob("*.json"))
    event.write_text(event.read_text().replace("v1.0.0", "v1.0.1"))
    git(tmp_path / "ledger", "commit", "--quiet", "-am", "edit")
    code, out = run(repo, "verify")
    assert code == 1
    assert f"error  only-adds: an event was edited (expected A, observed M) at {heads(repo)[-1]}:events/" in out


def test_verify_finds_a_commit_by_somebody_else(repo):
    git(repo, "config", "user.name", "Eve")
    forge = LocalForge(repo)
    event = json.loads(forge.history(BRANCH)[-1].changes[0].content)
    journal = Journal(forge, BRANCH, SystemClock(), Randomness())
    journal.append(Draft("release.marked-bad", event["subject"], {"reason": "x"}))
    assert run(repo, "verify")[0] == 0
    last = forge.history(BRANCH)[-1]
    content = last.changes[0].content.replace(b'"Eve"', b'"Ada"')
    git(repo, "update-ref", f"refs/heads/{BRANCH}", last.parents[0])
    forge.commit(BRANCH, {last.changes[0].path: content}, "x", parent=last.parents[0])
    code, out = run(repo, "verify")
    assert code == 1
    assert "error  actor: the commit was made by somebody else (expected Ada, observed Eve)" in out


def test_missing_tags_are_inconclusive(repo):
    git(repo, "tag", "-d", "v1.0.0-rc.1")
    code, out = run(repo, "verify")
    assert (code, out.splitlines()[1].split(" (")[0]) == (
        3,
        "  error  tags: a tag that anchors the ledger is missing here",
    )


def test_a_broken_event_is_named_by_every_command(repo):
    LocalForge(repo).commit(BRANCH, {"events/x.json": b"{"}, "x", parent=heads(repo)[-1])
    reason = "not an event: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    for command in ("show", "index"):
        assert run(repo, command) == (
            3,
            f"events/x.json: the ledger cannot be read: {reason}; run `releasegate ledger verify`",
        )
    assert run(repo, "export") == (2, f"{heads(repo)[-1]}:events/x.json: {reason}")
    code, out = run(repo, "verify")
    assert code == 1
    assert f"error  event: {reason}" in out


@pytest.mark.parametrize("breaks", ["file", "merge"])
def test_a_ledger_that_cannot_be_read_goes_on_from_where_it_was_sound_on_a_new_branch(repo, breaks):
    sound, forge = heads(repo)[-1], LocalForge(repo)
    if breaks == "file":
        forge.commit(BRANCH, {"events/x.json": b"{"}, "x", parent=sound)
    else:
        parents = ["-p", sound, "-p", "main"]
        git(
            repo,
            "update-ref",
            f"refs/heads/{BRANCH}",
            git(repo, "commit-tree", *parents, "-m", "x", f"{sound}^{{tree}}"),
        )
    code, out = run(repo, "verify")
    assert code == 1
    assert (
        f"  it cannot be read after {sound}, and nothing is rolled out: docs/ledger.md, `When it cannot be read`, "
        in out
    )
    assert json.loads(run(repo, "verify", json_output=True)[1])["ledger"]["sound"] == sound
    assert run(repo, "show")[0] == 3

    git(repo, "push", "--quiet", ".", f"{sound}:refs/heads/{BRANCH}-2")
    policy = (repo / "releasegate.yaml").read_text()
    (repo / "releasegate.yaml").write_text(f"{policy}ledger: {{branch: {BRANCH}-2}}\n")
    code, out = run(repo, "verify", "--expect-head", sound)
    assert (code, "cannot be read" in out) == (0, False)
    assert "live:            v1.0.0-rc.1" in run(repo, "show")[1]
    journal = Journal(forge, f"{BRANCH}-2", SystemClock(), Randomness())
    journal.append(Draft("rollout.started", {**SCOPE, "tag": "v1.1.0-rc.1", "commit": git(repo, "rev-parse", "main")}))
    assert run(repo, "verify")[0] == 0


def test_a_ledger_that_was_broken_from_its_beginning_is_told(tmp_path):
    folder = repository(tmp_path / "repo")
    LocalForge(folder).commit(BRANCH, {"events/x.json": b"{"}, "x", parent=None)
    code, out = run(folder, "verify")
    assert (code, "  it cannot be read from its beginning, and nothing is rolled out: docs/ledger.md" in out) == (
        1,
        True,
    )


def test_export(repo):
    code, out = run(repo, "export")
    exported = [json.loads(line) for line in out.splitlines()]
    assert (code, [event.pop("commit") for event in exported]) == (
        0,
        [c for c, n in zip(heads(repo), (2, 2, 1), strict=True) for _ in range(n)],
    )
    assert exported == json.loads(run(repo, "show", json_output=True)[1])["events"]


def test_index(repo):
    commit = git(repo, "rev-parse", "main")
    code, out = run(repo, "index", json_output=True)
    [release] = json.loads(out)["releases"]
    settled = release.pop("settled")
    event = release["evidence"][0].pop("event")
    assert (code, release) == (
        0,
        {
            "tag": None,
            "candidate": "v1.0.0-rc.1",
            "commit": commit,
            "verdicts": {"gates": "pass"},
            "bad": "slow\x1b[31m",
            "evidence": [{"kind": "gates.judged", "place": "lhr.json", "sha256": "a" * 64}],
        },
    )
    moment = datetime.fromisoformat(settled)
    assert event in run(repo, "export")[1]
    assert run(repo, "index") == (
        0,
        (
            f"# Evidence of every release\n\nLedger: {heads(repo)[-1]}\n\n## v1.0.0-rc.1\n\n- candidate: v1.0.0-rc.1\n"
            f"- commit: {commit}\n- verdicts: gates pass\n- settled: {moment:%Y-%m-%d %H:%M} UTC\n"
            "- marked bad: slow [31m\n"
            f"\n| event | evidence | SHA-256 |\n|---|---|---|\n| gates.judged | lhr.json | `{'a' * 64}` |\n"
        ),
    )


def test_a_ledger_that_is_not_there_yet(tmp_path):
    folder = repository(tmp_path / "repo")
    assert run(folder, "show") == (0, "no event yet\n")
    assert run(folder, "export") == (0, "")
    assert run(folder, "index") == (0, "# Evidence of every release\n\nLedger: none yet\n")
    assert run(folder, "verify") == (
        3,
        (
            "ledger: INCONCLUSIVE: 1 finding in 0 events in 0 commits\n"
            "  error  ledger: there is no ledger yet: `releasegate tag rc` or `rollout` begins it"
            " (expected a branch with events, observed none)\n"
        ),
    )
