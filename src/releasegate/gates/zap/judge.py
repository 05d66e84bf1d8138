"""ZAP reports to a verdict: rules where the team wrote some, else by risk; new alerts against known ones."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from releasegate.errors import InconclusiveError
from releasegate.gates.waivers import Waiver, waive
from releasegate.gates.zap.address import shown
from releasegate.gates.zap.findings import alert_finding, how_many_listed, insights, partial, unusable
from releasegate.gates.zap.known import Known, known, resolved
from releasegate.gates.zap.lint import unknown_ids
from releasegate.gates.zap.read import read_report
from releasegate.gates.zap.report import Alert, Confidence, Instance, Report, Risk
from releasegate.gates.zap.rules import Rules
from releasegate.verdict import Evidence, Finding, Level, Subject, Verdict, conclude

_ONE_LESS = {"FAIL": "WARN", "WARN": "INFO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What makes an alert an `error`, and what the team decided about single rules."""

    fail_on: Risk = Risk.HIGH
    """Alerts of this risk and above are an `error`, unless a rule ignores them."""
    confidence: Confidence = Confidence.LOW
    """Alerts that ZAP is less sure of than this are only `info`, unless a rule says otherwise."""
    rules: Rules = field(default_factory=Rules)
    before: Sequence[Alert] | None = None
    """What an earlier report held: such alerts weigh one level less, and what is gone is listed."""
    waivers: Sequence[Waiver] = ()
    today: date = date.max
    """UTC; a waiver that ended before it waives nothing."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that the handed-over reports say: the readable ones, and what is wrong with the evidence."""

    reports: tuple[Report, ...]
    faults: tuple[Finding, ...]

    @property
    def sites(self) -> tuple[str, ...]:
        """All sites that were scanned."""
        return tuple(dict.fromkeys(site for report in self.reports for site in report.sites))

    @property
    def alerts(self) -> list[Alert]:
        """Each alert of a site once, with all its instances: reports repeat themselves, or are handed over twice."""
        found: dict[tuple[object, ...], Alert] = {}
        for alert in (alert for report in self.reports for alert in report.alerts):
            key = (alert.site, alert.ref, alert.name, alert.risk, alert.confidence, alert.dropped)
            if key in found:
                both = dict.fromkeys((*found[key].instances, *alert.instances))
                found[key] = replace(found[key], instances=tuple(both))
            else:
                found[key] = alert
        return list(found.values())


def read_scan(contents: Iterable[tuple[str, bytes]], *, nodes: bool = False) -> Scan:
    """Read each report, by its path; one that cannot be judged is a fault. `nodes` is for comparing with others."""
    reports: list[Report] = []
    wrong: list[Finding] = []
    for path, content in contents:
        try:
            reports.append(read_report(content, path, nodes=nodes))
        except InconclusiveError as error:
            wrong.append(unusable(error))
    return Scan(tuple(reports), (*wrong, *(fault for report in reports for fault in partial(report))))


def judge(
    scan: Scan,
    threshold: Threshold,
    evidence: Sequence[Evidence],
    subject: Subject,
    started: datetime,
    finished: datetime,
) -> Verdict:
    """The verdict on `scan`."""
    alerts = scan.alerts
    earlier = None if threshold.before is None else known(threshold.before)
    found = [
        _finding(part, threshold, earlier, how_many_listed(len(alerts)))
        for alert in alerts
        for part in _parts(alert, threshold)
    ]
    gone: list[Finding] = []
    if threshold.before is not None and not scan.faults:
        gone = resolved(threshold.before, known(alerts), scan.sites)
    findings = (
        *scan.faults,
        *sorted(found, key=_weight),
        *unknown_ids(threshold.rules),
        *(insight for report in scan.reports for insight in insights(report)),
        *gone,
    )
    verdict = Verdict(
        gate="zap",
        verdict=conclude(findings),
        summary=summary(findings, scan.sites),
        findings=findings,
        evidence=tuple(evidence),
        subject=subject,
        started=started,
        finished=finished,
    )
    if not threshold.waivers:
        return verdict
    verdict = waive(verdict, threshold.waivers, threshold.today)
    return replace(verdict, summary=summary(verdict.findings, scan.sites))


def _parts(alert: Alert, threshold: Threshold) -> list[Alert]:
    """`alert`, split where waivers cover some of its places only: what is accepted there is accepted nowhere else."""
    parts = []
    rest = list(alert.instances)
    for waiver in threshold.waivers:
        if waiver.where != "*" and waiver.expires >= threshold.today:
            inside = [one for one in rest if waiver.covers("zap", _at(alert, one))]
            rest = [one for one in rest if one not in inside]
            parts += [replace(alert, instances=inside)] if inside else []
    return ([replace(alert, instances=rest)] if rest else []) + parts if parts else [alert]


def _at(alert: Alert, instance: Instance) -> Finding:
    """One place of an alert, as waivers look at it."""
    details = {"pluginid": alert.plugin}
    return Finding(check=alert.ref, level=Level.INFO, title="", where=shown(instance.uri), details=details)


def _finding(alert: Alert, threshold: Threshold, earlier: Known | None, listed: int) -> Finding:
    rules = threshold.rules
    counted: Sequence[Instance] = alert.instances
    if rules.scopes:
        counted = [instance for instance in counted if rules.in_scope(alert, instance.uri)]
    action, expected = _action(alert, threshold, out_of_scope=bool(alert.instances) and not counted)
    if earlier is None:
        return alert_finding(alert, action, expected, counted, listed=listed)
    new = {instance for instance in counted if not earlier.has(alert, instance)}
    unplaced = not counted and not earlier.knows(alert)
    if not new and not unplaced:
        action = _ONE_LESS.get(action, action)
    return alert_finding(alert, action, expected, counted, listed=listed, new=new)


def _action(alert: Alert, threshold: Threshold, *, out_of_scope: bool) -> tuple[str, str]:
    """What is to be done about an alert, and why."""
    ignored = _ignored(alert, threshold.rules, out_of_scope=out_of_scope)
    if ignored:
        return "IGNORE", ignored
    rule = threshold.rules.of(alert)
    ruled = f"none ({rule.level} in {threshold.rules.path}:{rule.line})" if rule else ""
    if rule is not None and rule.level == "FAIL":
        return "FAIL", ruled
    sure = alert.confidence >= threshold.confidence
    if sure and alert.risk >= threshold.fail_on:
        return "FAIL", f"none of risk {threshold.fail_on.label} or above"
    if rule is not None:
        return rule.level, ruled
    return (
        ("WARN", f"none of risk {Risk.MEDIUM.label} or above") if sure and alert.risk >= Risk.MEDIUM else ("INFO", "")
    )


def _ignored(alert: Alert, rules: Rules, *, out_of_scope: bool) -> str:
    """Why an alert does not count; empty where it does."""
    rule = rules.of(alert)
    if alert.confidence is Confidence.FALSE_POSITIVE:
        return "any (a false positive in ZAP)"
    if out_of_scope:
        return f"any (out of scope by {rules.path})"
    if rule is not None:
        return f"any ({rule.level} in {rules.path}:{rule.line})" if rule.level in ("PASS", "IGNORE") else ""
    return "any (left out by the scan's own rules)" if alert.dropped else ""


def _weight(finding: Finding) -> tuple[int, int, str, str, str]:
    """The worst first, then in an order that does not depend on the report's."""
    level = (Level.ERROR, Level.WARN, Level.INFO).index(finding.level)
    return level, -finding.details["riskcode"], finding.details["site"], finding.check, finding.title


def summary(findings: Sequence[Finding], sites: Collection[str]) -> str:
    """One line: what is wrong with the evidence, what stands, what is new, what was accepted, on how many sites."""
    alerts = [finding for finding in findings if "action" in finding.details]
    standing = [finding for finding in alerts if finding.waived is None]
    counts = [(sum(a.details["action"] == action for a in standing), action) for action in ("FAIL", "WARN", "INFO")]
    found = ", ".join(f"{count} {action}" for count, action in counts if count) or "no alerts"
    more = [
        (sum(bool(alert.details["new"]) for alert in standing), "new"),
        (sum("resolved" in finding.details for finding in findings), "resolved"),
        (len(alerts) - len(standing), "waived"),
    ]
    extra = "".join(f", {count} {what}" for count, what in more if count)
    broken = [finding.title for finding in findings if finding.unusable]
    others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    why = f"{broken[0]}{others}; " if broken else ""
    return f"{why}{found}{extra} on {len(sites)} site{'s' if len(sites) != 1 else ''}"
