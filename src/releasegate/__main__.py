"""Where the program starts: the console script, and `python -I -m releasegate`, the way the action starts it."""

import sys
from typing import NoReturn

from releasegate.errors import EXIT_INTERRUPTED


def main() -> NoReturn:
    """Run one command and exit with its code; an interruption while the program still loads ends it too."""
    try:
        from releasegate.cli.main import main as start  # noqa: PLC0415  most of the start is this import
    except KeyboardInterrupt:
        sys.stderr.write("\nreleasegate: interrupted\n")
        sys.exit(EXIT_INTERRUPTED)
    start()


if __name__ == "__main__":
    main()
