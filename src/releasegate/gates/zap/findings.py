"""What a ZAP report says, as findings: the alerts, what is wrong with the scan, and what ZAP says of it."""

from collections.abc import Collection, Sequence

from releasegate.errors import InconclusiveError
from releasegate.gates.zap.address import shown
from releasegate.gates.zap.report import Alert, Insight, Instance, Report
from releasegate.verdict import Finding, Level

LEVELS = {"FAIL": Level.ERROR, "WARN": Level.WARN, "INFO": Level.INFO, "IGNORE": Level.INFO}


def alert_finding(
    alert: Alert,
    action: str,
    expected: str,
    counted: Sequence[Instance],
    *,
    listed: int,
    new: Collection[Instance] | None = None,
) -> Finding:
    """An alert with what is to be done about it.

    `counted` are the instances in scope, of which the first `listed` are named; `new` are those that were not known,
    None where nothing is known.
    """
    places = f"{len(counted)} place{'s' if len(counted) != 1 else ''}" + (" and more" if alert.systemic else "")
    fresh = "" if new is None else f", {len(new)} new"
    first = next(iter(new or counted), None)
    return Finding(
        check=alert.ref,
        level=LEVELS[action],
        title=alert.name,
        expected=expected,
        observed=f"{alert.risk.label} ({alert.confidence.label}) in {places}{fresh}",
        where=shown(first.uri) if first else alert.site,
        details={
            "pluginid": alert.plugin,
            "alertRef": alert.ref,
            "name": alert.name,
            "riskcode": alert.risk.value,
            "confidence": alert.confidence.value,
            "site": alert.site,
            "action": action,
            "count": len(counted),
            "instances": [_instance(found, new) for found in counted[:listed]],
            "new": None if new is None else bool(new),
        },
    )


def _instance(found: Instance, new: Collection[Instance] | None) -> dict[str, str | bool]:
    named: dict[str, str | bool] = {"uri": shown(found.uri), "method": found.method, "param": found.param}
    return named if new is None else {**named, "new": found in new}


def how_many_listed(alerts: int) -> int:
    """How many instances of one alert a verdict names: all in real reports, few in gigantic ones."""
    return max(10, min(1000, 10_000 // max(1, alerts)))


def unusable(error: InconclusiveError, check: str = "report") -> Finding:
    """A report that cannot be judged, as a finding."""
    title = f"the {check} {error.what}" + (f"; {error.remedy}" if error.remedy else "")
    return Finding(check=check, level=Level.ERROR, title=title, where=error.where or "", unusable=True)


def partial(report: Report) -> list[Finding]:
    """Why a report that can be read does not show the whole site."""
    reasons = []
    if not report.sites:
        reasons.append(("sites", "no site was scanned: `site` is empty; was the address right, and was it up?"))
    if report.stopped is not None:
        reasons.append(("stoppingInsight", f"the scan was stopped before its end: {report.stopped}"))
    if report.plan_errors:
        what = f"the automation plan met {report.plan_errors} errors, so that parts of it may not have run"
        reasons.append(("afPlanErrors", what))
    return [
        Finding(check=check, level=Level.ERROR, title=title, where=report.path, unusable=True)
        for check, title in reasons
    ]


def insights(report: Report) -> list[Finding]:
    """What ZAP says about the scan itself, as far as it is more than how the site is made."""
    return [_insight(insight, report) for insight in report.insights if insight.level.lower() != "info"]


def _insight(insight: Insight, report: Report) -> Finding:
    return Finding(
        check=insight.key,
        level=Level.WARN if insight.level.lower() == "high" else Level.INFO,
        title=insight.description,
        observed=str(insight.statistic),
        where=insight.site or report.path,
        details={"level": insight.level},
    )
