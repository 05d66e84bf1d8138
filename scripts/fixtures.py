"""Make the bundled Lighthouse samples again: three runs of Lighthouse on the sample service's page.

    python scripts/fixtures.py

Run it with the test environment's Python (`make fixtures` does). It needs Debian's chromium, or CHROME_PATH.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from node import prepare
from prepare import ROOT, say

SAMPLES = ROOT / "src" / "releasegate" / "rehearsal" / "samples" / "lighthouse"
RUNS = 3
PORT = 8040
"""Always the same, since it stands in the reports."""
SETTINGS = {
    "onlyCategories": ["performance", "accessibility", "best-practices", "seo"],
    "skipAudits": ["screenshot-thumbnails", "final-screenshot"],
    "disableFullPageScreenshot": True,
}
"""Pictures would be most of a report's bytes, and no gate reads them."""
CHROME = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --user-data-dir="
)


def main() -> int:
    """Write the reports; 0 if all were made."""
    chrome = os.environ.get("CHROME_PATH") or shutil.which("chromium")
    if not chrome:
        say("chromium is needed (Debian: apt-get install chromium), or CHROME_PATH")
        return 2
    tools = prepare("lighthouse")
    app = [sys.executable, "-I", "-m", "releasegate.rehearsal.sample.app", "--track", "baseline", "--seed", "1"]
    with subprocess.Popen([*app, "--port", str(PORT)], stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            url = service.stdout.readline().strip()
            if not url:
                return 4
            for run in range(1, RUNS + 1):
                lighthouse(tools, chrome, url, SAMPLES / f"lhr-{run}.json")
        finally:
            service.terminate()
    return 0


def lighthouse(tools: Path, chrome: str, url: str, report: Path) -> None:
    """Run Lighthouse once; `CalledProcessError` if it cannot."""
    say(f"writing {report.relative_to(ROOT)}")
    report.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps({"extends": "lighthouse:default", "settings": SETTINGS}))
        program = tools / "node_modules" / "lighthouse" / "cli" / "index.js"
        options = ["--quiet", "--output=json", f"--output-path={report}", f"--config-path={config}"]
        flags = f"--chrome-flags={CHROME}{folder}/profile"
        subprocess.run(
            [tools / "node", program, f"{url}/", *options, flags], env={**os.environ, "CHROME_PATH": chrome}, check=True
        )


if __name__ == "__main__":
    sys.exit(main())
