"""`uses: releasegate/releasegate` with a gate: outputs, summary, annotations, exit status."""

import json

GATE = """\
on: push
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - id: gate
        uses: releasegate/releasegate@v1
        with:
          command: gate lighthouse
          reports: .lighthouseci
          config: lighthouserc.json
          token: hush-1234
      - if: always()
        env:
          TOKEN: hush-1234
          VERDICT: ${{ steps.gate.outputs.verdict }}
          OUTCOME: ${{ steps.gate.outcome }}
          JSON: ${{ steps.gate.outputs.json }}
        run: echo "then $VERDICT $OUTCOME"; cat "$JSON"; test -t 0 || test -t 1 || echo no terminal; echo "told $TOKEN"
"""


def test_a_gate_that_passes_hands_its_verdict_on(shop, act):
    run = act(shop, workflow=GATE)
    assert run.code == 0, run.log
    assert "lighthouse: PASS: 0 of 8 checks failed on 1 page (3 runs)" in run.printed
    then = run.printed.index("then pass success")
    verdict = json.loads(run.printed[then + 1])
    assert (verdict["schema"], verdict["gate"], verdict["verdict"]) == ("releasegate/verdict/1", "lighthouse", "pass")
    assert [item["path"] for item in verdict["evidence"]] == [f".lighthouseci/lhr-{n}.json" for n in (1, 2, 3)]
    assert run.printed[-2] == "no terminal"  # as on GitHub; on one, act would lose the end of a failing step's log
    assert run.printed[-1] == "told ***"  # what the action masked, the runner hides also in later steps
    assert run.summary.startswith("### ✅ lighthouse: pass\n\n0 of 8 checks failed on 1 page")


def test_a_gate_that_fails_still_hands_its_verdict_on(shop, act):
    (shop / "lighthouserc.json").write_text('{"ci": {"assert": {"assertions": {"largest-contentful-paint": '
                                            '["error", {"maxNumericValue": 1}]}}}}')  # fmt: skip
    run = act(shop, workflow=GATE)
    assert run.code == 1
    assert "then fail failure" in run.printed
    assert "### ❌ lighthouse: fail" in run.summary
    assert "::error" in run.log
    assert "largest-contentful-paint" in run.log


def test_a_truncated_report_is_inconclusive(shop, act):
    for report in sorted((shop / ".lighthouseci").glob("*.json")):
        report.write_bytes(report.read_bytes()[:1000])
    run = act(shop, workflow=GATE)
    assert run.code == 1
    assert "then inconclusive failure" in run.printed
    assert "exit status 3" in run.log
    assert "lighthouse: inconclusive" in run.summary


def test_a_path_that_is_not_there_is_an_error_of_usage(shop, act):
    run = act(shop, workflow=GATE.replace("reports: .lighthouseci", "reports: nowhere"))
    message = "nowhere: cannot be read: No such file or directory; is the path right, and was it made?"
    assert "exit status 2" in run.log
    assert f"releasegate: {message}" in run.printed
    assert f"::error title=releasegate::{message}" in run.log
    assert run.summary == f"```text\nreleasegate: {message}\n```\n"
