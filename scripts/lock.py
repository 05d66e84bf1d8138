"""Resolve the dependencies again, into files that name versions and hashes and no registry."""

import subprocess
import sys

from prepare import ROOT, run, uv_executable

OPTIONS = "--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade"
RUNTIME = "requirements/runtime.txt"


def main() -> int:
    """Write `requirements/{uv,runtime,test}.txt`; 0 if all could be resolved."""
    compile_ = [uv_executable(), "pip", "compile", "--quiet", "--project", str(ROOT), *OPTIONS.split()]
    try:
        run(*compile_, "requirements/uv.in", "-o", "requirements/uv.txt")
        run(*compile_, "pyproject.toml", "-o", RUNTIME)
        run(*compile_, "pyproject.toml", "--group", "test", "-c", RUNTIME, "-o", "requirements/test.txt")
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
