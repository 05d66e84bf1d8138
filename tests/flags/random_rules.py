"""Random targeting rules of flagd, the same ones every time: npm's evaluator was asked about them (`vectors.json`)."""

import hashlib
import json
from random import Random

RULES = 4_000
KEY = "user-7"
USER = {"email": "ada@example.com", "plan": "gold", "age": 30}
NAMES = ("targetingKey", "email", "plan", "age", "nothing", "$flagd.flagKey")
SCALARS = (None, True, False, -3, 0, 1, 7, 30, 60, "", "a", "gold", "user-7", "@example.com")
SHAPES = (
    (("if", "and", "or"), 1, 5),
    (("==", "!=", "===", "!==", "starts_with", "ends_with"), 2, 2),
    (("<", "<=", ">", ">="), 2, 3),
    (("!", "!!"), 1, 1),
    (("cat",), 1, 3),
    (("in",), 2, 2),
)


def rules():
    """All of them, in their order."""
    chance = Random(2026)
    return [_rule(chance, 3) for _ in range(RULES)]


def digest(found):
    """Tells whether the rules are still those that npm's evaluator was asked about."""
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def flag(rule):
    """A flag that is on where the rule holds."""
    variants = {"on": "1", "off": "0"}
    targeting = {"if": [rule, "on", "off"]}
    return {"state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": targeting}


def _rule(chance, depth):
    kind = chance.random()
    if depth == 0 or kind < 0.25:
        return chance.choice(SCALARS)
    if kind < 0.45:
        return {"var": chance.choice(NAMES)}
    names, low, high = chance.choice(SHAPES)
    items = [_rule(chance, depth - 1) for _ in range(chance.randint(low, high))]
    if names == ("in",) and chance.random() < 0.5:
        items[1] = [chance.choice(SCALARS) for _ in range(chance.randint(0, 3))]
    return {chance.choice(names): items}
