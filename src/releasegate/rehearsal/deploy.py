"""The rehearsal's deploy command: ask for a version on a track, and wait until it answers.

    python -m releasegate.rehearsal.deploy FOLDER TRACK TAG

The folder is watched by the rehearsal, which starts the track's process anew and says so in `TRACK.live`.
"""

import sys
import time
from pathlib import Path

DEADLINE = 20.0
"""Seconds until a deployment has failed."""


def wanted(folder: Path, track: str) -> Path:
    """The file that holds the tag a track is to run."""
    return folder / f"{track}.wanted"


def live(folder: Path, track: str) -> Path:
    """The file that holds the tag a track runs and answers with."""
    return folder / f"{track}.live"


def main() -> int:
    """0 once the track answers with the tag, 1 if it does not in time."""
    folder, track, tag = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    wanted(folder, track).write_text(tag)
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if live(folder, track).is_file() and live(folder, track).read_text() == tag:
            return 0
        time.sleep(0.05)
    sys.stderr.write(f"{tag} does not answer on track {track} after {DEADLINE:.0f} s\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
