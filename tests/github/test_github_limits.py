"""A rate limit that is not waited for: exit 4, and the message says what was done before it."""

import pytest

from github_front import Fault, github_forge
from github_shop import settle, start, told

WORDS = "GitHub's rate limit is reached (You have exceeded a secondary rate limit.); waiting"
LONG = (
    "s more would be longer than the 120 s that this command may wait in all;"
    " run the command again later, or allow more with --max-wait"
)
BODY = b'{"message": "You have exceeded a secondary rate limit."}'


def limited(seconds, ending, part=b""):
    """A limit that turns away what is written to an address, if the body has this part."""
    fault = Fault(status=403, headers={"Retry-After": str(seconds)}, body=BODY)
    return lambda e: fault if e.method == "POST" and e.path.endswith(ending) and part in e.body else None


@pytest.mark.parametrize(
    ("command", "request_", "part", "done"),
    [
        (["tag", "rc"], "/git/refs", b"refs/heads", ""),
        (["tag", "rc"], "/git/refs", b"refs/tags", "the branch `release/v0.1.0` is there, but "),
        (["tag", "rc"], "/git/trees", b"events/", "the tag `v0.1.0-rc.1` is there, but "),
        (["tag", "release"], "/git/refs", b"refs/tags", ""),
        (["tag", "release"], "/git/trees", b"events/", "the tag `v0.1.0` is there, but "),
    ],
)
def test_what_was_done_before_the_limit_is_said(github, hosted, capsys, command, request_, part, done):
    forge = github_forge(github)
    start(forge)
    if command == ["tag", "release"]:
        assert told(hosted, ["tag", "rc", "--repo", forge.home], capsys)[0] == 0
        settle(forge)
    github.fault = limited(3600, request_, part)
    code, out, err = told(hosted, [*command, "--repo", forge.home], capsys)
    where = f"POST /repos/{forge.home}{request_}"
    assert (code, out) == (4, "")
    assert err.replace(" 3601 ", " 3600 ") == f"releasegate: {where}: {done}{WORDS} 3600 {LONG}\n"  # with jitter
    github.fault = lambda _: None
    assert told(hosted, [*command, "--repo", forge.home], capsys)[0] == 0


def test_max_wait_says_how_long_a_command_waits(github, hosted, capsys):
    forge, slept = github_forge(github), []
    start(forge)
    words = ["tag", "rc", "--repo", forge.home, "--max-wait"]
    left = []

    def once(exchange):
        return left and exchange.path.endswith("/git/refs") and left.pop()

    github.fault = once
    left.append(Fault(status=429, headers={"Retry-After": "30"}, body=BODY))
    assert told(hosted, [*words, "29s"], capsys, slept.append)[0] == 4
    assert (slept, left) == ([], [])
    left.append(Fault(status=429, headers={"Retry-After": "30"}, body=BODY))
    assert told(hosted, [*words, "31s"], capsys, slept.append)[0] == 0
    [waited] = slept
    assert 30 <= waited <= 31, "with jitter"


def test_a_fault_that_says_when_to_come_again_is_waited_out(github, hosted, capsys):
    forge, slept = github_forge(github), []
    start(forge)
    left = [Fault(status=503, headers={"Retry-After": "30"}, body=b"<p>We are down for maintenance</p>")]
    github.fault = lambda exchange: left and exchange.method == "GET" and left.pop()
    assert told(hosted, ["tag", "last-good", "--repo", forge.home], capsys, slept.append)[0] == 3
    [waited] = slept
    assert 30 <= waited <= 31, "with jitter"
