"""The action on GitHub: the job's token and API go by environment, and the API sees what a person would have done."""

import pytest

from github_front import TOKEN, github_forge
from github_shop import start

WORKFLOW = """\
on: push
jobs:
  candidate:
    runs-on: ubuntu-latest
    outputs:
      tag: ${{ steps.rc.outputs.tag }}
    steps:
      - id: rc
        uses: releasegate/releasegate@v1
        with:
          command: tag rc
          args: --repo REPOSITORY
          token: ${{ secrets.PAT }}
          github-api-url: ADDRESS
      - run: echo "then $RC_TAG"
      - uses: releasegate/releasegate@v1
        with:
          command: flags off checkout-v2
          reason: slow
          args: --repo REPOSITORY
          token: ${{ secrets.PAT }}
          github-api-url: ADDRESS
  next:
    needs: [candidate]
    runs-on: ubuntu-latest
    env:
      TAG: ${{ needs.candidate.outputs.tag }}
    steps:
      - run: echo "handed on $TAG"
      - uses: releasegate/releasegate@v1
        with:
          command: ledger verify
          args: --repo REPOSITORY
          token: ${{ secrets.PAT }}
          github-api-url: ADDRESS
"""


def test_a_candidate_a_flag_and_the_ledger_through_the_api(github, shop, act):
    repository = github.repository()
    forge = github_forge(github, repository)
    start(forge)
    workflow = WORKFLOW.replace("REPOSITORY", repository).replace("ADDRESS", github.address)
    run = act(shop, workflow=workflow, secrets={"PAT": TOKEN})
    assert run.code == 0, run.log
    tag = run.outputs("tag")[0]
    assert f"then {tag}" in run.printed
    assert f"handed on {tag}" in run.printed
    assert forge.resolve(tag) == forge.branch_head("release/" + tag.partition("-rc.")[0])
    assert "slow" in forge.history("main")[-1].message
    assert b'["off", 100]' in forge.read("config/feature-flags.yaml", "main").content
    assert TOKEN not in run.log


@pytest.mark.soak
def test_without_a_token_github_is_not_asked(github, shop, act):
    workflow = WORKFLOW.replace("REPOSITORY", "octo/shop").replace("ADDRESS", github.address)
    run = act(shop, workflow=workflow.replace("${{ secrets.PAT }}", "''"))
    assert run.code == 1
    assert "set GITHUB_TOKEN or GH_TOKEN" in run.log
    assert github.sent() == []
