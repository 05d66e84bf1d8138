"""A candidate whose rollout was cancelled and is begun again: one promise for all of its runs, so one evidence."""

import pytest

from releasegate.canary.judge import Judge
from releasegate.canary.recording import parse
from releasegate.ledger.state import fold
from releasegate.runbook.rollout import Rollout
from releasegate.runbook.world import Remark
from service import Service
from worlds import GOOD, POLICY, STEPS, Flow

LONG = POLICY.replace(b"window: 60s", b"window: 600s")
WORSE = {"baseline": 0.01, "canary": 0.0125}
"""So little worse that one window does not show it, but two do."""


class Cancelled(Flow):
    """Counts whose run is cancelled at a moment."""

    until = float("inf")

    def advance(self, at):
        if at > self.until:
            raise KeyboardInterrupt
        return super().advance(at)


class Runs:
    """Runs of one candidate on one service, whose source remembers or does not."""

    def __init__(self, folder, policy=LONG, errors=WORSE, *, remembers=True):
        options = {} if remembers else {"history": None}
        self.service, self.errors, self.memory = Service(folder, policy=policy, errors=errors, **options), errors, {}

    def run(self, cancelled_after=None, errors=None):
        """What a run came to and what it told; it is cancelled so many seconds after it began."""
        world, told, service = self.service.world(), [], self.service
        kind = Cancelled
        if cancelled_after is not None:
            kind = type("Ends", (Cancelled,), {"until": service.clock.moment.timestamp() + cancelled_after})
        counts = kind(world.traffic, errors or self.errors, memory=self.memory)
        rollout = Rollout(service.world(counts=lambda: counts), service.tag, told.append)
        if cancelled_after is None:
            rollout.run()
        else:
            with pytest.raises(KeyboardInterrupt):
                rollout.run()
        return rollout.result, [one.text for one in told if isinstance(one, Remark)]

    def recorded(self):
        (recording,) = parse((self.service.folder / "recording.jsonl").read_text().splitlines(), "it")
        return recording


def replayed(recording):
    judge = Judge(recording.header)
    for line in recording.lines:
        judge.observe(line)
    return judge.finish()


CARRIED = "an earlier run watched v1.1.0-rc.1 for {:g} s: its evidence is carried on, and the window begins anew"


@pytest.mark.parametrize(("remembers", "seen"), [(True, 360), (False, 310)])
def test_a_bad_candidate_is_not_given_a_fresh_start(tmp_path, remembers, seen):
    alone, _ = Runs(tmp_path / "alone", remembers=remembers).run()
    assert alone.exit_code == 0
    runs = Runs(tmp_path / "cancelled", remembers=remembers)
    runs.run(cancelled_after=370 if remembers else 430)
    assert runs.service.traffic.weight == 0
    runs.service.clock.sleep(3600)
    result, told = runs.run()
    recording = runs.recorded()
    assert (result.exit_code, result.judgement.cause) == (1, "worse")
    assert (recording.header.again, CARRIED.format(seen) in told) == ((seen,), True)
    assert seen < result.judgement.decided_at < seen + 600
    assert result.judgement.document() == replayed(recording).document()


def test_a_good_candidate_is_watched_for_a_whole_window_again(tmp_path):
    """The first two of three runs are cancelled: every step is taken again, and what lies between them left out."""
    runs = Runs(tmp_path, STEPS, GOOD)
    runs.run(cancelled_after=45)
    runs.service.clock.sleep(600)
    runs.run(cancelled_after=30)
    runs.service.clock.sleep(600)
    result, told = runs.run()
    recording = runs.recorded()
    first, second = recording.header.again
    assert (result.exit_code, first, second) == (0, 40.0, 60.0)
    assert CARRIED.format(60) in told
    polls = [line for line in recording.lines if line.t > 0]
    assert [line.t for line in polls] == [10.0 * number for number in range(1, 13)]
    assert [(line.t, line.weight) for line in polls if line.weight is not None] == [
        (10, 0.05), (30, 0.25), (50, 0.05), (70, 0.05), (90, 0.25), (110, 0.5),
    ]  # fmt: skip
    assert result.judgement.document() == replayed(recording).document()
    assert "its first 60 s are what an earlier run of the same candidate saw" in result.judgement.slis["errors"].notes
    state = fold(runs.service.world().journal.events())
    assert state.live == "v1.1.0-rc.1"


def test_what_nobody_remembers_is_said(tmp_path):
    runs = Runs(tmp_path, errors=GOOD, remembers=False)
    runs.run(cancelled_after=75)  # before the first poll, and so before the first checkpoint
    result, told = runs.run()
    assert (result.exit_code, runs.recorded().header.again) == (0, ())
    assert "what an earlier run saw of v1.1.0-rc.1 cannot be had again: its evidence begins anew" in told
