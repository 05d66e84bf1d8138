"""Addresses in reports: shown without their secrets, and as places that two scans of one site share."""

import re
from functools import lru_cache

from releasegate.gates.zap.report import Instance, Node

_SECRET = re.compile(
    r"token|secret|passw|pwd|session|sid$|auth|key|sig(nature)?$|^code$|jwt|credential|csrf|xsrf", re.IGNORECASE
)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#@]*@", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ESCAPED = re.compile(r"\\+/")  # every escape of a slash, or the place of a place would be another
_NODE_PARAMETERS = re.compile(r" \([^/]*\)$")


def shown(uri: str) -> str:
    """`uri` without user names, passwords, and the values of parameters that are called like secrets."""
    if "@" in uri:
        uri = _USER.sub(r"\1", uri)
    if "=" not in uri:
        return uri
    start, mark, rest = uri.partition("?")
    if ";" in start:
        start = ";".join(_pair(pair) for pair in start.split(";"))
    return start + mark + "&".join([_pair(pair) for pair in rest.split("&")])


def _pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    return f"{name}=…" if mark and value and _is_secret(name) else pair


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def place(instance: Instance) -> str:
    """Where an instance lies, the same in two scans: ids, tokens and parameter values are left out."""
    if isinstance(instance, Node) and instance.node:
        node = _ESCAPED.sub("/", instance.node)
        parameters = _NODE_PARAMETERS.search(node)
        cut = parameters.start() if parameters else len(node)
        return _without_ids(node[:cut]) + node[cut:]
    return path_place(instance.uri)


def path_place(uri: str) -> str:
    """As `place`, from the address alone."""
    path, names = _parts(uri)
    return path + (f" ({','.join(names)})" if names else "")


def anonymous(uri: str) -> str:
    """An address with the `path_place` of `uri`, and without the ids, tokens and values in it."""
    path, names = _parts(shown(uri))
    return path + (f"?{'&'.join(names)}" if names else "")


def _parts(uri: str) -> tuple[str, list[str]]:
    """The path without ids, and the names of the parameters."""
    path, _, query = uri.partition("#")[0].partition("?")
    names = sorted({name for pair in query.split("&") if (name := pair.partition("=")[0])})
    return _without_ids(path.partition(";")[0]), names


def _without_ids(path: str) -> str:
    scheme, mark, rest = path.partition("://")
    host, slash, segments = rest.partition("/") if mark else ("", "", path)
    segments = _WORD.sub(_word, _UUID.sub("{}", segments))
    return f"{scheme}{mark}{host}{slash}{segments.rstrip('/')}" if mark else segments.rstrip("/")


def _word(match: re.Match[str]) -> str:
    """`{}` in place of a number, a hash or a token."""
    word = match[0]
    if word.isdigit():
        return "{}"
    digits = sum(letter.isdigit() for letter in word)
    hashed = len(word) >= 8 and digits and (word.upper() == word or re.fullmatch(r"[0-9a-f]+", word))
    return "{}" if hashed or (len(word) >= 20 and digits) else word
