"""Will the runbook work here? Each finding is green (`info`), yellow (`warn`) or red (`error`), with its fix."""

import re
from collections.abc import Callable, Iterator

from releasegate.errors import OutsideError, ReleasegateError
from releasegate.flags.document import FlagFile
from releasegate.forge.host import Health
from releasegate.forge.port import Forge
from releasegate.metrics.port import CountSource
from releasegate.policy.migrations import Migrations
from releasegate.policy.model import Policy
from releasegate.runbook.outside import Shell
from releasegate.verdict import Finding, Level

UNREACHED = re.compile(r": (DNS|TCP): |: no answer in time|: the connection broke off")
"""In the words of a connection that failed."""
LIGHTS = {Level.INFO: "green", Level.WARN: "yellow", Level.ERROR: "red"}


def green(check: str, title: str) -> Finding:
    """It will work."""
    return Finding(check=check, level=Level.INFO, title=title)


def yellow(check: str, title: str, fix: str) -> Finding:
    """It will work in part, or cannot be told."""
    return Finding(check=check, level=Level.WARN, title=title, details={"fix": fix})


def red(check: str, title: str, fix: str) -> Finding:
    """It will not work."""
    return Finding(check=check, level=Level.ERROR, title=title, details={"fix": fix})


def line(finding: Finding) -> str:
    """The finding as a person reads it."""
    fix = finding.details.get("fix")
    return f"{LIGHTS[finding.level]:<6}  {finding.check}: {finding.title}{f'; {fix}' if fix else ''}"


def asked(check: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What `ask` finds; its own failure is red, and the cause is named."""
    try:
        yield from ask()
    except ReleasegateError as error:
        place = f"{error.where}: " if error.where else ""
        yield red(check, f"{place}{error.what}", error.remedy or "mend this first")


def repository(forge: Forge) -> Iterator[Finding]:
    """Can the repository be reached, and who acts?"""
    yield green("repository", f"{forge.home} answers; the default branch is {forge.default_branch()}")
    actor = forge.actor()
    vouched = "vouched for by the host" if actor.verified else "which nobody vouches for"
    yield green("actor", f"{actor.name}, {vouched}")


def flag_file(forge: Forge, policy: Policy) -> Iterator[Finding]:
    """Is the flag file there, and does it hold the flags that the policy names?"""
    branch, path = policy.release.branch, policy.flags.file
    found = forge.read(path, branch)
    if found is None:
        yield red("flag file", f"there is no {path} on {branch}", "commit it, or name it in the policy: `flags.file`")
        return
    file = FlagFile.parse(found.content, path)
    wanted = [policy.traffic.flag.name] if policy.traffic is not None and policy.traffic.flag is not None else []
    wanted += [*policy.rollback.flags.off, *([policy.kill_switch.flag] if policy.kill_switch is not None else [])]
    missing = [name for name in dict.fromkeys(wanted) if name not in file.names()]
    if missing:
        yield red("flag file", f"{path} has no flag {', '.join(missing)}", "add it, or mend its name in the policy")
    else:
        yield green(
            "flag file", f"{path} on {branch} holds {', '.join(dict.fromkeys(wanted)) or 'no flag of the policy'}"
        )


def migrations(forge: Forge, rules: Migrations, branch: str, shell: Shell) -> Iterator[Finding]:
    """Are the migrations where the policy says, and does the tool tell the database's state?"""
    files = forge.files(rules.directory, branch)
    if not files:
        yield red("migrations", f"there is no folder {rules.directory} on {branch}", "mend `rollback.migrations`")
        return
    try:
        shell(rules.status, {})
    except OutsideError as error:
        fix = "run doctor where a rollback would run, or mend `rollback.migrations.status`"
        yield yellow("migrations", f"the database's state cannot be read here: {error.what}", fix)
    else:
        yield green("migrations", f"{len(files)} files in {rules.directory} on {branch}; the database's state is told")


def metrics(source: CountSource, now: float) -> Iterator[Finding]:
    """Do the queries return series for both tracks?"""
    poll = source.advance(now)
    if not poll.problems:
        yield green("metrics", "every SLI has series on both tracks")
    away = {problem for problem in poll.problems.values() if UNREACHED.search(problem)}
    for problem in sorted(away):
        what, _, fix = problem.partition("; ")
        yield red("metrics", what, f"{fix} A runner that cannot reach it: use `runs-on` of one that can")
    for name, problem in sorted(poll.problems.items()):
        if problem in away:
            continue
        track = name.rpartition("/")[2]
        if track == "canary":  # before a rollout there need not be one
            yield yellow("metrics", f"{name}: {problem}", "it must have series once the canary runs")
        else:
            yield red("metrics", f"{name}: {problem}", "see docs/label-your-metrics.md")


def host(health: Health, policy: Policy) -> Iterator[Finding]:
    """Will the host let the procedures do what they must?"""
    yield from _token(health)
    yield from _branch(health, policy)
    yield from _environment(health, policy)
    yield from _watchdog(health)


def _token(health: Health) -> Iterator[Finding]:
    enough = {"repo"} if health.private else {"repo", "public_repo"}
    if health.scopes is not None and not enough & set(health.scopes):
        yield red("token", f"its scopes are {', '.join(health.scopes) or 'none'}", "it needs the scope `repo`")
    elif health.may_push is False:
        yield red("token", "it may read only", "give it `contents: write` (or a person who may push)")
    elif health.may_push is None:
        yield yellow(
            "token", "what it may do is not told", "see that the job has `contents: write` and `issues: write`"
        )
    else:
        yield green("token", "it may write")


def _branch(health: Health, policy: Policy) -> Iterator[Finding]:
    branch = policy.release.branch
    if policy.flags.commit == "pull-request":
        yield from _by_pull_request(health, branch)
    elif policy.flags.commit == "patch":
        fix = "write flags.commit: direct, or have somebody at hand who may push at any hour"
        yield yellow("branch", "nothing is committed (flags.commit: patch): a person has to apply each patch", fix)
    elif health.refusals:
        fix = "put the GitHub App that runs it into the bypass list, or keep the flag file on a branch of its own"
        yield red("branch", f"a rollback would be refused on {branch}: {'; '.join(health.refusals)}", fix)
    elif not health.rules_known:
        fix = "give the token `administration: read`, or try `releasegate flags off` on a harmless flag"
        yield yellow("branch", f"{branch} is protected, and the token may not read how", fix)
    else:
        yield green("branch", f"a commit straight on {branch} is let through: a rollback lands")


def _by_pull_request(health: Health, branch: str) -> Iterator[Finding]:
    """A rollback then takes effect once somebody, or the host, merges it."""
    slow = f"a rollback waits until its pull request into {branch} is merged"
    if health.auto_merge is not False:
        yield yellow("branch", slow, "write flags.commit: direct where a commit straight on it can be let through")
    else:
        fix = "allow auto-merge in the repository's settings, or write flags.commit: direct"
        yield red("branch", f"{slow}, and nothing merges it by itself", fix)


def _environment(health: Health, policy: Policy) -> Iterator[Finding]:
    name = policy.environment
    if name in health.environments:
        reviewed = "somebody has to approve a deployment" if health.environments[name] else "nobody has to approve"
        yield green("environment", f"{name} is there; {reviewed}")
    else:
        yield yellow("environment", f"there is no environment {name}", "make it, if deployments are to be shown there")
    kinds = "reviews of pull requests, and a second person's own workflow run"
    if not health.private or any(health.environments.values()):
        kinds = f"reviews of environments, {kinds}"
        yield green("approvals", f"what counts here: {kinds}")
    else:
        fix = "reviews of environments need an Enterprise plan for a private repository"
        yield yellow("approvals", f"what counts here: {kinds}", fix)


def _watchdog(health: Health) -> Iterator[Finding]:
    """A runner can die: something that starts by itself has to take an unwatched canary back."""
    for path, text in sorted(health.workflows.items()):
        if "resume-or-rollback" in text and re.search(r"^\s*(schedule|workflow_run)\s*:", text, re.MULTILINE):
            yield green("watchdog", f"{path} goes on with a rollout whose runner died")
            return
    fix = "add a workflow with `schedule` that runs `releasegate rollout --resume-or-rollback`"
    yield yellow("watchdog", "no workflow would notice that a runner died during a canary", fix)
