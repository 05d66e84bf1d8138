"""releasegate.yaml to a `Policy`, with file, line and column of whatever is wrong."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from releasegate.errors import PolicyError
from releasegate.policy.model import Policy
from releasegate.policy.nodes import compose, place
from releasegate.policy.section import Section
from releasegate.policy.units import Unit

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""`${NAME}` stands for a variable of the environment, `$${NAME}` for itself."""

S = TypeVar("S", bound=Section)


class FromEnvironment(str):
    """A string with something from the environment in it; what is shown of it is how the policy writes it."""

    __slots__ = ("written",)
    written: str

    def __repr__(self) -> str:
        """The text as it stands in the policy: the value may be a secret."""
        return repr(self.written)


def load_policy(content: bytes, path: str, environ: Mapping[str, str]) -> Policy:
    """The policy in `content`, which was read from `path`; `${NAME}` is looked up in `environ`.

    `PolicyError` names file, line and column, and the nearest known key for an unknown one.
    """
    return load_section(Policy, content, path, environ)


def load_section(cls: type[S], content: bytes, path: str, environ: Mapping[str, str]) -> S:
    """As `load_policy`, for another file whose root is the section `cls`."""
    made: S = _Loader(path, environ).section(cls, compose(content, path))
    return made


def key_of(name: str) -> str:
    """The YAML key of a field; one that Python keeps for itself has a `_` at its end."""
    return name.rstrip("_").replace("_", "-")


@dataclass(frozen=True, slots=True)
class _Loader:
    path: str
    environ: Mapping[str, str]

    def fail(self, node: yaml.Node, what: str, remedy: str | None = None) -> NoReturn:
        raise PolicyError(
            _printable(what), where=place(self.path, node.start_mark), remedy=remedy and _printable(remedy)
        )

    def section(self, cls: type[Any], node: yaml.Node) -> Any:
        """A mapping with known keys."""
        types = get_type_hints(cls, include_extras=True)
        names = {key_of(f.name): f.name for f in fields(cls)}
        entries = self.entries(node)
        for key, (key_node, _) in entries.items():
            if key not in names:
                self.unknown(cls, key, key_node, list(names))
        values = {names[key]: self.value(types[names[key]], value) for key, (_, value) in entries.items()}
        for f in fields(cls):
            if f.name not in values and f.default is MISSING and f.default_factory is MISSING:
                self.fail(node, f"`{key_of(f.name)}` is missing", f"{self.known(names)}")
        self.exactly_one(cls, values, node)
        made = cls(**values).completed()
        for name, what, remedy in made.faults():
            found = entries.get(key_of(name))
            self.fail(found[0] if found else node, f"`{key_of(name)}`: {what}", remedy)
        return made

    def unknown(self, cls: type[Section], key: str, node: yaml.Node, names: list[str]) -> NoReturn:
        if key in cls.LATER:
            self.fail(node, f"`{key}` is not supported by this version yet", "remove it from the policy")
        near = get_close_matches(key, names, n=1)
        self.fail(node, f"`{key}` is no known key", f"did you mean `{near[0]}`?" if near else self.known(names))

    def known(self, names: Any) -> str:
        return f"known here: {', '.join(names)}"

    def exactly_one(self, cls: type[Section], values: Mapping[str, Any], node: yaml.Node) -> None:
        given = [key_of(name) for name in cls.ONE_OF if name in values]
        if cls.ONE_OF and len(given) != 1:
            choices = ", ".join(map(key_of, cls.ONE_OF))
            self.fail(node, f"{' and '.join(given) or 'none'} of {choices} is given", "give exactly one of them")

    def entries(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Key to its node and its value's node."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"{_shown(node)} where a mapping belongs", "write `key: value` pairs")
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                self.fail(key, "a key is a plain word here")
            if key.value in entries:
                first = entries[key.value][0].start_mark.line + 1
                self.fail(key, f"`{key.value}` stands twice", f"the first is on line {first}: remove one")
            entries[key.value] = (key, value)
        return entries

    def value(self, kind: Any, node: yaml.Node) -> Any:
        """`node` as a value of the type `kind`."""
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self.annotated(arguments[0], arguments[1], node)
        if origin in {Union, UnionType}:
            return self.union(arguments, node)
        if origin is Mapping:
            return {key: self.value(arguments[1], value) for key, (_, value) in self.entries(node).items()}
        return self.plain(kind, origin, arguments, node)

    def plain(self, kind: Any, origin: Any, arguments: tuple[Any, ...], node: yaml.Node) -> Any:
        if origin is Literal:
            return self.choice(arguments, node)
        if origin is tuple:
            return self.sequence(arguments[0], node)
        if issubclass(kind, Section):
            return self.section(kind, node)
        return self.scalar((kind,), node)

    def annotated(self, kind: Any, marker: Any, node: yaml.Node) -> Any:
        if isinstance(marker, Unit):
            return self.quantity(marker, node)
        if marker == "one or many" and isinstance(node, yaml.ScalarNode):
            return (self.scalar((str,), node),)
        return self.value(kind, node)

    def union(self, kinds: tuple[Any, ...], node: yaml.Node) -> Any:
        """One of several types: a section for a mapping, else the other one; plain scalars keep their own type."""
        kinds = tuple(kind for kind in kinds if kind is not type(None))
        if all(kind in {str, int, float, bool} for kind in kinds):
            return self.scalar(kinds, node)
        sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
        others = [kind for kind in kinds if kind not in sections]
        return self.value(
            (sections or others)[0] if isinstance(node, yaml.MappingNode) else (others or sections)[0], node
        )

    def sequence(self, kind: Any, node: yaml.Node) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(node, f"{_shown(node)} where a list belongs", "write [first, second]")
        if not node.value:
            self.fail(node, "an empty list")
        return tuple(self.value(kind, item) for item in node.value)

    def quantity(self, unit: Unit, node: yaml.Node) -> float:
        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, f"{_shown(node)} where a {unit.name} belongs", unit.accepted)
        try:
            return unit.parse(str(self.substitute(node)))
        except ValueError:
            self.fail(node, f"{_shown(node)} is no {unit.name}", unit.accepted)

    def choice(self, choices: tuple[Any, ...], node: yaml.Node) -> Any:
        value = self.scalar((type(choices[0]),), node)
        if value not in choices:
            self.fail(node, f"{_shown(node)} is not among the choices", f"choose {' or '.join(map(str, choices))}")
        return value

    def scalar(self, kinds: tuple[type, ...], node: yaml.Node) -> Any:
        """A plain value of one of the types `kinds`."""
        if not isinstance(node, yaml.ScalarNode) or (not node.style and node.value in {"", "~", "null"}):
            self.fail(node, f"{_shown(node)} where {_article(kinds[0])} belongs")
        value = self.native(node)
        if type(value) in kinds or (isinstance(value, str) and str in kinds):
            return value
        if float in kinds and type(value) is int:
            return float(value)
        remedy = "put it in quotes" if str in kinds else None
        return self.fail(node, f"{_shown(node)} where {_article(kinds[0])} belongs", remedy)

    def native(self, node: yaml.ScalarNode) -> Any:
        """The scalar as YAML means it; only decimal numbers and true and false are read without quotes."""
        if node.style:
            return self.substitute(node)
        if NUMBER.fullmatch(node.value):
            return self.number(node)
        if node.tag.endswith((":int", ":float")):
            self.fail(node, f"{_shown(node)} is a number that nobody reads alike", "write it in decimal, or in quotes")
        if node.tag.endswith(":bool"):
            if node.value not in {"true", "false"}:
                self.fail(node, f"YAML reads {_shown(node)} as true or false", 'write true or false, or quote it: "on"')
            return node.value == "true"
        return self.substitute(node)

    def number(self, node: yaml.ScalarNode) -> int | float:
        value = int(node.value) if re.fullmatch(r"-?[0-9]{1,15}", node.value) else float(node.value)
        if abs(value) > 1e300:
            self.fail(node, "a number beyond all bounds")
        return value

    def substitute(self, node: yaml.ScalarNode) -> str:
        """The text with `${NAME}` filled in."""

        def look_up(found: re.Match[str]) -> str:
            if found[1]:
                return found[0][1:]
            value = self.environ.get(found[2])
            if not value:
                self.fail(
                    node,
                    f"{found[2]} is {'not set' if value is None else 'empty'}",
                    f"set {found[2]} in the environment",
                )
            return value

        text = VARIABLE.sub(look_up, node.value)
        if text == node.value or not VARIABLE.search(node.value):
            return text
        marked = FromEnvironment(text)
        marked.written = node.value
        return marked


def _shown(node: yaml.Node) -> str:
    """What stands at a node, as an error names it; a text with `${NAME}` is shown as written."""
    if isinstance(node, yaml.ScalarNode):
        text = node.value if len(node.value) <= 40 else f"{node.value[:40]}…"
        return f'"{text}"' if text else "nothing"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"


def _printable(text: str) -> str:
    """One line, whatever a key or value holds."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _article(kind: type) -> str:
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[kind]
