"""Writes are paced as GitHub asks for; the first ones, which an emergency is made of, never are."""

from fakes import FakeClock
from github_front import TOKEN, github_forge
from github_shop import start, told
from releasegate.forge.github.api import Patience
from releasegate.forge.github.connect import Credentials, connect
from releasegate.forge.github.pace import AT_ONCE, Pace

MOST, MOST_AN_HOUR = 80, 500
"""Requests that make content: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"""


class Clock(FakeClock):
    """Seconds, as the connection asks for them."""

    def seconds(self):
        return self.now().timestamp()

    def idle(self, seconds):
        self.sleep(seconds)
        self.slept.pop()


def written(clock, pace, count):
    """When each of `count` writes went out, one right after the other."""
    moments = []
    for _ in range(count):
        pace.keep(clock.seconds, clock.sleep)
        moments.append(clock.seconds())
    return moments


def test_no_minute_holds_more_writes_than_github_allows():
    clock, pace = Clock(), Pace()
    moments = written(clock, pace, 300)
    assert clock.slept == [1.0] * (300 - AT_ONCE), "the first ones are not waited with"
    assert max(sum(start <= one <= start + 60 for one in moments) for start in moments) == MOST


def test_no_hour_holds_more_writes_than_github_allows():
    clock, pace = Clock(), Pace()
    moments = written(clock, pace, 600)
    busiest = max(sum(start <= one <= start + 3600 for one in moments) for start in moments)
    assert MOST_AN_HOUR - 1 <= busiest <= MOST_AN_HOUR


def test_a_pause_gives_writes_back_but_never_more_than_at_first():
    clock, pace = Clock(), Pace()
    written(clock, pace, AT_ONCE)
    clock.idle(2.5)
    written(clock, pace, 4)
    assert clock.slept == [0.5, 1.0]
    clock.idle(3600)
    clock.slept.clear()
    written(clock, pace, AT_ONCE + 1)
    assert clock.slept == [1.0]


def test_a_clock_that_is_set_back_costs_a_second_at_most():
    clock, pace = Clock(), Pace()
    written(clock, pace, AT_ONCE)
    clock.idle(0)
    clock.moment = FakeClock().now().replace(year=2020)
    written(clock, pace, 1)
    assert clock.slept == [1.0]


def test_writes_are_paced_and_reads_and_git_objects_are_not(github):
    forge, clock = github_forge(github), Clock()
    issue = forge.open_issue("x", "x", "x")
    patience = Patience(now=clock.seconds, sleep=clock.sleep)
    api = connect(forge.home, Credentials(token=TOKEN), github.address, patience)
    path = f"issues/{issue.rpartition('/')[2]}/comments"
    for number in range(AT_ONCE):
        api.write("POST", path, {"body": str(number)})
    api.get(path)
    api.make("git/blobs", {"content": "a", "encoding": "utf-8"})
    assert (clock.slept, api.waited) == ([], 0.0)
    api.write("POST", path, {"body": "one more"})
    api.send("PATCH", f"issues/{issue.rpartition('/')[2]}", body={"title": "y"}, repeat=True)
    assert (clock.slept, api.waited) == ([1.0, 1.0], 0.0), "which --max-wait has nothing to do with"


def test_an_emergency_waits_for_nothing(github, hosted, capsys):
    forge, slept = github_forge(github), []
    start(forge)
    words = ["rollback", "--traffic-only", "--yes", "--repo", forge.home]
    assert told(hosted, words, capsys, sleep=slept.append)[0] == 0
    assert slept == []
