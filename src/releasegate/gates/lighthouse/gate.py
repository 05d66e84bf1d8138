"""Lighthouse runs and assertions to a verdict.

The checks are LHCI's (see `lhci`). Where LHCI says nothing, this gate speaks: a run that ended in an error, no run at
all, a set of assertions that fits no page, a key that asserts nothing, a preset older than the report.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from releasegate.gates.lighthouse.assertions import THRESHOLDS, AssertionSet, Config
from releasegate.gates.lighthouse.lhci import OPERATORS, Result, kebab, results
from releasegate.gates.lighthouse.presets import KNOWN_AUDITS, VERSION
from releasegate.gates.lighthouse.report import TABLES, Report
from releasegate.verdict import Evidence, Finding, Level, Subject, Verdict, conclude


@dataclass(frozen=True, slots=True)
class Page:
    """The comparable runs of one page: same URL, form factor, gather mode and step of a flow."""

    label: str
    url: str
    runs: tuple[Report, ...]

    @property
    def navigation(self) -> bool:
        """Whether the page was loaded; a timespan or snapshot runs only some of the audits."""
        return self.runs[0].gather_mode == "navigation"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What an assertion set found on a page."""

    page: Page
    asked: AssertionSet
    result: Result


def judge(
    reports: Sequence[Report],
    config: Config,
    evidence: Sequence[Evidence],
    subject: Subject,
    started: datetime,
    finished: datetime,
    *,
    problems: Sequence[Finding] = (),
    compatibility: bool = False,
) -> Verdict:
    """The verdict on the runs in `reports`, as `config` asks.

    `problems` are findings on evidence that could not be read. With `compatibility` the document has LHCI's own
    results and exit code too; `InputError` where LHCI throws.
    """
    usable = [report for report in reports if report.runtime_error is None]
    pages = group(usable)
    everything = [_Checked(p, asked, result) for p in pages for asked in config.sets for result in _on(p, asked)]
    checked = [one for one in everything if not _excused(one, usable)]
    findings = [
        *problems,
        *(_broken(report) for report in reports if report.runtime_error is not None),
        *_missing(reports, pages, config, problems),
        *(finding for asked in config.sets for finding in _mistakes(asked)),
        *_stale_presets(everything),
        *_findings(checked, config, usable),
    ]
    outcome = conclude(findings)
    return Verdict(
        gate="lighthouse",
        verdict=outcome,
        summary=_summary(findings, checked, pages),
        findings=tuple(findings),
        evidence=tuple(evidence),
        subject=subject,
        started=started,
        finished=finished,
        extra={"compatibility": peer(reports, config)} if compatibility else {},
    )


def lint(config: Config, reports: Sequence[Report]) -> tuple[Finding, ...]:
    """What is wrong with the configuration itself, and with how it fits the reports, if there are any."""
    usable = [report for report in reports if report.runtime_error is None]
    pages = group(usable)
    everything = [_Checked(p, asked, result) for p in pages for asked in config.sets for result in _on(p, asked)]
    missing = [one for one in everything if one.result.name == "auditRan" and not _excused(one, usable)]
    return (
        *(finding for asked in config.sets for finding in _mistakes(asked)),
        *_unmatched(pages, config),
        *_stale_presets(everything),
        *_findings(missing, config, usable),
    )


def group(reports: Iterable[Report]) -> list[Page]:
    """The runs by page, in the order in which the pages appear."""
    found: dict[tuple[str, ...], list[Report]] = {}
    for report in reports:
        key = (report.url, report.form_factor, report.gather_mode, report.step)
        found.setdefault(key, []).append(report)
    urls = [key[0] for key in found]
    return [Page(_label(key) if urls.count(key[0]) > 1 else key[0], key[0], tuple(runs)) for key, runs in found.items()]


def peer(reports: Sequence[Report], config: Config) -> dict[str, object]:
    """What `lhci assert` would have said of the same files: its exit code and its results."""
    by_url: dict[str | None, list[Report]] = {}
    for report in reports:
        by_url.setdefault(report.final_url, []).append(report)
    found = [
        result
        for url, runs in by_url.items()
        for asked in config.sets
        if asked.pattern is None or asked.pattern.search(url or "undefined")
        for result in results(asked, runs, url or "")
    ]
    failed = any(not result.passed and result.level == "error" for result in found)
    shown = [result.document() for result in found if config.include_passed or not result.passed]
    return {"exit_code": int(failed), "results": shown}


def _label(key: tuple[str, ...]) -> str:
    url, form_factor, gather_mode, step = key
    return f"{url} ({', '.join(part for part in (form_factor, gather_mode, step) if part)})"


def _on(page: Page, asked: AssertionSet) -> list[Result]:
    if asked.pattern is not None and not asked.pattern.search(page.url):
        return []
    return results(asked, page.runs, page.url, median_categories=True)


def _broken(report: Report) -> Finding:
    return Finding(
        check="runtimeError",
        level=Level.ERROR,
        title="Lighthouse ended this run with an error: run it again",
        observed=(report.runtime_error or "")[:300],
        where=f"{report.requested_url or report.url} in {report.path}",
        unusable=True,
    )


def _missing(
    reports: Sequence[Report], pages: Sequence[Page], config: Config, problems: Sequence[Finding]
) -> list[Finding]:
    """What there should have been: runs, and a page for every assertion set."""
    found: list[Finding] = []
    if not reports and not any(problem.unusable for problem in problems):
        title = "there is no Lighthouse report: run Lighthouse, or fetch its artifact"
        found.append(_unusable("reports", title, "at least one run"))
    if config.matrix and not config.sets:
        found.append(_unusable("assertMatrix", "the matrix has no entry, so that nothing was asserted"))
    return [*found, *_unmatched(pages, config)]


def _unmatched(pages: Sequence[Page], config: Config) -> list[Finding]:
    title = "this matchingUrlPattern matches none of the pages, so that nothing was asserted"
    urls = ", ".join(page.url for page in pages)[:300]
    patterns = [asked.pattern for asked in config.sets if asked.pattern is not None]
    return [
        _unusable("matchingUrlPattern", title, pattern.pattern, urls)
        for pattern in patterns
        if pages and not any(pattern.search(page.url) for page in pages)
    ]


def _unusable(check: str, title: str, expected: str = "", observed: str = "") -> Finding:
    return Finding(check=check, level=Level.ERROR, title=title, expected=expected, observed=observed, unusable=True)


def _mistakes(asked: AssertionSet) -> list[Finding]:
    """Assertions that LHCI passes over without a word."""
    found: list[Finding] = []
    if all(assertion.level == "off" for assertion in asked.assertions.values()):
        found.append(Finding(check="assertions", level=Level.WARN, title="nothing is asserted"))
    for key, assertion in asked.assertions.items():
        if assertion.level == "off":
            continue
        right = kebab(key)
        audit, *props = [part for part in right.replace(".", ":").split(":") if part] or [""]
        if right != key:
            found.append(_ignored(key, "asserts nothing in LHCI, whose audit ids have no capitals", right))
        elif props and audit not in ("categories", *TABLES):
            found.append(_ignored(key, f"`{audit}` has no properties, so that LHCI asserts `{audit}`", props[-1]))
        for option in assertion.unknown:
            near = get_close_matches(option, (*THRESHOLDS, "aggregationMethod"), 1) or [" or ".join(THRESHOLDS)]
            title = f"LHCI does not know the option `{option}` and passes over it"
            found.append(Finding(check=key, level=Level(assertion.level), title=title, expected=near[0]))
    return found


def _ignored(key: str, title: str, right: str) -> Finding:
    return Finding(check=key, level=Level.ERROR, title=title, expected=right, observed=key)


def _findings(checked: Sequence[_Checked], config: Config, usable: Sequence[Report]) -> list[Finding]:
    """The checks that failed, and with `includePassedAssertions` those that passed."""
    ids = {audit for report in usable for audit in report.audits}
    return [_finding(one, ids) for one in checked if config.include_passed or not one.result.passed]


def _excused(one: _Checked, usable: Sequence[Report]) -> bool:
    """Whether this is an audit that did not run and need not have: the preset's age, or the step's kind, tells why."""
    if one.result.name != "auditRan":
        return False
    if one.page.navigation:
        return _from_preset(one) and _newer(one.page)
    audit, prop = one.result.audit, one.result.prop
    return _from_preset(one) or any(
        prop in report.categories if audit == "categories" else audit in report.audits for report in usable
    )


def _newer(page: Page) -> bool:
    """Whether the page's Lighthouse is newer than the one that the presets were written for."""
    numbers = [part for part in page.runs[0].version.split(".") if part.isascii() and part.isdigit()]
    return tuple(int(part[:6]) for part in numbers) > VERSION


def _stale_presets(checked: Sequence[_Checked]) -> list[Finding]:
    """One finding for a preset that names audits which the report's newer Lighthouse no longer has."""
    gone: dict[tuple[str | None, str], set[str]] = {}
    for one in checked:
        if one.result.name == "auditRan" and one.page.navigation and _from_preset(one) and _newer(one.page):
            gone.setdefault((one.asked.preset, one.page.runs[0].version), set()).add(one.result.audit)
    return [
        _unusable(
            str(preset),
            f"the preset is older than the report: {len(audits)} of its audits are gone; list your own assertions",
            f"Lighthouse {'.'.join(map(str, VERSION))}",
            f"Lighthouse {version}",
        )
        for (preset, version), audits in gone.items()
    ]


def _from_preset(one: _Checked) -> bool:
    return one.asked.preset is not None and one.result.key not in one.asked.stated


def _finding(one: _Checked, ids: set[str]) -> Finding:
    result = one.result
    level = Level.INFO if result.passed else Level(result.level)
    title = result.title or (f"the {result.prop} score" if result.audit == "categories" else result.key)
    if result.name == "auditRan":
        unknown = result.audit not in KNOWN_AUDITS and result.audit != "categories"
        level = Level.ERROR if unknown else level
        near = get_close_matches(result.audit, ids, 1) if unknown else []
        title = f"did not run on this page{f'; did you mean {near[0]}?' if near else ''}"
    elif result.message:
        title = f"{title}: {result.message}"
    return Finding(
        check=result.key,
        level=level,
        title=title,
        expected="to have run" if result.name == "auditRan" else f"{OPERATORS[result.name]} {figure(result.expected)}",
        observed="missing" if result.name == "auditRan" else figure(result.actual),
        where=one.page.label,
        details=result.document(),
    )


def figure(value: float | None) -> str:
    """A number as people write it: no `.0`, and nothing where there was no value."""
    if value is None:
        return "no value"
    return str(int(value)) if float(value).is_integer() else repr(value)


def _summary(findings: Sequence[Finding], checked: Sequence[_Checked], pages: Sequence[Page]) -> str:
    """`2 of 41 checks failed on 3 pages`, after what makes the verdict inconclusive."""
    unusable = [finding for finding in findings if finding.unusable]
    failed = sum(not finding.unusable and finding.level is not Level.INFO for finding in findings)
    runs = _plural(sum(len(page.runs) for page in pages), "run")
    said = f"{failed} of {max(len(checked), failed)} checks failed on {_plural(len(pages), 'page')} ({runs})"
    return f"{unusable[0].title}{_more(unusable)}; {said}" if unusable else said


def _more(unusable: Sequence[Finding]) -> str:
    return f" (and {len(unusable) - 1} more)" if len(unusable) > 1 else ""


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
