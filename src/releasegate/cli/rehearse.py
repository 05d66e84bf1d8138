"""`releasegate rehearse`: a whole release on this machine."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.interrupt import one_way_to_end
from releasegate.cli.live import live_view
from releasegate.cli.rollout import document
from releasegate.cli.world import build_world
from releasegate.errors import InputError
from releasegate.rehearsal.house import SERVICE, VERSION, WINDOW
from releasegate.rehearsal.rehearse import Options
from releasegate.rehearsal.rehearse import rehearse as play
from releasegate.rehearsal.sample.behaviour import SCENARIOS, Fault
from releasegate.render.story import text


@click.command(cls=Verb)
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default="healthy", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed plays the same release.")
@click.option("--keep", metavar="DIR", help="Leave everything in this new folder.")
@click.option("--prometheus", is_flag=True, help="Start a real Prometheus and watch through it.")
@click.option("--fault", metavar="KIND:ROUTE:FACTOR", multiple=True, help="One more fault of the canary.")
@pass_app
def rehearse(app: App, scenario: str, seed: int, keep: str | None, *, prometheus: bool, fault: tuple[str, ...]) -> int:
    """Play a whole release: candidate, gates, 5% of live traffic, the judge, and all of it or back."""
    for text_ in fault:
        _check(text_)
    folder = Path(keep) if keep is not None else None
    options = Options(scenario=scenario, seed=seed, keep=folder, prometheus=prometheus, faults=fault)
    interactive = not app.json and sys.stderr.isatty()

    with one_way_to_end(), live_view(app, f"{SERVICE} v{VERSION}", WINDOW, interactive=interactive) as tell:
        result, story = play(
            options,
            lambda repo, documents: build_world(replace(app, directory=repo, policy_path=None), documents),
            tell,
        )
    app.emit(document(result), text(story))
    return result.exit_code


def _check(fault: str) -> None:
    try:
        Fault.parse(fault)
    except ValueError as error:
        raise InputError(
            str(error), where="--fault", remedy="write KIND:ROUTE:FACTOR, as errors:/api/cart:6"
        ) from error
