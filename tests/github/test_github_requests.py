"""How many requests each command sends; docs/github.md holds the same table. An emergency needs three, four by REST."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from github_front import APP, JOB, github_forge
from github_shop import FLAGS, POLICY, settle, start, told

DOCS = Path(__file__).resolve().parents[2] / "docs" / "github.md"
BEGIN, END = "<!-- requests -->\n", "<!-- /requests -->"
EMERGENCY = 3
QUICK = POLICY.replace(b"window: 10m", b"window: 10m\n  settle: 1s\n  interval: 1s")
AGENTS = FLAGS.partition(b"  banner:")[2].join([b"  agents:", b""])
WHOLE = "rollback --yes"
NAMED = "rollback --traffic-only --yes --to v0.1.0"
EMERGENCIES = ("flags off banner", "kill-switch on", "rollback --traffic-only --yes", NAMED, WHOLE)
COMMANDS = [
    "rollback --traffic-only --yes",
    NAMED,
    "flags off banner",
    "kill-switch on",
    WHOLE,
    "rollback --dry-run",
    "tag rc",
    "tag rc (again)",
    "flags rollout checkout-v2 10",
    "tag release",
    "tag last-good",
    "tag bad v0.1.0",
    "ledger show",
    "ledger verify",
]


@dataclass
class Row:
    """A command's requests: how many to the first effect, and in all; and what was sent, for who looks for a fault."""

    first: int | None
    number: int
    sent: list


def has_effect(exchange):
    """Whether a request changes what others see."""
    if exchange.path == "/graphql":
        return exchange.body.lstrip(b'{"query: \\n').startswith(b"mutation")
    without = ("/git/trees", "/git/commits", "/git/blobs", "/git/tags", "/access_tokens")
    return exchange.method != "GET" and not exchange.path.endswith(without)


def counted(front, folder, forge, command, capsys):
    """Requests up to the first effect (None without one), and in all.

    What the emulator's front leaves unanswered on a busy machine is sent again, as it should be, and counts once.
    """
    front.exchanges.clear()
    words = command.replace(" (again)", "").split()
    code, out, err = told(folder, [*words, "--repo", forge.home], capsys)
    # No Prometheus answers here, which a whole rollback tells, and is not stopped by.
    assert code == (4 if command == WHOLE else 0), out + err
    sent = [exchange for exchange in front.exchanges if 0 < exchange.status < 500]
    effects = [index for index, exchange in enumerate(sent, start=1) if has_effect(exchange)]
    return Row(effects[0] if effects else None, len(sent), [f"{one} {one.status}" for one in front.exchanges])


def begun(front):
    """A repository with a policy and a flag file."""
    forge = github_forge(front)
    policy = QUICK + b"kill-switch: {flag: agents, value: 'off'}\n"
    files = {"releasegate.yaml": policy, "config/feature-flags.yaml": FLAGS + AGENTS}
    forge.commit("main", files, "start", parent=None)
    return forge


@pytest.fixture
def table(github, hosted, capsys):
    """Each command's row, played in a repository whose ledger holds four commits and five events."""
    forge, rows = begun(github), {}
    for command in COMMANDS:
        if command == "tag release":
            settle(forge)
        if command in {WHOLE, NAMED}:
            raised = {"config/feature-flags.yaml": FLAGS + AGENTS}
            forge.commit("main", raised, "raised again", parent=forge.branch_head("main"))
        rows[command] = counted(github, hosted, forge, command, capsys)
    return rows


def text(rows):
    lines = ["| command | to the first effect | in all |", "|---|---:|---:|"]
    lines += [
        f"| `{command}` | {'-' if row.first is None else row.first} | {row.number} |" for command, row in rows.items()
    ]
    return "\n".join(lines) + "\n"


def test_the_table_in_the_documentation_is_right_and_an_emergency_takes_three_requests(table):
    held = DOCS.read_text().partition(BEGIN)[2].partition(END)[0]
    changed = {command: row.sent for command, row in table.items() if text({command: row}).splitlines()[-1] not in held}
    assert held == text(table), (text(table), changed)
    assert {command: table[command].first for command in EMERGENCIES} == dict.fromkeys(EMERGENCIES, EMERGENCY)


@pytest.mark.parametrize("command", ["flags off checkout-v2", "rollback --traffic-only --yes", WHOLE])
def test_with_a_policy_at_hand_two_requests_are_enough(github, hosted, capsys, command):
    forge = github_forge(github)
    start(forge)
    settle(forge)
    (hosted / "releasegate.yaml").write_bytes(QUICK)
    assert counted(github, hosted, forge, command, capsys).first == 2


def test_without_graphql_one_request_more_finds_that_out(github, hosted, capsys):
    forge = begun(github)
    github.graphql = False
    first = {}
    for command in EMERGENCIES:
        raised = {"config/feature-flags.yaml": FLAGS + AGENTS}
        forge.commit("main", raised, "raised again", parent=forge.branch_head("main"))
        first[command] = counted(github, hosted, forge, command, capsys).first
    assert first == dict.fromkeys(EMERGENCIES, EMERGENCY + 1)


def test_a_jobs_own_token_takes_no_more_and_an_app_signs_in_first(github, hosted, monkeypatch, capsys):
    def first(**environment):
        forge = github_forge(github)
        start(forge)
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return counted(github, hosted, forge, "flags off banner", capsys).first

    run = str(github.stub.run("a" * 40)["id"])
    app = {"RELEASEGATE_APP_ID": str(APP), "RELEASEGATE_APP_KEY": github.app_key, "GITHUB_RUN_ID": run}
    assert first(GITHUB_TOKEN=JOB, GITHUB_RUN_ID=run) == EMERGENCY
    assert first(**app) == EMERGENCY + 2
    assert first(**app, RELEASEGATE_APP_INSTALLATION="70") == EMERGENCY + 1
