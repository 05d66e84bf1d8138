"""What an earlier report knew: which instances are new, and which are resolved.

An instance is the same in two scans if site, `alertRef`, place, method and parameter are: the place is ZAP's
`nodeName` where both reports have it, else the address without ids, tokens and values. A systemic alert, of which ZAP
lists a few instances only, is compared as a whole.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.zap.address import path_place, place, shown
from releasegate.gates.zap.read import read_report
from releasegate.gates.zap.report import Alert, Confidence, Instance, Node
from releasegate.verdict import Finding, Level

_Key = tuple[str, str, str, str, str]
_Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What a scan found, looked up by instance."""

    nodes: frozenset[_Key]
    """By `nodeName`."""
    bare: frozenset[_Key]
    """By address, of instances without `nodeName`."""
    paths: frozenset[_Key]
    """By address, of all instances."""
    systemic: frozenset[_Id]
    """Alerts of which ZAP does not list all instances."""
    alerts: frozenset[_Id]

    def has(self, alert: Alert, instance: Instance) -> bool:
        """Whether `instance` of `alert` was found."""
        return any(self._has((alert.site, one), instance, alert.systemic) for one in _asked(alert))

    def knows(self, alert: Alert) -> bool:
        """Whether `alert` was found anywhere on its site."""
        return any((alert.site, one) in self.alerts for one in _asked(alert))

    def _has(self, at: _Id, instance: Instance, systemic: bool) -> bool:
        if at in (self.alerts if systemic else self.systemic):
            return True
        if not _node(instance):
            return _key(at, path_place(instance.uri), instance) in self.paths
        by_path = self.bare and _key(at, path_place(instance.uri), instance) in self.bare
        return bool(by_path) or _key(at, place(instance), instance) in self.nodes


def read_known(content: bytes, path: str) -> tuple[Alert, ...]:
    """The alerts of an earlier report; `InputError` where it cannot be judged, since then nothing would be known."""
    try:
        report = read_report(content, path, nodes=True)
    except InconclusiveError as error:
        raise InputError(error.what, where=path, remedy="name an earlier ZAP report with --known") from error
    return report.alerts


def known(alerts: Iterable[Alert]) -> Known:
    """`alerts`, ready to be looked up."""
    found = [(alert, (alert.site, one)) for alert in alerts for one in _told(alert)]
    places = [(at, instance) for alert, at in found for instance in alert.instances]
    return Known(
        nodes=frozenset(_key(at, place(instance), instance) for at, instance in places if _node(instance)),
        bare=frozenset(_key(at, path_place(one.uri), one) for at, one in places if not _node(one)),
        paths=frozenset(_key(at, path_place(instance.uri), instance) for at, instance in places),
        systemic=frozenset(at for alert, at in found if alert.systemic),
        alerts=frozenset(at for _, at in found),
    )


def resolved(before: Sequence[Alert], now: Known, sites: Collection[str]) -> list[Finding]:
    """What `before` held and `now` does not, on the sites that were scanned this time; one finding for each alert."""
    findings = []
    for alert in before:
        if alert.dropped or alert.confidence is Confidence.FALSE_POSITIVE or alert.site not in sites:
            continue
        gone = [instance for instance in alert.instances if not now.has(alert, instance)]
        if gone:
            findings.append(
                Finding(
                    check=alert.ref,
                    level=Level.INFO,
                    title=f"resolved: {alert.name}",
                    observed=f"gone from {len(gone)} of {len(alert.instances)} places",
                    where=shown(gone[0].uri),
                    details={"alertRef": alert.ref, "site": alert.site, "resolved": len(gone)},
                )
            )
    return findings


def _told(alert: Alert) -> tuple[str, str]:
    """The ids that a found alert answers to: its own, and its rule's for reports that do not tell kinds apart."""
    return alert.ref, f"{alert.plugin}-*"


def _asked(alert: Alert) -> tuple[str, str]:
    """The ids under which an alert may have been found: as it is, or by a report with less, or with more, detail."""
    return (alert.ref, alert.plugin) if alert.ref != alert.plugin else (alert.ref, f"{alert.plugin}-*")


def _node(instance: Instance) -> bool:
    return isinstance(instance, Node) and bool(instance.node)


def _key(at: _Id, where: str, instance: Instance) -> _Key:
    return (*at, where, instance.method, instance.param)
