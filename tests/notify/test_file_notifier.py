"""Messages as files: delivered once, to names that are no paths; and what waits goes out in its turn."""

from pathlib import Path

import pytest

from releasegate.errors import OutsideError
from releasegate.notify.file import FileNotifier
from releasegate.notify.port import Message
from releasegate.runbook.messages import Messages

STOP = Message("kill-switch:shop:production:1", "AI Platform", "The agents are stopped", "Why: refunds\n\n")


def test_one_file_for_each_message_and_receiver(tmp_path):
    notifier = FileNotifier(tmp_path)
    where = notifier.send(STOP)
    assert where.startswith(str(tmp_path / "ai-platform" / "kill-switch-shop-production-1-"))
    assert Path(where).read_text() == "# The agents are stopped\n\nWhy: refunds\n"
    changed = Message(STOP.key, STOP.to, "again", "again")
    assert notifier.send(changed) == where
    assert Path(where).read_text().startswith("# The agents are stopped\n"), "the same key is the same message"


@pytest.mark.parametrize("to", ["../../etc", "/etc/passwd", "..", "a\0b"])
def test_a_name_never_leads_out_of_the_folder(tmp_path, to):
    where = FileNotifier(tmp_path / "messages").send(Message("../key", to, "x", "y"))
    assert (tmp_path / "messages") in Path(where).resolve().parents


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "messages").write_text("a file")
    with pytest.raises(OutsideError) as error:
        FileNotifier(tmp_path / "messages").send(STOP)
    assert error.value.what == "AI Platform is not told: Not a directory"


class Line:
    """A notifier whose line is down for some receivers."""

    def __init__(self, down=()):
        self.down, self.sent = set(down), []

    def send(self, message):
        if message.to in self.down:
            raise OutsideError("no line")
        self.sent.append((message.key, message.to))
        return "sent"


def test_one_that_fails_keeps_no_other_from_being_told_and_waits(tmp_path):
    line = Line(down=["a"])
    messages = Messages(line, tmp_path / "waiting")
    with pytest.raises(OutsideError, match="NOT TOLD: a"):
        messages.send([Message("1", "a", "x", "y"), Message("1", "b", "x", "y")])
    line.down.clear()
    assert messages.send([Message("2", "b", "x", "y")]) == "a: sent; b: sent"
    assert line.sent == [("1", "b"), ("1", "a"), ("2", "b")]
    assert messages.send([]) == "nobody is to be told"


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(tmp_path):
    (tmp_path / "waiting").write_text("a file")
    line = Line(down=["a"])
    with pytest.raises(OutsideError) as error:
        Messages(line, tmp_path / "waiting").send([Message("1", "a", "x", "y"), Message("1", "b", "x", "y")])
    assert error.value.what == "NOT TOLD: a (no line, and it cannot be kept: File exists); b: sent"
    assert line.sent == [("1", "b")]


def test_what_is_no_message_is_left_alone(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    assert Messages(Line(), tmp_path).send([]) == "nobody is to be told"
    assert (tmp_path / "other.json").exists()
