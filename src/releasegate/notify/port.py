"""Who is told."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that somebody has to know."""

    key: str
    """The same key twice is the same message, and is delivered once."""
    to: str
    """A contact or channel, by the name that the policy gives it."""
    title: str
    body: str


class Notifier(Protocol):
    """Delivers messages."""

    def send(self, message: Message) -> str:
        """Deliver `message` and say where it went; `OutsideError` if it could not be delivered."""
