"""A rollout's result as the story that reports tell."""

from releasegate.canary.judge import Judgement
from releasegate.canary.recording import parse
from releasegate.policy.load import FromEnvironment
from releasegate.render.story import Story
from releasegate.runbook.rollout import Result
from releasegate.runbook.stages import RECORDING
from releasegate.runbook.step import row
from releasegate.runbook.world import World


def story_of(world: World, result: Result) -> Story:
    """Everything that the last screen and the report tell of `result`."""
    policy = world.policy
    recording = world.documents / RECORDING
    recorded = None
    if recording.is_file():
        with recording.open(encoding="utf-8") as lines:
            recorded = next(parse(lines, RECORDING), None)
    return Story(
        service=policy.service,
        environment=policy.environment,
        tag=result.candidate.name,
        commit=result.candidate.commit,
        headline=result.headline,
        exit_code=result.exit_code,
        stages=tuple(map(row, result.stages)),
        rollback=tuple(map(row, result.rollback.outcomes)) if result.rollback else (),
        verdicts=result.verdicts,
        recording=recorded,
        sli_lines=_slis(result.judgement) if result.judgement else (),
        notes=_notes(result),
        break_glass=break_glass(world),
        timezone=policy.timezone,
    )


def break_glass(world: World) -> tuple[str, ...]:
    """Plain commands that take the canary back without this program."""
    policy, traffic = world.policy, world.policy.traffic
    if traffic is not None and traffic.haproxy is not None:
        at = traffic.haproxy
        servers = [(server, 0) for server in at.canary] + [(server, 100) for server in at.baseline]
        commands = "; ".join(f"set weight {at.backend}/{server} {weight}" for server, weight in servers)
        return tuple(f"echo '{commands}' | socat stdio {_socat(address)}" for address in at.sockets)
    if traffic is not None and traffic.command is not None:
        written = [part.written if isinstance(part, FromEnvironment) else part for part in traffic.command.set]
        return (" ".join(part.replace("{percent}", "0") for part in written),)
    if traffic is not None and traffic.document is not None:
        at_file = traffic.document
        return (
            f"git fetch origin && git switch --detach origin/{policy.release.branch}",
            f"$EDITOR {at_file.file}    # {at_file.canary}: 0, and {at_file.baseline}: 100",
            f"git commit -am 'Take the canary back by hand' && git push origin HEAD:{policy.release.branch}",
        )
    flag = traffic.flag.name if traffic is not None and traffic.flag is not None else "FLAG"
    return (
        f"git fetch origin && git switch --detach origin/{policy.release.branch}",
        f"$EDITOR {policy.flags.file}    # {flag}: set the percentage to 0, or switch it off",
        f"git commit -am 'Take {flag} back by hand' && git push origin HEAD:{policy.release.branch}",
    )


def _socat(address: str) -> str:
    return f"UNIX-CONNECT:{address}" if "/" in address or ":" not in address else f"TCP:{address}"


def _slis(judgement: Judgement) -> tuple[str, ...]:
    return tuple(_line(name, seen) for name, seen in judgement.document()["slis"].items())


def _line(name: str, seen: dict[str, object]) -> str:
    ratio, detectable = seen.get("ratio"), seen.get("detectable")
    parts = [f"{name}: {seen['decision']}"]
    if isinstance(ratio, list | tuple) and all(isinstance(value, int | float) for value in ratio):
        parts.append(f"canary / baseline {ratio[1]:.2f} (between {ratio[0]:.2f} and {ratio[2]:.2f})")
    if isinstance(detectable, dict) and isinstance(detectable.get("ratio"), int | float):
        parts.append(f"would have caught {detectable['ratio']:.1f} times worse")
    return ", ".join(parts)


def _notes(result: Result) -> tuple[str, ...]:
    if result.failed is None:
        return ()
    if result.rollback is None and result.judgement is not None:
        return ("the canary is held at its weight: wait and run it again, or take it back with `releasegate rollback`",)
    return ("look at the evidence above, mend the cause, and tag the next candidate",)
