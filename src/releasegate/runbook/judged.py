"""What the ledger keeps of the verdicts of one stage."""

from collections.abc import Sequence

from releasegate.verdict import Outcome, Verdict

_WORST_FIRST = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.WARN, Outcome.PASS)


def worst(verdicts: Sequence[Verdict]) -> Outcome:
    """The one that decides; where nothing was judged, that is `inconclusive`."""
    present = {verdict.verdict for verdict in verdicts}
    return next((outcome for outcome in _WORST_FIRST if outcome in present), Outcome.INCONCLUSIVE)


def judged(verdicts: Sequence[Verdict], stage: str) -> dict[str, object]:
    """The data of an event: the worst verdict, each gate's, and the bytes that they rest on."""
    return {
        "verdict": worst(verdicts).value,
        "stage": stage,
        "gates": {verdict.gate: verdict.verdict.value for verdict in verdicts},
        "evidence": [{"path": e.path, "sha256": e.sha256} for verdict in verdicts for e in verdict.evidence],
    }
