"""What SQL drops or narrows, in the words that the person on call reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasegate.migrations.sql import narrowing


def whats(text, dialect="postgres"):
    return [statement.what for statement in narrowing(text, dialect)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("DROP TABLE IF EXISTS shop.orders CASCADE", ["drops the table shop.orders"]),
        ("drop table a, b", ["drops the table a", "drops the table b"]),
        ("DROP VIEW v", ["drops the view v"]),
        ("DROP TYPE mood", ["drops the type mood"]),
        ("DROP EXTENSION hstore", ["drops, renames or narrows: DROP EXTENSION hstore"]),
        ("ALTER TABLE t DROP COLUMN a, DROP b, ADD COLUMN c int", ["drops the column t.a", "drops the column t.b"]),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint USING a::bigint", ["changes the type of t.a"]),
        ("ALTER TABLE t ALTER a SET NOT NULL", ["t.a must be filled from now on"]),
        ("ALTER TABLE t ALTER a DROP DEFAULT", ["t.a has no default any more"]),
        ("ALTER TABLE t RENAME TO u", ["renames t"]),
        ("ALTER TABLE t RENAME COLUMN a TO b", ["renames t.a"]),
        ("ALTER TABLE t SET SCHEMA old", ["drops, renames or narrows: ALTER TABLE t SET SCHEMA old"]),
        ("ALTER TABLE t ADD CHECK (a > 1)", ["drops, renames or narrows: ALTER TABLE t ADD CHECK (a > 1)"]),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID",
            ["adds a constraint to t, which the release before may break"],
        ),
        ("ALTER TABLE t ADD COLUMN a int NOT NULL", ["adds the column t.a, which must be filled and has no default"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", ["makes rows of t unique"]),
        ("CREATE OR REPLACE TABLE t (id int)", ["drops and makes anew the table t"]),
        ("CREATE TABLE IF NOT EXISTS t (id int); DROP TABLE t", ["drops the table t"]),
        ("DROP TABLE t; CREATE TABLE t (id int)", ["drops the table t"]),
        ("TRUNCATE t, u", ["empties t, u"]),
        ("DELETE FROM t", ["deletes every row of t"]),
        ("DELETE FROM t WHERE true", ["deletes every row of t"]),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", ["deletes every row of t"]),
        ("REVOKE SELECT ON t FROM bob", ["takes a right away"]),
        ("DO $$ BEGIN DROP TABLE x; END $$", ["cannot be read: DO $$ BEGIN DROP TABLE x; END $$"]),
        ("hello world of SQL", ["cannot be read: hello world of SQL"]),
        ("SELECT 'without an end", ["this is no SQL that can be read"]),
    ],
)
def test_what_drops_or_narrows_is_told(text, what):
    assert whats(text) == what


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- DROP TABLE t",
        "/* DROP TABLE t; */ SELECT 'DROP TABLE t'",
        "CREATE TABLE t (id bigserial PRIMARY KEY, a int NOT NULL UNIQUE CHECK (a > 1))",
        "CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX i",
        "ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 3",
        "ALTER TABLE t ALTER a DROP NOT NULL; ALTER TABLE t ALTER a SET DEFAULT 4; ALTER TABLE t DROP CONSTRAINT c",
        "ALTER TABLE t VALIDATE CONSTRAINT c; ALTER INDEX i RENAME TO j; ALTER TYPE mood ADD VALUE 'sad'",
        "INSERT INTO t VALUES (1); UPDATE t SET a = 1; DELETE FROM t WHERE a = 1",
        "BEGIN; SET lock_timeout = '5s'; GRANT SELECT ON t TO bob; COMMENT ON TABLE t IS 'x'; COMMIT",
        "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN DELETE FROM t; END $$ LANGUAGE plpgsql",
        "CREATE EXTENSION IF NOT EXISTS hstore; CREATE TYPE mood AS ENUM ('a'); VACUUM t",
    ],
)
def test_what_only_adds_is_not(text):
    assert whats(text) == []


def test_what_is_done_to_a_table_of_the_same_file_does_not_count():
    text = "CREATE TABLE n (id int); ALTER TABLE n ADD UNIQUE (id); CREATE UNIQUE INDEX i ON n (id); DELETE FROM n"
    text += "; CREATE OR REPLACE TABLE n (id int)"
    assert whats(f"{text}; DROP TABLE n; DROP TABLE old") == ["drops the table old"]


def test_the_line_is_where_the_statement_begins_and_what_follows_a_broken_one_is_read():
    found = narrowing("-- a comment\nSELECT 1;\n\nnonsense here;\n  ALTER TABLE t\n    DROP COLUMN a;\n", "postgres")
    assert [(one.line, one.what, one.read) for one in found] == [
        (4, "cannot be read: nonsense here", False),
        (5, "drops the column t.a", True),
    ]


@pytest.mark.parametrize(
    ("up", "down"), [("-- +goose Up", "-- +goose Down"), ("-- migrate:up", "-- migrate:down transaction:false")]
)
def test_the_way_down_in_the_same_file_is_left_out(up, down):
    text = f"{up}\nCREATE TABLE t (id int);\n{down}\nDROP TABLE t;\nDROP TABLE u;\n{up}\nDROP TABLE v;\n"
    assert [(one.line, one.what) for one in narrowing(text, "postgres")] == [(7, "drops the table v")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ALTER TABLE `t` MODIFY COLUMN a bigint NOT NULL", ['changes the type of "t".a']),
        ("ALTER TABLE t CHANGE COLUMN a b int", ["renames t.b", "changes the type of t.b"]),
        ("ALTER TABLE t ADD INDEX i (a); ALTER TABLE t DROP INDEX j; ALTER TABLE t DROP FOREIGN KEY k", []),
        ("ALTER TABLE t ADD UNIQUE INDEX i (a)", ["adds a constraint to t, which the release before may break"]),
        ("RENAME TABLE a TO b", ["drops, renames or narrows: RENAME TABLE a TO b"]),
    ],
)
def test_mysql(text, what):
    assert whats(text, "mysql") == what


HARMLESS = st.sampled_from(
    ["CREATE TABLE n (a int)", "SELECT 1", "ALTER TABLE t ADD COLUMN b text", "-- only words\nINSERT INTO t VALUES (1)"]
)
SPACE = st.sampled_from([" ", "\n", "\t\n ", " /* DROP TABLE x; */ ", " -- DROP TABLE x;\n"])


@given(st.lists(HARMLESS), st.lists(HARMLESS), SPACE, SPACE, st.booleans())
def test_a_drop_is_found_whatever_stands_around_it(before, after, one, two, lower):
    drop = f"DROP{one}TABLE{two}orders"
    text = ";\n".join([*before, drop.lower() if lower and "/*" not in drop and "--" not in drop else drop, *after])
    assert whats(text) == ["drops the table orders"]


@pytest.mark.parametrize("text", ["SELECT " + "(" * 5000 + "1" + ")" * 5000, "-- x\n" * 250_000], ids=["deep", "long"])
def test_what_would_take_too_much_is_told_as_unread(text):
    assert [one.read for one in narrowing(text, "postgres")] == [False]


@given(st.text())
def test_any_text_is_judged(text):
    for statement in narrowing(text, "postgres"):
        assert statement.line >= 1
        assert statement.what
