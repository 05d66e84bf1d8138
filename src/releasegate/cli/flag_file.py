"""Which flag file a command means, and what it says."""

import json
from pathlib import Path
from typing import Any

from releasegate.cli.app import App
from releasegate.errors import FlagError, RepositoryError
from releasegate.flags.document import LARGEST, FlagFile
from releasegate.policy.model import Policy

DEFAULT_FILE = "config/feature-flags.yaml"


def flag_path(path: str | None, policy: Policy | None) -> str:
    """The file that was named, else the policy's, else the usual one."""
    return path or (policy.flags.file if policy else DEFAULT_FILE)


def read_flags(app: App, path: str | None, dialect: str | None, branch: str | None) -> FlagFile:
    """The file on disk, or at the head of `branch`."""
    found = flag_path(path, app.find_policy())
    if branch is None:
        return FlagFile.parse(app.read(found, limit=LARGEST), found, dialect)
    file = app.forge().read(in_repository(app, found), branch)
    if file is None:
        raise FlagError("there is no such flag file", where=f"{branch}:{found}")
    return FlagFile.parse(file.content, found, dialect)


def in_repository(app: App, path: str) -> str:
    """A path as git names it: from the root of the checkout."""
    target = Path.absolute(app.directory / path)
    for root in target.parents:
        if (root / ".git").exists():
            return target.relative_to(root).as_posix()
    if app.repo not in (None, "local"):  # there need not be a checkout
        return path
    raise RepositoryError("not in a git repository", where=path, remedy="use --in-place to edit the file alone")


def about(file: FlagFile) -> dict[str, Any]:
    """The head of every document."""
    return {"schema": "releasegate/flags/1", "file": file.path, "dialect": file.dialect}


def state_of(file: FlagFile, name: str) -> dict[str, Any]:
    """What a flag says; what cannot be read of one flag does not hide the others."""
    try:
        state = file.state(name)
    except FlagError as error:
        return {"value": None, "percent": None, "text": f"cannot be read: {error}"}
    percent = None if state.percent is None else float(state.percent)
    return {"value": _json(state.value), "percent": percent, "text": state.text}


def _json(value: Any) -> Any:
    """The value as JSON has it: a number that is not finite is a word there."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return str(value)
    return value
