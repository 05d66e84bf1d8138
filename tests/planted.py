"""The token that the tests work with: planted, and looked for in everything that comes out."""

TOKEN = "ghp_plantedTokenThatMustNotBeSeen0000"


def holding(folder):
    """The files below `folder` that hold it."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path.relative_to(folder)) for path in files if TOKEN.encode() in path.read_bytes()]
