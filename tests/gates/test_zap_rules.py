"""`rules.tsv`: what is taken, and how each fault is told, with what to write instead."""

import pytest

from releasegate.errors import InputError
from releasegate.gates.zap.report import Alert, Confidence, Risk
from releasegate.gates.zap.rules import _SHOWN as SHOWN
from releasegate.gates.zap.rules import Rule, read_rules


def raised(plugin="10055", ref="10055-4"):
    return Alert("https://a", plugin, ref, "CSP", Risk.LOW, Confidence.HIGH, ())


def test_every_kind_of_line_is_read():
    text = "# a comment\n\n   \n10038\tFAIL\t(CSP)\r\n10055-4\tWARN\t(x)\task Ops\n-1\tPASS\t\t \n*\tOUTOFSCOPE\thttps://b/.*\n"
    with pytest.raises(InputError, match=r"rules.tsv:6: has two columns, and ZAP wants three; write `-1<TAB>PASS"):
        read_rules(text.encode(), "rules.tsv")
    rules = read_rules(text.replace("-1\tPASS\t\t ", "-1\tPASS\t(script)").encode(), "rules.tsv")
    assert rules.levels == {"10038": Rule("FAIL", 4), "10055-4": Rule("WARN", 5, "ask Ops"), "-1": Rule("PASS", 6)}
    assert rules.of(raised()) == Rule("WARN", 5, "ask Ops")
    assert rules.of(raised(ref="10055-5")) is None
    assert not rules.in_scope(raised(), "https://b/x")
    assert rules.in_scope(raised(), "http://x/https://b/x")


def test_a_scope_names_rules_one_by_one_or_in_a_list():
    rules = read_rules(b"10055-4,10020\tOUTOFSCOPE\thttps://b/.*\n", "rules.tsv")
    assert not rules.in_scope(raised(), "https://b/x")
    assert rules.in_scope(raised(ref="10055-5"), "https://b/x")
    assert not rules.in_scope(raised("10020", "10020-1"), "https://b/x")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("10021 FAIL (x)", "r:1:1: has no tabs between its columns; write `10021<TAB>FAIL<TAB>(x)`"),
        ("10021", "r:1:1: has no tabs between its columns; write `10021<TAB>WARN<TAB>(name)`"),
        ("10021 FAIL", "r:1:1: has no tabs between its columns; write `10021<TAB>FAIL<TAB>(name)`"),
        ("10021 FAIL (a b) c", "r:1:1: has no tabs between its columns; write `10021<TAB>FAIL<TAB>(a b) c`"),
        ("10021\tFAIL", "r:1: has two columns, and ZAP wants three; write `10021<TAB>FAIL<TAB>(name)`"),
        ("10021\tFAIL\t", "r:1: has two columns, and ZAP wants three; write `10021<TAB>FAIL<TAB>(name)`"),
        (
            "1\tFAIL\ta\tb\tc",
            "r:1: has 5 columns, and ZAP takes four at most; put spaces in place of the tabs after the fourth column",
        ),
        ("10021\tfail\t(x)", "r:1:7: 'fail' is no level; write FAIL (exactly)"),
        (
            "10021\tERROR\t(x)",
            "r:1:7: 'ERROR' is no level; write one of PASS, IGNORE, INFO, WARN, FAIL, OUTOFSCOPE (exactly)",
        ),
        (
            "1\tWARN\t(x)\n  # c",
            "r:2:1: begins with a space, so that ZAP would not know it; put the `#` into the first column",
        ),
        (
            " 1\tWARN\t(x)",
            "r:1:1: begins with a space, so that ZAP would not know it; begin the line with the rule's id",
        ),
        (
            "1\tWARN\t(x)\n1\tFAIL\t(x)",
            "r:2:1: rule 1 stands on line 1 already; keep one of the two lines",
        ),
        (
            "1,2\tFAIL\t(x)",
            (
                "r:1:1: a list of ids ('1,2') is for OUTOFSCOPE alone; "
                "write one line for each: `1<TAB>FAIL<TAB>…` and `2<TAB>FAIL<TAB>…`"
            ),
        ),
        ("*\tFAIL\t(x)", "r:1:1: `*` is for OUTOFSCOPE alone; name the rule's id"),
        ("csp\tFAIL\t(x)", "r:1:1: 'csp' is no rule id; write the rule's number, such as 10038"),
        ("1, 2\tOUTOFSCOPE\tx", "r:1:3: ' 2' is no rule id; write 2"),
        ("a,a\tOUTOFSCOPE\tx", "r:1:1: 'a' is no rule id; write the rule's number, such as 10038"),
        (
            "1,2,3\tFAIL\t(x)",
            (
                "r:1:1: a list of ids ('1,2,3') is for OUTOFSCOPE alone; "
                "write one line for each: `1<TAB>FAIL<TAB>…` and `2<TAB>FAIL<TAB>…`"
            ),
        ),
        (
            f"1\t{'A' * SHOWN}\t(x)",
            f"r:1:3: '{'A' * SHOWN}' is no level; write one of PASS, IGNORE, INFO, WARN, FAIL, OUTOFSCOPE (exactly)",
        ),
        (
            f"1\t{'A' * SHOWN}B\t(x)",
            f"r:1:3: '{'A' * SHOWN}…' is no level; write one of PASS, IGNORE, INFO, WARN, FAIL, OUTOFSCOPE (exactly)",
        ),
        (
            "*\tOUTOFSCOPE\t(",
            (
                "r:1:14: '(' is no regular expression: missing ), unterminated subpattern at position 0; "
                r"escape dots and brackets, as in https://example\.com/.*"
            ),
        ),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_to_write(text, fault):
    with pytest.raises(InputError) as raised_error:
        read_rules(text.encode(), "r")
    assert str(raised_error.value) == fault


def test_bytes_that_are_no_text_are_told_by_line():
    with pytest.raises(InputError, match=r"^r:2: is not UTF-8; save it as UTF-8 without BOM$"):
        read_rules(b"# a\n\xff", "r")
    with pytest.raises(InputError, match=r"^r:1: is not UTF-8; save it as UTF-8 without BOM$"):
        read_rules(b"\xff\n\n", "r")
    with pytest.raises(InputError) as marked:
        read_rules(b"\xef\xbb\xbf1\tFAIL\t(x)", "r")
    assert str(marked.value) == (
        "r:1:1: begins with a byte order mark, so that ZAP would not find the first id; save it as UTF-8 without BOM"
    )


def test_a_scope_s_pattern_may_hold_a_tab():
    rules = read_rules(b"*\tOUTOFSCOPE\thttps://b/\tx\n", "r")
    assert (rules.in_scope(raised(), "https://b/\tx"), rules.in_scope(raised(), "https://b/")) == (False, True)


@pytest.mark.data
def test_real_rules_files_are_read_or_told_apart(data):
    paths = [path for path in sorted((data / "zap/configs").iterdir()) if path.suffix in (".tsv", ".conf")]
    assert len(paths) > 10
    for path in paths:
        lines = [line.split("\t") for line in path.read_text().splitlines() if line.strip() and line[0] != "#"]
        expected = {line[0]: line[1] for line in lines if line[1] != "OUTOFSCOPE"}
        if path.name == "lightbroker-rules.tsv":
            with pytest.raises(InputError, match=r"^r:2:1: rule 90005 stands on line 1 already; keep one of the two"):
                read_rules(path.read_bytes(), "r")
            continue
        rules = read_rules(path.read_bytes(), path.name)
        assert {key: rule.level for key, rule in rules.levels.items()} == expected
        assert len(rules.scopes) == len(lines) - len(expected)
