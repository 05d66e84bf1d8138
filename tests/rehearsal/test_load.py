"""The rehearsal's load: real requests, routed by the flag file that a git branch holds."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from releasegate.rehearsal.load import MIX, Plan
from releasegate.rehearsal.routing import Place

FILE = "config/feature-flags.yaml"
GIT = ["git", "-c", "user.name=tester", "-c", "user.email=tester@localhost"]


def plain(percentage):
    return f"checkout-v2:\n  enabled: true\n  percentage: {percentage}\n"


def flagd(percentage):
    share = [["on", percentage], ["off", 100 - percentage]]
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    flag["targeting"] = {"fractional": share}
    return json.dumps({"flags": {"checkout-v2": flag}})


class Branch:
    """A checkout whose commits reach a bare repository."""

    def __init__(self, folder):
        self.origin, self.repo = folder / "origin.git", folder / "repo"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.origin], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", self.repo], check=True)

    def put(self, text, file=FILE):
        """Commit and push the file; gives its blob."""
        path = self.repo / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        for command in (["add", "."], ["commit", "-q", "-m", "flags"], ["push", "-q", str(self.origin), "main"]):
            subprocess.run([*GIT, "-C", self.repo, *command], check=True, capture_output=True)
        named = subprocess.run(["git", "-C", self.repo, "rev-parse", f"main:{file}"], check=True, capture_output=True)
        return named.stdout.decode().strip()


@pytest.fixture
def branch(tmp_path):
    return Branch(tmp_path)


@pytest.fixture
def start():
    """Start a module of the rehearsal; gives its process and its address."""
    with contextlib.ExitStack() as running:

        def run(module, *options):
            command = [sys.executable, "-I", "-m", f"releasegate.rehearsal.{module}", "--port", "0", *map(str, options)]
            process = running.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            running.callback(process.kill)
            return process, process.stdout.readline().strip()

        yield run


@pytest.fixture
def load(start, branch):
    """Start both tracks and the load on them; gives the load's process and the three addresses."""

    def run(*options):
        baseline, canary = (start("sample.app", "--track", track)[1] for track in ("baseline", "canary"))
        where = ["--repository", branch.origin, "--flag", "checkout-v2", "--baseline", baseline, "--canary", canary]
        process, live = start("load", *where, *options)
        return process, live, baseline, canary

    return run


def get(address, path):
    with contextlib.closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def until(live, condition):
    """Read `/live` until the condition holds; the reading."""
    deadline = time.monotonic() + 300
    while True:
        document = json.loads(get(live, "/live")[1])
        if condition(document):
            return document
        assert time.monotonic() < deadline, document


def served(address):
    """How many requests an app has counted, and how many of them as errors."""
    families = text_string_to_metric_families(get(address, "/metrics")[1])
    counts = Counter()
    for sample in (s for family in families for s in family.samples if s.name == "http_requests_total"):
        counts["sent"] += int(sample.value)
        counts["errors"] += int(sample.value) * (sample.labels["code"] == "500")
    return counts["sent"], counts["errors"]


def total(document):
    return sum(document["sent"].values())


@pytest.mark.parametrize(("dialect", "file"), [(plain, FILE), (flagd, "flags.json")])
def test_a_commit_moves_the_traffic(load, branch, dialect, file):
    blob = branch.put(dialect(50), file)
    _, live, *_ = load("--file", file)
    document = until(live, lambda seen: total(seen) >= 400)
    share = document["sent"]["canary"] / total(document)
    assert (document["blob"], document["problem"], share) == (blob, None, pytest.approx(0.5, abs=0.12))

    everybody = branch.put(dialect(100), file)
    moved = until(live, lambda seen: seen["blob"] == everybody)
    later = until(live, lambda seen: total(seen) >= total(moved) + 400 and seen["split"] == 1)
    in_flight = 30
    assert later["sent"]["baseline"] - moved["sent"]["baseline"] <= in_flight


def test_the_flag_is_read_also_where_git_finds_no_bare_repository_by_itself(branch, monkeypatch):
    named = branch.put(plain(5))
    setting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.bareRepository", "GIT_CONFIG_VALUE_0": "explicit"}
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    place = Place(str(branch.origin), "main", FILE, "checkout-v2")
    assert (place.blob(), place.content(named)) == (named, plain(5).encode())


def test_what_it_counts_is_what_the_tracks_counted(load, branch):
    branch.put(plain(30))
    _, live, baseline, canary = load("--rate", "400")
    until(live, lambda seen: total(seen) >= 600)
    nobody = branch.put("checkout-v2: false\n")
    moved = until(live, lambda seen: seen["blob"] == nobody)
    still = until(live, lambda seen: total(seen) >= total(moved) + 200)
    assert (still["sent"]["canary"], still["errors"]["canary"]) == served(canary)
    assert still["sent"]["baseline"] <= served(baseline)[0]


def test_a_bad_flag_file_leaves_the_last_good_one_in_force_and_is_told(load, branch):
    good = branch.put(plain(100))
    _, live, *_ = load()
    until(live, lambda seen: total(seen) >= 20)
    branch.put("checkout-v2: {enabled: true\n")
    told = until(live, lambda seen: seen["problem"])
    assert told["problem"].startswith(f"{FILE}:")
    later = until(live, lambda seen: total(seen) >= total(told) + 50)
    assert (later["blob"], later["sent"]["baseline"]) == (good, 0)
    better = branch.put(plain(0))
    assert until(live, lambda seen: seen["blob"] == better)["problem"] is None


def test_without_a_flag_file_everybody_gets_the_baseline(load, branch):
    branch.put("nothing\n", "README")
    _, live, *_ = load()
    document = until(live, lambda seen: total(seen) >= 50)
    assert (document["blob"], document["sent"]["canary"]) == ("", 0)
    assert "git rev-parse main:config/feature-flags.yaml" in document["problem"]


def test_a_track_that_is_gone_counts_as_errors_and_the_load_goes_on(start, branch):
    branch.put(plain(100))
    process, baseline = start("sample.app", "--track", "baseline")
    gone, canary = start("sample.app", "--track", "canary")
    gone.terminate()
    gone.wait()
    where = ["--repository", branch.origin, "--flag", "checkout-v2", "--baseline", baseline, "--canary", canary]
    load, live = start("load", *where)
    document = until(live, lambda seen: total(seen) >= 100)
    assert (document["errors"]["canary"], document["sent"]["baseline"]) == (document["sent"]["canary"], 0)
    load.terminate()
    process.terminate()
    assert (load.wait(timeout=20), process.wait(timeout=20)) == (0, 0)


def test_only_live_is_served(load, branch):
    branch.put(plain(0))
    assert get(load()[1], "/")[0] == 404


def test_the_plan_is_seeded_and_mixes_the_routes_as_it_says():
    first, again, other = Plan(1e6, 5), Plan(1e6, 5), Plan(1e6, 6)
    asked = [first.next()[1:] for _ in range(5000)]
    assert asked == [again.next()[1:] for _ in range(5000)]
    assert asked != [other.next()[1:] for _ in range(5000)]
    assert len(first.users) == len(set(first.users)) == 2000
    mix = Counter(request[1:] for request in asked)
    assert {route: count / 50 for route, count in mix.items()} == {
        route: pytest.approx(percent, abs=2.5) for route, percent in MIX.items()
    }
