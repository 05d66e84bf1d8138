"""The files beside the feature-flags action: an example in each dialect, and the schema of the plain one."""

import json
from datetime import date
from pathlib import Path
from random import Random

import pytest
from flag_files import flag_file
from jsonschema import Draft202012Validator

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile
from releasegate.flags.lint import Context, lint_file
from releasegate.flags.proof import decide

FOLDER = Path(__file__).parents[2] / "feature-flags"
EXAMPLES = {path.name: path for path in sorted((FOLDER / "examples").iterdir())}
SCHEMA = Draft202012Validator(json.loads((FOLDER / "plain.schema.json").read_text()))


def parse(name):
    return FlagFile.parse(EXAMPLES[name].read_bytes(), name)


def test_there_is_one_in_each_dialect():
    assert {name: parse(name).dialect for name in EXAMPLES} == {
        "flagd.yaml": "flagd", "goff.yaml": "goff", "plain.json": "plain", "plain.yaml": "plain",
    }  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_sound_and_can_be_rolled_out_stopped_and_restored(name):
    file = parse(name)
    context = Context(today=date(2026, 11, 24), kill_flag="AGENT_SAFE_MODE")
    assert lint_file(file.content, name, context) == ()
    assert file.state("checkout-v2").percent == 5
    more, stop = file.rollout("checkout-v2", 25), file.set("AGENT_SAFE_MODE", "on", taking_back=True)
    assert [decide(edit)[1] for edit in (more, stop, file.off("checkout-v2"))] == [None, None, None]
    assert (stop.after.state("AGENT_SAFE_MODE").value, stop.after.restore(stop.removed).content) == (True, file.content)


@pytest.mark.parametrize("name", ["plain.yaml", "plain.json"])
def test_the_schema_takes_the_examples(name):
    assert list(SCHEMA.iter_errors(parse(name).tree.data)) == []


def test_the_schema_takes_what_the_dialect_takes():
    for seed in range(200):
        written = flag_file(Random(seed), "plain")
        assert FlagFile.parse(written.content, written.path).dialect == "plain"
        assert list(SCHEMA.iter_errors(written.data)) == [], written.text


@pytest.mark.parametrize("flag", [None, [], {}, {"enabled": 5}, {"percentage": 5}])
def test_the_schema_refuses_what_the_dialect_refuses(flag):
    data = {"a": flag, "b": True}
    assert list(SCHEMA.iter_errors(data)) != []
    with pytest.raises(FlagError, match="not a flag file of a known shape"):
        FlagFile.parse(json.dumps(data).encode(), "flags.json")


def test_a_setting_beside_the_switches_is_taken_by_both():
    data = {"AGENT_SAFE_MODE": 0, "AGENT_MODEL": "large", "retries": 2.5}
    assert list(SCHEMA.iter_errors(data)) == []
    file = FlagFile.parse(json.dumps(data).encode(), "flags.json")
    assert file.state("AGENT_MODEL").text == "large"
    assert file.set("AGENT_SAFE_MODE", 1).content == json.dumps({**data, "AGENT_SAFE_MODE": 1}).encode()
    assert file.set("retries", 3).content == json.dumps({**data, "retries": 3}).encode()


def test_a_file_without_any_switch_is_no_flag_file():
    with pytest.raises(FlagError, match="not a flag file of a known shape"):
        FlagFile.parse(b"image: shop\nport: 8080\n", "flags.yaml")


@pytest.mark.parametrize("percentage", [101, -1, "5"])
def test_a_percentage_out_of_range_is_refused_by_both(percentage):
    data = {"a": {"enabled": True, "percentage": percentage}}
    assert list(SCHEMA.iter_errors(data)) != []
    with pytest.raises(FlagError, match="is no number from 0 to 100"):
        FlagFile.parse(json.dumps(data).encode(), "flags.json").state("a")
