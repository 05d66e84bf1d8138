"""Events that a job could not record: its machine is thrown away with them, so that the log has to hold them."""

import json

from action_step import Ran

from github_shop import FLAGS, POLICY, told
from releasegate.forge.local import LocalForge
from repositories import committed, git, origin, with_origin

REFUSE = "#!/bin/sh\ngrep -q releasegate/ledger && { echo 'not now'; exit 1; }\nexit 0\n"
SAVE = (
    "save each as .git/releasegate/outbox/ID.json in a clone, and the next command there that writes the ledger brings"
    " it along"
)


def test_the_log_holds_what_waits_and_a_clone_brings_it_along(tmp_path, monkeypatch, capsys):
    remote = origin(tmp_path / "origin.git")
    folder = with_origin(tmp_path / "job", remote)
    committed(folder, {"releasegate.yaml": POLICY.decode(), "config/feature-flags.yaml": FLAGS.decode()})
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(REFUSE)
    hook.chmod(0o755)
    ran = Ran(folder, monkeypatch, command="flags off", args="banner")
    assert (ran.code, "the ledger could not be written" in ran.log) == (4, True), ran.log
    group = ran.log.partition(f"::group::1 event waits to be recorded: {SAVE}\n")[2].partition("::endgroup::")[0]
    [line] = [line for line in group.splitlines() if line.startswith("{")]
    event = json.loads(line)
    assert (event["kind"], event["data"]["flag"]) == ("flag.changed", "banner")

    hook.unlink()
    git(tmp_path, "clone", "--quiet", str(remote), "clone")
    clone = tmp_path / "clone"
    git(clone, "config", "user.name", "Bob")
    git(clone, "config", "user.email", "bob@example.com")
    outbox = clone / ".git" / "releasegate" / "outbox"
    outbox.mkdir(parents=True)
    (outbox / f"{event['id']}.json").write_text(line)
    assert told(clone, ["flags", "off", "checkout-v2", "--repo", "local"], capsys)[0] == 0
    recorded = [
        json.loads(change.content) for one in LocalForge(clone).history("releasegate/ledger") for change in one.changes
    ]
    assert [(one["data"]["flag"], one["data"].get("waited", {}).get("id")) for one in recorded] == [
        ("banner", event["id"]), ("checkout-v2", None),
    ]  # fmt: skip
    assert list(outbox.iterdir()) == []


def test_a_job_that_recorded_all_says_nothing_of_it(tmp_path, monkeypatch):
    folder = with_origin(tmp_path / "job", origin(tmp_path / "origin.git"))
    committed(folder, {"releasegate.yaml": POLICY.decode(), "config/feature-flags.yaml": FLAGS.decode()})
    git(folder, "push", "--quiet", "origin", "HEAD:main")
    ran = Ran(folder, monkeypatch, command="flags off", args="banner")
    assert (ran.code, "to be recorded" in ran.log) == (0, False), ran.log
