"""Flag files as people write them: comments, quotes, odd indentation, line ends and brackets, all from one seed."""

import json
from dataclasses import dataclass

DIALECTS = ("plain", "flagd", "goff")
NAMES = ("checkout-v2", "AGENT_SAFE_MODE", "new.search", "dark mode", "beta_2", "x", "größe", "on")
COMMENTS = ("# checkout-v2: on", "# 5%, ask first", "#", '# "quoted": {', "# see https://example.com/#top", "# ü")


@dataclass(frozen=True)
class Written:
    """A generated file, and where each of its flags stands in `text` (whole lines in YAML)."""

    path: str
    dialect: str
    text: str
    places: dict
    data: dict
    bom: bool = False

    @property
    def content(self):
        return ("\ufeff" if self.bom else "").encode() + self.text.encode()

    def outside(self, name):
        """The bytes before and after a flag."""
        start, end = self.places[name]
        return (("\ufeff" if self.bom else "") + self.text[:start]).encode(), self.text[end:].encode()


def flag_file(random, dialect):
    """Some file of a dialect."""
    data = {name: MAKERS[dialect](random) for name in random.sample(NAMES, random.randint(1, 5))}
    suffix = random.choice(["yaml", "yaml", "yml", "json"])
    write = _json if suffix == "json" else _yaml
    text, places = write(random, {"flags": data} if dialect == "flagd" else data, data)
    if suffix != "json" and random.random() < 0.2:
        text, places = text.replace("\n", "\r\n"), {n: _shifted(text, place) for n, place in places.items()}
    return Written(f"config/flags.{suffix}", dialect, text, places, data, bom=random.random() < 0.1)


def _shifted(text, place):
    return tuple(offset + text.count("\n", 0, offset) for offset in place)


def _plain(random):
    kind = random.randrange(5)
    if kind == 0:
        return random.choice([True, False])
    if kind == 1:
        return random.choice([0, 1])
    if kind == 2:
        return random.choice(["on", "off", "yes", "no", "TRUE", "False", "0", "1"])
    flag = {"enabled": random.choice([True, False, 1, 0, "on", "off"])}
    if random.random() < 0.8:
        flag["percentage"] = random.choice([0, 5, 12.5, 50, 100, 0.25])
    if random.random() < 0.5:
        flag["description"] = random.choice(["the new page", 'it\'s "on"', "5: # no comment", "a, b"])
    if random.random() < 0.3:
        return dict(reversed(flag.items()))
    return flag


def _flagd(random):
    on, off, variants = random.choice([
        ("on", "off", {"on": True, "off": False}),
        ("true", "false", {"true": True, "false": False}),
        ("on", "off", {"off": "v1", "on": "v2"}),
        ("on", "off", {"on": {"limit": 5}, "off": {"limit": 1}}),
    ])  # fmt: skip
    flag = {"state": random.choice(["ENABLED"] * 4 + ["DISABLED"]), "variants": variants}
    if random.random() < 0.9:
        flag["defaultVariant"] = random.choice([on, off])
    share = random.choice([0, 5, 25, 50, 100])
    fractional = {"fractional": random.sample([[on, share], [off, 100 - share]], 2)}
    rule = {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, on, fractional]}
    targeting = random.choice([None, {}, fractional, fractional, fractional, rule])
    if targeting is not None:
        flag["targeting"] = targeting
    if random.random() < 0.3:
        flag["metadata"] = {"owner": "shop", "expires": "2027-01-31"}
    return dict(random.sample(list(flag.items()), len(flag))) if random.random() < 0.3 else flag


def _goff(random):
    share = random.choice([0, 5, 12.5, 50, 100])
    percentage = {"percentage": {"enabled": share, "disabled": 100 - share}}
    flag = {
        "variations": {"enabled": True, "disabled": False},
        "defaultRule": random.choice([percentage, percentage, {"variation": "disabled"}, {"variation": "enabled"}]),
    }
    if random.random() < 0.3:
        flag["targeting"] = [{"name": "internal", "query": 'email ew "@example.com"', "variation": "enabled"}]
    if random.random() < 0.15:
        step = {"date": "2027-01-01T00:00:00Z", "defaultRule": {"variation": "enabled"}}
        flag["scheduledRollout"] = [step]
    if random.random() < 0.15:
        flag["experimentation"] = {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
    if random.random() < 0.3:
        flag["disable"] = random.choice([True, False])
    return dict(random.sample(list(flag.items()), len(flag))) if random.random() < 0.3 else flag


MAKERS = {"plain": _plain, "flagd": _flagd, "goff": _goff}


def _json(random, whole, flags):
    """JSON with white space of all kinds."""
    step, colon = random.choice(["  ", "\t", "    ", ""]), random.choice([":", ": ", " : "])
    line = "\n" if step else random.choice(["", " "])
    places, out = {}, []

    def put(text):
        out.append(text)

    def value(data, depth):
        if not isinstance(data, dict | list) or not data or (depth > 2 and random.random() < 0.5):
            put(json.dumps(data, ensure_ascii=random.random() < 0.5))
            return
        put("{" if isinstance(data, dict) else "[")
        for number, item in enumerate(data):
            put(("," if number else "") + line + step * (depth + 1))
            start = len("".join(out)) if data is flags else 0
            if isinstance(data, dict):
                put(json.dumps(item, ensure_ascii=False) + colon)
            value(data[item] if isinstance(data, dict) else item, depth + 1)
            if data is flags:
                places[item] = (start, len("".join(out)))
        put(line + step * depth + ("}" if isinstance(data, dict) else "]"))

    value(whole, 0)
    return "".join(out) + random.choice(["\n", "", "\n\n"]), places


def _yaml(random, whole, flags):
    """YAML in block and flow style, with comments wherever they may stand."""
    writer = _Yaml(random, flags)
    if random.random() < 0.3:
        writer.lines.append("# the flags of the shop")
    if random.random() < 0.2:
        writer.lines.append("---")
    writer.mapping(whole, random.choice([0, 0, 0, 2]))
    ends = [0]
    for line in writer.lines:
        ends.append(ends[-1] + len(line) + 1)
    text = "\n".join(writer.lines) + random.choice(["\n", "\n", "\n# the end\n", ""])
    return text, {name: (ends[start], min(ends[end], len(text))) for name, (start, end) in writer.places.items()}


class _Yaml:
    def __init__(self, random, flags):
        self.random, self.flags = random, flags
        self.lines, self.places = [], {}
        self.step = random.choice([2, 2, 4, 3])

    def chance(self, share):
        return self.random.random() < share

    def comment(self):
        return f"{' ' * self.random.choice([1, 2, 5])}{self.random.choice(COMMENTS)}" if self.chance(0.25) else ""

    def between(self, indent):
        if self.chance(0.2):
            self.lines.append(" " * self.random.choice([0, indent, indent + 2]) + self.random.choice(COMMENTS))
        if self.chance(0.1):
            self.lines.append(self.random.choice(["", "   "]))

    def mapping(self, data, indent):
        for key, value in data.items():
            self.between(indent)
            start = len(self.lines)
            head = " " * indent + self.scalar(key, key=True) + ":"
            # A block collection of its own; the flags themselves always, since their places are lines.
            if isinstance(value, dict | list) and value and (value is self.flags or self.chance(0.6)):
                self.lines.append(head + self.comment())
                self.block(value, indent)
            else:
                gap = " " * self.random.choice([1, 1, 1, 3])
                self.lines += (head + gap + self.flow(value, indent) + self.comment()).split("\n")
            if data is self.flags:
                self.places[key] = (start, len(self.lines))

    def block(self, value, indent):
        if isinstance(value, dict):
            self.mapping(value, indent + self.step)
            return
        inner = indent + self.random.choice([0, self.step])
        for item in value:
            self.between(inner + 1)
            self.lines += (" " * inner + "- " + self.flow(item, inner + 2) + self.comment()).split("\n")

    def flow(self, value, indent):
        if isinstance(value, dict):
            parts = [f"{self.scalar(key, key=True)}: {self.flow(item, indent + 2)}" for key, item in value.items()]
            return "{" + self.joined(parts, indent) + "}"
        if isinstance(value, list):
            return "[" + self.joined([self.flow(item, indent + 2) for item in value], indent) + "]"
        return self.scalar(value)

    def joined(self, parts, indent):
        pad = " " if parts and self.chance(0.2) else ""
        if len(parts) > 1 and self.chance(0.2):
            return ("\n" + " " * (indent + 2)).join(
                part + ("," if number < len(parts) - 1 else "") + self.comment() for number, part in enumerate(parts)
            ) + "\n" + " " * (indent + 2)  # fmt: skip
        return pad + self.random.choice([", ", ", ", ",  "]).join(parts) + pad

    def scalar(self, value, *, key=False):
        if not isinstance(value, str):
            if isinstance(value, bool) and self.chance(0.2):
                return self.random.choice([str(value), str(value).upper()])
            return json.dumps(value)
        bare = value.replace("-", "").replace("_", "").isalnum() and (key or value in {"on", "off", "yes", "no"})
        bare = bare or value.isupper() or (value.isalpha() and value.lower() not in {"true", "false"})
        style = self.random.randrange(3)
        if style == 0 and bare and value.upper() not in {"TRUE", "FALSE"}:
            return value
        if style == 1:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)
