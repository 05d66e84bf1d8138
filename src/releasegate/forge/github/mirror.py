"""A long history read through git instead of the API: two exchanges, where the API needs one for each commit."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

from releasegate.errors import ReleasegateError
from releasegate.forge import history
from releasegate.forge.git import Git
from releasegate.forge.port import Commit


class Mirror:
    """Branches of the repository at `url`, kept in the bare repository `folder`.

    `token` is asked for when it is needed, and handed to git in its environment: no argument list and no file holds it.
    """

    many = 40
    """New commits from which on git is asked."""

    def __init__(self, folder: Path, url: str, token: Callable[[], str]) -> None:
        self._git = Git(folder)
        self._url = url
        self._token = token

    def history(self, branch: str, since: str | None) -> Sequence[Commit] | None:
        """The commits of `branch` after `since`, oldest first; None where git cannot be had, or cannot reach it."""
        try:
            self._git.directory.mkdir(parents=True, exist_ok=True)
            self._git.ok("init", "--bare", "--quiet")
            ref = f"refs/heads/{branch}"
            done = self._git.run("fetch", "--quiet", "--no-tags", self._url, f"+{ref}:{ref}", env=self._credentials())
            if done.code:
                return None
            return history.commits(self._git, self._git.ok("rev-parse", ref).text, since)
        except (ReleasegateError, OSError):
            return None

    def _credentials(self) -> dict[str, str]:
        pair = base64.b64encode(f"x-access-token:{self._token()}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self._url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair}",
        }
