"""What an edit is, what it is for, and when it is made: raising needs a proof, taking back does not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from releasegate.errors import FlagError, UnsafeEditError
from releasegate.flags.document import LARGEST, Edit, FlagFile, Goal, Removed, check, share_of
from releasegate.flags.proof import Proof, Run, decide, evaluator, prove, raises
from releasegate.flags.splice import Change

TEXTS = "flags: {a: {state: ENABLED, variants: {old: v1, new: v2}, defaultVariant: old, targeting: %s}}\n"
HALF = TEXTS % "{fractional: [[old, 50], [new, 50]]}"
SWITCH = TEXTS.replace("v1", "false").replace("v2", "true")
GOFF = "a: {variations: {yes1: true, no1: false}, defaultRule: %s}\n"
UNREADABLE = GOFF % "{percentage: {yes1: many}}"


def parse(text, dialect=None):
    return FlagFile.parse(text.encode(), "f.yaml", dialect)


@pytest.mark.parametrize(
    ("make", "goal", "said"),
    [
        (lambda f: f.set("a", "v2"), Goal(Decimal(100), "v2"), 100),
        (lambda f: f.set("a", "new", taking_back=True), Goal(Decimal(100), "new", taking_back=True), 100),
        (lambda f: f.rollout("a", 25, "new"), Goal(Decimal(25), "new"), 25),
        (lambda f: f.rollout("a", 25, "old"), Goal(Decimal(25), "old"), 75),
        (lambda f: f.off("a", "new"), Goal(Decimal(0), "new", taking_back=True), 0),
        (lambda f: f.off("a", "old"), Goal(Decimal(0), "old", taking_back=True), 100),
        (lambda f: f.restore(Removed("a", f.content.decode()[8:-2], "")), None, 50),
    ],
)
def test_an_edit_says_what_it_is_for(make, goal, said):
    file = parse(HALF)
    edit = make(file)
    assert (edit.goal, edit.name, edit.before, edit.file) == (goal, "a", HALF.encode(), file)
    assert edit.goal is None or edit.goal.taking_back is goal.taking_back
    assert edit.after.state("a", "new").percent == said
    assert edit.changed is (said != 50)
    assert (edit.diff == "") is not edit.changed


def test_an_edit_is_the_lines_of_its_flag_and_no_more():
    text = "b: 1\na: {enabled: true, percentage: 5} # why\nc: 1\n"
    edit = parse(text).rollout("a", 55)
    assert edit.removed == Removed("a", "a: {enabled: true, percentage: 5}", "a: {enabled: true, percentage: 55}")
    assert isinstance(edit, Edit)
    whole = parse("a: true").set("a", "off")
    assert whole.removed == Removed("a", "a: true", "a: false")
    longer = parse("a:\n  enabled: true # why\n").rollout("a", 5)
    assert longer.removed == Removed("a", "a:\n  enabled: true # why", "a:\n  enabled: true # why\n  percentage: 5")


CHANGED = "f.yaml:1:1: `a` was changed since, and is not restored over that change; set it by hand"


@pytest.mark.parametrize(
    ("text", "before", "after", "result"),
    [
        ("a: true\nb: 1\n", "a: false", "a: true", "a: false\nb: 1\n"),
        ("a: true\nb: 1\n", "a: true", "a: false", "a: true\nb: 1\n"),  # as it was before already
        ("a: true # x\nb: 1\n", "a: 0", "a: true # x", "a: 0\nb: 1\n"),  # the comment came with the edit
        ("a: trueb\n", "a: 1", "a: true", None),  # more stands there than the edit wrote
        ("a: trueb\n", "a: true", "a: 1", None),
        ("a: false\nb: 1\n", "a: 1", "a: true", None),
    ],
)
def test_a_restore_puts_back_what_the_edit_took(text, before, after, result):
    file, removed = parse(text, "plain"), Removed("a", before, after)
    if result is not None:
        assert file.restore(removed).content.decode() == result
        return
    with pytest.raises(FlagError) as error:
        file.restore(removed)
    assert str(error.value) == CHANGED


@pytest.mark.parametrize(
    ("text", "dialect", "name", "message"),
    [
        ("checkout: true\n", None, "chekout", "f.yaml: there is no flag `chekout`; did you mean `checkout`?"),
        ("".join(f"f{n}: true\n" for n in range(12)), None, "zzz",
         "f.yaml: there is no flag `zzz`; it has f0, f1, f2, f3, f4, f5, f6, f7, f8, f9"),
        ("$schema: x\na: true\n", None, "zzz", "f.yaml: there is no flag `zzz`; it has a"),
        ("flags: 5\n", "flagd", "a", "f.yaml: there is no flag `a`; it has none"),
        ("other: 5\n", "flagd", "a", "f.yaml: there is no flag `a`; it has none"),
        ("<<: {b: true}\na: true\n", None, "bbb", "f.yaml: there is no flag `bbb`; it has a"),
    ],
)  # fmt: skip
def test_a_flag_that_is_not_there(text, dialect, name, message):
    for ask in (FlagFile.state, FlagFile.off, FlagFile.flag):
        with pytest.raises(FlagError) as error:
            ask(parse(text, dialect), name)
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("{}\n", "nothing"),
        ("".join(f"f{n}: {{}}\n" for n in range(7)), "f0, f1, f2, f3, f4"),
        ("flags: [monkey]\n", "flags"),  # a list, but none of Flipt's
    ],
)
def test_a_file_of_no_known_shape_is_told_by_its_first_keys(text, seen):
    with pytest.raises(FlagError) as error:
        parse(text)
    where = "f.yaml:1:1: not a flag file of a known shape"
    assert str(error.value) == f"{where} (top level: {seen}); name it: --dialect"


def test_a_file_may_be_as_large_as_its_limit():
    whole = b"a: true\n#" + b"x" * (LARGEST - 9)
    assert FlagFile.parse(whole, "f.yaml").names() == ["a"]
    with pytest.raises(FlagError) as error:
        FlagFile.parse(whole + b"x", "f.yaml")
    assert str(error.value) == "f.yaml: larger than 1048576 bytes; is this the right file?"


@pytest.mark.parametrize(("text", "share"), [("0", 0), (100, 100), (12.5, Decimal("12.5")), (Decimal("1E+1"), 10)])
def test_a_percentage(text, share):
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["-0.1", 100.1, "inf", "nan", "5 %", ""])
def test_no_percentage(text):
    with pytest.raises(FlagError) as error:
        share_of(text)
    assert str(error.value) == f"{text} is no percentage; use a number from 0 to 100"


INTENDED = "f.yaml: no safe edit: the result does not read as intended; edit by hand"
UNREAD = "f.yaml: no safe edit: the result cannot be read (not YAML: {}); edit by hand"
DISAGREE = "f.yaml: no safe edit: two parsers disagree on the result; edit by hand"


@pytest.mark.parametrize(
    ("text", "result", "message"),
    [
        ("a: 1\nb: yes\n", "a: 2\nb: yes\n", None),
        ("a: 1\nb: yes\n", "a: 3\nb: yes\n", INTENDED),
        ("a: 1\nb: yes\n", "a: 2\nb: no\n", INTENDED),
        ("a: 1\nb: yes\n", "b: yes\na: 2\n", INTENDED),
        ("a: 1\nb: yes\n", "a: 2\nb: 'yes'\n", DISAGREE),  # a text to YAML 1.2 before and after, not to YAML 1.1
        ("a: 1\nb: yes\n", "a: 2\nb: [\n",
         UNREAD.format("did not find expected node content")),
    ],
)  # fmt: skip
def test_a_result_that_is_not_what_was_meant_is_never_written(text, result, message):
    file, changes = parse(text, "plain"), [Change(("a",), 2)]
    if message is None:
        check(file, result, changes)
        return
    with pytest.raises(UnsafeEditError) as error:
        check(file, result, changes)
    assert str(error.value) == message


def test_a_key_in_the_long_form_is_left_to_a_person():
    with pytest.raises(UnsafeEditError) as error:
        parse("a:\n  ? enabled\n  : true\n").rollout("a", 5)
    assert str(error.value) == UNREAD.format("mapping values are not allowed in this context")


def proof(on, lost=0, percent=5, keys=1000):
    runs = tuple(Run(f"e{number}", each, lost) for number, each in enumerate(on))
    return Proof("a", Decimal(percent), keys, 20, 80, runs)


@pytest.mark.parametrize(
    ("on", "lost", "said", "fits", "share"),
    [
        ([20], 0, "20 of 1000 keys are on (2.00%), as it should be (20 to 80)", True, 0.02),
        ([80], 0, "80 of 1000 keys are on (8.00%), as it should be (20 to 80)", True, 0.08),
        ([19], 0, "19 of 1000 keys are on (1.90%), NOT as it should be (20 to 80)", False, 0.019),
        ([81], 0, "81 of 1000 keys are on (8.10%), NOT as it should be (20 to 80)", False, 0.081),
        ([50], 3, "50 of 1000 keys are on (5.00%), as it should be (20 to 80), and takes 3 keys back that were on",
         False, 0.05),
        ([45, 81], 0, "45 of 1000 keys are on (4.50%), as it should be (20 to 80)", False, 0.081),
        ([20, 75], 0, "20 of 1000 keys are on (2.00%), as it should be (20 to 80)", True, 0.02),  # the farthest off
    ],
)  # fmt: skip
def test_what_a_proof_says(on, lost, said, fits, share):
    made = proof(on, lost)
    assert made.text.splitlines()[0] == f"a at 5%: {said} [e0]"
    assert (made.ok, made.share, len(made.text.splitlines())) == (fits, share, len(on))
    assert made.document() == {
        "schema": "releasegate/proof/1", "flag": "a", "percent": 5.0, "keys": 1000, "bounds": [20, 80],
        "runs": [{"evaluator": f"e{number}", "on": each, "lost": lost} for number, each in enumerate(on)],
        "share": share, "ok": fits,
    }  # fmt: skip


def test_the_percentage_of_a_proof_is_written_plainly():
    assert proof([50], percent="1E+1").text.startswith("a at 10%: ")
    assert proof([50], percent="12.50").text.startswith("a at 12.5%: ")


@pytest.mark.parametrize(
    ("text", "make", "raised"),
    [
        # A share that is asked for by its variant is compared by it.
        (HALF, lambda f: f.rollout("a", 60, "new"), True),
        (HALF, lambda f: f.rollout("a", 40, "new"), False),
        (HALF, lambda f: f.rollout("a", 50, "new"), False),
        (HALF, lambda f: f.set("a", "new"), True),  # which way this goes is not known
        (SWITCH % "{}", lambda f: f.set("a", "old"), False),
        (SWITCH % "{}", lambda f: f.set("a", "new"), True),
        (
            SWITCH % "{fractional: [[new, 5], [old, 95]]}",
            lambda f: f.set("a", "old"),
            False,
        ),  # fewer on
        (SWITCH.replace("ENABLED", "DISABLED") % "{}", lambda f: f.rollout("a", 0), False),
        (SWITCH.replace("ENABLED", "DISABLED") % "{}", lambda f: f.rollout("a", "0.1"), True),
        (GOFF % "{variation: no1}", lambda f: f.set("a", "no1"), False),
        (SWITCH % "{}", lambda f: f.set("a", "new", taking_back=True), False),
        # A flag that cannot be read: any share may be more than it was.
        (UNREADABLE, lambda f: f.set("a", "no1"), True),
        (UNREADABLE, lambda f: replace(f.off("a"), goal=Goal(Decimal(0), None)), False),
        (UNREADABLE, lambda f: replace(f.off("a"), goal=Goal(Decimal("0.5"), None)), True),
        (UNREADABLE, lambda f: replace(f.off("a"), goal=None), True),
        # A restore goes by what it puts back.
        ("a: false\n", lambda f: f.restore(Removed("a", "a: true", "a: false")), True),
        ("a: true\n", lambda f: f.restore(Removed("a", "a: false", "a: true")), False),
        ("a: true\n", lambda f: f.restore(Removed("a", "a: large", "a: true")), True),
    ],
)
def test_what_raises(text, make, raised):
    assert raises(make(parse(text, "plain" if text[3] in "tf" else None))) is raised


def refused(edit):
    with pytest.raises(FlagError) as error:
        decide(edit)
    return str(error.value)


def test_a_raise_that_takes_keys_back_is_refused_with_the_proof():
    # One hash in GO Feature Flag: the buckets stand in the reverse order of their names, so that another name of the
    # off variation puts the on variation to the other end.
    edit = parse(GOFF % "{percentage: {yes1: 5, no1: 95}}").rollout("a", 25)
    assert decide(edit)[0].ok
    other_end = parse((GOFF % "{percentage: {yes1: 5, zero: 95}}").replace("no1", "zero"))
    (run,) = prove(edit.after, "a", 25, before=other_end).runs
    assert 0 < run.lost < 610, "those of the last five percent"
    assert refused(replace(edit, file=other_end)) == (
        f"f.yaml: `a` is not raised without proof: a at 25%: {run.on} of 10000 keys are on ({run.on / 100:.2f}%), "
        f"as it should be (2290 to 2714), and takes {run.lost} keys back that were on [GO Feature Flag]; "
        "see `releasegate flags lint --file f.yaml`"
    )
    found, missing = decide(replace(edit, file=other_end, goal=Goal(Decimal(25), None, taking_back=True)))
    assert (found.ok, missing) == (True, None), "what takes back is not held against what was"


def test_no_raise_is_looked_at_where_nothing_changes():
    edit = parse(SWITCH % "{fractional: [[new, 5], [old, 95]]}").rollout("a", 5)
    assert not edit.changed
    assert decide(replace(edit, goal=Goal(Decimal(6), None)))[0].runs[0].lost == 0


def test_to_nobody_is_refused_where_rules_still_serve():
    query = "f.yaml:1:1: `a`: the query `age gt 5` is not evaluated here"
    text = "a: {variations: {b: true, c: false}, defaultRule: {variation: b}, targeting: [{query: age gt 5}]}\n"
    assert refused(parse(text).rollout("a", 0)) == (
        f"what `a` serves after it is not proved: {query}; use `releasegate flags off a`, which takes the rules away"
    )
    assert refused(parse(text).rollout("a", 5)) == (
        f"`a` is not raised without proof: {query}; see `releasegate flags lint --file f.yaml`"
    )


def test_an_edit_is_proved_for_its_own_variant():
    text = "a: {variations: {old: v1, new: v2}, defaultRule: {percentage: {old: 50, new: 50}}}\n"
    found, missing = decide(parse(text).rollout("a", 60, "new"))
    assert (found.percent, found.ok, missing) == (60, True, None)
    assert decide(parse("a: false\n").restore(Removed("a", "a: true", "a: false"))) == (None, None)


def test_what_cannot_be_proved_is_said_where_it_takes_back():
    text = "a: {variations: {b: true, c: false}, defaultRule: {variation: c}, experimentation: {end: x}}\n"
    edit = parse(text).set("a", "c", taking_back=True)
    after = replace(edit, after=parse(text))
    way_out = "drive time from the rollout, not the flag"
    assert decide(after) == (None, f"f.yaml:1:1: `a`: what the flag serves depends on the time; {way_out}")


def test_one_key_gets_false_where_its_caller_says_nothing():
    assert evaluator(parse(SWITCH.replace("ENABLED", "DISABLED") % "{}"), "a")("user-1") is False
