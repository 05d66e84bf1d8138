"""Every example runs as it stands, against real parts; only what is the user's own is written here."""

import json
import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as connection

import pytest
from act_runs import ROOT, SAMPLES, committed, git

import fortnight
from releasegate.policy.load import load_policy
from releasegate.rehearsal.house import Addresses
from releasegate.rehearsal.rehearse import Options, open_shop
from servers import counting_app, free_port, prometheus, running, traffic

EXAMPLES = ROOT / "examples"
JUNIT = '<testsuite name="t" tests="1"><testcase classname="a" name="b" time="0.1"/></testsuite>'
MAKEFILE = f"test:\n\tmkdir -p reports/regression && echo '{JUNIT}' > reports/regression/r.xml\n"


def test_every_example_is_in_the_table_and_runs_here():
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    table = (EXAMPLES / "README.md").read_text()
    assert {name for name in folders if f"| [{name}]({name}) |" in table} == folders
    assert folders == {"pwa", "api-flag", "haproxy", "gitops", "backtest"}


def test_the_web_application_is_judged_by_what_its_base_branch_says(tmp_path, act, artifacts):
    folder = tmp_path / "pwa"
    shutil.copytree(EXAMPLES / "pwa", folder)
    shutil.copytree(SAMPLES, folder / "samples")
    (folder / "Makefile").write_text(
        "reports:\n\tmkdir -p reports && cp -r samples/lighthouse reports/lighthouse && cp samples/zap.json reports\n"
    )
    base = git(committed(folder), "rev-parse", "HEAD")
    (folder / "lighthouserc.json").write_text('{"ci": {"assert": {"assertions": {"lang-attr": "warn"}}}}')
    git(folder, "commit", "--quiet", "-am", "a pull request that lowers the bar")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    run = act(folder, event="pull_request", options=("--eventpath", event))
    assert run.code == 0, run.log
    assert "lighthouse: PASS: 0 of 4 checks failed on 1 page (3 runs)" in run.printed
    assert any(line.startswith("zap: ") for line in run.printed)
    assert {path.name for path in (artifacts / "reports").iterdir()} == {"lighthouse", "zap.json"}


@pytest.mark.soak
@pytest.mark.servers
def test_the_backtest_judges_the_last_fortnight(program, tmp_path, act, artifacts):
    folder = tmp_path / "backtest"
    shutil.copytree(EXAMPLES / "backtest", folder)
    (tmp_path / "prometheus").mkdir()
    fortnight.back_fill(program, tmp_path / "prometheus", int(datetime.now(UTC).timestamp()))
    with prometheus(program, tmp_path / "prometheus", {}) as url:
        options = ("--var", f"PROMETHEUS_URL={url}")
        secrets = {"PROMETHEUS_TOKEN": "t0ken"}
        run = act(committed(folder), event="workflow_dispatch", options=options, secrets=secrets)
    assert run.code == 0, run.log
    assert any("healthy releases" in line for line in run.printed)
    assert (artifacts / "backtest" / "backtest.svg").read_text().startswith("<svg")


def as_rehearsed(text, addresses: Addresses):
    """The example's policy with the times of a rehearsal, and where its flags go live."""
    changes = {"window: 30m": "window: 35s\n  interval: 1s\n  settle: 15s", "https://flags.example.com": addresses}
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.soak
@pytest.mark.servers
@pytest.mark.usefixtures("alone_under_load")
def test_the_api_is_watched_in_a_real_prometheus_and_taken_back(program, tmp_path, act, artifacts):
    program("prometheus")
    with open_shop(tmp_path / "shop", Options(scenario="errors", prometheus=True)) as house:
        own = load_policy((house.repo / "releasegate.yaml").read_bytes(), "p", {})
        shutil.copytree(EXAMPLES / "api-flag", house.repo, dirs_exist_ok=True)
        policy = house.repo / "releasegate.yaml"
        policy.write_text(as_rehearsed(policy.read_text(), own.flags.live.url.removesuffix("/live")))
        (house.repo / "Makefile").write_text(MAKEFILE)
        deploy = house.repo / "deploy.sh"
        deploy.write_text(f'#!/bin/sh\nexec {sys.executable} -m releasegate.rehearsal.deploy {house.deployed} "$@"\n')
        deploy.chmod(0o755)
        house.commit("as the example says")
        house.git(house.repo, "push", "--quiet", "origin", "main")
        run = act(house.repo, event="workflow_dispatch", secrets={"PROMETHEUS_URL": own.canary.metrics.prometheus.url})
        flags = git(house.origin, "show", "main:config/feature-flags.yaml")
    assert run.code == 1, run.log
    assert "exit status 1" in run.log
    assert "v1.4.0-rc.1 was taken back" in run.log
    assert "enabled: false" in flags
    assert "```mermaid" in run.summary
    assert (artifacts / "smoke-checklist" / "smoke-checklist.md").is_file()


HAPROXY = """\
global
  stats socket SOCKET mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend shop
  bind 127.0.0.1:SHOP
  default_backend checkout
frontend exporter
  bind 127.0.0.1:EXPORTER
  http-request use-service prometheus-exporter if { path /metrics }
backend checkout
  balance roundrobin
  server stable 127.0.0.1:STABLE weight 95
  server canary 127.0.0.1:CANARY weight 5
"""


def quick(folder, keep="rollback", **more):
    """Set the policy's times to those of a test, and other texts to what is here; act looks at one workflow alone."""
    policy = folder / "releasegate.yaml"
    text = policy.read_text().replace("window: 30m", "window: 30m\n  interval: 1s")
    for old, new in more.items():
        text = text.replace(old, new)
    policy.write_text(text)
    for workflow in (folder / ".github" / "workflows").iterdir():
        if workflow.stem != keep:
            workflow.unlink()
            continue
        here = workflow.read_text().replace("python-path: /usr/bin/python3", f"python-path: {sys._base_executable}")
        workflow.write_text(here)
    (folder / "Makefile").write_text(MAKEFILE)
    committed(folder)
    git(folder.parent, "clone", "--quiet", "--bare", folder, folder.parent / "origin.git")
    git(folder, "remote", "add", "origin", folder.parent / "origin.git")
    git(folder, "fetch", "--quiet", "origin")
    return folder


@contextmanager
def behind_haproxy(program, tmp_path, weights, canary_answers=None):
    """The shop behind HAProxy with the `weights` of its two servers, and traffic: the repository, and Prometheus."""
    ports = {name: free_port() for name in ("SHOP", "EXPORTER", "STABLE", "CANARY")}
    config, socket = HAPROXY.replace("SOCKET", str(tmp_path / "s")), str(tmp_path / "s")
    for name, value in {**ports, "weight 95": f"weight {weights[0]}", "weight 5": f"weight {weights[1]}"}.items():
        config = config.replace(name, str(value))
    (tmp_path / "haproxy.cfg").write_text(config)
    shutil.copytree(EXAMPLES / "haproxy", tmp_path / "haproxy")
    (tmp_path / "haproxy" / "deploy.sh").write_text("#!/bin/sh\n")
    (tmp_path / "haproxy" / "deploy.sh").chmod(0o755)
    exporter = f"127.0.0.1:{ports['EXPORTER']}"
    with (
        counting_app(tmp_path, ports["STABLE"]), counting_app(tmp_path, ports["CANARY"], canary_answers),
        running([program("haproxy"), "-f", tmp_path / "haproxy.cfg"], f"http://{exporter}/metrics", tmp_path / "h.log"),
        prometheus(program, tmp_path / "prometheus", {exporter: {"job": "haproxy"}}) as url,
        traffic(ports["SHOP"]),
    ):  # fmt: skip
        yield tmp_path / "haproxy", url, socket


def weight_of_the_canary(socket):
    """The canary's weight as HAProxy's own socket tells it."""
    with connection(AF_UNIX, SOCK_STREAM) as client:
        client.connect(socket)
        client.sendall(b"get weight checkout/canary\n")
        return client.recv(4096).decode().split()[0]


@pytest.mark.soak
@pytest.mark.servers
def test_haproxy_sends_the_canary_nothing_any_more(program, tmp_path, act):
    with behind_haproxy(program, tmp_path, (95, 5)) as (example, url, socket):
        folder = quick(example, **{"/run/haproxy/admin.sock": socket})
        run = act(folder, event="workflow_dispatch", secrets={"PROMETHEUS_URL": url})
        assert weight_of_the_canary(socket) == "0"
    assert run.code == 0, run.log
    assert "traffic is back, and every step held" in run.printed


@pytest.mark.soak
@pytest.mark.servers
def test_haproxy_tries_a_bad_canary_and_takes_it_back(program, tmp_path, act):
    with behind_haproxy(program, tmp_path, (100, 0), canary_answers=500) as (example, url, socket):
        here = {"/run/haproxy/admin.sock": socket, "weight: 5%": "weight: 20%"}
        folder = quick(example, keep="release", **here)
        run = act(folder, event="workflow_dispatch", secrets={"PROMETHEUS_URL": url})
        assert weight_of_the_canary(socket) == "0"
    assert run.code == 1, run.log
    assert "✓ 20% to the canary: " in "\n".join(run.printed)
    assert "v0.1.0-rc.1 was taken back: errors: the canary is " in run.log, run.printed


@contextmanager
def gitops(program, tmp_path, percent):
    """The GitOps example with its repository, at `percent`, and an operator who sends the canary traffic by it."""
    values = tmp_path / "values"
    (values / "checkout").mkdir(parents=True)
    (values / "checkout" / "values.yaml").write_text(f"image: x\ncanaryWeight: {percent}   # percent\n")
    git(tmp_path, "clone", "--quiet", "--bare", committed(values), tmp_path / "gitops.git")
    shutil.copytree(EXAMPLES / "gitops", tmp_path / "shop")
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{port}": {"track": track} for port, track in ((stable, "baseline"), (canary, "canary"))}

    def has_weight():
        return "canaryWeight: 0 " not in git(tmp_path / "gitops.git", "show", "main:checkout/values.yaml")

    with (
        counting_app(tmp_path, stable), counting_app(tmp_path, canary, 500),
        prometheus(program, tmp_path / "prometheus", targets) as url,
        traffic(stable), traffic(canary, code=500, when=has_weight),
    ):  # fmt: skip
        yield tmp_path / "shop", url


def run_gitops(act, folder, url, **options):
    secrets = {"PROMETHEUS_URL": url, "GITOPS_TOKEN": "gitops-token"}  # act hides it wherever it stands
    variable = f"GITOPS_REPOSITORY={folder.parent / 'gitops.git'}"
    return act(quick(folder, **options), event="workflow_dispatch", secrets=secrets, options=("--var", variable))


@pytest.mark.soak
@pytest.mark.servers
def test_the_weight_in_the_gitops_repository_becomes_0(program, tmp_path, act):
    with gitops(program, tmp_path, 5) as (folder, url):
        run = run_gitops(act, folder, url)
    assert run.code == 0, run.log
    values = git(tmp_path / "gitops.git", "show", "main:checkout/values.yaml")
    assert values.splitlines()[1] == "canaryWeight: 0   # percent"
    assert git(tmp_path / "gitops.git", "log", "-1", "--format=%s", "main") == "checkout: canary at 0%"


@pytest.mark.soak
@pytest.mark.servers
def test_a_bad_canary_gets_its_weight_in_the_gitops_repository_and_loses_it(program, tmp_path, act):
    with gitops(program, tmp_path, 0) as (folder, url):
        run = run_gitops(act, folder, url, keep="release")
    assert run.code == 1, run.log
    assert "v0.1.0-rc.1 was taken back: errors: the canary is " in run.log, run.printed
    subjects = git(tmp_path / "gitops.git", "log", "--format=%s", "main").splitlines()
    assert subjects[:2] == ["checkout: canary at 0%", "checkout: canary at 5%"]
