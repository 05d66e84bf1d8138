"""What a policy means, and what is said of one that cannot be followed."""
# ruff: noqa: E501  a message stands in one line, as the user gets it

import pytest

from releasegate.errors import PolicyError
from releasegate.policy.canary import Canary, Detect, LatencyLimit, Mean, Ratio, Sli, Tracks
from releasegate.policy.gates import SuiteGate
from releasegate.policy.load import load_policy
from releasegate.policy.metrics import Metrics, Prometheus
from releasegate.policy.model import Flags, KillSwitch, Ledger, Policy, Release, Rollback, RollbackFlags, Run

HEAD = "version: 1\nservice: checkout\nenvironment: production\n"
CANARY = """\
canary:
  weight: 5%
  window: 30m
  metrics: {prometheus: {url: "${PROMETHEUS_URL}", headers: {Authorization: "Bearer ${TOKEN}"}}}
  tracks: {baseline: '{track="stable"}', canary: '{track="canary"}'}
  slis:
    errors: {ratio: {bad: 'http_requests_total{code=~"5.."}', total: http_requests_total}, limit: 5%}
"""
ENVIRON = {"PROMETHEUS_URL": "https://prometheus.example", "TOKEN": "hush"}


def load(text, environ=ENVIRON):
    return load_policy(text.encode() if isinstance(text, str) else text, "releasegate.yaml", environ)


def refusal(text, environ=ENVIRON):
    with pytest.raises(PolicyError) as caught:
        load(text, environ)
    return str(caught.value)


def test_a_minimal_policy_has_the_documented_defaults():
    policy = load(HEAD)
    assert policy == Policy(version=1, service="checkout", environment="production")
    assert (policy.timezone, policy.release, policy.ledger) == (
        "UTC", Release(tags="v*", branch="main"), Ledger(branch="releasegate/ledger"),
    )  # fmt: skip
    assert policy.flags == Flags(file="config/feature-flags.yaml", commit="direct")


def test_a_canary_is_read_with_its_units():
    policy = load(HEAD + CANARY)
    errors = Sli(ratio=Ratio(bad='http_requests_total{code=~"5.."}', total="http_requests_total"), limit=0.05)
    headers = {"Authorization": "Bearer hush"}
    assert policy.canary == Canary(
        weight=0.05, window=1800.0, interval=15.0, settle=300.0, warm_up=0.0, false_abort=0.01, max_window=None,
        on_inconclusive="hold", hold_for=3600.0, detect=Detect(ratio=5.0, histogram=2.0, throughput=2.0, mean=5.0),
        early=False, metrics=Metrics(prometheus=Prometheus(url="https://prometheus.example", headers=headers)),
        tracks=Tracks(baseline='{track="stable"}', canary='{track="canary"}'), slis={"errors": errors},
    )  # fmt: skip
    assert policy.canary.slis["errors"].kind == "ratio"


def test_every_kind_of_sli_and_section_is_read():
    text = (
        HEAD
        + CANARY.replace(
            "  slis:\n",
            """\
  slis:
    duration: {histogram: http_request_duration_seconds, limit: {le: 1, share: 95%}}
    rate: {throughput: http_requests_total, starved-below: 0.4}
    cost: {mean: {sum: cost_sum, count: cost_count}, tolerate: 1.2, critical: false}
    queue: {gauge: job_queue_depth, limit: 100}
""",
        )
        + """\
gates: {tests: {regression: {junit: reports/*.xml}, sync: {junit: [a.xml, b.xml]}}}
deploy: {staging: {command: [./deploy.sh, "{tag}"]}}
rollback: {flags: {off: [checkout-v2]}, smoke: smoke.yaml}
kill-switch: {flag: AGENT_SAFE_MODE, value: 1, notify: [ai-platform, compliance]}
"""
    )
    policy = load(text)
    slis = policy.canary.slis
    assert list(slis) == ["duration", "rate", "cost", "queue", "errors"]
    assert slis["duration"] == Sli(histogram="http_request_duration_seconds", limit=LatencyLimit(le=1.0, share=0.95))
    assert slis["rate"] == Sli(throughput="http_requests_total", starved_below=0.4)
    assert slis["cost"] == Sli(mean=Mean(sum="cost_sum", count="cost_count"), tolerate=1.2, critical=False)
    assert slis["queue"] == Sli(gauge="job_queue_depth", limit=100.0)
    assert policy.gates.tests == {
        "regression": SuiteGate(junit=("reports/*.xml",)), "sync": SuiteGate(junit=("a.xml", "b.xml")),
    }  # fmt: skip
    assert policy.deploy.staging == Run(command=("./deploy.sh", "{tag}"))
    assert policy.rollback == Rollback(flags=RollbackFlags(off=("checkout-v2",)), smoke="smoke.yaml")
    assert policy.kill_switch == KillSwitch(flag="AGENT_SAFE_MODE", value=1, notify=("ai-platform", "compliance"))


def test_a_byte_order_mark_and_crlf_change_nothing():
    assert load(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode()) == load(HEAD)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "releasegate.yaml: empty; a policy begins with `version: 1`, `service:`, `environment:`"),
        (b"# nothing\n", "releasegate.yaml: empty; a policy begins with `version: 1`, `service:`, `environment:`"),
        (b"- a\n", "releasegate.yaml:1:1: not a mapping; begin with `version: 1`"),
        (b"version: 1\nservice: caf\xe9\n", "releasegate.yaml:2: not UTF-8; save it as UTF-8"),
        (b"a: \x01\n", "releasegate.yaml: not YAML: it holds a control character; save it as UTF-8"),
        (b"a: " + b"x" * 1_000_000, "releasegate.yaml: larger than 1000000 bytes; is this the right file?"),
        (b"[" * 200_000, "releasegate.yaml:1:41: nested too deeply; a policy needs no more than a few levels"),
        (
            HEAD.encode() + b"---\nversion: 1\n",
            "releasegate.yaml:4:1: a second document begins here; one file is one policy: remove the `---`",
        ),
        (
            b"version: &v 1\n",
            "releasegate.yaml:1:10: anchors and aliases are not read; write the value out",
        ),
        (b"version: !!int 1\n", "releasegate.yaml:1:10: a tag (`!\N{HORIZONTAL ELLIPSIS}`) is not read; remove it"),
        (
            b"release:\n\ttags: v*\n",
            "releasegate.yaml:2:1: not YAML: found character that cannot start any token; indent with spaces, not tabs, and quote values that begin with % @ ` or a tab",
        ),
        (b"a: [1\n", "releasegate.yaml:2:1: not YAML: did not find expected ',' or ']'"),
    ],
)
def test_what_is_no_policy_at_all(content, message):
    assert refusal(content) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("servise: a", "4:1: `servise` is no known key; did you mean `service`?"),
        ("service: b", "4:1: `service` stands twice; the first is on line 2: remove one"),
        ("incidents: []", "4:1: `incidents` is not supported by this version yet; remove it from the policy"),
        ("freeze: [{from: soon, to: 2027-01-02, why: a}]", "4:11: `from`: soon is no day; write 2026-12-20"),
        ("freeze: [{from: 2027-01-03, to: 2027-01-02, why: a}]", "4:29: `to`: it ends before it begins; exchange the two"),
        ("flags: {commit: now}", '4:17: "now" is not among the choices; choose direct or pull-request or patch'),
        ("flags: off", '4:8: "off" where a mapping belongs; write `key: value` pairs'),
        ("release: {tags: 1.10}", '4:17: "1.10" where a text belongs; put it in quotes'),
        ("release: {tags: on}", '4:17: YAML reads "on" as true or false; write true or false, or quote it: "on"'),
        ("release: {tags: }", "4:17: nothing where a text belongs"),
        ("release: {tags: 0x1F}", '4:17: "0x1F" is a number that nobody reads alike; write it in decimal, or in quotes'),
        ("deploy: {staging: {command: ./a}}", '4:29: "./a" where a list belongs; write [first, second]'),
        ("deploy: {staging: {command: []}}", "4:29: an empty list"),
        (
            "rollback: {migrations: {directory: /db, status: [s], revert: [r]}}",
            "4:25: `directory`: /db is no folder of the repository; write migrations or db/migrations",
        ),
        (
            "rollback: {migrations: {directory: db, status: [s], revert: [r], when: now}}",
            '4:72: "now" is not among the choices; choose ask or always or never',
        ),
        (
            "rollback: {migrations: {directory: db, status: [s]}}",
            "4:24: `revert` is missing; known here: directory, status, revert, when, dialect",
        ),
        ("timezone: [a]", "4:11: a list where a text belongs"),
        ("timezone: Mars/Base", "4:1: `timezone`: this machine knows no time zone Mars/Base; write one as Europe/Berlin"),
        ("timezone: ../zone", "4:1: `timezone`: this machine knows no time zone ../zone; write one as Europe/Berlin"),
        ("timezone: Europe", "4:1: `timezone`: this machine knows no time zone Europe; write one as Europe/Berlin"),
        ("? [a]\n: 1", "4:3: a key is a plain word here"),
        ("traffic: {flag: {}}", "4:17: `name` is missing; known here: name, on"),
        (
            "flags: {live: {url: 'https://a', command: [b]}}",
            "4:15: url and command of url, command is given; give exactly one of them",
        ),
        ("flags: {live: {contains: a}}", "4:15: none of url, command is given; give exactly one of them"),
        ("flags: {live: {url: 'https://a'}}", "4:16: `url`: `url` and `contains` belong together; give both"),
        ("release: {tags: '${NOPE}'}", "4:17: NOPE is not set; set NOPE in the environment"),
        ("release: {tags: '${EMPTY}'}", "4:17: EMPTY is empty; set EMPTY in the environment"),
        ("kill-switch: {flag: a, value: 1e400}", "4:31: a number beyond all bounds"),
    ],
)  # fmt: skip
def test_the_place_of_a_mistake_and_the_way_out(line, message):
    assert refusal(HEAD + line + "\n", {"EMPTY": ""}) == f"releasegate.yaml:{message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("window: 30m", "window: 30", '6:11: "30" is no duration; write a number and a unit: 500ms, 15s, 30m, 2h, 7d, 4w, 7y, or 1h30m'),
        ("weight: 5%", "weight: 5", '5:11: "5" is no share; write a percentage (5%) or a fraction below 1 (0.05)'),
        ("weight: 5%", "weight: 0", "5:3: `weight`: the canary's weight lies between 0 and 100%; write weight: 5%"),
        ("window: 30m", "window: 10s", "5:3: `interval`: the interval is above 0 and at most the window; write interval: 15s"),
        ("window: 30m", "max-window: 1m", "6:3: `max-window`: the longest window is shorter than the window; write max-window: 2h"),
        ("limit: 5%", "limit: 5", "10:92: `limit`: a ratio's limit lies between 0 and 100%; write limit: 5%"),
        ("limit: 5%", "limit: {le: 1, share: 5%}", "10:92: `limit`: a ratio has one number as its limit; write limit: 5% or limit: 100"),
        ("limit: 5%", "tolerate: 0.9", "10:92: `tolerate`: below 1 would ask the canary to be better than the baseline; write 1.2 for 20% worse"),
        ("errors:", "weight:", "9:3: `slis`: `t` and `weight` are no SLI names; choose another name"),
        ("total: http_requests_total}", "total: sum(http_requests_total)}", '10:63: `total`: `sum(http_requests_total)` is no series selector; write name{label="value", other=~"a|b"}, without functions or arithmetic'),
        ('{track="canary"}', '{track="canary"', '8:42: `canary`: `{track="canary"` has no closing brace at its end; write name{label="value", other=~"a|b"}'),
    ],
)  # fmt: skip
def test_a_canary_that_cannot_be_watched(old, new, message):
    assert old in CANARY
    assert refusal(HEAD + CANARY.replace(old, new)) == f"releasegate.yaml:{message}"


def test_a_preset_brings_its_tracks_and_slis():
    text = """\
canary:
  metrics: {prometheus: {url: http://127.0.0.1:9090}}
  preset: {name: haproxy, baseline: stable, canary: canary}
  slis:
    errors: {ratio: {bad: failed_total, total: all_total}}
    duration: {histogram: seconds, tracks: {baseline: '{v="1"}', canary: '{v="2"}'}}
"""
    canary = load(HEAD + text).canary
    assert canary.tracks == Tracks(baseline='{server="stable"}', canary='{server="canary"}')
    assert canary.slis == {
        "errors": Sli(ratio=Ratio(bad="failed_total", total="all_total")),
        "rate": Sli(throughput="haproxy_server_http_responses_total"),
        "duration": Sli(histogram="seconds", tracks=Tracks(baseline='{v="1"}', canary='{v="2"}')),
    }
    assert refusal(HEAD + text.replace("haproxy", "hproxy")).startswith(
        'releasegate.yaml:6:18: "hproxy" is not among the choices; choose envoy or istio'
    )


def test_a_preset_whose_tracks_are_told_apart_otherwise_needs_no_values():
    text = """\
canary:
  metrics: {prometheus: {url: http://127.0.0.1:9090}}
  preset: {name: opentelemetry-http}
  tracks: {baseline: '{v="1"}', canary: '{v="2"}'}
"""
    canary = load(HEAD + text).canary
    assert canary.tracks == Tracks(baseline='{v="1"}', canary='{v="2"}')
    assert list(canary.slis) == ["errors", "rate", "duration"]
    assert refusal(HEAD + text.replace("-http}", "-http, canary: x}")) == (
        "releasegate.yaml:6:12: `name`: the preset has no `baseline`; give both, or neither and `tracks`"
    )
    assert refusal(HEAD + text.replace("  tracks", "  # tracks")).endswith(
        "Prometheus holds both tracks, and nothing tells them apart; add `tracks`"
    )


def test_two_tracks_in_prometheus_need_selectors():
    text = HEAD + "\n".join(line for line in CANARY.splitlines() if "tracks" not in line)
    assert refusal(text) == (
        "releasegate.yaml:7:3: `metrics`: Prometheus holds both tracks, and nothing tells them apart; add `tracks`"
    )


def test_a_value_from_the_environment_is_not_shown():
    policy = load(HEAD + CANARY)
    assert policy.canary.metrics.prometheus.headers["Authorization"] == "Bearer hush"
    assert "hush" not in repr(policy)
    assert "prometheus.example" not in repr(policy)
    text = HEAD + CANARY.replace("30m", '"${TOKEN}"')
    assert refusal(text).startswith('releasegate.yaml:6:11: "${TOKEN}" is no duration')


def test_a_variable_is_read_only_in_values_and_can_be_written_as_it_stands():
    text = HEAD + 'deploy: {staging: {command: [sh, -c, "echo $${HOME} $HOME ${TOKEN}"]}}\n'
    assert load(text).deploy.staging.command == ("sh", "-c", "echo ${HOME} $HOME hush")
    assert refusal(HEAD + '"${TOKEN}": 1\n').startswith("releasegate.yaml:4:1: `${TOKEN}` is no known key")
