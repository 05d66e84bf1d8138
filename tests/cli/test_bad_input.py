"""What people hand over by mistake: one line that says what to do, the right exit code, and nothing changed."""

import json
import sys
from importlib.resources import files

import pytest

from repositories import committed, git, origin, porcelain, repository, with_origin, write

RUN = files("releasegate.rehearsal.samples").joinpath("lighthouse/lhr-1.json").read_text()
REPORTS = {
    "empty.json": "", "cut.json": RUN[:5000], "page.json": "<html>502 Bad Gateway</html>", "shape.json": '{"a": 1}',
    "list.json": "[1, 2]",
}  # fmt: skip
GATES = {
    "lighthouse": ["gate", "lighthouse", "--config", "rc.json"],
    "zap": ["gate", "zap"],
    "tests": ["gate", "tests"],
}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, {**REPORTS, "rc.json": '{"ci": {"assert": {"preset": "lighthouse:all"}}}'})
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(20 * 2**30)  # 20 GiB of nothing, which take no room
    return tmp_path


def state(folder):
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty.json", {"lighthouse": "is empty; run Lighthouse again",
                        "zap": "the report is empty; scan again, and keep the report as JSON or XML",
                        "tests": "is not whole: no element found: line 1, column 0; write it again"}),
        ("cut.json", {"lighthouse": "Input data was truncated; run Lighthouse again",
                      "zap": "the report is not whole: Input data was truncated; scan again, or fetch the artifact",
                      "tests": "is not whole: not well-formed"}),
        ("page.json", {"lighthouse": "JSON is malformed: invalid character (byte 0); run Lighthouse again",
                       "zap": "the report is no ZAP report: its root is <html>; was it meant?",
                       "tests": "is no JUnit report: its root is <html>; was another file meant?"}),
        ("shape.json", {"lighthouse": "holds no Lighthouse run; hand over the JSON that Lighthouse wrote",
                        "zap": "the report is no ZAP report: it has no `site`; was another file meant?",
                        "tests": "is not whole: not well-formed"}),
        ("list.json", {"lighthouse": "Expected `object`, got `array`; run Lighthouse again",
                       "zap": "the report is no ZAP report: neither JSON nor XML; scan again",
                       "tests": "is not whole: syntax error"}),
        ("huge.json", {"lighthouse": "is this the right file?", "zap": "is larger than 512 MiB; is this a report?",
                       "tests": "is larger than 512 MiB; is this a report?"}),
    ],
)  # fmt: skip
def test_an_unusable_report_is_inconclusive_and_says_what_to_do(folder, command, gate, name, said):
    before = state(folder)
    code, out, err = command(folder, *GATES[gate], name)
    assert (code, err) == (3, "")
    assert out.startswith(f"{gate}: INCONCLUSIVE: ")
    assert said[gate] in out
    assert out.splitlines()[-1].endswith(f" at {name}")
    code, out, _ = command(folder, *GATES[gate], name, "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (3, "inconclusive")
    assert state(folder) == before


@pytest.mark.parametrize("gate", GATES)
def test_a_report_that_is_not_there_is_a_wrong_call(folder, command, gate):
    line = "releasegate: gone.json: cannot be read: No such file or directory; is the path right, and was it made?\n"
    assert command(folder, *GATES[gate], "gone.json") == (2, "", line)


def test_a_pattern_that_is_none_is_a_wrong_call(folder, command):
    code, _, err = command(folder, "gate", "tests", "**.xml")
    if sys.version_info < (3, 13):  # from then on it means the same as `*.xml`
        assert (code, "releasegate: **.xml: no pattern: Invalid pattern: '**'" in err) == (2, True), err
    assert "bug" not in err


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "releasegate.yaml: empty; a policy begins with `version: 1`, `service:`, `environment:`"),
        ("- 1\n", "releasegate.yaml:1:1: not a mapping; begin with `version: 1`"),
        ("version: [\n", "releasegate.yaml:2:1: not YAML: did not find expected node content"),
        ("version: 2\n", 'releasegate.yaml:1:10: "2" is not among the choices; choose 1'),
        ("version: 1\nservce: shop\n", "releasegate.yaml:2:1: `servce` is no known key; did you mean `service`?"),
        ("version: 1\nservice: 3\n", 'releasegate.yaml:2:10: "3" where a text belongs; put it in quotes'),
        ("version: 1\nservice: a\nservice: b\n",
         "releasegate.yaml:3:1: `service` stands twice; the first is on line 2: remove one"),
        ("version: 1\nservice: ${RELEASEGATE_UNSET}\n",
         "releasegate.yaml:2:10: RELEASEGATE_UNSET is not set; set RELEASEGATE_UNSET in the environment"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_followed_names_the_place(tmp_path, command, text, line):
    write(tmp_path, {"releasegate.yaml": text})
    assert command(tmp_path, "policy", "explain") == (2, "", f"releasegate: {line}\n")
    code, out, _ = command(tmp_path, "policy", "explain", "--format", "json")
    assert (code, json.loads(out)["error"]["exit_code"]) == (2, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["releasegate.yaml"]


def test_no_policy_at_all(tmp_path, command):
    line = "no policy: neither releasegate.yaml nor .github/releasegate.yaml is here; run `releasegate init`, "
    assert command(tmp_path, "policy", "explain") == (2, "", f"releasegate: {line}or name one with --policy FILE\n")


POLICY = "version: 1\nservice: shop\nenvironment: production\nflags: {file: flags.yaml}\n"
FLAGS = "a:\n  enabled: true\n  percentage: 5 # now\n"
FILES = {"releasegate.yaml": POLICY, "flags.yaml": FLAGS}


@pytest.mark.parametrize(
    "arguments", [["tag", "rc", "1.0.0"], ["tag", "last-good"], ["ledger", "show"], ["ledger", "verify"]]
)
def test_no_repository(tmp_path, command, arguments):
    write(tmp_path, FILES)
    line = f"releasegate: {tmp_path}: not a git repository; run this inside a checkout, or make one with `git init`\n"
    assert command(tmp_path, *arguments) == (2, "", line)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_a_flag_outside_of_a_repository_is_edited_in_place_or_not_at_all(tmp_path, command):
    write(tmp_path, FILES)
    line = "releasegate: flags.yaml: not in a git repository; use --in-place to edit the file alone\n"
    assert command(tmp_path, "flags", "rollout", "a", "10") == (2, "", line)
    assert (tmp_path / "flags.yaml").read_text() == FLAGS
    assert command(tmp_path, "flags", "rollout", "a", "10", "--in-place")[0] == 0
    assert (tmp_path / "flags.yaml").read_text() == FLAGS.replace("5 #", "10 #")


def test_no_commit_yet(tmp_path, command):
    repo = repository(tmp_path / "repo")
    write(repo, FILES)
    line = "releasegate: the repository has no commits yet; make one first\n"
    assert command(repo, "tag", "rc", "1.0.0") == (2, "", line)
    assert git(repo, "for-each-ref") == ""


def test_what_is_not_committed_is_no_part_of_a_candidate(tmp_path, command):
    repo = with_origin(tmp_path / "repo", origin(tmp_path / "origin.git"))
    commit = committed(repo, FILES)
    git(repo, "push", "--quiet", "origin", "main")
    write(repo, {"flags.yaml": FLAGS + "b: 1\n"})
    line = (
        "releasegate: `flags.yaml` would not be in the candidate: not committed; commit or stash it, or name the "
        "commit with --commit HEAD\n"
    )
    assert command(repo, "tag", "rc", "1.0.0") == (2, "", line)
    assert git(tmp_path / "origin.git", "for-each-ref", "--format=%(refname)") == "refs/heads/main"
    code, out, _ = command(repo, "tag", "rc", "1.0.0", "--commit", "HEAD")
    assert (code, out) == (0, "RC_TAG=v1.0.0-rc.1\n")
    assert git(tmp_path / "origin.git", "rev-parse", "v1.0.0-rc.1^{commit}") == commit
    assert porcelain(repo) == [" M flags.yaml"]


@pytest.mark.parametrize("kind", ["detached", "shallow", "no remote"])
def test_a_checkout_as_a_job_finds_it_serves_as_well(tmp_path, command, kind):
    remote = origin(tmp_path / "origin.git")
    repo = with_origin(tmp_path / "repo", remote)
    committed(repo, {"old": "1"})
    committed(repo, FILES)
    git(repo, "push", "--quiet", "origin", "main")
    if kind == "detached":
        git(repo, "checkout", "--quiet", "--detach")
    elif kind == "shallow":
        git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{remote}", "shallow")
        repo = tmp_path / "shallow"
        git(repo, "config", "user.name", "Ada")
        git(repo, "config", "user.email", "ada@example.com")
    else:
        git(repo, "remote", "remove", "origin")
    head = git(repo, "rev-parse", "HEAD")
    code, out, err = command(repo, "tag", "rc", "1.0.0")
    assert (code, out, err) == (0, "RC_TAG=v1.0.0-rc.1\n", f"tagged v1.0.0-rc.1 on {head[:12]} (release/v1.0.0)\n")
    assert command(repo, "flags", "rollout", "a", "10")[0] == 0
    there = repo if kind == "no remote" else remote
    assert git(there, "show", "main:flags.yaml") == FLAGS.replace("5 #", "10 #").rstrip("\n")
    assert git(there, "rev-parse", "v1.0.0-rc.1^{commit}") == head
