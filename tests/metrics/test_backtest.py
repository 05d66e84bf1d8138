"""`canary backtest` on a real Prometheus that holds a fortnight: clumps, restarts, waves, and one real incident."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

import fortnight
from releasegate.cli.app import App
from releasegate.cli.canary import canary
from releasegate.errors import ReleasegateError
from servers import prometheus, victoria_metrics

ERRORS = ("--errors", 'http_requests_total{code=~"5.."}', "--total", "http_requests_total")
END = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULE = "errors > 1%, 5 failures"


class Then(App):
    """The program at the end of the fortnight."""

    def now(self):
        return END


@pytest.fixture(scope="module")
def server(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    fortnight.back_fill(program, folder, int(END.timestamp()))
    with prometheus(program, folder, {}) as url:
        yield url


@pytest.fixture(scope="module")
def other_server(program, tmp_path_factory):
    """A VictoriaMetrics with the last two days."""
    folder = tmp_path_factory.mktemp("victoria")
    fortnight.write(folder / "past.om", int(END.timestamp()), recent=2)
    (folder / "none.yml").write_text("scrape_configs: []\n")
    with victoria_metrics(program, folder, folder / "none.yml") as url:
        fortnight.into_victoria_metrics(url, folder / "past.om")
        yield url


def backtest(folder, *arguments):
    result = CliRunner().invoke(
        canary, ["backtest", *map(str, arguments)], obj=Then(directory=folder), standalone_mode=False
    )
    if result.exception:
        raise result.exception
    return result


@pytest.mark.servers
def test_a_rule_aborts_many_healthy_releases_and_the_judge_hardly_one(server, tmp_path):
    options = ("--interval", "1m", "--releases", 56, "--rule", RULE, "--svg", "b.svg", "--format", "json")
    found = json.loads(backtest(tmp_path, "--prometheus", server, *ERRORS, *options).stdout)
    assert (found["releases"], found["pods"], found["days"]) == (56, 3, pytest.approx(14, abs=0.1))
    assert found["requests"] == pytest.approx(60, rel=0.1)
    assert found["errors"] == pytest.approx(0.005, rel=0.2)
    assert found["dispersion"] == pytest.approx(3, abs=0.8)
    (rule,), judged = found["rules"], found["releasegate"]
    assert rule["rule"] == RULE
    assert rule["aborted"] >= 20
    # The incident, of which a stretch or two are part, is shared, and no canary's fault.
    assert judged["aborted"] <= 1
    assert judged["inconclusive"] <= 4
    worst = max(found["each"], key=lambda release: release["errors"])
    assert worst["errors"] > 0.05
    assert END.timestamp() - worst["start"] == pytest.approx(5 * 86400, abs=5 * 3600)
    assert worst["decision"] != "abort"
    assert found["summary"].startswith(f"Your rule would have aborted {rule['aborted']} of 56 healthy releases; ")
    reach = f"At 5% for 30 minutes you can catch {found['detectable']:.2g}x; for 2x use "
    assert f"{reach}{100 * found['catch']['weight']:.2g}%." in found["summary"]
    chart = (tmp_path / "b.svg").read_text()
    assert chart.startswith("<svg")
    assert "<script" not in chart
    assert "aborted by a rule" in chart


@pytest.mark.servers
def test_the_text_shows_a_picture_and_says_how_much_of_the_past_was_there(server, tmp_path):
    lines = backtest(
        tmp_path, "--prometheus", server, *ERRORS, "--days", 30, "--releases", 6, "--interval", "1m"
    ).stdout.splitlines()
    named = ("argo: errors > 1%, 3 failures", "flagger: errors > 1%, 5 failures")
    assert lines[0].startswith(f"Of 6 healthy releases would have been aborted by `{named[0]}` ")
    strips = {line[: len(named[1])].strip(): line[len(named[1]) + 2 :] for line in lines[3:7]}
    assert list(strips) == ["errors", *named, "releasegate"]
    assert {len(strip) for strip in strips.values()} == {6}
    assert "- the server holds 14.0 of the 30 days asked for, which were used" in lines
    assert "- the canary was whole pods, or clumps of one pod's errors, of up to 3 (by `pod`)" in lines


@pytest.mark.servers
def test_victoria_metrics_gives_the_same_answer(server, other_server, tmp_path):
    options = ("--days", 1, "--releases", 5, "--interval", "1m", "--format", "json")
    one, other = (
        json.loads(backtest(tmp_path, "--prometheus", url, *ERRORS, *options).stdout) for url in (server, other_server)
    )
    assert one == other
    assert {release["decision"] for release in one["each"]} == {"promote"}


@pytest.mark.servers
def test_without_a_server_the_policys_is_asked_about_its_own_canary(server, tmp_path):
    (tmp_path / "releasegate.yaml").write_text(
        "version: 1\nservice: a\nenvironment: b\ncanary:\n  weight: 20%\n  window: 20m\n  interval: 1m\n"
        f"  metrics: {{prometheus: {{url: '{server}'}}}}\n  slis: {{errors: {{throughput: http_requests_total}}}}\n"
        "  tracks: {baseline: '{pod=\"shop-0\"}', canary: '{pod=\"shop-1\"}'}\n"
    )
    found = json.loads(backtest(tmp_path, *ERRORS, "--releases", 2, "--format", "json").stdout)
    assert (found["weight"], found["window"], found["releases"]) == (0.2, 1200, 2)
    with pytest.raises(ReleasegateError, match=r"^--token-from, --tenant and --ca belong to --prometheus; "):
        backtest(tmp_path, *ERRORS, "--tenant", "shop")


def test_no_server_at_all(tmp_path):
    with pytest.raises(ReleasegateError) as caught:
        backtest(tmp_path, *ERRORS)
    assert (caught.value.exit_code, str(caught.value)) == (
        2, "no server is named; give --prometheus URL, or a policy with a `canary`"
    )  # fmt: skip


@pytest.mark.servers
def test_what_the_server_does_not_have_is_said(server, tmp_path):
    def message(*arguments):
        with pytest.raises(ReleasegateError) as caught:
            backtest(tmp_path, "--prometheus", server, "--interval", "1m", *arguments)
        return caught.value.exit_code, str(caught.value)

    total = ("--total", "http_requests_total")
    assert message("--errors", "http_errors_total", *total) == (
        4, "no series is called http_errors_total; is the name right, and is it scraped?"
    )  # fmt: skip
    assert message("--errors", 'http_requests_total{status="500"}', *total) == (
        4, "no series of http_requests_total has the label status; they have code, pod"
    )  # fmt: skip
    assert message("--errors", 'http_requests_total{code="418"}', *total, "--releases", 2) == (
        3, "not one error, or nothing but errors, in 2 stretches of the past; check what --errors and --total name"
    )  # fmt: skip
    assert message("--errors", 'http_requests_total{code="503"}', "--total", 'http_requests_total{pod="x"}') == (
        4, 'no series matches http_requests_total{pod="x"}; write the counter of all requests, as Prometheus has it'
    )  # fmt: skip


REFUSED = "TCP: the connection was refused; does Prometheus answer there?"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--errors", "rate(a[1m])", "--total", "a"), 2, "--errors: `rate(a[1m])` is no series selector; write "),
        (("--errors", "a", "--total", "a", "--rule", "often"), 2, "`often` is no rule; write 'errors > 1%,"),
        (("--errors", "a", "--total", "a", "--interval", "10m"), 2, "--interval: fewer than four polls a window"),
        (("--errors", "a", "--total", "a", "--token-from", "NO_SUCH"), 2, "--token-from: the environment has no NO_"),
        (("--errors", "a", "--total", "a"), 4, f"http://127.0.0.1:9: {REFUSED}"),
    ],
)  # fmt: skip
def test_what_it_cannot_begin_with(tmp_path, arguments, code, message):
    with pytest.raises(ReleasegateError) as caught:
        backtest(tmp_path, "--prometheus", "http://127.0.0.1:9", *arguments)
    assert caught.value.exit_code == code
    assert str(caught.value).startswith(message)
