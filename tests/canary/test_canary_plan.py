import json
from dataclasses import replace

import pytest
from canaries import header, judged, steady
from click import UsageError
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from releasegate.canary.power import Plan
from releasegate.cli.app import App
from releasegate.cli.canary import canary
from releasegate.errors import InputError


def plan(folder, *arguments, output="text"):
    app = App(directory=folder, output=output)
    result = CliRunner().invoke(canary, ["plan", *arguments], obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout


def test_what_a_small_service_catches_and_what_it_takes_to_catch_more(tmp_path):
    code, out = plan(tmp_path, "--requests", "20", "--errors", "0.5%")
    assert code == 0
    assert out == (
        "With 5% of 20 requests/s, 30 minutes catch 3.1x or worse, nine times in ten; "
        "for 2x it takes 20.4% of the traffic or 108 minutes.\n"
    )


def test_what_is_caught_anyway_needs_nothing_more(tmp_path):
    _, out = plan(tmp_path, "--requests", "200", "--errors", "0.5%")
    assert out == "With 5% of 200 requests/s, 30 minutes catch 1.6x or worse, nine times in ten.\n"


def test_a_service_without_traffic_is_told_so(tmp_path):
    _, out = plan(tmp_path, "--requests", "0.001", "--errors", "0.01%")
    assert out == (
        "With 5% of 0.001 requests/s, 30 minutes catch nothing, nine times in ten; "
        "for 2x it takes more traffic than this service has.\n"
    )


def test_the_document_holds_the_same(tmp_path):
    arguments = ("--requests", "20", "--errors", "0.5%", "--catch", "3", "--weight", "10%", "--window", "1h")
    document = json.loads(plan(tmp_path, *arguments, output="json")[1])
    assert list(document) == ["requests", "errors", "weight", "window", "detectable", "catch"]
    assert (document["weight"], document["window"]) == (0.1, 3600.0)
    wanted = Plan(20.0, 0.005, weight=0.1, window=3600.0)
    assert document["detectable"] == wanted.detectable()
    assert document["catch"] == {"ratio": 3.0, "weight": wanted.weight_for(3.0), "window": wanted.window_for(3.0)}


@pytest.mark.parametrize("arguments", [["--errors", "lots"], ["--errors", "1%", "--window", "soon"]])
def test_a_quantity_that_cannot_be_read_is_a_usage_error(tmp_path, arguments):
    with pytest.raises(UsageError, match=r"is not a (share|duration) such as"):
        plan(tmp_path, "--requests", "20", *arguments)


def test_a_window_shorter_than_its_interval_cannot_be(tmp_path):
    with pytest.raises(InputError, match="no canary can have such window"):
        plan(tmp_path, "--requests", "20", "--errors", "1%", "--window", "5s")


def test_the_plan_says_what_the_judge_says_of_a_canary_that_went_as_planned():
    judgement = judged(header(), steady("errors", (14.25, 2850), (0.75, 150)))
    planned = Plan(200.0, 0.005).detectable()
    assert judgement.slis["errors"].detectable.ratio == pytest.approx(planned, rel=0.03)


plans = st.builds(
    Plan,
    st.floats(1, 1e4),
    st.floats(1e-4, 0.1),
    weight=st.floats(0.01, 0.5),
    dispersion=st.floats(1, 20),
    slis=st.integers(1, 5),
)


@settings(max_examples=40, deadline=None)
@given(plans)
def test_more_of_anything_never_catches_much_less(wanted):
    caught = wanted.detectable()
    if caught is not None:
        for more in (replace(wanted, window=3600.0), replace(wanted, rate=wanted.rate * 2)):
            assert more.detectable() <= caught * 1.02
        assert replace(wanted, slis=10).detectable() is None or replace(wanted, slis=10).detectable() >= caught * 0.98


@settings(max_examples=20, deadline=None)
@given(plans, st.floats(1.5, 5))
def test_what_is_proposed_suffices(wanted, ratio):
    weight, window = wanted.weight_for(ratio), wanted.window_for(ratio)
    assert weight is None or replace(wanted, weight=weight).catches(ratio)
    assert window is None or replace(wanted, window=window).catches(ratio)
