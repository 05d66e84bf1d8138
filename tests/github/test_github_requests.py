"""How many requests each command sends; docs/github.md holds the same table. An emergency needs three at most."""

from pathlib import Path

import pytest

from github_front import github_forge
from github_shop import settle, start, told

DOCS = Path(__file__).resolve().parents[2] / "docs" / "github.md"
BEGIN, END = "<!-- requests -->\n", "<!-- /requests -->"
EMERGENCY = 3
COMMANDS = [
    "rollback --traffic-only --yes",
    "flags off banner",
    "rollback --dry-run",
    "tag rc",
    "tag rc (again)",
    "tag release",
    "tag last-good",
    "tag bad v0.1.0",
    "ledger show",
    "ledger verify",
]


def has_effect(exchange):
    """Whether a request changes what others see."""
    if exchange.path == "/graphql":
        return exchange.body.lstrip(b'{"query: \\n').startswith(b"mutation")
    objects = ("/git/trees", "/git/commits", "/git/blobs", "/git/tags")
    return exchange.method != "GET" and not exchange.path.endswith(objects)


def counted(front, folder, forge, command, capsys):
    """Requests up to the first effect (None without one), and in all."""
    front.exchanges.clear()
    words = command.replace(" (again)", "").split()
    assert told(folder, [*words, "--repo", forge.home], capsys)[0] == 0
    effects = [index for index, exchange in enumerate(front.exchanges, start=1) if has_effect(exchange)]
    return (effects[0] if effects else None), len(front.exchanges)


@pytest.fixture
def table(github, hosted, capsys):
    """Each command's row, played in a repository whose ledger holds four commits and five events."""
    forge = github_forge(github)
    start(forge)
    rows = {}
    for command in COMMANDS:
        if command == "tag release":
            settle(forge)
        rows[command] = counted(github, hosted, forge, command, capsys)
    return rows


def text(rows):
    lines = ["| command | to the first effect | in all |", "|---|---:|---:|"]
    lines += [
        f"| `{command}` | {'-' if first is None else first} | {number} |" for command, (first, number) in rows.items()
    ]
    return "\n".join(lines) + "\n"


def test_the_table_in_the_documentation_is_right(table):
    held = DOCS.read_text().partition(BEGIN)[2].partition(END)[0]
    assert held == text(table)


def test_an_emergency_takes_effect_with_the_third_request_at_most(table):
    assert {table[command][0] for command in ("flags off banner", "rollback --traffic-only --yes")} == {EMERGENCY}


def test_with_a_policy_at_hand_two_requests_are_enough(github, hosted, capsys):
    forge = github_forge(github)
    start(forge)
    (hosted / "releasegate.yaml").write_bytes(forge.read("releasegate.yaml", "main").content)
    assert counted(github, hosted, forge, "flags off checkout-v2", capsys)[0] == 2
