"""`releasegate flags` as a person at a terminal meets it: one line for what is wrong, nothing written for bad input."""

import json
from functools import partial
from pathlib import Path

import pytest

from releasegate.cli.app import App
from releasegate.cli.main import run
from repositories import committed, git, porcelain, repository

FLAGS = """\
AGENT_SAFE_MODE: 0      # 1 stops the agents
checkout-v2:
  enabled: true
  percentage: 5   # ask first
"""
FLAGD = 'flags:\n  a:\n    state: ENABLED\n    variants: {"on": true, "off": false}\n    defaultVariant: "off"\n'
FILE = "config/feature-flags.yaml"


@pytest.fixture
def repo(tmp_path):
    folder = repository(tmp_path / "repo")
    committed(folder, {FILE: FLAGS})
    return folder


@pytest.fixture
def flags(repo, command):
    return partial(command, repo, "flags")


def content(repo):
    return (repo / FILE).read_text()


def test_list_and_get(flags):
    assert flags("list") == (0, "AGENT_SAFE_MODE  off\ncheckout-v2      on for 5%\n", "")
    assert flags("get", "checkout-v2") == (0, "on for 5%\n", "")
    code, out, _ = flags("get", "AGENT_SAFE_MODE", "--format", "json")
    assert (code, json.loads(out)) == (
        0,
        {"schema": "releasegate/flags/1", "file": FILE, "dialect": "plain", "name": "AGENT_SAFE_MODE",
         "value": False, "percent": 0.0, "text": "off"},
    )  # fmt: skip


def test_a_change_is_one_commit_of_one_line(flags, repo):
    code, out, err = flags("rollout", "checkout-v2", "25%", "--reason", "looks fine")
    head = git(repo, "rev-parse", "--short=12", "HEAD")
    assert (code, err) == (0, "")
    assert out == (
        f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1,4 +1,4 @@\n AGENT_SAFE_MODE: 0      # 1 stops the agents\n checkout-v2:\n"
        "   enabled: true\n-  percentage: 5   # ask first\n+  percentage: 25   # ask first\n"
        "checkout-v2 at 25%: 2409 of 10000 keys are on (24.09%), as it should be (2290 to 2714) [plain dialect]\n"
        f"committed {head} on main\n"
    )
    assert git(repo, "log", "--format=%B", "-1") == "Roll out checkout-v2 to 25%\n\nlooks fine"
    assert porcelain(repo) == []
    assert flags("rollout", "checkout-v2", "25") == (0, "nothing to change: it is so already\n", "")
    assert git(repo, "rev-list", "--count", "HEAD") == "2"


def test_several_flags_are_one_commit(flags, repo):
    code, out, _ = flags("off", "AGENT_SAFE_MODE", "checkout-v2", "--format", "json")
    assert code == 0
    document = json.loads(out)
    assert list(document["flags"]) == ["checkout-v2"], "the other was off already"
    assert flags("set", "AGENT_SAFE_MODE", "1", "checkout-v2", "on")[0] == 0
    assert git(repo, "log", "--format=%s") == (
        "Set AGENT_SAFE_MODE to 1, checkout-v2 to on\nSwitch off AGENT_SAFE_MODE, checkout-v2\nchange"
    )
    assert content(repo) == FLAGS.replace("MODE: 0", "MODE: 1").replace("percentage: 5", "percentage: 100")


def test_off_and_back(flags, repo):
    assert flags("off", "checkout-v2")[0] == 0
    assert content(repo) == FLAGS.replace("true", "false").replace("percentage: 5", "percentage: 0")
    assert flags("restore", "checkout-v2")[0] == 0
    assert content(repo) == FLAGS
    assert flags("restore", "checkout-v2") == (0, "nothing to change: it is so already\n", "")


def test_back_from_what_was_printed(flags, repo, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text(flags("off", "checkout-v2", "--in-place", "--format", "json")[1])
    assert porcelain(repo) == [f" M {FILE}"]
    assert flags("restore", "checkout-v2", "--from", str(kept), "--in-place")[0] == 0
    assert (content(repo), porcelain(repo)) == (FLAGS, [])


def test_back_in_a_second_worktree(repo, command, tmp_path):
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "second"), "-b", "second")
    flags = partial(command, tmp_path / "second", "flags")
    code, _, err = flags("off", "checkout-v2", "--in-place")
    assert (code, err, porcelain(tmp_path / "second")) == (0, "", [f" M {FILE}"])
    assert flags("restore", "checkout-v2", "--in-place")[0] == 0
    assert porcelain(tmp_path / "second") == []


def test_the_same_flag_in_another_file_takes_nothing_from_what_is_remembered(flags, repo):
    committed(repo, {"other/flags.yaml": FLAGS})
    assert flags("off", "checkout-v2", "--in-place")[0] == 0
    assert flags("rollout", "checkout-v2", "7", "--in-place", "--file", "other/flags.yaml")[0] == 0
    assert flags("restore", "checkout-v2", "--in-place")[0] == 0
    assert flags("restore", "checkout-v2", "--in-place", "--file", "other/flags.yaml")[0] == 0
    assert porcelain(repo) == []


def test_outside_of_git_only_the_output_has_what_was_taken_away(tmp_path, command):
    (tmp_path / "flags.yaml").write_text(FLAGS)
    flags = partial(command, tmp_path, "flags")
    code, out, err = flags("off", "checkout-v2", "--in-place", "--file", "flags.yaml", "--format", "json")
    assert (code, err) == (0, "not in a git repository: to restore later, keep what --format json prints\n")
    (tmp_path / "kept.json").write_text(out)
    said = "releasegate: nothing is remembered outside of a git repository; use --from\n"
    assert flags("restore", "checkout-v2", "--in-place", "--file", "flags.yaml") == (2, "", said)
    assert flags("restore", "checkout-v2", "--in-place", "--file", "flags.yaml", "--from", "kept.json")[0] == 0
    assert (tmp_path / "flags.yaml").read_text() == FLAGS


def test_patch_and_dry_run_change_nothing(flags, repo):
    code, patch, err = flags("off", "checkout-v2", "--patch", "-")
    assert (code, err, content(repo)) == (0, "", FLAGS)
    git(repo, "apply", "-", input=patch)
    assert content(repo) == FLAGS.replace("true", "false").replace("percentage: 5", "percentage: 0")
    git(repo, "checkout", "--quiet", FILE)
    code, out, _ = flags("off", "checkout-v2", "--dry-run")
    assert (code, out.splitlines()[-1], content(repo), porcelain(repo)) == (0, "would be changed", FLAGS, [])
    assert flags("off", "checkout-v2", "--patch", "a.patch")[0] == 0
    assert (repo / "a.patch").read_text() == patch
    assert git(repo, "rev-list", "--count", "HEAD") == "1"


def test_what_fails_after_the_commit_is_told_as_that_and_recorded(flags, repo):
    policy = "version: 1\nservice: a\nenvironment: b\nflags: {publish: {workflow: publish.yml}}\n"
    committed(repo, {"releasegate.yaml": policy})
    code, out, err = flags("off", "checkout-v2")
    said = (
        "releasegate: committed, but a plain git repository has no workflows, deployments, artifacts, releases or"
        " reviews; use a `command` in the policy, or name the repository on GitHub: --repo OWNER/NAME\n"
    )
    assert (code, err) == (4, said)
    assert out.splitlines()[-1] == f"committed {git(repo, 'rev-parse', '--short=12', 'main')} on main"
    assert "enabled: false" in git(repo, "show", f"main:{FILE}")
    assert "flag.changed" in git(repo, "log", "-p", "--all")


def test_prove(flags):
    line = "checkout-v2 at 5%: 454 of 10000 keys are on (4.54%), as it should be (397 to 610) [plain dialect]\n"
    untried = "your own code, which has to evaluate this dialect as docs/flags.md defines it"
    line += f"not run against the real evaluator: {untried}\n"
    assert flags("prove", "checkout-v2") == (0, line, "")
    assert flags("prove", "checkout-v2", "--percent", "6", "--keys", "10000")[0] == 1
    code, out, _ = flags("prove", "AGENT_SAFE_MODE", "--percent", "0", "--keys", "7", "--format", "json")
    assert (code, json.loads(out)) == (
        0,
        {"schema": "releasegate/proof/1", "flag": "AGENT_SAFE_MODE", "percent": 0.0, "keys": 7, "bounds": [0, 0],
         "runs": [{"evaluator": "plain dialect", "on": 0, "lost": 0}], "share": 0.0, "ok": True,
         "not_run_against": untried},
    )  # fmt: skip


def test_a_number_that_json_does_not_have_is_a_word(flags, repo):
    committed(repo, {FILE: "a: true\nlimit: .inf\n"})
    code, out, err = flags("get", "limit", "--format", "json")
    assert (code, err, json.loads(out)["value"], json.loads(out)["text"]) == (0, "", "inf", "inf")
    assert json.loads(flags("list", "--format", "json")[1])["flags"]["limit"]["value"] == "inf"


ONN = f"{FILE}:2:1: `checkout-v2`: there is no variant `onn`; a flag of this dialect is on or off"
BAD = [
    (["prove", "checkout-v2", "--on", "onn"], ONN),
    (["rollout", "checkout-v2", "25", "--on", "onn"],
     f"`checkout-v2` is not raised without proof: {ONN}; see `releasegate flags lint --file {FILE}`"),
    (["get", "checkout"], f"{FILE}: there is no flag `checkout`; did you mean `checkout-v2`?"),
    (["get", "a", "--file", "many.yaml"], "many.yaml:1:1: `a`: the percentage `many` is no number from 0 to 100"),
    (["list", "--file", "list.yaml"], "list.yaml:1:1: not a flag file: it holds no mapping; is this the right file?"),
    (["off", "checkout-v3"], f"{FILE}: there is no flag `checkout-v3`; did you mean `checkout-v2`?"),
    (["rollout", "checkout-v2", "101"], "101 is no percentage; use a number from 0 to 100"),
    (["rollout", "checkout-v2", "-1"], "-1 is no percentage; use a number from 0 to 100"),
    (["rollout", "checkout-v2", "1.234"],
     f"{FILE}:2:1: `checkout-v2`: 1.234% is finer than this dialect holds; use at most two decimals"),
    (["set", "checkout-v2", "maybe"],
     f"{FILE}:2:1: `checkout-v2`: `maybe` is neither on nor off; use one of true, false, on, off, 1, 0"),
    (["set", "checkout-v2", "on", "checkout-v2", "off"],
     "`checkout-v2` is named twice (try `releasegate flags set --help`)"),
    (["off", "checkout-v2", "checkout-v2"], "`checkout-v2` is named twice (try `releasegate flags off --help`)"),
    (["set", "checkout-v2"], "every NAME needs its VALUE (try `releasegate flags set --help`)"),
    (["off", "a", "--file", "none.yaml"],
     "main:none.yaml: there is no such flag file; commit it first, or name it with --file"),
    (["off", "a", "--file", "none.yaml", "--in-place"],
     "none.yaml: cannot be read: No such file or directory; is the path right, and was it made?"),
    (["list", "--file", ".git/HEAD"],
     ".git/HEAD:1:1: not a flag file of a known shape (top level: ref); name it: --dialect"),
    (["set", "a", "onn", "--file", "flagd.yaml"],
     "flagd.yaml:2:3: `a`: there is no variant `onn`; use one of on, off"),
    (["set", "a", "on", "--file", "twice.yaml"],
     "twice.yaml:2:1: the key `a` stands twice in one mapping; keep one of the two"),
    (["set", "a", "on", "--file", "anchor.yaml"],
     "anchor.yaml:1:4: an anchor (&x) on the way to `a`: no safe edit; write it out plainly"),
    (["set", "a", "on", "--file", "flipt.yaml"],
     "flipt.yaml:1:1: this is a file of Flipt, which is not edited here; use Flipt's own tools"),
    (["restore", "checkout-v2"],
     "nothing is known that was taken away from `checkout-v2`; use --from, or git's own history"),
    (["restore", "checkout-v2", "--from", "flagd.yaml"],
     "flagd.yaml: nothing that was taken away from `checkout-v2`; give what `--format json` printed"),
    (["prove", "a", "--file", "rules.yaml"],
     "rules.yaml: `a` has no single percentage; say what it should be: --percent"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_bad_input_is_one_line_and_writes_nothing(flags, repo, arguments, message):
    head = committed(repo, {
        "flagd.yaml": FLAGD, "twice.yaml": "a: true\na: false\n", "anchor.yaml": "a: &x true\nb: *x\n",
        "many.yaml": "a: {enabled: true, percentage: many}\n", "list.yaml": "- a\n",
        "flipt.yaml": "flags:\n- {key: a}\n", "rules.yaml": FLAGD + '    targeting: {if: [true, "on"]}\n',
    })  # fmt: skip
    assert flags(*arguments) == (2, "", f"releasegate: {message}\n")
    assert (git(repo, "rev-parse", "HEAD"), porcelain(repo)) == (head, [])


def test_where_no_safe_edit_exists_the_patch_is_printed(flags, repo):
    head = committed(repo, {FILE: "b: &x true\na: *x\n"})
    code, out, err = flags("off", "a")
    said = (
        f"releasegate: NOT OFF: {FILE}:2:4: an alias (*x) on the way to `a`: no safe edit; write it out plainly;"
        " apply the patch above by hand and commit it\n"
    )
    assert (code, err) == (4, said)
    assert git(repo, "rev-parse", "HEAD") == head
    git(repo, "apply", "-", input=out)
    assert content(repo) == "b: &x true\na: false\n"


def test_where_not_even_a_patch_is_sure_it_is_said_that_the_flag_is_not_off(flags, repo):
    committed(repo, {FILE: "a: &x true\nb: !own text\n"})
    said = (
        f"releasegate: NOT OFF: {FILE}:1:4: an anchor (&x) on the way to `a`: no safe edit; write it out plainly;"
        " switch it off by hand\n"
    )
    assert flags("off", "a") == (4, "\n", said)


def test_the_patch_switches_off_all_that_was_asked_for(flags, repo):
    committed(repo, {FILE: "a: &x true\nb: *x\nc: {enabled: true, percentage: 5}\nd: *x\n"})
    code, out, err = flags("off", "c", "a", "b")
    assert (code, err.count("NOT OFF: ")) == (4, 1)
    git(repo, "apply", "-", input=out)
    assert content(repo) == "a: false\nb: false\nc: {enabled: false, percentage: 0}\nd: true\n"


def test_off_takes_a_rule_away_that_cannot_be_evaluated(flags, repo):
    rules = FLAGD + '    targeting: {fractional: [["on", 5], ["off", 95], ["off", 0.5]]}\n'
    committed(repo, {FILE: rules})
    code, _, err = flags("off", "a")
    assert (code, err, content(repo)) == (0, "", FLAGD + "    targeting: {}\n")


def test_lowering_without_proof_is_done_and_said_loudly(flags, repo):
    committed(repo, {FILE: FLAGD.replace("false", "true").replace('Variant: "off"', 'Variant: "on"')})
    code, out, err = flags("off", "a", "--on", "on", "--reason", "errors")
    still = "a at 0%: 10000 of 10000 keys are on (100.00%), NOT as it should be (0 to 0) [flagd, {} hash]"
    both = f"{still.format('CBOR')}; {still.format('concatenated')}"
    assert (code, err) == (0, f"WARNING: a is lowered WITHOUT PROOF ({both}): see that it takes effect\n")
    assert out.splitlines()[-1] == f"committed {git(repo, 'rev-parse', '--short=12', 'main')} on main"
    assert content(repo) == FLAGD.replace("false", "true")


def test_raising_without_proof_is_refused_and_nothing_is_written(flags, repo):
    rule = "defaultRule: {variation: no1}, targeting: [{query: age gt 5, variation: yes1}]"
    head = committed(repo, {FILE: f"a: {{variations: {{yes1: true, no1: false}}, {rule}}}\n"})
    said = (
        f"releasegate: `a` is not raised without proof: {FILE}:1:1: `a`: the query `age gt 5` is not evaluated here;"
        f" see `releasegate flags lint --file {FILE}`\n"
    )
    assert flags("rollout", "a", "5") == (2, "", said)
    assert (git(repo, "rev-parse", "main"), porcelain(repo)) == (head, [])


def test_a_file_changed_meanwhile_is_not_overwritten(repo, capsys):
    class Meanwhile(App):
        def read(self, path, *, limit=None):
            found = super().read(path, limit=limit)
            Path(self.directory / path).write_text(FLAGS + "# somebody was faster\n")
            return found

    code = run(Meanwhile(directory=repo), ["flags", "off", "checkout-v2", "--in-place"])
    assert (code, capsys.readouterr().err) == (
        2,
        f"releasegate: {FILE}: changed meanwhile by somebody else; run the command again\n",
    )
    assert content(repo) == FLAGS + "# somebody was faster\n"
