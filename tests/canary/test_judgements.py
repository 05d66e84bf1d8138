"""What some recordings came to: the whole answer, every number of it, stays what it is.

A change of the judge that means to change an answer writes them again: `python tests/canary/test_judgements.py`.
"""

import json
from pathlib import Path
from random import Random

import pytest
from canaries import header

from releasegate.canary.judge import Judge
from releasegate.canary.recording import Line
from releasegate.canary.sli import Kind, Limit, SliSpec

KEPT = Path(__file__).with_name("judgements.json")
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0)
SPREAD = (0.3, 0.3, 0.25, 0.1, 0.04, 0.01)
SLOW = (0.2, 0.25, 0.27, 0.16, 0.08, 0.04)
SLIS = {
    "errors": SliSpec(Kind.RATIO, tolerate=1.1, limit=0.05),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS, tolerate=1.2, limit=Limit(0.5, 0.85)),
    "rate": SliSpec(Kind.THROUGHPUT, starved_below=0.6),
    "cost": SliSpec(Kind.MEAN, tolerate=1.2, limit=4.0),
    "queue": SliSpec(Kind.GAUGE, limit=100.0, compare=True, tolerate=1.1),
}
PLAIN = {
    "errors": SliSpec(Kind.RATIO),
    "duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS),
    "queue": SliSpec(Kind.GAUGE, limit=90.0),
}
LIMITS = {
    "duration": SliSpec(Kind.HISTOGRAM, bounds=BOUNDS, limit=Limit(0.5, 0.92)),
    "cost": SliSpec(Kind.MEAN, limit=2.0),
    "queue": SliSpec(Kind.GAUGE, limit=60.0),
}
USUAL = {"errors": 1.0, "spread": SPREAD, "rate": 1.0, "cost": 1.0, "queue": 1.0}
SCENARIOS = {
    "healthy": {},
    "more errors": {"errors": 4.0},
    "slower": {"spread": SLOW},
    "starved": {"rate": 0.2},
    "dearer": {"cost": 2.5},
    "a longer queue": {"queue": 2.2},
    "clumps and no history": {"clump": 8, "history": 0, "errors": 3.0},
    "an outage of both": {"outage": 61, "window": 1500.0},
    "a bad start, missed polls and a step": {"start": 9, "missed": 7, "step": 60, "warm_up": 150.0},
    "early": {"early": True, "slis": PLAIN},
    "both too slow": {"spread": SLOW, "both": {"spread": SLOW}, "slis": LIMITS},
    "both too dear": {"cost": 2.0, "both": {"cost": 2.0}, "slis": LIMITS},
    "both queues too long": {"queue": 1.5, "both": {"queue": 1.5}, "slis": LIMITS},
    "silent": {"rate": 0.0},
}


def counts(numbers, requests, share, worse, bad, clump):
    """The counts of one track in one poll."""
    total = round(requests * share * worse["rate"] * numbers.uniform(0.9, 1.1))
    failed = sum(clump for _ in range(round(numbers.expovariate(1 / (0.01 * bad * total / clump + 1e-9)))))
    buckets = [round(total * part * numbers.uniform(0.85, 1.15)) for part in worse["spread"]]
    tasks = round(total / 10)
    cost = sum(numbers.lognormvariate(0.0, 0.8) for _ in range(tasks)) * worse["cost"]
    level = max(0.0, numbers.gauss(50, 8)) * worse["queue"]
    return {
        "errors": (min(failed, total), total),
        "duration": tuple(buckets),
        "rate": total,
        "cost": (cost, tasks),
        "queue": level,
    }


def lines(changes, slis):
    """A recording's polls; `changes` are what is unusual on the canary."""
    numbers, worse = Random(11), {**USUAL, **{key: changes[key] for key in USUAL if key in changes}}
    clump, outage = changes.get("clump", 1), changes.get("outage", 999)
    for poll in range(1 - changes.get("history", 60), 121):
        weight = 0.25 if poll >= changes.get("step", 999) else 0.1
        both = 30.0 if poll >= outage else 1.0
        bad = 12.0 if poll <= changes.get("start", 0) else worse["errors"]
        found = {
            "baseline": counts(numbers, 900, 1 - weight, {**USUAL, **changes.get("both", {})}, both, clump),
            "canary": counts(numbers, 900, weight, worse, both * bad, clump),
        }
        if poll <= 0:
            del found["canary"]
        if poll > 0 and changes.get("missed") and poll % changes["missed"] == 0:
            del found["baseline"]
        told = {name: {track: values[name] for track, values in found.items()} for name in slis}
        yield Line(poll * 15.0, told, 0.25 if poll == changes.get("step") else None)


def answer(changes):
    """The judgement, what a reader is told, and the evidence every tenth poll."""
    options = {key: changes[key] for key in ("window", "warm_up", "early") if key in changes}
    slis = changes.get("slis", SLIS)
    judge, trace = Judge(header(slis, weight=0.1, **options)), []
    for number, line in enumerate(lines(changes, slis)):
        said = judge.observe(line)
        if line.t > 0 and number % 10 == 0:
            trace.append([said.t, said.reason, *(sli.log_evidence for sli in said.slis.values())])
    judgement = judge.finish()
    notes = {name: list(sli.notes) for name, sli in judgement.slis.items()}
    return json.loads(json.dumps({"judgement": judgement.document(), "notes": notes, "trace": trace}))


def flat(value, path=""):
    """Leaves by path, so that numbers can be compared one by one."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for name, inner in items for key, leaf in flat(inner, f"{path}/{name}").items()}
    return {path: value}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recording_comes_to_what_it_came_to(name):
    expected, found = flat(json.loads(KEPT.read_text())[name]), flat(answer(SCENARIOS[name]))
    assert found.keys() == expected.keys()
    for path, value in expected.items():
        assert found[path] == (pytest.approx(value, rel=1e-7) if isinstance(value, float) else value), path


if __name__ == "__main__":
    answers = {name: answer(changes) for name, changes in SCENARIOS.items()}
    KEPT.write_text(json.dumps(answers, indent=1) + "\n")
