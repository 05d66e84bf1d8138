"""Another person's yes, as the host tells it: a review of this run's environment, or of a pull request."""

import os
from collections.abc import Sequence

from releasegate.cli.app import App
from releasegate.errors import InconclusiveError, InputError
from releasegate.forge.host import PullRequest


def of_environment(app: App) -> list[str]:
    """Who let this workflow's run into its protected environment; nobody outside of one."""
    run = os.environ.get("GITHUB_RUN_ID", "")
    if not run.isdecimal() or app.forge().name != "github":
        return []
    return [approval.login for approval in app.host().approvals(int(run))]


def of_pull_request(app: App, number: int, title: str) -> tuple[PullRequest, list[str]]:
    """Who approved the present head of a pull request that asks for just this, by its `title`."""
    host = app.host()
    found = host.pull_request(number)
    if found.title.strip() != title:
        raise InputError(
            f"pull request {number} asks for something else: `{found.title}`",
            where="--pull-request",
            remedy=f"people have to see what they approve: give it the title `{title}`",
        )
    people = [approval.login for approval in host.reviewers(number)]
    if not people:
        raise InconclusiveError(
            f"nobody has approved the present head of pull request {number}",
            remedy="somebody who may write to the repository, and is not its author, has to",
        )
    return found, people


def distinct(*groups: Sequence[str]) -> list[str]:
    """The names of all `groups`, each once."""
    return list(dict.fromkeys(name for group in groups for name in group))
