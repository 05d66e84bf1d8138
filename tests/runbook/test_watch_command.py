"""What `canary watch` says where it cannot begin."""
# ruff: noqa: E501  a message stands in one line, as the user gets it

import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.canary import canary

HEAD = "version: 1\nservice: shop\nenvironment: test\n"
SCRAPE = "canary:\n  metrics: {scrape: {baseline: 'http://127.0.0.1:9/b', canary: 'http://127.0.0.1:9/c'}}\n"
SERVER = "canary:\n  settle: 20s\n  metrics: {prometheus: {url: 'http://127.0.0.1:9'}}\n  tracks: {baseline: '{a=\"b\"}', canary: '{a=\"c\"}'}\n"
RATE = "  slis: {rate: {throughput: requests_total}}\n"
DURATION = "  slis: {duration: {histogram: seconds}}\n"


def watch(folder, policy, *arguments):
    if policy is not None:
        (folder / "releasegate.yaml").write_text(policy)
    return CliRunner().invoke(canary, ["watch", *arguments], obj=App(directory=folder), standalone_mode=False)


@pytest.mark.parametrize(
    ("policy", "arguments", "code", "message"),
    [
        (
            None, (), 2,
            "no policy: neither releasegate.yaml nor .github/releasegate.yaml is here; run `releasegate init`, or name one with --policy FILE",
        ),
        (HEAD, (), 2, "the policy has no `canary`; say what is watched, for how long, and where counts are"),
        (HEAD + SCRAPE + RATE, ("--once",), 2, "metrics pages have no past; --since and --once need a Prometheus"),
        (HEAD + SERVER + RATE, ("--once",), 2, "--once judges a time that is over; say with --since TIME when it began"),
        (HEAD + SERVER + RATE, ("--since", "noon"), 2, "--since: noon is no time; write 2026-11-23T10:00:00Z"),
        (
            HEAD + SERVER + RATE, ("--since", "2026-11-23T10:00:00"), 2,
            "--since: 2026-11-23T10:00:00 has no time zone; write 2026-11-23T10:00:00Z",
        ),
        (HEAD + SERVER + RATE, ("--since", "9999-01-01T00:00:00Z"), 2, "--since: 9999-01-01T00:00:00Z is still to come"),
        (HEAD + SCRAPE + RATE, ("--record", "old.jsonl"), 2, "old.jsonl: is there already; name another file with --record"),
        (HEAD + SCRAPE + RATE, ("--record", "no/new.jsonl"), 2, "no/new.jsonl: cannot be written: No such file or directory"),
        (HEAD + SCRAPE + DURATION, (), 4, "http://127.0.0.1:9/b: TCP: the connection was refused; does the metrics page answer?"),
        (HEAD + SERVER + DURATION, (), 4, "http://127.0.0.1:9: TCP: the connection was refused; does Prometheus answer there?"),
        (
            HEAD + SERVER + RATE, ("--once", "--since", "2026-01-01T00:00:00Z"), 4,
            "nothing could be counted within 20 s (rate/baseline: http://127.0.0.1:9: TCP: the connection was refused; does Prometheus answer there?); nothing was judged",
        ),
    ],
)  # fmt: skip
def test_what_it_cannot_begin_with(tmp_path, policy, arguments, code, message):
    (tmp_path / "old.jsonl").write_text("kept\n")
    result = watch(tmp_path, policy, *arguments)
    assert (str(result.exception), result.exception.exit_code) == (message, code)
    assert (tmp_path / "old.jsonl").read_text() == "kept\n"
