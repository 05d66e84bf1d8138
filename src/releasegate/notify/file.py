"""Messages as files in a folder: for a machine without a chat, and for the rehearsal."""

import re
from hashlib import sha256
from pathlib import Path

from releasegate.errors import OutsideError
from releasegate.notify.port import Message


class FileNotifier:
    """Implements `releasegate.notify.port.Notifier`: one Markdown file a message, in a folder for each receiver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: Message) -> str:
        """Write the message unless it is there, and return its path."""
        digest = sha256(message.key.encode()).hexdigest()[:12]
        path = self.folder / _plain(message.to) / f"{_plain(message.key)}-{digest}.md"
        draft = path.with_suffix(".tmp")
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.write_text(f"# {message.title}\n\n{message.body.rstrip()}\n", encoding="utf-8")
                draft.replace(path)
        except OSError as error:
            raise OutsideError(f"{message.to} is not told: {error.strerror}", where=str(self.folder)) from error
        return str(path)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
