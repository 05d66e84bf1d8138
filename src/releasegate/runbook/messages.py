"""Messages that could not be delivered wait in a folder, and go out with the next command that tells anybody."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from releasegate.errors import OutsideError
from releasegate.notify.port import Message, Notifier


class Messages:
    """Sends through `notifier`, and keeps in `folder` what it does not take."""

    def __init__(self, notifier: Notifier, folder: Path) -> None:
        self._notifier = notifier
        self._folder = folder

    def send(self, messages: Sequence[Message]) -> str:
        """Deliver what waited and each of `messages`, whatever became of the others, and say where they went.

        `OutsideError` names those that were not told.
        """
        told, failed = [], []
        for message in [*self._waiting(), *messages]:
            try:
                told.append(f"{message.to}: {self._notifier.send(message)}")
                with suppress(OSError):  # it did not wait, or it is sent once more, and delivered once
                    self._file(message).unlink()
            except OutsideError as error:
                failed.append(f"{message.to} ({error.what}{self._keep(message)})")
        if failed:
            raise OutsideError("; ".join([f"NOT TOLD: {', '.join(failed)}", *told]), remedy="tell them yourself, now")
        return "; ".join(told) or "nobody is to be told"

    def _keep(self, message: Message) -> str:
        """Let a message wait; a folder that cannot be written must not keep the others from being told."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file(message).write_bytes(msgspec.json.encode(message))
        except OSError as error:
            return f", and it cannot be kept: {error.strerror}"
        return ", waits for the next command"

    def _waiting(self) -> list[Message]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Message))
            except (OSError, msgspec.MsgspecError):
                continue  # another process has sent it, or it is none of ours
        return found

    def _file(self, message: Message) -> Path:
        return self._folder / f"{sha256(f'{message.key}|{message.to}'.encode()).hexdigest()[:24]}.json"
