"""The host's side of the forge on GitHub."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from releasegate.forge.github import commits, deployments, health, issues, reviews, workflows
from releasegate.forge.github.api import Api
from releasegate.forge.host import (
    Approval,
    Artifact,
    Asset,
    Conclusion,
    Deployment,
    DeploymentState,
    DeploymentTask,
    Health,
    PullRequest,
    WorkflowRun,
)


@dataclass(frozen=True, slots=True)
class GitHubHost:
    """What GitHub does beside git, for the repository of `api`."""

    api: Api

    def start_workflow(self, workflow: str, ref: str, inputs: Mapping[str, str], id: str) -> None:  # noqa: A002
        """Dispatch `workflow` on `ref`, with `id` among its inputs."""
        workflows.start(self.api, workflow, ref, inputs, id)

    def find_run(self, workflow: str, id: str) -> WorkflowRun | None:  # noqa: A002
        """The newest run of `workflow` whose name holds `id`."""
        return workflows.find(self.api, workflow, id)

    def run(self, number: int) -> WorkflowRun:
        """One run, as it is now."""
        return workflows.get(self.api, number)

    def ci_run(self, workflow: str, commit: str) -> WorkflowRun | None:
        """The newest run of `workflow` for `commit`."""
        return workflows.of_commit(self.api, workflow, commit)

    def artifacts(self, name: str, commit: str) -> Sequence[Artifact]:
        """The artifacts called `name` of all runs and attempts for `commit`, newest first."""
        return workflows.artifacts(self.api, name, commit)

    def download(self, artifact: Artifact, limit: int) -> bytes:
        """The artifact's zip archive, at most `limit` bytes."""
        return workflows.download(self.api, artifact, limit)

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
        """Record a deployment, or find the one with this `id`."""
        return deployments.deploy(self.api, environment, commit, ref, id, production=production, task=task)

    def deployment_status(self, deployment: int, state: DeploymentState, description: str, url: str = "") -> None:
        """Set how a deployment stands."""
        deployments.set_status(self.api, deployment, state, description, url)

    def deployments(self, environment: str, commit: str) -> Sequence[Deployment]:
        """The newest deployments of a commit to an environment, newest first."""
        return deployments.listed(self.api, environment, commit)

    def check_run(self, commit: str, name: str, conclusion: Conclusion, title: str, summary: str) -> str:
        """Show a verdict at a commit and say where."""
        return deployments.check_run(self.api, commit, name, conclusion, title, summary)

    def release(
        self, tag: str, title: str, notes: str, assets: Sequence[Asset] = (), *, prerelease: bool = False
    ) -> str:
        """Publish the release of a tag, or complete the one that is there, and say where it is."""
        return deployments.release(self.api, tag, title, notes, assets, prerelease=prerelease)

    def open_pull_request(
        self, branch: str, base: str, title: str, body: str, *, auto_merge: bool = False
    ) -> PullRequest:
        """Ask for `branch` to be merged into `base`; an open one for that branch is found again."""
        return reviews.open_request(self.api, branch, base, title, body, auto_merge=auto_merge)

    def pull_request(self, number: int) -> PullRequest:
        """One pull request, as it is now."""
        return reviews.get(self.api, number)

    def pull_requests(self, base: str, prefix: str) -> Sequence[PullRequest]:
        """The open pull requests into `base` from branches whose name begins with `prefix`."""
        return reviews.listed(self.api, base, prefix)

    def close_pull_request(self, number: int) -> None:
        """Close a pull request without merging it."""
        reviews.close(self.api, number)

    def reviewers(self, number: int) -> Sequence[Approval]:
        """Who approved the present head of a pull request."""
        return reviews.approvals(self.api, number)

    def approvals(self, run: int) -> Sequence[Approval]:
        """Who let a workflow run into a protected environment."""
        return workflows.approvals(self.api, run)

    def comment(self, issue: str, marker: str, body: str) -> str:
        """Write a comment below an issue, or find the one with this `marker`, and say where it is."""
        return issues.comment(self.api, issue, marker, body)

    def committed(self, commit: str) -> datetime:
        """When the commit was made, UTC."""
        return commits.committed(self.api, commit)

    def health(self, branch: str) -> Health:
        """What decides whether the procedures will work, with commits made straight on `branch`."""
        return health.of(self.api, branch)
