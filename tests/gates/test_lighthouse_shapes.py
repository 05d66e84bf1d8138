"""Whatever bytes arrive as a report or a configuration, the answer is a verdict or a named error."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.errors import InputError
from releasegate.gates.document import read_document
from releasegate.gates.lighthouse.assertions import assert_options, parse_config
from releasegate.gates.lighthouse.budgets import budget_options
from releasegate.gates.lighthouse.gate import judge
from releasegate.gates.lighthouse.report import parse
from releasegate.verdict import Outcome, Subject

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS = st.sampled_from(
    [
        "audits", "categories", "finalUrl", "finalDisplayedUrl", "requestedUrl", "runtimeError", "lighthouseVersion",
        "fetchTime", "steps", "lhr", "lighthouseResult", "environment", "benchmarkIndex", "configSettings", "score",
        "details", "items", "numericValue", "performance", "resource-summary", "user-timings", "performance-budget",
        "interactive", "name", "duration", "startTime", "resourceType", "size", "countOverBudget", "sizeOverBudget",
        "code", "gatherMode", "scoreDisplayMode", "title", "description",
    ]
)  # fmt: skip
OPTIONS = [
    "preset", "assertions", "assertMatrix", "matchingUrlPattern", "aggregationMethod", "includePassedAssertions",
    "budgetsFile", "minScore", "maxLength", "maxNumericValue", "interactive", "path", "timings", "metric", "budget",
]  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**320), 10**320)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["script", "NO_ERROR", "12.6.1", "99999999999999999999.1", "timespan", "[a](https://x)", "2026"])
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=6),
    max_leaves=30,
)
AUDITS = st.dictionaries(KEYS, st.dictionaries(KEYS, SHAPES, max_size=4), max_size=6)
CONFIG = parse_config(
    {
        "preset": "lighthouse:all",
        "assertions": {
            "categories:performance": "error",
            "interactive": ["error", {"minScore": 0.5, "maxLength": 1, "maxNumericValue": 10}],
            "resource-summary:script:size": ["error", {"maxNumericValue": 10, "aggregationMethod": "median"}],
            "user-timings:a": ["warn", {"aggregationMethod": "median-run"}],
            "performance-budget": "error",
        },
    },
    "rc.json",
)


def answer(content, path="lhr.json", copies=2):
    """The verdict on so many copies of a report, which has to be a JSON document; None where there is no report."""
    try:
        reports = parse(content, path) * copies
    except InputError as error:
        assert error.where == path  # noqa: PT017  any error at all will not do
        return None
    with suppress(InputError):
        verdict = judge(reports, CONFIG, [], Subject(), NOW, NOW)
        json.dumps(verdict.document(), allow_nan=False)
        return verdict
    return None


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(content):
    assert answer(content) is None


@given(SHAPES | st.fixed_dictionaries({"audits": AUDITS}, optional={"categories": SHAPES, "runtimeError": SHAPES}))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json(document):
    verdict = answer(json.dumps(document).encode())
    if verdict is not None:
        assert verdict.verdict in {Outcome.FAIL, Outcome.INCONCLUSIVE}


ASKED = st.recursive(
    LEAVES | st.sampled_from(["error", "warn", "off", "lighthouse:all", "median", "(", "*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(OPTIONS), inner, max_size=4),
    max_leaves=12,
)


@given(SHAPES | ASKED)
@settings(deadline=None)
def test_any_configuration(document):
    for wrapped in (document, {"ci": {"assert": document}}, {"assertions": document}, {"assertMatrix": document}):
        with suppress(InputError):
            parse_config(assert_options(wrapped, "rc.json"), "rc.json")
    for budgets in (document, [document], [{"timings": document}], [{"resourceSizes": document, "path": "/"}]):
        with suppress(InputError):
            parse_config(budget_options(budgets, "budgets.json"), "budgets.json")


@given(st.text(max_size=100) | st.text(alphabet='{}[]":,&*!|>-#?@`%~ \n\tab01', max_size=60))
@settings(deadline=None)
def test_any_handwritten_text(text):
    for path in ("rc.json", "rc.yaml"):
        with suppress(InputError):
            read_document(text.encode("utf-8", "surrogatepass"), path)


@pytest.mark.data
@given(cut=st.floats(0, 1), junk=st.binary(min_size=1, max_size=4), number=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_mutations_of_real_reports(data, cut, junk, number):
    path = sorted((data / "lighthouse").glob("lh*.json"))[number]
    content = path.read_bytes().rstrip()
    at = int(cut * (len(content) - 1))
    truncated, changed = content[:at], content[:at] + junk + content[at + len(junk) :]
    assert answer(truncated) is None
    verdict = answer(changed, copies=1)
    if verdict is not None:
        assert verdict.verdict in {Outcome.FAIL, Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000_000,
        b'{"audits": ' * 1_000_000,
        b'{"audits": {"a": {"numericValue": 1' + b"0" * 1_000_000 + b"}}}",
        b'{"audits": {"a": {"description": "' + b"[" * 1_000_000 + b'"}}, "categories": {"performance": {"score": 1}}}',
    ],
    ids=["lists", "objects", "number", "brackets"],
)
def test_hostile_reports_are_answered_at_once(content):
    verdict = answer(content)
    assert verdict is None or verdict.verdict is Outcome.FAIL


@pytest.mark.parametrize("path", ["rc.yaml", "rc.json"])
def test_half_a_character_is_refused_in_what_people_write(path):
    for content in (b'{"assertions": {"\\ud800": "error"}}', b'{"\\udfff": 1}', b'["a", "b\\udc00"]'):
        with pytest.raises(InputError, match=r"holds half a character|invalid Unicode character escape code"):
            read_document(content, path)
    assert read_document(b'["\\ud83d\\ude00"]', "rc.json") == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_is_refused_in_what_people_write(constant):
    with pytest.raises(InputError) as caught:
        read_document(f'{{"assertions": {constant}}}'.encode(), "rc.json")
    assert str(caught.value) == f"rc.json: cannot be read: {constant} is no JSON number; correct the file"
    with pytest.raises(InputError) as caught:
        read_document(b'{"a": 1, "b": 2, "a": 3}', "rc.json")
    assert str(caught.value) == "rc.json: cannot be read: duplicate key `a`; correct the file"


def test_half_a_character_in_a_report_or_its_name_is_no_bug(tmp_path):
    audits = {"interactive": {"score": 0.1, "title": "x"}}
    report = json.dumps({"lighthouseVersion": "12.6.1", "finalUrl": "https://a/", "audits": audits}).encode()
    (tmp_path / "a\udcff.json").write_bytes(report)
    (tmp_path / "b.json").write_bytes(report.replace(b'"x"', b'"\\ud800"'))
    (tmp_path / "rc.json").write_text('{"assertions": {"interactive": "error"}}')
    (tmp_path / "README.md").touch()
    outputs = ["--sarif", "s.json", "--junit", "j.xml", "--markdown", "m.md", "--annotations", "--format", "json"]
    for name, code in (("a\udcff.json", 1), ("b.json", 3)):
        command = ["lighthouse", name, "--config", "rc.json", *outputs]
        done = CliRunner().invoke(gate, command, obj=App(directory=tmp_path), standalone_mode=False)
        assert (done.exception, done.return_value) == (None, code)
        assert json.loads(done.stdout)["evidence"][0]["path"] == name
        json.loads((tmp_path / "s.json").read_bytes())


@pytest.mark.parametrize("path", ["rc.yaml", "rc.json"])
def test_hostile_configurations_are_refused_at_once(path):
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    for content in (b"[" * 900_000, laughs.encode(), b"{" * 900_000, b"1" * 900_000, b"- " * 400_000):
        with pytest.raises(InputError):
            parse_config(assert_options(read_document(content, path), path), path)
