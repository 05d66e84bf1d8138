"""From the environment to a connection: which repository, whose token, which server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from releasegate.errors import ForgeError, InputError, RefusedError, RepositoryError, cause
from releasegate.forge.github.api import Api, Patience, reach

PUBLIC = "https://api.github.com"
PATIENCE = Patience()
APP = "give the App's id, and the whole text of a private key that GitHub made for it"
NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, or a GitHub App's id and private key."""

    token: str = field(default="", repr=False)
    app: str = ""
    key: str = field(default="", repr=False)
    installation: int | None = None

    @property
    def given(self) -> bool:
        """Whether there is anything to sign in with."""
        return bool(self.token or self.app)

    @property
    def by_app(self) -> bool:
        """Whether they are a GitHub App's (GITHUB_TOKEN is one, too), which is no user."""
        return bool(self.app) or self.token.startswith("ghs_")

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Credentials":
        """A GitHub App in RELEASEGATE_APP_ID and RELEASEGATE_APP_KEY, else GITHUB_TOKEN, else GH_TOKEN."""
        app, key = environ.get("RELEASEGATE_APP_ID", ""), environ.get("RELEASEGATE_APP_KEY", "")
        if bool(app) != bool(key):
            missing = "RELEASEGATE_APP_KEY" if app else "RELEASEGATE_APP_ID"
            raise InputError(f"{missing} is not set", remedy="a GitHub App needs its id and its private key")
        number = environ.get("RELEASEGATE_APP_INSTALLATION", "")
        if app:
            return cls(app=app, key=key, installation=int(number) if number.isdigit() else None)
        return cls(token=environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or "")


def connect(repository: str, credentials: Credentials, base_url: str = PUBLIC, patience: Patience = PATIENCE) -> Api:
    """Requests to `repository` (`owner/name`) with these credentials; nothing is sent yet."""
    import github  # noqa: PLC0415  loaded by the commands that speak to GitHub

    if not NAME.fullmatch(repository):
        raise InputError(f"`{repository}` is no repository", remedy="write it as OWNER/NAME")
    if not credentials.given:
        raise RepositoryError(
            f"no token for {repository}",
            remedy="set GITHUB_TOKEN or GH_TOKEN, or RELEASEGATE_APP_ID and RELEASEGATE_APP_KEY",
        )
    common = {
        "base_url": base_url.rstrip("/"),
        "timeout": patience.timeout,
        "user_agent": "releasegate",
        "retry": None,
        "seconds_between_requests": None,
        "seconds_between_writes": None,
    }
    client = github.Github(auth=_auth(repository, credentials, common), **common)  # type: ignore[arg-type]
    return Api(client.requester, repository, patience)


def _auth(repository: str, credentials: Credentials, common: Mapping[str, object]) -> "github.Auth.Auth":  # type: ignore[name-defined]  # noqa: F821
    import jwt  # noqa: PLC0415
    import requests  # noqa: PLC0415

    import github  # noqa: PLC0415

    if not credentials.app:
        return github.Auth.Token(credentials.token)
    app = github.Auth.AppAuth(credentials.app, credentials.key)
    if credentials.installation is not None:
        return app.get_installation_auth(credentials.installation)
    owner, name = repository.split("/")
    integration = github.GithubIntegration(auth=app, **common)  # type: ignore[arg-type]
    try:
        return app.get_installation_auth(integration.get_repo_installation(owner, name).id)
    except github.UnknownObjectException as error:
        raise RepositoryError(
            f"the GitHub App {credentials.app} is not installed on {repository}", remedy="install it there"
        ) from error
    except github.GithubException as error:
        raise RefusedError(error.status, f"GitHub refused the App: {error.message}", remedy=APP) from error
    except requests.RequestException as error:
        raise ForgeError(f"GitHub did not answer ({cause(error)})", remedy=reach(error)) from error
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InputError("RELEASEGATE_APP_KEY is no private key", remedy=APP) from None  # the cause may quote it


def repository_of(remote: str, server: str) -> str | None:
    """The `owner/name` that a git remote's address names on `server` (`https://github.com`), or None."""
    host = re.sub(r"^https?://", "", server).rstrip("/")
    found = re.fullmatch(
        rf"(?:(?:https?|ssh|git)://(?:[^/@]*@)?{re.escape(host)}(?::\d+)?/|[^/@]+@{re.escape(host)}:)([^/]+/[^/]+?)(?:\.git)?/?",
        remote,
    )
    return found[1] if found and NAME.fullmatch(found[1]) else None
