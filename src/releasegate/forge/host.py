"""The host's side of the forge: what a hosting service does beside git. One of them has none of it, and says so.

Everything that has an effect carries an `id` that the host keeps, so that it is found again and happens once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

DeploymentTask = Literal["deploy", "rollback"]
DeploymentState = Literal["queued", "in_progress", "success", "failure", "error", "inactive"]
Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"]


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow."""

    id: int
    name: str
    """Its title, `run-name` filled in: it holds the `{id}` that it was started with."""
    url: str
    commit: str
    event: str
    """What started it: `push`, `workflow_dispatch`, …"""
    attempt: int
    status: str
    """`completed`, or one of the host's words for not yet."""
    conclusion: str | None
    """`success`, `failure`, … once it is completed."""
    actor: str
    """The login that started this attempt."""

    @property
    def finished(self) -> bool:
        """Whether it has ended, however."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a workflow run left behind."""

    id: int
    name: str
    run: int
    commit: str
    """The commit that the run was made for."""
    size: int
    """Bytes of the zip archive."""
    sha256: str | None
    """Of the zip archive, as the host tells it; None on hosts that do not."""
    expired: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as the host lists it."""

    id: int
    commit: str
    ref: str
    environment: str
    state: str
    """Its newest status; `pending` without one."""
    created: datetime


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request."""

    number: int
    url: str
    head: str
    """The commit at its head."""
    state: Literal["open", "closed", "merged"]
    auto_merge: bool
    """Whether the host merges it by itself once its rules are met."""
    title: str = ""
    merged_as: str | None = None
    """The commit with which it came onto its base; None while it is not merged."""
    base: str = ""
    """The commit that it goes onto, as it was when it was opened or last brought up to date."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes, read back from the host: never a typed name."""

    login: str
    source: Literal["environment", "pull-request"]
    where: str
    """The address at which it stands."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a release."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Health:
    """What the host tells of a repository that decides whether the procedures will work there."""

    private: bool
    may_push: bool | None
    """Whether the token may write; None where the host does not say."""
    scopes: tuple[str, ...] | None
    """The scopes of a classic token; None for any other."""
    refusals: tuple[str, ...]
    """Why a commit that is made straight on the branch would be refused; empty where nothing is known to."""
    auto_merge: bool | None
    """Whether pull requests may be merged by the host once their rules are met; None where it does not say."""
    rules_known: bool
    """False where the branch is protected and the token may not read how."""
    environments: Mapping[str, bool]
    """The environments by name, and whether somebody has to review a deployment to it; empty also where unreadable."""
    workflows: Mapping[str, str]
    """The text of each workflow on the default branch, by path."""


class Host(Protocol):
    """What a hosting service does. `RepositoryError` where this one does not; `ForgeError` where it did not answer."""

    def start_workflow(self, workflow: str, ref: str, inputs: Mapping[str, str], id: str) -> None:  # noqa: A002
        """Dispatch `workflow` (its file name) on the branch or tag `ref`; `id` is one of its inputs too.

        The host does not say which run that is: its `run-name` has to hold `${{ inputs.id }}`, and `find_run` finds it.
        Not repeated here: the caller looks first, behind a claim.
        """

    def find_run(self, workflow: str, id: str) -> WorkflowRun | None:  # noqa: A002
        """The newest run of `workflow` whose name holds `id`."""

    def run(self, number: int) -> WorkflowRun:
        """One run, as it is now."""

    def ci_run(self, workflow: str, commit: str) -> WorkflowRun | None:
        """The newest run of `workflow` for `commit`."""

    def artifacts(self, name: str, commit: str) -> Sequence[Artifact]:
        """The artifacts called `name` of all runs and attempts for `commit`, newest first."""

    def download(self, artifact: Artifact, limit: int) -> bytes:
        """The artifact's zip archive, at most `limit` bytes; `InconclusiveError` if larger, expired or altered."""

    def deploy(
        self,
        environment: str,
        commit: str,
        ref: str,
        id: str,  # noqa: A002
        *,
        production: bool,
        task: DeploymentTask = "deploy",
    ) -> Deployment:
        """Record a deployment, or find the one with this `id`. Nothing is merged, and no check is waited for."""

    def deployment_status(self, deployment: int, state: DeploymentState, description: str, url: str = "") -> None:
        """Set how a deployment stands."""

    def deployments(self, environment: str, commit: str) -> Sequence[Deployment]:
        """The newest deployments of a commit to an environment, whoever made them, newest first; at most ten."""

    def check_run(self, commit: str, name: str, conclusion: Conclusion, title: str, summary: str) -> str:
        """Show a verdict at a commit and say where. One with the same name on the commit is brought up to date."""

    def release(
        self, tag: str, title: str, notes: str, assets: Sequence[Asset] = (), *, prerelease: bool = False
    ) -> str:
        """Publish the release of a tag, or complete the one that is there, and say where it is.

        What people wrote into one of their own stays; assets are added to it.
        """

    def open_pull_request(
        self, branch: str, base: str, title: str, body: str, *, auto_merge: bool = False
    ) -> PullRequest:
        """Ask for `branch` to be merged into `base`; an open one for that branch is found again."""

    def pull_request(self, number: int) -> PullRequest:
        """One pull request, as it is now."""

    def pull_requests(self, base: str, prefix: str) -> Sequence[PullRequest]:
        """The open pull requests into `base` from branches of this repository whose name begins with `prefix`."""

    def close_pull_request(self, number: int) -> None:
        """Close a pull request without merging it; one that is closed stays so."""

    def reviewers(self, number: int) -> Sequence[Approval]:
        """Those of this repository whose newest word on a pull request's present head is a yes, but for its author."""

    def approvals(self, run: int) -> Sequence[Approval]:
        """Who let a workflow run into a protected environment."""

    def comment(self, issue: str, marker: str, body: str) -> str:
        """Write a comment below an issue (its address), or find the one with this `marker`, and say where it is."""

    def committed(self, commit: str) -> datetime:
        """When the commit was made, UTC."""

    def health(self, branch: str) -> Health:
        """What decides whether the procedures will work, with commits made straight on `branch`."""
