"""Prepare a locked environment, and say where its Python is.

    python3 scripts/prepare.py runtime|test [FOLDER UV]

Needs only Python >= 3.11 with pip, and a package index. uv is installed from `requirements/uv.txt` (hashes) into
`.tools/uv`, the environment from `requirements/<name>.txt` (hashes) into `.tools/<name>-3.x`; or uv into the folder
UV and the environment below FOLDER, which is how the composite actions leave their own files alone. Neither the user's
Python nor their uv settings are touched. Where everything is as locked, nothing is done. The last line of standard
output is the environment's Python.
"""

import hashlib
import os
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
PIP_QUIET = ("--quiet", "--disable-pip-version-check", "--root-user-action=ignore")
HELP = (
    "is the package index reachable (PIP_INDEX_URL and UV_DEFAULT_INDEX name another one), "
    "and pip installed (Debian: python3-pip)?"
)
EXECUTABLES = "Scripts" if os.name == "nt" else "bin"


def main() -> int:
    """Prepare the environment named on the command line; 0 if it is ready."""
    if sys.version_info < (3, 11):  # noqa: UP036  anybody's python3 may call this
        say(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; name one: make PYTHON=python3.12 …")
        return 2
    name = sys.argv[1]
    folder, uv_folder = map(Path, sys.argv[2:]) if len(sys.argv) > 2 else (TOOLS, TOOLS / "uv")
    environment = folder / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    try:
        ready(environment, name, uv_folder)
    except subprocess.CalledProcessError as error:
        program = Path(error.cmd[0]).name
        say(f"could not prepare {environment.name}: `{program}` exited {error.returncode}, as said above; {HELP}")
        return 4
    except KeyboardInterrupt:
        say("interrupted; the next run begins anew")
        return 130
    print(environment / EXECUTABLES / "python")
    return 0


def ready(environment: Path, name: str, uv_folder: Path) -> None:
    """Build the environment unless it is as locked; `CalledProcessError`."""
    wanted = fingerprint(name)
    if holds(environment, wanted):
        return
    with alone(environment):
        if not holds(environment, wanted):  # whoever had the lock before may have built it
            build(environment, name, uv_executable(uv_folder))
            stamp(environment).write_text(wanted)


def holds(folder: Path, wanted: str) -> bool:
    """Whether the folder was prepared to its end, as `wanted` says."""
    return stamp(folder).exists() and stamp(folder).read_text() == wanted


def stamp(folder: Path) -> Path:
    """The file that says how a folder was prepared."""
    return folder / ".releasegate-lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time prepares `folder`, by a lock beside it; on Windows nothing holds the others off."""
    if os.name == "nt":
        yield
        return
    import fcntl  # noqa: PLC0415  there is none on Windows

    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fingerprint(name: str) -> str:
    """What the environment depends on: the locks and the interpreter."""
    parts = [Path(f"requirements/{name}.txt"), Path("requirements/uv.txt")]
    digest = hashlib.sha256("".join((ROOT / part).read_text() for part in parts).encode())
    digest.update(f"{sys.version} {sys.executable} {ROOT}".encode())
    return digest.hexdigest()


def build(environment: Path, name: str, uv: str) -> None:
    """Install the locked packages, and put the checkout itself on the environment's path."""
    say(f"preparing {environment.name} from requirements/{name}.txt (once)")
    clear(environment)
    run(uv, "--no-config", "venv", "--quiet", "--python", sys.executable, str(environment))
    python = str(environment / EXECUTABLES / "python")
    lock = str(ROOT / "requirements" / f"{name}.txt")
    sync = (uv, "--no-config", "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock)
    if not cached(*sync, "--offline"):  # the hashes say what is wanted: an index that is asked can add nothing
        run(*sync)
    place = {"base": str(environment), "platbase": str(environment)}
    libraries = sysconfig.get_path("purelib", "venv", place)
    (Path(libraries) / "releasegate-checkout.pth").write_text(f"{ROOT / 'src'}\n")


def uv_executable(home: Path = TOOLS / "uv") -> str:
    """The locked uv in `home`, installed there first where it is missing or another one."""
    lock = ROOT / "requirements" / "uv.txt"
    wanted = lock.read_text()
    with alone(home):
        if not holds(home, wanted):
            say("installing uv (once)")
            clear(home)
            pip = [sys.executable, "-I", "-m", "pip", "install", *PIP_QUIET]
            run(*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "--target", str(home), "-r", str(lock))
            stamp(home).write_text(wanted)
    return str(home / "bin" / ("uv.exe" if os.name == "nt" else "uv"))


def clear(folder: Path) -> None:
    """Remove a folder, if it is there."""
    if folder.exists():
        import shutil  # noqa: PLC0415  a quarter of all that is imported, and a fresh runner has nothing to remove

        shutil.rmtree(folder, ignore_errors=True)


def run(*command: str) -> None:
    """Run a command with none of the caller's uv settings but index and cache; it prints to standard error."""
    subprocess.run(command, check=True, env=settings(), stdout=sys.stderr)


def cached(*command: str) -> bool:
    """Run a command in the same way and say whether it went well; why it did not is of no interest."""
    done = subprocess.run(command, check=False, env=settings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def settings() -> dict[str, str]:
    """The caller's environment with none of its uv settings but index and cache."""
    kept = {"UV_DEFAULT_INDEX", "UV_CACHE_DIR"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UV_") or key in kept}
    environment.pop("VIRTUAL_ENV", None)
    environment["UV_NO_CONFIG"] = "1"
    trusted = ssl.get_default_verify_paths().cafile
    if trusted and "SSL_CERT_DIR" not in environment:
        environment.setdefault("SSL_CERT_FILE", trusted)
    return environment


def say(line: str) -> None:
    """Tell the person who waits."""
    print(f"releasegate: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
