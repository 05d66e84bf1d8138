"""`releasegate policy explain` and `releasegate schema`, as a user runs them."""

import json
from datetime import UTC, datetime

import jsonschema
import pytest
from click.testing import CliRunner

from releasegate.cli.app import App
from releasegate.cli.policy import policy
from releasegate.cli.schema import schema
from releasegate.policy.units import level, seconds, share
from releasegate.verdict import Evidence, Finding, Level, Outcome, Verdict

POLICY = """\
version: 1
service: shop
environment: test
canary:
  warm-up: 90s
  metrics:
    prometheus:
      url: https://user:hush@prometheus.example/
      headers: {Authorization: "Bearer ${TOKEN}", X-Key: hush}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis: {queue: {gauge: depth, limit: 100}}
"""
EXPLAINED = """\
version: 1
service: shop
environment: test
timezone: UTC
release:
  tags: v*
  branch: main
gates: {}
deploy: {}
flags:
  file: config/feature-flags.yaml
  commit: direct
  merge-within: 5m
canary:
  weight: 5%
  window: 30m
  interval: 15s
  settle: 5m
  warm-up: 90s
  false-abort: 1%
  on-inconclusive: hold
  hold-for: 1h
  detect:
    ratio: 5
    histogram: 2
    throughput: 2
    mean: 5
  early: false
  metrics:
    prometheus:
      url: https://***@prometheus.example/
      headers:
        Authorization: Bearer ${TOKEN}
        X-Key: '***'
  tracks:
    baseline: '{track="stable"}'
    canary: '{track="canary"}'
  slis:
    queue:
      gauge: depth
      limit: 100
      tolerate: 1
      critical: true
      starved-below: 50%
      compare: false
rollback:
  flags: {}
ledger:
  branch: releasegate/ledger
"""


def run(command, arguments, folder, **environ):
    return CliRunner().invoke(command, arguments, obj=App(directory=folder), env=environ, standalone_mode=False)


def test_the_effective_policy_has_every_default_and_no_secret(tmp_path):
    (tmp_path / "releasegate.yaml").write_text(POLICY)
    result = run(policy, ["explain"], tmp_path, TOKEN="hush")
    assert (result.return_value, result.stdout) == (0, EXPLAINED)
    document = json.loads(run(policy, ["explain", "--format", "json"], tmp_path, TOKEN="hush").stdout)
    assert document["canary"]["metrics"]["prometheus"]["headers"] == {
        "Authorization": "Bearer ${TOKEN}",
        "X-Key": "***",
    }


def test_an_unset_variable_is_named(tmp_path):
    (tmp_path / "releasegate.yaml").write_text(POLICY)
    result = run(policy, ["explain"], tmp_path, TOKEN=None)
    assert str(result.exception) == "releasegate.yaml:9:32: TOKEN is not set; set TOKEN in the environment"


def test_the_schema_of_the_policy_is_one_and_refuses_what_the_loader_refuses(tmp_path):
    document = json.loads(run(schema, ["policy"], tmp_path).stdout)
    validator = jsonschema.Draft202012Validator
    validator.check_schema(document)
    good = {"version": 1, "service": "a", "environment": "b", "kill-switch": {"flag": "a", "value": 1}}
    validator(document).validate(good)
    for bad in ({"servise": "a"}, {"version": 2}, {"flags": {"commit": "never"}}, {"deploy": {"staging": {}}}):
        assert not validator(document).is_valid({**good, **bad})


def test_a_verdict_is_valid_by_the_printed_schema(tmp_path):
    document = json.loads(run(schema, ["verdict", "--format", "json"], tmp_path).stdout)
    moment = datetime(2026, 11, 23, 10, tzinfo=UTC)
    finding = Finding(check="a", level=Level.WARN, title="b", waived="owner, reason, date", details={"x": 1})
    verdict = Verdict(
        gate="zap", verdict=Outcome.WARN, summary="c", findings=(finding,), evidence=(Evidence.of("r.json", b"{}"),),
        started=moment, finished=moment, extra={"compatibility": {"exit_code": 0}},
    ).document()  # fmt: skip
    validator = jsonschema.Draft202012Validator(document)
    validator.validate(verdict)
    assert not validator.is_valid({**verdict, "verdict": "maybe"})


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (seconds, "30m", 1800), (seconds, "1h30m", 5400), (seconds, "500ms", 0.5), (seconds, "0.5s", 0.5),
        (seconds, "7y", 220752000), (seconds, "2w", 1209600), (seconds, "0", 0),
        (share, "5%", 0.05), (share, "12.5 %", 0.125), (share, "0.05", 0.05), (share, "100%", 1), (share, "0", 0),
        (level, "5%", 0.05), (level, "100", 100), (level, "1e-3", 0.001), (level, ".5", 0.5),
    ],
)  # fmt: skip
def test_quantities_as_people_write_them(parse, text, value):
    assert parse(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (seconds, "30"), (seconds, "30 m"), (seconds, "-5m"), (seconds, "1:30"), (seconds, ""),
        (seconds, "9" * 400 + "y"),
        (share, "5"), (share, "1"), (share, "101%"), (share, "-5%"), (share, "nan"), (share, "\u0665%"),
        (level, "inf"), (level, "1e999"), (level, "-1"),
    ],
)  # fmt: skip
def test_what_is_no_quantity(parse, text):
    with pytest.raises(ValueError, match=r".*"):
        parse(text)
