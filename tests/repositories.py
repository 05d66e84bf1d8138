"""Real git repositories for tests, whatever the person who runs them has configured."""

import subprocess


def git(folder, *arguments, **options):
    """Run git in `folder` and return what it printed."""
    argv = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *arguments]
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, **options)
    return done.stdout.rstrip("\n")


def repository(folder, name="Ada"):
    """Make a repository without commits and without a remote."""
    folder.mkdir(parents=True)
    git(folder, "init")
    git(folder, "config", "user.name", name)
    git(folder, "config", "user.email", "ada@example.com")
    return folder


def origin(folder):
    """Make a bare repository, to be a remote."""
    folder.mkdir(parents=True)
    git(folder, "init", "--bare")
    git(folder, "config", "http.receivepack", "true")
    return folder


def with_origin(folder, remote, name="Ada"):
    """Make a repository whose remote `origin` is at the path or address `remote`."""
    repository(folder, name)
    git(folder, "remote", "add", "origin", str(remote))
    return folder


def write(folder, files):
    """Write files of text below `folder`."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def committed(folder, files, message="change"):
    """Write and commit `files`, and return the commit."""
    write(folder, files)
    git(folder, "add", "--all", "--force", *files)
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def porcelain(folder):
    """What `git status` has to say, one line for each path."""
    return git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()
