"""The verdict that stands for what ZAP's packaged scans would have said; their counting is in `baseline`."""

from collections.abc import Sequence
from datetime import datetime

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.baseline import Options, Result, baseline, counted, level_of
from releasegate.gates.zap.findings import alert_finding, how_many_listed, unusable
from releasegate.gates.zap.judge import Scan
from releasegate.gates.zap.report import Alert
from releasegate.verdict import Evidence, Finding, Outcome, Subject, Verdict, conclude

_OUTCOMES = {1: Outcome.FAIL, 2: Outcome.WARN, 3: Outcome.INCONCLUSIVE}


def judge_as_baseline(
    scan: Scan,
    options: Options | InconclusiveError,
    evidence: Sequence[Evidence],
    subject: Subject,
    started: datetime,
    finished: datetime,
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict with zap-baseline's exit code and counts, and the lines that it prints.

    `options` are its command line, or why it would have stopped with 3 before it counted. Where it would have counted
    evidence that cannot be judged, the exit code is 3, too.
    """
    faults = list(scan.faults)
    findings: list[Finding] = []
    result = Result(3, {}, ())
    try:
        if isinstance(options, InconclusiveError):
            raise options
        alerts = [alert for report in scan.reports for alert in report.alerts]
        findings = [_finding(alert, options, how_many_listed(len(alerts))) for alert in alerts]
        result = baseline(alerts, options)
    except InconclusiveError as error:
        faults.append(unusable(error, "command line or rules file"))
    exit_code = 3 if faults and result.exit_code != 1 else result.exit_code
    said = result.lines[-1].replace("\t", ", ") if result.lines else "zap-baseline would have stopped"
    verdict = Verdict(
        gate="zap",
        verdict=_OUTCOMES.get(exit_code) or conclude(findings),
        summary=f"zap-baseline exits with {exit_code}: {said}",
        findings=(*faults, *findings),
        evidence=tuple(evidence),
        subject=subject,
        started=started,
        finished=finished,
        extra={"compatibility": {"exit_code": exit_code, "counts": dict(result.counts) or None}},
    )
    return verdict, result.lines


def _finding(alert: Alert, options: Options, listed: int) -> Finding:
    places = [instance for instance in alert.instances if counted(alert, instance.uri, options.config)]
    level = level_of(alert.plugin, options)
    in_progress = alert.plugin in options.in_progress
    if not places or level in ("PASS", "IGNORE"):
        action, expected = "IGNORE", "any (PASS or IGNORE)" if places else "any (zap-baseline does not count it)"
    elif in_progress:
        action, expected = "INFO", f"any ({level} in progress)"
    else:
        action, expected = level, "" if level == "INFO" else f"none ({level})"
    return alert_finding(alert, action, expected, places or alert.instances, listed=listed)
