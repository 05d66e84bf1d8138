"""`releasegate gate stamp`: write the commit that evidence belongs to beside it."""

from pathlib import Path

import click

from releasegate.cli.app import App, Verb, pass_app
from releasegate.cli.evidence import commit_time
from releasegate.errors import InputError
from releasegate.gates.subject import SUBJECT_FILE, Stamp, checked_commit, write_stamp


@click.command(cls=Verb)
@click.argument("folders", metavar="FOLDER…", nargs=-1, required=True)
@click.option("--commit", metavar="SHA", help="The commit that was tested; HEAD by default.")
@click.option("--tag", metavar="TAG", help="The release candidate on it.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
@pass_app
def stamp(app: App, folders: tuple[str, ...], commit: str | None, tag: str | None, dry_run: bool) -> int:
    """Write the commit that the evidence in each FOLDER belongs to beside it, for `gate run` to read."""
    missing = next((folder for folder in folders if not (app.directory / folder).is_dir()), None)
    if missing is not None:
        raise InputError("is no folder", where=missing, remedy="name the folder that holds the reports")
    statement = _statement(app, commit, tag)
    paths = [str(Path(folder) / SUBJECT_FILE) for folder in folders]
    for path in paths:
        if not dry_run:
            app.write(path, write_stamp(statement))
    document = {"commit": statement.commit, "tag": tag, "written": [] if dry_run else paths}
    app.emit(document, "\n".join(f"{'would write ' if dry_run else ''}{path}: {statement.commit}" for path in paths))
    return 0


def _statement(app: App, commit: str | None, tag: str | None) -> Stamp:
    """The commit and its time; without a repository that knows the commit, its time stays unknown."""
    sha = app.forge().resolve(tag or "HEAD") if commit is None else checked_commit(commit, "--commit")
    return Stamp(sha, tag, commit_time(app, sha))
