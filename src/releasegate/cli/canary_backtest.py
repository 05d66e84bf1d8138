"""`releasegate canary backtest`: what a rule, and the judge, would have made of a service's past."""

import os
from random import Random
from typing import TYPE_CHECKING

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.quantities import DURATION, SHARE
from releasegate.errors import PolicyError, UsageError
from releasegate.policy.metrics import Prometheus, Tls
from releasegate.policy.selector import Selector, parse_selector

if TYPE_CHECKING:
    from releasegate.metrics.prometheus import PrometheusReader
    from releasegate.policy.canary import Canary

NAMED = ("argo: errors > 1%, 3 failures", "flagger: errors > 1%, 5 failures")
"""The rules where none is given: the thresholds are those of the peers' own examples."""

DEFAULTS = {"weight": 0.05, "window": 1800.0, "interval": 15.0, "false_abort": 0.01}
"""The planned canary where neither an option nor the policy says otherwise."""


@click.command("backtest", cls=Verb)
@click.option("--prometheus", "url", metavar="URL", help="A server that answers Prometheus' API [the policy's].")
@click.option("--errors", metavar="QUERY", required=True, help="The counter of failed requests, as a selector.")
@click.option("--total", metavar="QUERY", required=True, help="The counter of all requests.")
@click.option("--days", type=click.FloatRange(0.25, 366), default=14.0, show_default=True, help="How far back.")
@click.option(
    "--rule", "rules", metavar="RULE", multiple=True, help="'errors > 1%, 5 failures' [Argo's and Flagger's]."
)
@click.option("--releases", type=click.IntRange(2, 2000), default=96, show_default=True, help="How many at most.")
@click.option("--weight", type=SHARE, help="The planned share of the traffic [5%].")
@click.option("--window", type=DURATION, help="How long the canary is to be watched [30m].")
@click.option("--interval", type=DURATION, help="Between polls [15s].")
@click.option("--false-abort", type=SHARE, help="The risk of aborting a healthy canary [1%].")
@click.option("--catch", type=click.FloatRange(1, min_open=True), default=2.0, help="The regression wished for [2].")
@click.option("--token-from", metavar="NAME", help="The environment variable that holds a bearer token.")
@click.option("--tenant", help="Sent as X-Scope-OrgID.")
@click.option("--ca", type=click.Path(dir_okay=False), help="A file of certificates to trust in place of the usual.")
@click.option("--svg", metavar="FILE", help="Write the picture here.")
@click.option("--seed", type=int, default=1, help="Which pods are the canary: the same seed takes the same [1].")
@pass_app
def backtest(
    app: App, /, url: str | None, errors: str, total: str, rules: tuple[str, ...], days: float, releases: int,
    catch: float, svg: str | None, seed: int, token_from: str | None, tenant: str | None, ca: str | None,
    **planned: float | None,
) -> int:  # fmt: skip
    """Replay the past as canaries of what already ran: how often would they have been aborted for nothing?

    Only reads from Prometheus. QUERY is a counter: http_requests_total{code=~"5.."}. With --prometheus no policy is
    needed; without it the server, the weight, the window and the rest are the policy's.
    """
    from releasegate.canary.recording import Header  # noqa: PLC0415  keeps `--help` fast
    from releasegate.canary.rules import parse_rule  # noqa: PLC0415
    from releasegate.canary.sli import Kind, SliSpec  # noqa: PLC0415
    from releasegate.metrics.archive import Archive  # noqa: PLC0415
    from releasegate.render import backtest as render  # noqa: PLC0415
    from releasegate.runbook import backtest as procedure  # noqa: PLC0415

    now, canary = app.now(), None if url else _policy(app)
    for name, default in DEFAULTS.items():
        if planned[name] is None:
            planned[name] = getattr(canary, name) if canary else default
    header = Header("backtest", now, slis={"errors": SliSpec(Kind.RATIO)}, **planned)  # type: ignore[arg-type]
    if header.interval > header.window / 4:
        raise UsageError("fewer than four polls a window judge nothing", where="--interval", remedy="write 15s")
    question = procedure.Question(
        errors=_counter("--errors", errors), total=_counter("--total", total), days=days, releases=releases,
        rules=tuple(map(parse_rule, rules or NAMED)), header=header,
    )  # fmt: skip
    archive = Archive(_reader(url, canary, token_from, tenant, ca), question.total, header.interval)
    interval = header.interval
    end = now.timestamp() // interval * interval - interval
    found = procedure.backtest(archive, question, end, Random(seed).random)
    if svg:
        app.write(svg, render.svg(found).encode())
    app.emit({**found.document(catch), "summary": render.sentence(found, catch)}, render.text(found, catch))
    return 0


def _policy(app: App) -> "Canary":
    """The policy's canary, which says where the counts are."""
    policy = app.find_policy()
    if policy is None or policy.canary is None:
        raise UsageError("no server is named", remedy="give --prometheus URL, or a policy with a `canary`")
    return policy.canary


def _reader(
    url: str | None, canary: "Canary | None", token_from: str | None, tenant: str | None, ca: str | None
) -> "PrometheusReader":
    from releasegate.metrics.http_api import HttpApi  # noqa: PLC0415  keeps `--help` fast
    from releasegate.metrics.prometheus import PrometheusReader  # noqa: PLC0415
    from releasegate.metrics.source import prometheus_of  # noqa: PLC0415

    if url is not None:
        tls = Tls(ca=ca) if ca else None
        return PrometheusReader(HttpApi(Prometheus(url=url, bearer=_token(token_from), tenant=tenant, tls=tls)))
    if token_from or tenant or ca:
        raise UsageError("--token-from, --tenant and --ca belong to --prometheus", remedy="the policy says its own")
    reader = prometheus_of(canary) if canary else None
    if reader is None:
        raise UsageError("metrics pages have no past", remedy="give --prometheus URL")
    return reader


def _counter(option: str, text: str) -> Selector:
    try:
        return parse_selector(text)
    except PolicyError as error:
        raise UsageError(error.what, where=option, remedy=error.remedy) from error


def _token(name: str | None) -> str | None:
    """The token that the environment variable `name` holds: an argument would stand in the process list."""
    if name is None:
        return None
    if not os.environ.get(name):
        raise UsageError(f"the environment has no {name}", where="--token-from")
    return os.environ[name]
