"""Random edits of generated files: every byte outside of the flag stays, the flag does what was asked, and it can be
taken back to the byte. Both parsers of the code are checked by a third (ruamel.yaml), and flagd by the real evaluator.
"""

import io
import json
import random
from collections import Counter

import pytest
from flag_files import DIALECTS, flag_file
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile
from releasegate.flags.proof import prove

KEYS = 200
QUICK, SOAK, PARTS = 100, 10_000, 4


class Dateless(SafeConstructor):
    """Dates stay text, as a flag's runtime reads them."""


Dateless.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def third_reading(content, path):
    text = content.decode("utf-8-sig")
    if path.endswith(".json"):
        return json.loads(text)
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Dateless
    return reader.load(io.StringIO(text))


def asked(chance, dialect, flag):
    """Some edit: its name, what makes it, and whether it can be refused."""
    kind = chance.choice(["set", "set", "rollout", "rollout", "rollout", "off"])
    if kind == "rollout":
        percent = chance.choice(["0", "5", "25", "100", "0.5", "12.5", str(chance.randrange(101))])
        return kind, percent, dialect != "plain"
    if kind == "off":
        return kind, None, False
    if dialect == "plain":
        return kind, chance.choice(["on", "off", "true", "0"]), False
    return kind, chance.choice(list(flag["variants" if dialect == "flagd" else "variations"])), False


def make(file, name, kind, value, on):
    """The edit, or why it is refused."""
    try:
        if kind == "set":
            return file.set(name, value)
        return file.off(name, on) if kind == "off" else file.rollout(name, value, on)
    except FlagError as error:
        return error


def one_edit(seed):
    chance = random.Random(seed)
    dialect = chance.choice(DIALECTS)
    written = flag_file(chance, dialect)
    name = chance.choice(list(written.data))
    kind, value, may_be_refused = asked(chance, dialect, written.data[name])
    file = FlagFile.parse(written.content, written.path)
    assert file.dialect == dialect, written.text
    read = third_reading(written.content, written.path)
    assert file.tree.data == read, written.text
    on = {"flagd": "true" if "true" in str(written.data[name]).split("'") else "on", "goff": "enabled"}.get(dialect)
    edit = make(file, name, kind, value, on)
    if isinstance(edit, FlagError):
        assert may_be_refused, (edit, written.text)
        return "refused"
    check(written, read, edit, name)
    prove_it(written, edit)
    return f"{dialect} {kind}"


def check(written, old, edit, name):
    before, after = written.outside(name)
    assert edit.content.startswith(before), written.text
    assert edit.content.endswith(after), written.text
    assert edit.before == written.content
    new = third_reading(edit.content, written.path)
    flags_of = (lambda data: data["flags"]) if written.dialect == "flagd" else dict
    untouched = [{n: f for n, f in flags_of(data).items() if n != name} for data in (old, new)]
    assert untouched[0] == untouched[1], written.text
    assert list(flags_of(old)) == list(flags_of(new))
    assert edit.after.tree.data == new
    restored = edit.after.restore(edit.removed)
    assert restored.content == written.content
    again = FlagFile.parse(restored.content, written.path).restore(edit.removed)
    assert not again.changed


def prove_it(written, edit):
    proof = prove(edit.after, edit.name, edit.goal.percent, KEYS, on=edit.goal.on)
    assert proof.ok, (written.text, edit.content.decode(), proof.text)
    if written.dialect == "flagd":
        served = served_by_flagd(edit.after.tree.data, edit.name, edit.goal.on)
        assert served == proof.runs[0].on, edit.content.decode()


def served_by_flagd(data, name, variant):
    """How many keys get the variant's value from the real evaluator, whatever a caller's default."""
    core = FlagdCore()
    core.set_flags(json.dumps(data))
    wanted = data["flags"][name]["variants"][variant]
    ask = {bool: core.resolve_boolean_value, str: core.resolve_string_value, dict: core.resolve_object_value}
    nobody = {bool: None, str: "\0", dict: {"\0": 0}}[type(wanted)]
    keys = [EvaluationContext(targeting_key=f"user-{number}") for number in range(KEYS)]
    return sum(ask[type(wanted)](name, nobody, key).value == wanted for key in keys)


def edits(start, count):
    made, seed = Counter(), start
    while sum(made.values()) - made["refused"] < count:
        made[one_edit(seed)] += 1
        seed += 1
    return made


def test_random_edits_keep_every_other_byte_and_do_what_was_asked():
    made = edits(0, QUICK)
    assert made["refused"] < QUICK / 4


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_random_edits(part):
    """In parts, so that not one worker has them all."""
    made = edits(1_000_000 * (part + 1), SOAK // PARTS)
    assert sum(made.values()) - made["refused"] == SOAK // PARTS
    assert {f"{dialect} {kind}" for dialect in DIALECTS for kind in ("set", "rollout", "off")} <= made.keys()
    assert made["refused"] < SOAK / PARTS / 4
