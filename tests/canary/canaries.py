"""Small canaries for tests: a header, lines with steady counts, and a judge run over them."""

from datetime import UTC, datetime

from releasegate.canary.judge import Judge
from releasegate.canary.recording import Header, Line, encode_header, encode_line
from releasegate.canary.sli import Kind, SliSpec

ERRORS = {"errors": SliSpec(Kind.RATIO)}


def header(slis=None, **changes):
    fields = {
        "id": "checkout",
        "started": datetime(2026, 1, 1, tzinfo=UTC),
        "interval": 15.0,
        "window": 1800.0,
        "weight": 0.05,
        "slis": slis or ERRORS,
    }
    return Header(**{**fields, **changes})


def steady(name, baseline, canary, *, start=-60, end=120, interval=15.0):
    """Lines from poll `start` to poll `end`, all alike; history has no canary."""
    for poll in range(start, end + 1):
        tracks = {"baseline": baseline} if poll <= 0 else {"baseline": baseline, "canary": canary}
        yield Line(poll * interval, {name: tracks})


def judged(head, lines):
    judge = Judge(head)
    for line in lines:
        judge.observe(line)
    return judge.finish()


def text_of(head, lines):
    return "\n".join([encode_header(head), *map(encode_line, lines)]) + "\n"
