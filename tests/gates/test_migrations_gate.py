"""`gate migrations`: what a candidate brings into the database, before it ships."""

import pytest

from gated import release, run
from releasegate.errors import InputError, PolicyError
from repositories import committed, git, repository

POLICY = "version: 1\nservice: shop\nenvironment: production\n"
RULES = "rollback: {migrations: {directory: db, status: [s], revert: [r]}}\n"
ADDS, DROPS = "ALTER TABLE t ADD COLUMN a int;\n", "ALTER TABLE t DROP COLUMN a;\n"
EXPAND, CONTRACT = "-- releasegate: expand\n", "-- releasegate: contract: nobody reads it\n"
NEVER = "-- releasegate: irreversible: cards are hashed\n"


@pytest.fixture
def checkout(tmp_path):
    folder = repository(tmp_path / "repo")
    committed(folder, {"db/1.sql": DROPS, "releasegate.yaml": f"{POLICY}{RULES}"})
    return folder


def findings(document):
    return [(one["check"], one["level"], one["where"], one["title"]) for one in document["findings"]]


def test_a_drop_that_is_declared_expand_fails_before_it_ships(checkout):
    release(checkout, "v1.0.0-rc.1", git(checkout, "rev-parse", "HEAD"))
    head = committed(checkout, {"db/2.sql": f"{EXPAND}{ADDS}", "db/3.sql": f"{EXPAND}{ADDS}{DROPS}"})
    document, code = run(checkout, "migrations")
    assert (document["verdict"], code, document["subject"]["commit"]) == ("fail", 1, head)
    assert document["summary"] == "2 new migrations: 1 expand, 1 contract"
    assert findings(document) == [
        ("expand", "error", "db/3.sql:3", "declared expand, but: drops the column t.a"),
        ("contract", "info", "db/3.sql",
         "a rollback takes the schema back only with a snapshot: declared expand, but line 3: drops the column t.a"),
    ]  # fmt: skip
    assert [one["path"] for one in document["evidence"]] == ["db/3.sql", "db/2.sql"]


@pytest.mark.parametrize(
    ("text", "verdict", "found"),
    [
        (f"{EXPAND}{ADDS}", "pass", []),
        (f"{CONTRACT}{DROPS}", "pass", ["contract"]),
        (DROPS, "warn", ["undeclared", "contract"]),
        (f"{NEVER}{ADDS}", "warn", ["irreversible"]),
        (f"{EXPAND}DO $$ BEGIN END $$", "warn", ["unread"]),
        (f"-- releasegate: contrat\n{DROPS}", "fail", ["declaration", "contract"]),
    ],
)
def test_each_kind_has_its_level(checkout, text, verdict, found):
    committed(checkout, {"db/2.sql": text})
    document, code = run(checkout, "migrations", "--since", "HEAD~1")
    assert (document["verdict"], [one["check"] for one in document["findings"]]) == (verdict, found)
    assert code == (1 if verdict == "fail" else 0)


def test_the_first_release_has_nothing_to_go_back_to(checkout):
    document, code = run(checkout, "migrations")
    assert (document["verdict"], document["summary"], document["findings"], code) == ("pass", "0 new migrations", [], 0)


def test_a_folder_that_is_misspelled_and_a_policy_without_one_are_errors(checkout):
    git(checkout, "mv", "db", "database")
    committed(checkout, {"a": ""})
    with pytest.raises(InputError, match="there is no folder `db`"):
        run(checkout, "migrations", "--since", "HEAD~1")
    (checkout / "releasegate.yaml").write_text(POLICY)
    with pytest.raises(PolicyError, match=r"the policy has no `rollback\.migrations`"):
        run(checkout, "migrations")


def test_gate_run_judges_them_beside_the_evidence_and_never_alone(checkout):
    release(checkout, "v1.0.0-rc.1", git(checkout, "rev-parse", "HEAD"))
    suite = '<testsuite timestamp="2100-01-01T00:00:00Z"><testcase name="t.ok"/></testsuite>'
    committed(checkout, {"db/2.sql": f"{EXPAND}{DROPS}", "a.xml": suite})
    with pytest.raises(PolicyError, match="the policy names no gate"):
        run(checkout, "run")
    gates = "gates: {tests: {unit: {junit: a.xml}}, undated: accept}\n"
    (checkout / "releasegate.yaml").write_text(f"{POLICY}{RULES}{gates}")
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("fail", 1)
    assert "migrations/expand" in [one["check"] for one in document["findings"]]
    (checkout / "releasegate.yaml").write_text(f"{POLICY}{RULES}{gates}".replace("directory: db", "directory: bd"))
    document, code = run(checkout, "run")
    assert (document["verdict"], code) == ("inconclusive", 3)
