"""Edits to the byte: what stands in a file before and after, in each dialect."""

from decimal import Decimal

import pytest

from releasegate.errors import FlagError
from releasegate.flags.document import FlagFile, Removed

PLAIN = """\
# flags of the shop
AGENT_SAFE_MODE: 0      # 1 stops the agents

checkout-v2:   # the new checkout
  enabled: true
  percentage: 5   # ask first
banner: "yes"
Dark: False
"""
FLAGD = """\
$schema: https://flagd.dev/schema/v0/flags.json
flags:
  checkout-v2:
    state: ENABLED   # never disabled
    variants: {"on": true, "off": false}
    defaultVariant: "off"
    targeting:
      fractional:
        - ["on", 5]    # canary
        - ["off", 95]
  search:
    state: ENABLED
    variants: { 'on': true, 'off': false }
    defaultVariant: 'off'
    targeting:   # staff first
      if:
        - ends_with: [{var: email}, "@example.com"]
        - "on"
        - null
"""
GOFF = """\
checkout-v2:
  variations: {enabled: true, disabled: false}
  defaultRule:
    percentage: {enabled: 5, disabled: 95}
search:
  variations: {enabled: true, disabled: false}
  targeting:
    - {name: staff, query: 'email ew "@example.com"', variation: enabled}   # staff first
  scheduledRollout: [{date: 2027-01-01T00:00:00Z, defaultRule: {variation: enabled}}]
  defaultRule: {variation: disabled}
"""


def weights(on, off, default="off"):
    """The lines of checkout-v2 from its default on, before and after."""
    text = (
        'defaultVariant: "{}"\n    targeting:\n      fractional:\n'
        '        - ["on", {}]    # canary\n        - ["off", {}]\n'
    )
    return text.format("off", 5, 95), text.format(default, on, off)


FILES = {"plain": PLAIN, "flagd": FLAGD, "goff": GOFF}

EDITS = [
    ("plain", "set AGENT_SAFE_MODE on", ("AGENT_SAFE_MODE: 0 ", "AGENT_SAFE_MODE: 1 ")),
    ("plain", "set AGENT_SAFE_MODE 0", None),
    ("plain", "set banner off", ('banner: "yes"', 'banner: "no"')),
    ("plain", "set Dark true", ("Dark: False", "Dark: True")),
    ("plain", "rollout checkout-v2 25", ("percentage: 5 ", "percentage: 25 ")),
    ("plain", "rollout checkout-v2 12.50", ("percentage: 5 ", "percentage: 12.5 ")),
    ("plain", "rollout checkout-v2 5.0", None),
    ("plain", "rollout banner 5", ('banner: "yes"', "banner: {enabled: true, percentage: 5}")),
    ("plain", "rollout banner 0", ('banner: "yes"', 'banner: "no"')),
    ("plain", "off checkout-v2", ("true\n  percentage: 5 ", "false\n  percentage: 0 ")),
    ("flagd", "rollout checkout-v2 25", weights(25, 75)),
    ("flagd", "rollout checkout-v2 0.5", weights(5, 995)),
    ("flagd", "off checkout-v2", weights(0, 100)),
    ("flagd", "set checkout-v2 on", weights(100, 0, "on")),
    ("flagd", "off search", (FLAGD[FLAGD.index("    targeting:   # staff"):], "    targeting: {}   # staff first\n")),
    ("flagd", "set search on", (
        "    defaultVariant: 'off'\n" + FLAGD[FLAGD.index("    targeting:   # staff"):],
        "    defaultVariant: 'on'\n    targeting: {}   # staff first\n")),
    ("goff", "rollout checkout-v2 0.125", ("{enabled: 5, disabled: 95}", "{enabled: 0.125, disabled: 99.875}")),
    ("goff", "off checkout-v2", (
        "defaultRule:\n    percentage: {enabled: 5, disabled: 95}\n", 'defaultRule: {variation: "disabled"}\n')),
    ("goff", "off search", (
        GOFF[GOFF.index("  targeting:"):],
        "  targeting: []\n  scheduledRollout: []\n  defaultRule: {variation: disabled}\n")),
    ("goff", "set search enabled", (
        GOFF[GOFF.index("  targeting:"):],
        "  targeting: []\n  scheduledRollout: []\n  defaultRule: {variation: enabled}\n")),
]  # fmt: skip


def make(file, words):
    verb, name, *rest = words.split()
    return {"set": file.set, "rollout": file.rollout, "off": file.off}[verb](name, *rest)


@pytest.mark.parametrize(("end", "bom"), [("\n", ""), ("\r\n", "\ufeff")])
@pytest.mark.parametrize(("dialect", "words", "swap"), EDITS, ids=[f"{d} {w}" for d, w, _ in EDITS])
def test_an_edit_changes_these_bytes_and_no_other(dialect, words, swap, end, bom):
    def stored(text):
        return (bom + text.replace("\n", end)).encode()

    before = FILES[dialect]
    after = before
    if swap:
        assert before.count(swap[0]) == 1
        after = before.replace(*swap)
    edit = make(FlagFile.parse(stored(before), "flags.yaml"), words)
    assert edit.content.decode() == stored(after).decode()
    assert edit.changed is (swap is not None)
    assert edit.after.restore(edit.removed).content == stored(before)


JSON = """{"flags":{\r
\t"a":{"state":"ENABLED","variants":{"on":true,"off":false},\r
\t\t"defaultVariant":"off" }}}"""


def test_json_keeps_its_tabs_line_ends_and_the_missing_last_one():
    edit = FlagFile.parse(JSON.encode(), "flags.json").rollout("a", 5)
    added = '"defaultVariant":"off",\r\n\t\t"targeting": {"fractional": [["on", 5], ["off", 95]]} }}}'
    assert edit.content.decode() == JSON.replace('"defaultVariant":"off" }}}', added)
    assert edit.after.off("a").content.decode() == edit.content.decode().replace("95]", "100]").replace(" 5]", " 0]")
    assert edit.after.restore(edit.removed).content == JSON.encode()


def test_the_diff_is_one_that_git_applies(tmp_path):
    from repositories import committed, git, repository  # noqa: PLC0415  the only test here that needs git

    text = "a: 1\r\nb: false\r\n# c\r\nd: off"
    folder = repository(tmp_path / "repo")
    committed(folder, {})
    (folder / "flags.yaml").write_bytes(text.encode())
    edit = FlagFile.parse(text.encode(), "flags.yaml").set("d", "on")
    git(folder, "apply", "--whitespace=nowarn", "-", input=edit.diff)
    assert (folder / "flags.yaml").read_bytes() == b"a: 1\r\nb: false\r\n# c\r\nd: on" == edit.content
    assert edit.diff.endswith("-d: off\n\\ No newline at end of file\n+d: on\n\\ No newline at end of file\n")


STATES = {
    "plain": {"AGENT_SAFE_MODE": (False, 0, "off"), "checkout-v2": (False, 5, "on for 5%"),
              "banner": (True, 100, "on"), "Dark": (False, 0, "off")},
    "flagd": {"checkout-v2": (False, 5, "on 5%, off 95%"), "search": (False, None, "targeting rules, else off")},
    "goff": {"checkout-v2": (None, 5, "enabled 5%, disabled 95%"),
             "search": (False, None, "targeting, scheduledRollout, else disabled 100%")},
}  # fmt: skip


@pytest.mark.parametrize("dialect", STATES)
def test_what_the_flags_say(dialect):
    found = FlagFile.parse(FILES[dialect].encode(), "flags.yaml").flags()
    assert {name: (s.value, s.percent, s.text) for name, s in found.items()} == STATES[dialect]


def test_a_disabled_flag_of_flagd_is_the_callers_default_and_is_enabled_by_any_edit():
    text = FLAGD.replace("state: ENABLED   #", "state: DISABLED   #")
    file = FlagFile.parse(text.encode(), "flags.yaml")
    assert file.state("checkout-v2").text == "disabled: every caller gets its own default"
    assert file.state("checkout-v2").percent is None
    for edit in (file.off("checkout-v2"), file.set("checkout-v2", "off"), file.rollout("checkout-v2", 5)):
        assert "state: ENABLED   # never disabled" in edit.content.decode()


def test_a_disabled_flag_of_go_feature_flag_likewise():
    text = GOFF.replace("  defaultRule:\n", "  disable: true\n  defaultRule:\n")
    file = FlagFile.parse(text.encode(), "flags.yaml")
    assert file.state("checkout-v2").text == "disabled: every caller gets its own default"
    for edit in (file.off("checkout-v2"), file.set("checkout-v2", "disabled"), file.rollout("checkout-v2", 5)):
        assert "  disable: false\n" in edit.content.decode()


def test_restoring_over_somebody_elses_change_is_refused():
    edit = FlagFile.parse(PLAIN.encode(), "flags.yaml").off("checkout-v2")
    changed = edit.after.rollout("checkout-v2", Decimal(50)).after
    with pytest.raises(FlagError) as error:
        changed.restore(edit.removed)
    assert str(error.value) == (
        "flags.yaml:4:1: `checkout-v2` was changed since, and is not restored over that change; set it by hand"
    )
    longer = FlagFile.parse(b"a: 10\n", "flags.yaml", "plain")
    with pytest.raises(FlagError):
        longer.restore(Removed("a", "a: 0", "a: 1"))
    assert longer.restore(Removed("a", "a: 10", "a: 1")).changed is False


def test_a_comment_behind_the_last_value_comes_back_too():
    text = "a:\n  enabled: true  # why\nb: 1\n"
    edit = FlagFile.parse(text.encode(), "flags.yaml").rollout("a", 5)
    assert edit.content == b"a:\n  enabled: true  # why\n  percentage: 5\nb: 1\n"
    assert edit.after.restore(edit.removed).content == text.encode()


@pytest.mark.parametrize(
    ("words", "swap"), [("set AGENT_SAFE_MODE on", ("MODE: 0", "MODE: 1")), ("set banner off", ('"yes"', '"no"'))]
)
def test_a_flag_is_restored_although_another_was_changed_since(words, swap):
    edit = FlagFile.parse(PLAIN.encode(), "flags.yaml").off("checkout-v2")
    since = make(edit.after, words).after
    assert since.restore(edit.removed).content.decode() == PLAIN.replace(*swap)
