"""PromQL series selectors: `name{label op "value", …}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from releasegate.errors import PolicyError

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
TOKEN = re.compile(
    r"\s*(?:(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<op>=~|!~|!=|=)\s*"
    r"""(?P<quoted>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`))\s*(?P<end>,|$)""",
    re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
HOW = """write name{label="value", other=~"a|b"}"""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that a series does not have counts as empty."""

    label: str
    op: str
    """`=`, `!=`, `=~` or `!~`; regular expressions match the whole value."""
    value: str

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with `labels` meets the condition."""
        value = labels.get(self.label, "")
        same = re.fullmatch(self.value, value) is not None if "~" in self.op else value == self.value
        return same != self.op.startswith("!")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{escaped}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name (empty in a track's selector) and the conditions on its series."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this name with `labels` is selected."""
        return all(matcher.accepts(labels) for matcher in self.matchers)

    def within(self, track: "Selector") -> "Selector":
        """The series of this selector that belong to a track."""
        return Selector(self.name, (*self.matchers, *track.matchers))

    def __str__(self) -> str:
        return f"{self.name}{{{','.join(map(str, self.matchers))}}}" if self.matchers else self.name


def parse_selector(text: str, *, named: bool = True) -> Selector:
    """The selector that `text` writes; a track's (`named=False`) has no name. `PolicyError` says what is wrong."""
    name, brace, rest = text.strip().partition("{")
    name = name.rstrip()
    if named != bool(name):
        raise PolicyError(
            f"`{text}` names {'no' if named else 'a'} metric", remedy=HOW if named else HOW[len("write name") :]
        )
    if name and not NAME.fullmatch(name):
        raise PolicyError(f"`{text}` is no series selector", remedy=f"{HOW}, without functions or arithmetic")
    if not brace:
        return Selector(name)
    body = rest.rstrip()
    if not body.endswith("}"):
        raise PolicyError(f"`{text}` has no closing brace at its end", remedy=HOW)
    return Selector(name, _matchers(body[:-1], text))


def _matchers(body: str, text: str) -> tuple[Matcher, ...]:
    matchers, position = [], 0
    while body[position:].strip():
        found = TOKEN.match(body, position)
        if not found:
            raise PolicyError(f"`{text}`: cannot read `{body[position:].strip()}`", remedy=HOW)
        matchers.append(Matcher(found["label"], found["op"], _unquote(found["quoted"], text)))
        position = found.end()
    for matcher in matchers:
        _check(matcher, text)
    return tuple(matchers)


def _check(matcher: Matcher, text: str) -> None:
    if matcher.label == "__name__":
        raise PolicyError(f"`{text}` selects by __name__", remedy="write the metric's name before the brace")
    if "~" in matcher.op:
        try:
            re.compile(matcher.value)
        except (re.error, OverflowError, RecursionError) as error:
            raise PolicyError(f"`{text}`: `{matcher.value}` is no regular expression: {error}") from error


def _unquote(quoted: str, text: str) -> str:
    if quoted[0] == "`":
        return quoted[1:-1]

    def replace(found: re.Match[str]) -> str:
        if found[1]:
            return ESCAPES.get(found[1], found[1])
        return chr(int(found[2] or found[3] or found[4], 16))

    body = quoted[1:-1]
    if "\\" in ESCAPE.sub("", body):
        raise PolicyError(
            f"`{text}`: a backslash escapes nothing here", remedy=r"in double quotes write \\ for one backslash"
        )
    try:
        return ESCAPE.sub(replace, body)
    except (ValueError, OverflowError) as error:
        raise PolicyError(f"`{text}`: an escape that stands for no character") from error
