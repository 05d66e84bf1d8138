"""The log of a job in GitHub Actions: parts that are folded, and titles that forge no command."""

import re

import pytest
from action_step import Ran
from test_injection import FORGED, HOSTILE

from releasegate.cli.action import Step
from releasegate.cli.app import App
from releasegate.cli.world import gates
from releasegate.verdict import Subject
from repositories import committed, repository

POLICY = """\
version: 1
service: shop
environment: production
gates:
  undated: accept
  tests:
    regression: {junit: [regression.xml]}
    offline-sync: {junit: [none.xml]}
"""
MISSING = "none.xml: cannot be read: No such file or directory; is the path right, and was it made?"
SUITE = '<testsuite name="t" tests="1"><testcase classname="a" name="NAME"><failure>no</failure></testcase></testsuite>'


def obeyed(log):
    """The commands that a runner obeys in `log`, which stops and listens as it is told; tokens and masks left out."""
    stopped, found = None, []
    for line in log.splitlines():
        if stopped is not None:
            stopped = None if line == f"::{stopped}::" else stopped
        elif line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
        elif re.match(r"::[\w-]+", line):
            found.append(line)
    return found, stopped


@pytest.fixture
def step(monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    made = Step()
    made.stop_listening()
    made.log = lambda: capsys.readouterr().err
    return made


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_title_is_one_command_whatever_is_in_it(step, hostile):
    step.fold(f"deploy {hostile}")
    step.say(hostile)
    step.fold("the next")
    step.unfold()
    step.unfold()
    commands, stopped = obeyed(step.log())
    assert [command[:17] for command in commands] == [
        "::group::deploy " + hostile[0].replace("\x1b", " "), "::endgroup::", "::group::the next", "::endgroup::",
    ]  # fmt: skip
    assert stopped is not None  # what comes then is not obeyed either


def test_an_error_stands_outside_of_what_is_folded(step):
    step.fold("gates")
    step.emit({"a": 1}, "a result")
    commands, _ = obeyed(step.log())
    assert commands == ["::group::gates", "::endgroup::"]


def test_outside_of_actions_a_part_is_a_line(monkeypatch, capsys):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    step = Step()
    step.fold("gates")
    step.unfold()
    assert capsys.readouterr().err == "▸ gates\n"


def test_a_stage_tells_of_the_gates_that_are_its_own(tmp_path):
    class Told(App):
        def judged(self, verdict):
            told.append(verdict.gate)

    folder, told = repository(tmp_path / "repo"), []
    head = committed(folder, {"releasegate.yaml": POLICY, "regression.xml": SUITE})
    app = Told(directory=folder)
    verdicts = gates(app, app.policy())(Subject(None, head), {}, lambda gate: gate == "tests/regression")
    assert ([verdict.gate for verdict in verdicts], told) == (["tests/regression"], ["tests/regression"])


def test_each_gate_of_a_run_is_folded_below_its_line(tmp_path, monkeypatch):
    hostile = HOSTILE["error"].replace("\n", "&#10;")
    folder = repository(tmp_path / "repo")
    committed(folder, {"releasegate.yaml": POLICY, "regression.xml": SUITE.replace("NAME", hostile)})
    ran = Ran(folder, monkeypatch, command="gate run")
    commands, stopped = obeyed(ran.log)
    assert (ran.code, stopped) == (1, None)
    groups = [line for line in commands if line.startswith(("::group::", "::endgroup::"))]
    assert groups == [
        "::group::tests/regression: FAIL: 1 failed", "::endgroup::",
        "::group::tests/offline-sync: INCONCLUSIVE: " + MISSING, "::endgroup::",
    ]  # fmt: skip
    assert not any(FORGED.match(line) for line in commands)
