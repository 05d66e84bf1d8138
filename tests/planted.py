"""The tokens that the tests work with: planted, and looked for in everything that comes out."""

TOKEN = "ghp_plantedTokenThatMustNotBeSeen0000"
JOB = "ghs_theOwnTokenOfAWorkflowsJob00000"
"""GITHUB_TOKEN: what it pushes starts no workflow, and it may not push workflow files."""
printed = []
"""Processes that printed one and were waited for in this test, by their arguments without it."""


def in_text(text):
    """Whether one of them stands in text or bytes."""
    return any((token if isinstance(text, str) else token.encode()) in text for token in (TOKEN, JOB))


def holding(folder):
    """The files below `folder` that hold one."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path.relative_to(folder)) for path in files if in_text(path.read_bytes())]
