"""What each method of the forge was tested against: the emulator, GraphQL's schema, or the stub."""

import re
from functools import reduce
from pathlib import Path

from github_calls import Prepared, calls
from github_stub import ROUTES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "github.md"
BEGIN, END = "<!-- parts -->\n", "<!-- /parts -->"


def table(github):
    it = Prepared(github)
    lines = ["| method | answered by |", "|---|---|"]
    for name, call in calls(it.forge(), it).items():
        github.exchanges.clear()
        call()
        sources = dict.fromkeys(exchange.source for exchange in github.exchanges)
        lines.append(f"| `{name}` | {', '.join(sorted(sources))} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_parts_is_right(github):
    held = DOCS.read_text().partition(BEGIN)[2].partition(END)[0]
    assert held == table(github)


STUBBED, STUBBED_END = "<!-- stubbed -->\n", "<!-- /stubbed -->"
ABSENT = "not in the emulator"


def emulated(folder):
    """Method and pattern of every route below a repository that the emulator's source serves."""
    code = "".join(path.read_text() for path in (folder / "node_modules/emulate/dist").glob("*.js"))
    for method, path in re.findall(r'\.(get|post|put|patch|delete)\(\s*"/repos/:owner/:repo/([^"]*)"', code):
        yield method.upper(), re.compile(re.sub(r":\w+(\{\.\+\})?", lambda one: ".+" if one[1] else "[^/]+", path))


def test_the_stub_has_nothing_that_the_emulator_has(github):
    routes = list(emulated(github.folder))
    repository = github.repository()
    for method, pattern, why, _ in ROUTES:
        path = pattern.replace(r"(\d+)", "1").replace("([^/]+)", "main").replace("(.+)", "main")
        served = any(method == other and one.fullmatch(path) for other, one in routes)
        assert served is (why != ABSENT), (method, path)
        headers = {"Content-Type": "application/json"} | github.credentials()
        status, _ = github.ask(method, f"/repos/{repository}/{path}", b"" if method == "GET" else b"{}", headers)
        assert served or status == 404, (method, path)


def test_the_table_of_what_is_stubbed_is_right():
    names = (r"(\d+)", "ID"), ("([^/]+)", "NAME"), ("(.+)", "NAME")
    lines = ["| route below `/repos/OWNER/NAME` | why it is stubbed |", "|---|---|"]
    for method, pattern, why, _ in ROUTES:
        path = reduce(lambda text, one: text.replace(*one), names, pattern)
        lines.append(f"| `{method} {path}` | {why} |")
    table = "\n".join(lines) + "\n"
    assert DOCS.read_text().partition(STUBBED)[2].partition(STUBBED_END)[0] == table, table
