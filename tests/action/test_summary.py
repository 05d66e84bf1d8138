"""What a step shows besides its outputs: charts in the summary, masks before secrets, few lines of progress."""

import json
import re

import pytest
import yaml
from action_step import Ran
from hypothesis import given
from hypothesis import strategies as st

from releasegate.canary.judge import Judge
from releasegate.canary.recording import parse
from releasegate.cli.action import MOST_CHARTED
from releasegate.cli.actions import append_summary
from releasegate.cli.app import App
from releasegate.cli.canary_watch import _observer
from releasegate.cli.live import Pace
from releasegate.policy.load import load_policy
from releasegate.policy.secrets import secrets_of
from releasegate.render.mermaid import POINTS, evidence_charts
from repositories import committed, repository

JUNIT = '<testsuite name="t" tests="1"><testcase classname="a" name="b"/></testsuite>'
HEADER = {
    "recording": 1, "id": "shop-1", "started": "2026-11-23T10:00:00Z", "interval": 15, "window": 1800, "weight": 0.5,
    "slis": {"errors": {"kind": "ratio"}, "rate": {"kind": "throughput"}},
}  # fmt: skip


def recording(bad, polls=120, **header):
    yield json.dumps({**HEADER, **header})
    for poll in range(1, polls + 1):
        counts = {"errors": {"baseline": [1, 100], "canary": [bad, 100]}, "rate": {"baseline": 100, "canary": 100}}
        yield json.dumps({"t": poll * 15, **counts})


def charted(summary):
    """The figures of each chart: its title, and its two lines."""
    charts = re.findall(r"```mermaid\nxychart-beta\n(.*?)```\n", summary, re.DOTALL)
    return {
        re.search(r'title "(.*?):', chart)[1]: [
            [float(value) for value in line.split(",")] for line in re.findall(r"line \[(.*?)\]", chart)
        ]
        for chart in charts
    }


def test_the_summary_charts_the_evidence_of_every_sli(tmp_path, monkeypatch):
    (tmp_path / "canary.jsonl").write_text("\n".join(recording(bad=6)))
    ran = Ran(tmp_path, monkeypatch, command="canary replay", args="canary.jsonl")
    assert (ran.code, ran.outputs["decision"]) == (1, "abort")
    assert ran.summary.startswith("```text\nshop-1: abort after ")
    charts = charted(ran.summary)
    assert charts.keys() == {"errors", "rate"}
    grown, line = charts["errors"]
    assert grown[0] < 100 <= max(grown)
    assert set(line) == {100.0}
    assert len(line) == len(grown) <= POINTS
    assert max(charts["rate"][0]) < 100


def test_the_summary_shows_a_verdict_once_whoever_gives_it(tmp_path, monkeypatch):
    committed(repository(tmp_path / "shop"), {"junit.xml": JUNIT})
    ran = Ran(tmp_path / "shop", monkeypatch, command="ledger verify")
    assert (ran.code, ran.outputs["verdict"]) == (3, "inconclusive")
    told = ran.log.partition("::stop-commands::")[2].partition("\n")[2].partition("\n::")[0]
    assert ran.summary == f"```text\n{told}\n```\n"
    gate = Ran(tmp_path / "shop", monkeypatch, command="gate tests", reports="junit.xml")
    assert (gate.code, gate.outputs["verdict"]) == (0, "pass")
    assert gate.summary.startswith("### ✅ tests: pass\n\n1 passed")
    assert gate.summary.count("1 passed") == 1


def test_a_summary_is_never_larger_than_github_takes_one(tmp_path):
    (one,) = parse([line.encode() for line in recording(bad=1, polls=1000)], "r")
    judge = Judge(one.header)
    seen = [judge.observe(line) for line in one.lines]
    charts = "\n".join(evidence_charts(str(number), seen) for number in range(MOST_CHARTED))
    append_summary({"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}, ["\N{GRINNING FACE}" * 2_000_000], charts)
    summary = (tmp_path / "summary").read_bytes()
    assert (len(summary) < 2**20, len(charted(summary.decode()))) == (True, 2)
    assert summary.count(b"xychart-beta") == 2 * MOST_CHARTED


def test_a_peak_is_not_lost_where_polls_fall_together():
    (one,) = parse([line.encode() for line in recording(bad=1, polls=1000)], "r")
    judge = Judge(one.header)
    seen = [judge.observe(line) for line in one.lines]
    line = seen[0].slis["errors"].line
    peak = max(max(0.0, one.slis["errors"].log_evidence / line * 100) for one in seen)
    (grown, _) = charted(evidence_charts("x", seen))["errors"]
    assert len(grown) <= POINTS
    assert max(grown) == round(peak, 1)


@given(st.text())
def test_no_name_leaves_its_title(name):
    (one,) = parse([line.encode() for line in recording(bad=1, polls=2)], "r")
    judge = Judge(one.header)
    text = evidence_charts(name, [judge.observe(line) for line in one.lines])
    assert len(charted(text)) == 2
    assert len(text.splitlines()) == 19


@pytest.mark.parametrize(("window", "every"), [(1800, 60), (7200, 60), (600, 20), (35, 10)])
def test_a_canary_gets_a_line_a_minute_and_a_short_one_more(window, every):
    pace = Pace(window)
    told = [t for t in range(5, window + 1, 5) if pace.due(t)]
    assert told == list(range(5, window + 1, every))


def test_in_actions_a_watch_tells_one_poll_a_minute_and_charts_them_all(tmp_path, monkeypatch):
    (one,) = parse([line.encode() for line in recording(bad=1, polls=12)], "r")
    judge = Judge(one.header)
    seen = [judge.observe(line) for line in one.lines]

    class Told(App):
        def say(self, line):
            said.append(line)

        def observe(self, name, assessment):
            charted.append((name, assessment))

    for actions, verbose, lines in (("true", 0, 3), ("true", 1, 12), ("", 0, 12)):
        said, charted = [], []
        monkeypatch.setenv("GITHUB_ACTIONS", actions)
        observe = _observer(Told(directory=tmp_path, verbose=verbose), "shop-1", 1800)
        for assessment in seen:
            observe(assessment)
        assert len(said) == lines
        assert charted == [("shop-1", assessment) for assessment in seen]


POLICY = {
    "version": 1, "service": "shop", "environment": "test", "traffic": {"flag": {"name": "x"}},
    "canary": {
        "metrics": {"prometheus": {"url": "http://127.0.0.1:9", "headers": {"X-Key": "${HEADER_KEY}"},
                                   "basic": {"user": "ada", "password": "${PASSWORD}"}}},
        "slis": {"rate": {"throughput": "requests_total"}},
        "tracks": {"baseline": '{track="stable"}', "canary": '{track="canary"}'},
    },
}  # fmt: skip


def test_secrets_of_the_policy_are_masked_also_as_they_travel(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADER_KEY", "Bearer key-1234")
    monkeypatch.setenv("PASSWORD", "hunter22")
    text = yaml.safe_dump(POLICY).encode()
    (tmp_path / "releasegate.yaml").write_bytes(text)
    secrets = secrets_of(load_policy(text, "p", {"HEADER_KEY": "Bearer key-1234", "PASSWORD": "hunter22"}))
    assert secrets == {"Bearer key-1234", "key-1234", "hunter22", "YWRhOmh1bnRlcjIy"}
    ran = Ran(tmp_path, monkeypatch, command="policy explain")
    assert ran.code == 0
    heard = [line for line in ran.heard.splitlines() if line]
    assert heard == [f"::add-mask::{value}" for value in sorted(secrets)]
    assert all(ran.log.count(value) == 1 + sum(value in other for other in secrets - {value}) for value in secrets)
