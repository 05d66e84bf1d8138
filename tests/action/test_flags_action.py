"""`uses: releasegate/releasegate/feature-flags`: one flag changed from a workflow."""

import json

import pytest
from act_runs import FLAGS, OFF

from repositories import git

FLAG = """\
on: push
jobs:
  flag:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - id: flag
        uses: releasegate/releasegate/feature-flags@v1
        with:
          flag: checkout-v2
          INPUTS
      - env:
          JSON: ${{ steps.flag.outputs.json }}
        run: cat "$JSON"; cat config/feature-flags.yaml
"""


def test_a_flag_is_committed_to_the_remote_with_its_reason(shop, act):
    run = act(shop, workflow=FLAG.replace("INPUTS", "value: off\n          reason: it burns"))
    assert run.code == 0, run.log
    remote = shop.parent / "origin.git"
    assert git(remote, "show", "main:config/feature-flags.yaml") == OFF
    assert "it burns" in git(remote, "log", "-1", "--format=%B", "main")
    assert git(remote, "log", "-1", "--format=%an <%ae>", "main") == "octocat <octocat@users.noreply.github.com>"


def test_in_place_edits_the_file_and_commits_nothing(shop, act):
    before = git(shop.parent / "origin.git", "rev-parse", "main")
    run = act(shop, workflow=FLAG.replace("INPUTS", "percentage: 5\n          mode: in-place"))
    assert run.code == 0, run.log
    document, *file = run.printed[-1 - len(FLAGS.splitlines()) :]
    assert "\n".join([*file, ""]) == FLAGS.replace("50", "5")
    assert json.loads(document)["flags"]["checkout-v2"]["text"] == "on for 5%"
    assert git(shop.parent / "origin.git", "rev-parse", "main") == before


@pytest.mark.soak
def test_a_patch_is_printed_and_nothing_is_changed(shop, act):
    before = git(shop.parent / "origin.git", "rev-parse", "main")
    run = act(shop, workflow=FLAG.replace("INPUTS", "percentage: 5\n          mode: patch"))
    assert run.code == 0, run.log
    document, *file = run.printed[-1 - len(FLAGS.splitlines()) :]
    diff = json.loads(document)["diff"]
    assert ("\n".join([*file, ""]), diff.splitlines()[0]) == (FLAGS, "--- a/config/feature-flags.yaml")
    assert set(diff.splitlines()) <= set(run.printed)
    assert git(shop.parent / "origin.git", "rev-parse", "main") == before


@pytest.mark.soak
def test_value_and_percentage_together_change_nothing(shop, act):
    run = act(shop, workflow=FLAG.replace("INPUTS", "value: off\n          percentage: 5"))
    assert "exit status 2" in run.log
    assert "releasegate: `value` and `percentage`: exactly one is needed; `value: off` takes a flag back" in run.printed
