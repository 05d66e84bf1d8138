"""What is odd about a rules file, although it can be read: lines that do nothing, or not what they seem to."""

from collections.abc import Sequence

from releasegate.gates.zap.registry import retired, unknown
from releasegate.gates.zap.report import Alert
from releasegate.gates.zap.rules import Rules
from releasegate.verdict import Finding, Level

UNKNOWN = "no rule of ZAP has this id, so that the line decides nothing: see https://www.zaproxy.org/docs/alerts/"


def lint(rules: Rules, alerts: Sequence[Alert] | None) -> tuple[Finding, ...]:
    """Remarks on `rules`, and on what they do to `alerts`; None where no report is at hand."""
    return (*_for_the_action(rules), *_ids(rules), *(_unmatched(rules, alerts) if alerts is not None else ()))


def _remark(rules: Rules, line: int, check: str, title: str, level: Level = Level.INFO) -> Finding:
    return Finding(check=check, level=level, title=title, where=f"{rules.path}:{line}" if line else rules.path)


def _for_the_action(rules: Rules) -> list[Finding]:
    if not rules.levels and not rules.scopes:
        return [_remark(rules, 0, "rules", "the file has no rule")]
    if any(rule.level == "IGNORE" for rule in rules.levels.values()):
        return []
    title = (
        "ZAP's own GitHub actions pass a rules file on only if a line of it says IGNORE: there the others do nothing"
    )
    return [_remark(rules, 0, "rules", title, Level.WARN)]


def _ids(rules: Rules) -> list[Finding]:
    found = list(unknown_ids(rules))
    for key, rule in rules.levels.items():
        plugin = key.partition("-")[0]
        if retired(plugin):
            title = "is never raised: ZAP no longer has this rule, or looks for the same by another"
            found.append(_remark(rules, rule.line, key, title, Level.WARN))
        elif "-" in key and plugin and not unknown(plugin):
            title = "ZAP's own scans know no `alertRef` in a rules file: this line counts in this gate alone"
            found.append(_remark(rules, rule.line, key, title))
    return found


def unknown_ids(rules: Rules) -> tuple[Finding, ...]:
    """A warning for each line about a rule that ZAP does not have."""
    lines = [(key, rule.line) for key, rule in rules.levels.items()]
    lines += [(scope.id, scope.line) for scope in rules.scopes]
    return tuple(
        _remark(rules, line, key, UNKNOWN, Level.WARN) for key, line in lines if unknown(key.partition("-")[0])
    )


def _unmatched(rules: Rules, alerts: Sequence[Alert]) -> list[Finding]:
    """Lines that decide about something which the reports do not hold."""
    ids = {one for alert in alerts for one in (alert.ref, alert.plugin)}
    dead = [(key, rule) for key, rule in rules.levels.items() if key not in ids and not unknown(key.partition("-")[0])]
    title = "no alert in these reports has this id: is the line still needed, and the number right?"
    found = [_remark(rules, rule.line, key, title) for key, rule in dead]
    places = [(alert, instance.uri) for alert in alerts for instance in alert.instances]
    for scope in rules.scopes:
        concerned = [uri for alert, uri in places if scope.id in ("*", alert.ref, alert.plugin)]
        if not any(scope.address.match(uri) for uri in concerned):
            pattern = scope.address.pattern[:80]
            title = (
                "this pattern, matched from the start of an address, fits none of the addresses in these reports: "
                f"{pattern}"
            )
            found.append(_remark(rules, scope.line, scope.id, title, Level.WARN))
    return found
