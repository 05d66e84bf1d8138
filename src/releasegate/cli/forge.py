"""Which forge a command works on: GitHub's API, or git alone.

`--repo OWNER/NAME` names a repository on GitHub, `--repo local` this one through git. Without it, it is GitHub where
there is a token and either the checkout's `origin` lies on GitHub, or there is no checkout and a workflow runs this.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from releasegate.cli.actions import runner_identity
from releasegate.errors import ReleasegateError
from releasegate.forge.port import Forge

if TYPE_CHECKING:
    from releasegate.forge.github.api import Api

LOCAL = "local"
SERVER = "https://github.com"


def choose(
    directory: Path, repo: str | None, max_wait: float, sleep: Callable[[float], None]
) -> tuple[Forge, "Api | None"]:
    """The forge, and the connection to GitHub where it is one."""
    repository, head = _repository(directory, repo, os.environ)
    if repository is None:
        from releasegate.forge.local import LocalForge  # noqa: PLC0415  keeps `--help` fast

        return LocalForge(directory, identity=runner_identity(os.environ)), None
    from releasegate.forge.github.api import Patience  # noqa: PLC0415
    from releasegate.forge.github.connect import PUBLIC, Credentials, connect  # noqa: PLC0415
    from releasegate.forge.github.forge import GitHubForge  # noqa: PLC0415
    from releasegate.forge.github.mirror import Mirror  # noqa: PLC0415

    credentials = Credentials.of(os.environ)
    base_url = os.environ.get("GITHUB_API_URL") or PUBLIC
    api = connect(repository, credentials, base_url, Patience(max_wait=max_wait, sleep=sleep))
    run = os.environ.get("GITHUB_RUN_ID", "")
    number = int(run) if run.isdigit() else None
    private = _private(directory, repository, os.environ)
    server = (os.environ.get("GITHUB_SERVER_URL") or SERVER).rstrip("/")
    mirror = Mirror(private / "mirror.git", f"{server}/{repository}.git", api.token)
    forge = GitHubForge(api, head=head, run=number, by_app=credentials.by_app, private=private, mirror=mirror)
    return forge, api


def _repository(directory: Path, repo: str | None, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """`owner/name` on GitHub (None: not GitHub), and the commit that is checked out of it."""
    from releasegate.forge.github.connect import Credentials, repository_of  # noqa: PLC0415  keeps `--help` fast

    if repo == LOCAL:
        return None, None
    origin, head = _checkout(directory)
    server = environ.get("GITHUB_SERVER_URL") or SERVER
    here = repository_of(origin, server) if origin else None
    if repo is not None:
        return repo, head if here is None or here.lower() == repo.lower() else None
    if not Credentials.of(environ).given:
        return None, None
    if head is None and origin is None and environ.get("GITHUB_ACTIONS") == "true":
        return environ.get("GITHUB_REPOSITORY") or None, None
    return here, head


def _private(directory: Path, repository: str, environ: Mapping[str, str]) -> Path:
    """Where events wait that could not be recorded: inside the checkout's `.git`, else in the user's own state."""
    from releasegate.forge.local import LocalForge  # noqa: PLC0415  keeps `--help` fast

    try:
        return LocalForge(directory).private
    except ReleasegateError:
        state = environ.get("XDG_STATE_HOME")
        return (Path(state) if state else Path.home() / ".local" / "state") / "releasegate" / repository


def _checkout(directory: Path) -> tuple[str | None, str | None]:
    """The address of `origin` and the commit that is checked out; None for what there is not."""
    from releasegate.forge.git import Git  # noqa: PLC0415  keeps `--help` fast

    git = Git(directory)
    try:
        address = git.run("config", "--get", "remote.origin.url")
        head = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except ReleasegateError:  # without git there is no checkout
        return None, None
    return (None if address.code else address.text), (None if head.code else head.text)
