"""Make the README's picture again: the live view of a real rehearsal, when the evidence is most of what aborts it.

    python scripts/picture.py

Run it with the test environment's Python (`make picture` does). It writes `docs/rehearsal.svg`.
"""

import re
import sys
import tempfile
from io import StringIO
from pathlib import Path

from prepare import ROOT, say
from rich.console import Console
from rich.terminal_theme import MONOKAI

from releasegate.canary.judge import Assessment
from releasegate.cli.app import App
from releasegate.cli.live import View
from releasegate.cli.world import build_world
from releasegate.rehearsal.house import SERVICE, VERSION, WINDOW
from releasegate.rehearsal.rehearse import Options, rehearse
from releasegate.runbook.world import Progress

PICTURE = ROOT / "docs" / "rehearsal.svg"
WIDTH = 118
SHOWN = (0.6, 1.0)
"""The share of the line that the errors' evidence has in the picture."""
EARLIEST = 6.0
"""Seconds of the window: before, every bar but one is empty."""
FAULT = "errors:/api/cart:6"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


def main() -> int:
    """Play releases with a fault on one route until one was seen at the right moment; 0 if the picture is written."""
    for seed in range(1, 9):
        drawn: list[str] = []
        view = View(f"{SERVICE} v{VERSION}", WINDOW)

        def tell(progress: Progress, view: View = view, drawn: list[str] = drawn) -> None:
            view.tell(progress)
            if isinstance(progress, Assessment):
                errors = progress.slis["errors"]
                if progress.t >= EARLIEST and SHOWN[0] <= errors.log_evidence / errors.line < SHOWN[1]:
                    drawn.append(picture(view))

        with tempfile.TemporaryDirectory() as folder:
            options = Options(seed=seed, keep=Path(folder) / "kept", faults=(FAULT,))
            rehearse(options, lambda repo, documents: build_world(App(directory=repo), documents), tell)
        if drawn:
            PICTURE.write_text(drawn[-1], encoding="utf-8")
            say(f"wrote {PICTURE.relative_to(ROOT)}")
            return 0
    say("no release was seen between 60% and 100% of the line: run it again")
    return 1


def picture(view: View) -> str:
    """The view as SVG, in a font of the reader's own: nothing is fetched."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(view)
    svg = console.export_svg(title=f"make rehearse ARGS='--fault {FAULT}'", theme=MONOKAI, unique_id="rehearsal")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    lines = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONT}").splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
