"""`releasegate canary plan`: what a canary will be able to catch, before the release."""

from typing import Any

import click

from releasegate.canary.power import Plan
from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.quantities import DURATION, SHARE

DEFAULTS = {"weight": 0.05, "window": 1800.0, "interval": 15.0, "false_abort": 0.01}
"""Where neither an option nor the policy says otherwise."""


@click.command("plan", cls=Verb)
@click.option("--requests", type=click.FloatRange(min=0, min_open=True), required=True, help="A second, both tracks.")
@click.option("--errors", type=SHARE, required=True, help="The baseline's share of bad requests, such as 0.5%.")
@click.option(
    "--catch", type=click.FloatRange(min=1, min_open=True), default=2.0, help="The regression wished for [2]."
)
@click.option("--weight", type=SHARE, help="The canary's share of the traffic [policy, else 5%].")
@click.option("--window", type=DURATION, help="How long it is watched [policy, else 30m].")
@click.option("--interval", type=DURATION, help="Between polls [policy, else 15s].")
@click.option("--false-abort", type=SHARE, help="The risk of aborting a healthy canary [policy, else 1%].")
@click.option("--tolerate", type=click.FloatRange(min=1), default=1.0, help="How many times worse is accepted [1].")
@click.option(
    "--dispersion", type=click.FloatRange(min=1), default=1.0, help="Variance over mean of errors a poll [1]."
)
@click.option("--slis", type=click.IntRange(min=1), help="How many SLIs share the risk [policy, else 1].")
@pass_app
def plan(app: App, /, requests: float, errors: float, catch: float, slis: int | None, **options: Any) -> int:
    """Say what a canary of this traffic catches nine times in ten, and what it takes to catch more."""
    policy = app.find_policy()
    canary = policy.canary if policy else None
    for name, default in DEFAULTS.items():
        if options[name] is None:
            options[name] = getattr(canary, name) if canary else default
    number = slis or (len(canary.slis) if canary else 1)
    wanted = Plan(requests, errors, slis=number, **options)
    document = {
        "requests": requests,
        "errors": errors,
        "weight": wanted.weight,
        "window": wanted.window,
        "detectable": wanted.detectable(),
        "catch": {"ratio": catch, "weight": wanted.weight_for(catch), "window": wanted.window_for(catch)},
    }
    app.emit(document, describe(wanted, document))
    return 0


def describe(wanted: Plan, document: dict[str, Any]) -> str:
    """The plan as a person reads it."""
    seen = document["detectable"]
    caught = "nothing" if seen is None else f"{seen:.2g}x or worse" if seen < 100 else f"{seen:.0f}x or worse"
    start = f"With {100 * wanted.weight:.3g}% of {wanted.rate:g} requests/s, {_time(wanted.window)} catch {caught}"
    catch = document["catch"]
    if wanted.catches(catch["ratio"]):
        return f"{start}, nine times in ten."
    ways = []
    if catch["weight"] is not None:
        ways.append(f"{catch['weight']:.1%} of the traffic")
    if catch["window"] is not None:
        ways.append(_time(catch["window"]))
    needs = " or ".join(ways) if ways else "more traffic than this service has"
    return f"{start}, nine times in ten; for {catch['ratio']:g}x it takes {needs}."


def _time(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
