import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from random import Random

import pytest
from canaries import header, judged, steady, text_of
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.canary import limit
from releasegate.canary.dispersion import Dispersion
from releasegate.canary.judge import Judge
from releasegate.canary.limit import Above
from releasegate.canary.mixture import Mixture
from releasegate.canary.monitor import Moment
from releasegate.canary.ratio import FACTORS, RatioMonitor
from releasegate.canary.recording import Line, encode_header, encode_line, parse
from releasegate.canary.sli import Kind, SliSpec
from releasegate.cli.app import App
from releasegate.cli.canary import canary
from releasegate.errors import InputError

HEALTHY = text_of(header(id="healthy"), steady("errors", (14, 2850), (1, 150)))
SICK = text_of(header(id="sick"), steady("errors", (14, 2850), (8, 150)))
SHORT = text_of(header(id="short"), steady("errors", (14, 2850), (1, 150), end=9))


def replay(folder, *arguments, output="json", stdin=None):
    app = App(directory=folder, output=output)
    result = CliRunner().invoke(canary, ["replay", *arguments], obj=app, input=stdin, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


@pytest.fixture
def folder(tmp_path):
    for name, text in {"healthy": HEALTHY, "sick": SICK, "short": SHORT, "all": HEALTHY + SHORT + SICK}.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "code", "decisions"),
    [
        (["healthy.jsonl"], 0, ["promote"]),
        (["sick.jsonl"], 1, ["abort"]),
        (["short.jsonl"], 3, ["inconclusive"]),
        (["healthy.jsonl", "short.jsonl"], 3, ["promote", "inconclusive"]),
        (["all.jsonl"], 1, ["promote", "inconclusive", "abort"]),
        (["sick.jsonl", "healthy.jsonl"], 1, ["abort", "promote"]),
    ],
)
def test_each_recording_is_one_line_and_the_worst_is_the_exit_code(folder, files, code, decisions):
    returned, out = replay(folder, *files)
    assert returned == code
    assert [json.loads(line)["decision"] for line in out.splitlines()] == decisions


def test_the_document_has_what_the_contract_says(folder):
    document = json.loads(replay(folder, "sick.jsonl")[1])
    assert list(document) == ["id", "decision", "decided_at", "cause", "reason", "slis"]
    assert {key: document[key] for key in ("id", "decision", "decided_at", "cause")} == {
        "id": "sick",
        "decision": "abort",
        "decided_at": 15.0,
        "cause": "worse",
    }
    errors = document["slis"]["errors"]
    assert list(errors) == ["decision", "decided_at", "evidence", "log_evidence", "ratio", "detectable"]
    assert (errors["decision"], errors["decided_at"]) == ("abort", 15.0)
    assert list(errors["detectable"]) == ["ratio", "level"]


def test_a_person_reads_the_reason_and_what_would_have_been_caught(folder):
    code, out = replay(folder, "healthy.jsonl", output="text")
    first, second = out.splitlines()
    assert code == 0
    assert first == "healthy: promote: no regression in 1800 s, and each SLI would have shown one"
    assert re.fullmatch(
        r"  errors: promote, evidence \S+, canary / baseline 1\.36 \(0\.\d\d to 1\.\d\d\), "
        r"would have caught 1\.\dx \(a level of 0\.0\d+\)",
        second,
    )


def test_options_stand_above_the_header(folder):
    assert replay(folder, "sick.jsonl", "--tolerate", "20")[0] != 1
    late = json.loads(replay(folder, "sick.jsonl", "--false-abort", "0.000000001")[1])["decided_at"]
    later = json.loads(replay(folder, "sick.jsonl", "--false-abort", "0.0000001%")[1])["decided_at"]
    assert late == later
    assert late > 15


def test_standard_input_is_a_dash(folder):
    assert replay(folder, "-", stdin=SICK)[0] == 1


def test_a_missing_file_and_a_broken_one_are_errors_that_name_them(folder):
    with pytest.raises(InputError) as error:
        replay(folder, "nowhere.jsonl")
    assert str(error.value) == (
        "nowhere.jsonl: cannot be read: No such file or directory; is the path right, and was it made?"
    )
    (folder / "broken.jsonl").write_text(HEALTHY[:-9])
    with pytest.raises(InputError, match=r"broken.jsonl:182: not a line of JSON"):
        replay(folder, "broken.jsonl")
    (folder / "long.jsonl").write_text("x" * (1 << 20))
    with pytest.raises(InputError, match=r"long.jsonl:1: a line above 1 MiB"):
        replay(folder, "long.jsonl")


def test_the_program_judges_a_stream_and_exits_with_the_worst(folder):
    command = [sys.executable, "-m", "releasegate", "canary", "replay", "-", "--format", "json"]
    result = subprocess.run(command, input=HEALTHY + SICK, capture_output=True, text=True, cwd=folder, check=False)
    assert (result.returncode, result.stderr) == (1, "")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["healthy", "sick"]
    result = subprocess.run(
        command, input="{}", capture_output=True, text=True, cwd=folder, check=False, env=os.environ
    )
    assert result.returncode == 2
    assert result.stderr == "releasegate: -:1: a poll before any header; a recording begins with its header line\n"


EVERY = {
    "errors": SliSpec(Kind.RATIO, limit=0.05),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=(0.1, 0.5)),
    "rate": SliSpec(Kind.THROUGHPUT),
    "cost": SliSpec(Kind.MEAN, tolerate=1.2),
    "queue": SliSpec(Kind.GAUGE, limit=100.0, compare=True),
}


def lines(numbers):
    for poll in range(-10, 21):
        counts = {}
        for track in ("baseline", "canary")[: 1 if poll <= 0 else 2]:
            total = numbers.randint(0, 400)
            fast, slow = total * numbers.random() // 2, numbers.randint(0, 30)
            values = (
                (numbers.randint(0, total // 20), total),
                (fast, slow, 1.0),
                total,
                (total * numbers.random(), total),
            )
            for name, value in zip(EVERY, (*values, numbers.gauss(50, 5)), strict=True):
                counts.setdefault(name, {})[track] = value
        yield Line(poll * 15.0 + numbers.random(), counts)


@pytest.mark.parametrize("seed", range(20))
def test_a_replay_gives_the_live_decision_to_the_bit(seed):
    head = header(EVERY, window=300.0)
    live, written = Judge(head), [encode_header(head)]
    for line in lines(Random(seed)):
        live.observe(line)
        written.append(encode_line(line))
    (recording,) = parse(written, "file")
    assert judged(recording.header, recording.lines).document() == live.finish().document()


class Known(Dispersion):
    """A dispersion that is known and not learned."""

    def add(self, counts, total):
        pass


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=12), st.data())
def test_the_evidence_of_a_ratio_does_not_depend_on_how_polls_are_batched(bad, data):
    # so says the theory for one share of requests, a known dispersion, and the evidence that began at once
    cuts = sorted(data.draw(st.sets(st.integers(1, len(bad) - 1))))

    def evidence(bounds):
        monitor = RatioMonitor(1.0, None)
        monitor._dispersion, monitor._factors, monitor._worse = Known(), FACTORS, Mixture(len(FACTORS), 0.0)
        for begin, end in pairwise(bounds):
            baseline, canary = map(sum, zip(*bad[begin:end], strict=True))
            polls = end - begin
            moment = Moment(0.05, 15.0 * polls, polls / 120, warming=False)
            monitor.update((baseline, 1900 * polls), (canary, 100 * polls), moment)
        return monitor._worse.value, monitor.interval()

    together, apart = evidence([0, *cuts, len(bad)]), evidence(range(len(bad) + 1))
    assert together[0] == pytest.approx(apart[0])
    assert together[1] == apart[1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(9, 400)), min_size=2, max_size=12), st.data())
def test_the_evidence_against_a_limit_does_not_depend_on_how_polls_are_batched(polls, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(polls) - 1))))

    def evidence(bounds):
        above = Above(0.05)
        above.process = Mixture(len(limit.FACTORS), 0.0)
        for begin, end in pairwise(bounds):
            bad, total = map(sum, zip(*polls[begin:end], strict=True))
            above.update(bad, total, 2.0, (end - begin) / 120)
        return above.process.value

    assert evidence([0, *cuts, len(polls)]) == pytest.approx(evidence(range(len(polls) + 1)))
