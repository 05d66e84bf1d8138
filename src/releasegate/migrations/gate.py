"""The gate on what a candidate brings into the database: can the release before it run on it, and can one go back?"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from releasegate.migrations.kind import Kind, Migration, by_kind
from releasegate.verdict import Evidence, Finding, Level, Subject, Verdict, conclude

ON_ROLLBACK = {
    Kind.CONTRACT: (Level.INFO, "a rollback takes the schema back only with a snapshot"),
    Kind.IRREVERSIBLE: (Level.WARN, "a rollback cannot take the schema back"),
}


def judge(
    found: Sequence[Migration], evidence: Sequence[Evidence], about: Subject, started: datetime, finished: datetime
) -> Verdict:
    """The verdict on the migrations that a candidate has and the release before it has not."""
    findings = tuple(finding for migration in found for finding in _findings(migration))
    kinds = by_kind(found)
    return Verdict(
        gate="migrations",
        verdict=conclude(findings),
        summary=f"{len(found)} new migration{'' if len(found) == 1 else 's'}" + (f": {kinds}" if kinds else ""),
        findings=findings,
        evidence=tuple(evidence),
        subject=about,
        started=started,
        finished=finished,
    )


def _findings(migration: Migration) -> Iterator[Finding]:
    yield from migration.findings()
    if migration.kind in ON_ROLLBACK:
        level, title = ON_ROLLBACK[migration.kind]
        yield Finding(check=migration.kind.value, level=level, title=f"{title}: {migration.why}", where=migration.path)
