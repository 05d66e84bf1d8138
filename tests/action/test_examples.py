"""Every example runs as it stands, against real parts; only what is the user's own is written here."""

import json
import shutil
import sys
from datetime import UTC, datetime

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


def quick(folder, **more):
    """Set the policy's times to those of a test, and other texts to what is here."""
    policy = folder / "releasegate.yaml"
    text = policy.read_text().replace("window: 30m", "window: 30m\n  interval: 1s")
    for old, new in more.items():
        text = text.replace(old, new)
    policy.write_text(text)
    committed(folder)
    git(folder.parent, "clone", "--quiet", "--bare", folder, folder.parent / "origin.git")
    git(folder, "remote", "add", "origin", folder.parent / "origin.git")
    git(folder, "fetch", "--quiet", "origin")
    (folder / ".github" / "workflows" / "release.yml").unlink()  # act would look at it, too
    return folder


@pytest.mark.soak
@pytest.mark.servers
def test_haproxy_sends_the_canary_nothing_any_more(program, tmp_path, act):
    ports = {name: free_port() for name in ("SHOP", "EXPORTER", "STABLE", "CANARY")}
    config, socket = HAPROXY.replace("SOCKET", str(tmp_path / "s")), str(tmp_path / "s")
    for name, port in ports.items():
        config = config.replace(name, str(port))
    (tmp_path / "haproxy.cfg").write_text(config)
    shutil.copytree(EXAMPLES / "haproxy", tmp_path / "haproxy")
    folder = quick(tmp_path / "haproxy", **{"/run/haproxy/admin.sock": socket})
    exporter = f"127.0.0.1:{ports['EXPORTER']}"
    with (
        counting_app(tmp_path, ports["STABLE"]), counting_app(tmp_path, ports["CANARY"]),
        running([program("haproxy"), "-f", tmp_path / "haproxy.cfg"], f"http://{exporter}/metrics", tmp_path / "h.log"),
        prometheus(program, tmp_path / "prometheus", {exporter: {"job": "haproxy"}}) as url,
        traffic(ports["SHOP"]),
    ):  # fmt: skip
        run = act(folder, event="workflow_dispatch", secrets={"PROMETHEUS_URL": url})
    assert run.code == 0, run.log
    assert "traffic is back, and every step held" in run.printed


@pytest.mark.soak
@pytest.mark.servers
def test_the_weight_in_the_gitops_repository_becomes_0(program, tmp_path, act):
    values = tmp_path / "values"
    (values / "checkout").mkdir(parents=True)
    (values / "checkout" / "values.yaml").write_text("image: x\ncanaryWeight: 5   # percent\n")
    git(tmp_path, "clone", "--quiet", "--bare", committed(values), tmp_path / "gitops.git")
    shutil.copytree(EXAMPLES / "gitops", tmp_path / "shop")
    stable, canary = free_port(), free_port()
    targets = {f"127.0.0.1:{port}": {"track": track} for port, track in ((stable, "baseline"), (canary, "canary"))}
    with (
        counting_app(tmp_path, stable), counting_app(tmp_path, canary),
        prometheus(program, tmp_path / "prometheus", targets) as url, traffic(canary, times=1), traffic(stable),
    ):  # fmt: skip
        run = act(
            quick(tmp_path / "shop"), event="workflow_dispatch", secrets={"PROMETHEUS_URL": url, "GITOPS_TOKEN": "t"},
            options=("--var", f"GITOPS_REPOSITORY={tmp_path / 'gitops.git'}"),
        )  # fmt: skip
    assert run.code == 0, run.log
    assert (
        git(tmp_path / "gitops.git", "show", "main:checkout/values.yaml").splitlines()[1]
        == "canaryWeight: 0   # percent"
    )
    assert git(tmp_path / "gitops.git", "log", "-1", "--format=%s", "main") == "checkout: canary at 0%"
