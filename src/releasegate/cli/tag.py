"""`releasegate tag`: candidates, releases, and what is known of them."""

import os

import click

from releasegate.cli.actions import set_environment, set_outputs
from releasegate.cli.app import App, Noun, pass_app
from releasegate.cli.quantities import written
from releasegate.cli.world import journal
from releasegate.errors import InputError, RepositoryError
from releasegate.runbook import tags


@click.group(cls=Noun)
def tag() -> None:
    """Release branches and tags."""


@tag.command("rc")
@click.argument("version", required=False)
@click.option("--commit", metavar="SHA", help="What to tag instead of the checkout's commit.")
@click.option("--dry-run", is_flag=True, help="Say which tag would be made, and make none.")
@pass_app
def rc(app: App, version: str | None, commit: str | None, dry_run: bool) -> int:
    """Tag a release candidate `<version>-rc.<n>` on its branch `release/<version>`.

    VERSION defaults to the next minor version after the newest release. Run again on the same commit, it finds the
    candidate that is there.
    """
    policy = app.policy()
    forge = app.forge()
    if commit is None and forge.name == "local":
        refuse_uncommitted(app)
    sha = forge.resolve(commit or "HEAD")
    found = tags.candidate(forge, journal(app, policy), policy, sha, version=version, dry_run=dry_run)
    if not dry_run:
        set_environment(os.environ, {"RC_TAG": found.tag})
        set_outputs(os.environ, {"tag": found.tag})
    document = {"schema": "releasegate/tag/1", "tag": found.tag, "commit": found.commit, "branch": found.branch}
    app.say(f"{_deed(found.made, dry_run)} {found.tag} on {found.commit[:12]} ({found.branch})")
    app.emit({**document, "made": found.made and not dry_run}, f"RC_TAG={found.tag}")
    return 0


@tag.command("release")
@click.argument("candidate", required=False)
@click.option("--dry-run", is_flag=True, help="Say which tag would be made, and make none.")
@pass_app
def release(app: App, candidate: str | None, dry_run: bool) -> int:
    """Give a candidate whose rollout has settled its release's tag; by default the one that is live."""
    policy, forge = app.policy(), app.forge()
    ledger = journal(app, policy)
    settled = tags.settled(ledger, policy, candidate)
    found = tags.find(forge, settled.candidate)
    if found is None:
        raise RepositoryError(f"the tag `{settled.candidate}` is gone", remedy="push it again from a clone that has it")
    name, commit = tags.release_name(policy, found), found.commit
    if not dry_run:
        made = tags.release(forge, ledger, policy, found)
        name, commit = made.name, made.commit
        set_outputs(os.environ, {"tag": name})
    app.emit({"schema": "releasegate/tag/1", "tag": name, "commit": commit, "candidate": found.name}, name)
    return 0


@tag.command("last-good")
@click.option("--before", metavar="TAG", help="Only releases older than this one.")
@pass_app
def last_good(app: App, before: str | None) -> int:
    """Print the last known good release: its evidence passed, it was rolled out, and nobody marked it bad."""
    policy = app.policy()
    found = tags.last_good(journal(app, policy), policy, before)
    set_outputs(os.environ, {"tag": found.name})
    document = {"schema": "releasegate/tag/1", "tag": found.name, "commit": found.commit, "candidate": found.candidate}
    app.emit(document, found.name)
    return 0


@tag.command("bad")
@click.argument("name", metavar="TAG")
@click.option("--reason", default="", metavar="TEXT", type=written, help="What is wrong with it.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@pass_app
def bad(app: App, name: str, reason: str, dry_run: bool) -> int:
    """Record that nobody should go back to the release TAG."""
    policy, forge = app.policy(), app.forge()
    if any(not c.isprintable() for c in reason):
        raise InputError("the reason holds control characters", remedy="write it on one line")
    if dry_run:
        marked = tags.find(forge, name) is not None
        app.emit({"schema": "releasegate/tag/1", "tag": name, "bad": marked}, f"would mark {name} as bad")
        return 0
    new = tags.mark_bad(forge, journal(app, policy), policy, name, reason)
    text = f"{name} is marked bad" if new else f"{name} was marked bad before"
    app.emit({"schema": "releasegate/tag/1", "tag": name, "bad": True, "made": new}, text)
    return 0


def refuse_uncommitted(app: App) -> None:
    """A candidate of the checkout must be what the person sees there."""
    from releasegate.forge.git import uncommitted  # noqa: PLC0415  keeps `tag --help` fast

    paths = uncommitted(app.directory)
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        raise RepositoryError(
            f"`{paths[0]}`{more} would not be in the candidate: not committed",
            remedy="commit or stash it, or name the commit with --commit HEAD",
        )


def _deed(made: bool, dry_run: bool) -> str:
    if not made:
        return "found"
    return "would tag" if dry_run else "tagged"
