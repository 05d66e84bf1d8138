"""What is so now, for the first question at 3 a.m. Reads, and changes nothing; what does not answer says so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from releasegate.errors import MetricsError, ReleasegateError
from releasegate.forge.port import Tag
from releasegate.ledger.colours import other
from releasegate.ledger.event import STAGES
from releasegate.ledger.state import State, fold
from releasegate.metrics.port import CountSource
from releasegate.policy.model import Policy
from releasegate.policy.zones import beside
from releasegate.runbook.aim import aim_or_join
from releasegate.runbook.flow import requests_of
from releasegate.runbook.journal import Journal
from releasegate.runbook.tagged import tagged
from releasegate.traffic.port import Traffic

POLLS = 4
"""Intervals over which the split is measured."""


@dataclass(slots=True)
class Status:
    """Lines for a person and a document for a machine, filled in together."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    """What is told, and what there is to tell of it."""
    document: dict[str, Any] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    """What could not be told, because something did not answer."""

    def add(self, name: str, text: str, **facts: Any) -> None:
        """Tell one thing."""
        self.lines.append((name, text))
        self.document.update(facts)

    def ask(self, name: str, answer: Callable[[], tuple[str, Mapping[str, Any]]]) -> None:
        """Tell one thing that something outside has to be asked for."""
        try:
            text, facts = answer()
        except ReleasegateError as error:
            self.unanswered.append(name)
            text, facts = f"NOT KNOWN: {error}", {}
        self.add(name, text, **facts)

    def silent(self, names: Sequence[str]) -> None:
        """Tell that these stand in the ledger, which could not be read."""
        for name in names:
            self.unanswered.append(name)
            self.add(name, "NOT KNOWN: the ledger could not be read")


def status(
    policy: Policy,
    journal: Journal,
    traffic: Traffic | None,
    counts: Callable[[], CountSource] | None,
    now: datetime,
    tags: Callable[[], Sequence[Tag]] = tuple,
) -> Status:
    """Ask everything once. `counts` is None where the source remembers nothing of the last minute; `tags` gives git's,
    which count where nothing splits the traffic.
    """
    found = Status()
    state = State()

    def of_ledger() -> tuple[str, Mapping[str, Any]]:
        nonlocal state
        state = fold(journal.events(), {"service": policy.service, "environment": policy.environment})
        state = state if traffic is not None else tagged(state, policy, tags())
        live = state.release(state.live) if state.live else None
        if live is None or live.settled is None:
            return "nothing that the ledger knows of", {"live": None}
        return f"{live.name} since {moment(live.settled, policy)} ({live.commit[:12]})", {"live": live.name}

    found.add("now", moment(now, policy), now=f"{now:%Y-%m-%dT%H:%M:%SZ}")
    found.ask("live", of_ledger)
    known = "live" not in found.unanswered
    if policy.blue_green and known:
        _colours(found, state)
    if traffic is not None:
        found.ask("split", lambda: _split(traffic, state if known else None))
        found.ask("measured", lambda: _measured(policy, counts, now))
    if not known:
        found.silent(["running", "rollback", *(["kill switch"] if policy.kill_switch is not None else [])])
        return found
    _running(found, state, policy)
    _rollback(found, state)
    _kill_switch(found, state, policy)
    return found


def moment(at: datetime, policy: Policy) -> str:
    """A moment in UTC, and the local time beside it where that is another."""
    return f"{at:%Y-%m-%d %H:%M} UTC{beside(at, policy.timezone, '%H:%M')}"


def _split(traffic: Traffic, state: State | None) -> tuple[str, Mapping[str, Any]]:
    """The split, held against what the ledger has, where that answers."""
    split = traffic.split()
    if state is None:
        return f"{split.weight:.0%} to the canary ({split.description})", {"split": split.weight}
    asked = state.split.weight if state.split else 0.0
    other = "" if asked == split.weight else f"; the ledger has {asked:.0%}: somebody else changed it"
    return f"{split.weight:.0%} to the canary ({split.description}){other}", {"split": split.weight, "recorded": asked}


def _measured(policy: Policy, counts: Callable[[], CountSource] | None, now: datetime) -> tuple[str, Mapping[str, Any]]:
    if counts is None or policy.canary is None:
        return "not here: metrics pages remember nothing", {"measured": None}
    source, canary = counts(), policy.canary
    seconds = POLLS * canary.interval
    source.advance(now.timestamp() - seconds)
    poll = source.advance(now.timestamp())
    requests = requests_of(canary, poll)
    if requests is None or not sum(requests.values()):
        for problem in poll.problems.values():
            raise MetricsError(problem)
        return f"no request in {seconds:.0f} s", {"measured": None}
    share = requests["canary"] / sum(requests.values())
    return f"{share:.1%} of {sum(requests.values()):.0f} requests in {seconds:.0f} s", {"measured": share}


def _colours(found: Status, state: State) -> None:
    """Blue-green: which colour users are on, and what the other one holds."""
    colours = state.colours
    idle, holds = other(colours.live), colours.holds
    kept = state.release(holds[idle]) if holds.get(idle) else None
    text = f"{colours.live} is live; {idle} is idle and holds {kept.name if kept else 'nothing that is known'}"
    found.add("colours", text, colour=colours.live, idle_holds=kept.name if kept else None)


def _running(found: Status, state: State, policy: Policy) -> None:
    if state.rollback is not None:
        what, event, stage = f"rollback of {state.rollback.data.get('from')}", state.rollback, None
    elif state.rollout is not None:
        done = len(state.rollout.stages)
        stage = next((name for name in STAGES if name not in state.rollout.stages), STAGES[-1])
        held = state.rollout.decision is not None and state.rollout.decision.data.get("decision") == "inconclusive"
        what = f"rollout of {state.rollout.tag}, {done} of {len(STAGES)} stages done, next: {stage}"
        what, event = f"{what}{' (HELD: inconclusive)' if held else ''}", state.rollout.started
    else:
        found.add("running", "nothing", running=None)
        return
    found.add(
        "running", f"{what}; since {moment(event.time, policy)}; {state.run}",
        running={"what": what, "stage": stage, "run": state.run, "since": f"{event.time:%Y-%m-%dT%H:%M:%SZ}"},
    )  # fmt: skip


def _rollback(found: Status, state: State) -> None:
    """What `rollback` would do now."""
    known = state.rolled_back
    would = aim_or_join(state, None, None)
    leaving, good = would.leaving, would.to
    done = "has taken back" if known is not None and state.rollback is None else "would take back"
    text = f"{done} {leaving or 'the canary'}, to {good or 'NO release that is known to be good'}"
    found.add("rollback", text, rollback={"from": leaving, "to": good})


def _kill_switch(found: Status, state: State, policy: Policy) -> None:
    if policy.kill_switch is None and state.kill_switch is None:
        return
    event = state.kill_switch
    on = event is not None and event.kind == "kill-switch.on"
    since = f" since {moment(event.time, policy)} ({event.actor.name})" if event is not None else ""
    found.add("kill switch", f"{'ON: the agents are stopped' if on else 'off'}{since}", kill_switch=on)
