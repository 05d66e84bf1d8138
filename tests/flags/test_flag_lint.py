"""F001 to F015: each on a file that every parser takes, and none on a sound one."""

import json
from datetime import date

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from releasegate.cli.app import App
from releasegate.cli.main import run
from releasegate.flags.document import FlagFile
from releasegate.flags.lint import Context, lint_file
from repositories import committed, repository

TODAY = date(2026, 11, 24)


def flagd(targeting="", *, variants='{"on": true, "off": false}', default='"off"', state="ENABLED", more=""):
    return (
        f"flags:\n  a:\n    state: {state}\n    variants: {variants}\n"
        + (f"    defaultVariant: {default}\n" if default else "")
        + (f"    targeting: {targeting}\n" if targeting else "")
        + more
    )


def goff(rule="{variation: disabled}", more=""):
    return f"a:\n  variations: {{enabled: true, disabled: false}}\n  defaultRule: {rule}\n{more}"


SOUND = [
    "a: true\nb: 0\nc: {enabled: true, percentage: 5, expires: 2026-12-31}\n",
    flagd('{fractional: [["on", 5], ["off", 95]]}'),
    flagd('{fractional: [["on", 25], ["off", 975]]}'),
    flagd('{if: [{ends_with: [{var: email}, "x"]}, "off", "off"]}'),
    flagd(default='"on"'),
    goff("{percentage: {enabled: 5, disabled: 95}}"),
    goff("{percentage: {enabled: 0.125, disabled: 99.875}}"),
    goff(more="  targeting: [{query: 'key eq \"x\"', variation: enabled, disable: true}]\n"),
]
UNSOUND = [
    ("F001", flagd('{fractional: [["on", 5]]}'), "error", "flags.yaml:6:17",
     "one bucket alone is 100%, whatever its weight: weights are relative"),
    ("F001", flagd('{fractional: [["on", 5], ["off", 90]]}'), "warn", "flags.yaml:6:17",
     "the weights are relative and add up to 95, not 100"),
    ("F001", goff("{percentage: {enabled: 5}}"), "error", "flags.yaml:3:17",
     "one percentage alone is 100%, whatever it says: percentages are relative to their sum"),
    ("F001", goff("{percentage: {enabled: 50, disabled: 150}}"), "warn", "flags.yaml:3:17",
     "the percentages are relative and add up to 200, not 100"),
    ("F002", flagd('{fractional: [["on", 2.5], ["off", 97]]}'), "error", "flags.yaml:6:30",
     "the weight 2.5 is no whole number: the whole rule serves nobody"),
    ("F003", flagd('{fractional: [["onn", 5], ["off", 95]]}'), "error", "flags.yaml:6:30",
     "the bucket `onn` is no variant: these users get an error, and the caller's default"),
    ("F003", goff("{percentage: {enabld: 5, disabled: 95}}"), "error", "flags.yaml:3:30", "`enabld` is no variation"),
    ("F004", flagd(default='"of"'), "error", "flags.yaml:5:5", "the default `of` is no variant"),
    ("F004", goff("{variation: disabld}"), "error", "flags.yaml:3:17", "`disabld` is no variation"),
    ("F007", flagd(state="DISABLED"), "error", "flags.yaml:3:5",
     "the kill switch's flag hands back each caller's own default, which may be the unsafe one"),
    ("F007", flagd(default=""), "error", "flags.yaml:4:5",
     "the kill switch's flag hands back each caller's own default, which may be the unsafe one"),
    ("F007", goff(more="  disable: true\n"), "error", "flags.yaml:4:3",
     "the kill switch's flag hands back each caller's own default, which may be the unsafe one"),
    ("F008", flagd('{if: [{ends_with: [{var: email}, "x"]}, "on", "off"]}'), "warn", "flags.yaml:6:5",
     "looks off, and its targeting can still serve the on variant"),
    ("F008", goff(more='  targeting: [{query: \'key eq "x"\', variation: enabled}]\n'), "warn", "flags.yaml:4:3",
     "looks off, and its targeting can still serve the on variation"),
    ("F008", "a: {enabled: false, percentage: 5}\n", "warn", "flags.yaml:1:21",
     "looks off, and still says a percentage that a reader of that key alone would serve"),
    ("F009", goff(more="  scheduledRollout: [{date: 2027-01-01T00:00:00Z}]\n"), "error", "flags.yaml:4:3",
     "is off, and a scheduled step can turn it on again (today is 2026-11-24)"),
    ("F009", goff("{variation: disabled, progressiveRollout: {initial: {}, end: {}}}"), "error", "flags.yaml:3:38",
     "is off, and a progressive rollout turns it on again"),
    ("F012", flagd(variants='{"on": true, "off": "no"}'), "error", "flags.yaml:4:5",
     "variants of different types: boolean, text"),
    ("F013", "a: {enabled: true, expires: 2026-11-23}\n", "warn", "flags.yaml:1:20",
     "is stale: it was meant to live until 2026-11-23"),
    ("F013", flagd(more="    metadata: {expiry: soon}\n"), "warn", "flags.yaml:6:16", None),
]  # fmt: skip


def lint(text, path="flags.yaml", **known):
    found = lint_file(text.encode(), path, Context(today=TODAY, **known))
    return [(one.check, one.level.value, one.where, one.title) for one in found]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_file_has_no_remark(text):
    assert lint(text, kill_flag="a" if "flags:" not in text else "b") == []


@pytest.mark.parametrize(("check", "text", "level", "where", "title"), UNSOUND)
def test_each_rule(check, text, level, where, title):
    said = (
        f"`a`: {title}" if check != "F013" else f"`a` {title}" if title else "`a`: `soon` is no date; write 2027-01-31"
    )
    assert (check, level, where, said) in lint(text, kill_flag="a")
    assert {one[0] for one in lint(text, kill_flag="a")} == {check}


@pytest.mark.parametrize(
    ("text", "on"),
    [
        (flagd('{fractional: [["on", 5]]}'), 100),
        (flagd('{fractional: [["on", 2.5], ["off", 97.5]]}'), 0),
        (flagd('{if: [{ends_with: [{var: targetingKey}, "7"]}, "on", "off"]}'), 10),
    ],
)
def test_the_real_evaluator_serves_what_the_rules_warn_of(text, on):
    core = FlagdCore()
    core.set_flags(json.dumps(FlagFile.parse(text.encode(), "flags.yaml").tree.data))
    keys = [EvaluationContext(targeting_key=f"user-{number}") for number in range(100)]
    assert sum(core.resolve_boolean_value("a", False, key).value for key in keys) == on
    assert lint(text)


def test_f005_unquoted_words_as_keys_and_values():
    text = "flags:\n  a:\n    state: ENABLED\n    variants: {on: true, 'off': false}\n    defaultVariant: off\n"
    assert [one[:3] for one in lint(text)] == [("F005", "warn", "flags.yaml:4:16"), ("F005", "warn", "flags.yaml:5:21")]
    assert lint(text)[0][3] == "unquoted `on` as a key: text to YAML 1.2, a boolean to YAML 1.1; put it in quotes"


def test_f006_the_python_resolver_does_not_read_yml():
    assert [one[:3] for one in lint(flagd(), "flags.yml")] == [("F006", "warn", "flags.yml:1:1")]
    assert lint(goff(), "flags.yml") == []


def test_f010_flipt_is_remarked_on_and_not_edited():
    text = (
        'version: "1.6"\nflags:\n- key: a\n  type: BOOLEAN_FLAG_TYPE\n  enabled: false\n'
        "  rollouts:\n  - threshold: {percentage: 5, value: true}\n"
    )
    title = "`a`: rollouts are looked at before `enabled: false`, and can still serve true"
    assert lint(text) == [("F010", "error", "flags.yaml:6:3", title)]
    assert lint(text.replace("enabled: false", "enabled: true")) == []


def test_f011_a_key_that_stands_twice():
    title = "the key `a` stands twice in one mapping"
    assert lint("a: true\na: false\n") == [("F011", "error", "flags.yaml:2:1", title)]


def test_a_file_that_cannot_be_read_is_inconclusive():
    (found,) = lint_file(b"a: [", "flags.yaml", Context(today=TODAY))
    assert (found.check, found.unusable, found.where) == ("file", True, "flags.yaml:1:5")


def test_f013_flags_that_the_code_asks_for_and_that_are_not_there():
    title = "the code asks for `b`, which flags.yaml does not have: it gets its own default"
    assert lint("a: true\n", used={"a": "app.py:1:1", "b": "app.py:7:1"}) == [("F013", "error", "app.py:7:1", title)]


def test_f014_another_order_of_the_buckets():
    one, other = (flagd(f"{{fractional: [{pair}]}}") for pair in ('["on", 5], ["off", 95]', '["off", 95], ["on", 5]'))
    base = FlagFile.parse(one.encode(), "flags.yaml")
    title = "`a`: the buckets were on, off and are off, on: each variant changes its users"
    assert lint(other, base=base) == [("F014", "error", "flags.yaml:6:17", title)]
    assert lint(one.replace("5]", "25]").replace("925]", "75]"), base=base) == []
    assert lint(other, base=FlagFile.parse(b"a: true\n", "flags.yaml")) == []


def test_f015_consumers_that_hash_differently():
    text, consumers = flagd('{fractional: [["on", 5], ["off", 95]]}'), {"shop": "cbor", "web": "concat"}
    title = (
        "`a` is split by different hashes: the same user is in for one and out for the other: shop (cbor), web (concat)"
    )
    assert lint(text, consumers=consumers) == [("F015", "warn", "flags.yaml:2:3", title)]
    assert lint(text, consumers={"shop": "cbor", "jobs": "cbor"}) == []
    assert lint(flagd(), consumers=consumers) == [], "nothing is split"


POLICY = """\
version: 1
service: checkout
environment: production
flags:
  file: flags.yaml
  references: {pattern: 'is_on\\("([^"]+)"\\)', paths: "src/**/*.py"}
  consumers: {shop: cbor, web: concat}
kill-switch: {flag: a, value: true}
"""


def test_the_command_line_with_a_policy_and_sarif(tmp_path, capsys):
    text = flagd('{fractional: [["off", 95], ["on", 5]]}', state="DISABLED")
    folder = repository(tmp_path / "repo")
    committed(folder, {"flags.yaml": flagd('{fractional: [["on", 5], ["off", 95]]}')})
    committed(
        folder, {"flags.yaml": text, "releasegate.yaml": POLICY, "src/app.py": '\nif is_on("b") or is_on("a"):\n'}
    )
    arguments = ["flags", "lint", "--base", "HEAD~1", "--sarif", "lint.sarif", "--format", "json"]
    assert run(App(directory=folder), arguments) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(one["check"], one["where"]) for one in document["findings"]] == [
        ("F015", "flags.yaml:2:3"), ("F007", "flags.yaml:3:5"), ("F014", "flags.yaml:6:17"), ("F013", "src/app.py:2:1"),
    ]  # fmt: skip
    log = json.loads((folder / "lint.sarif").read_text())
    places = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in log["runs"][0]["results"]
    }
    assert places == {"F015": "flags.yaml", "F007": "flags.yaml", "F014": "flags.yaml", "F013": "src/app.py"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--code", "*.py"],
         "--code needs --pattern: how the code asks for a flag (try `releasegate flags lint --help`)"),
        (["--code", "*.py", "--pattern", "("],
         "`(` is no regular expression: missing ), unterminated subpattern at position 0"),
        (["--code", "*.py", "--pattern", "a"], "`a` needs exactly one group, for the flag's name"),
        *(
            (["--code", glob, "--pattern", "(a)"],
             f"no file of the code matches `{glob}`; write a glob below this folder, such as src/**/*.py")
            for glob in ("scr/**/*.py", "/etc/*", "../*", "")
        ),
        (["--consumer", "web"], "`web`: write NAME=cbor or NAME=concat (try `releasegate flags lint --help`)"),
        (["--file", "none.yaml"],
         "none.yaml: cannot be read: No such file or directory; is the path right, and was it made?"),
    ],
)  # fmt: skip
def test_bad_input(tmp_path, capsys, arguments, message):
    (tmp_path / "flags.yaml").write_text("a: true\n")
    assert run(App(directory=tmp_path), ["flags", "lint", "--file", "flags.yaml", *arguments]) == 2
    assert capsys.readouterr().err == f"releasegate: {message}\n"
