"""The workflow that people paste works as it stands."""

import re
import shutil

from act_runs import ROOT, SAMPLES, committed


def test_the_pasted_workflow_passes_in_an_empty_repository_with_only_its_reports(tmp_path, act):
    (pasted,) = re.findall(r"```yaml\n(name: gate\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    folder = tmp_path / "empty"
    shutil.copytree(SAMPLES / "lighthouse", folder / ".lighthouseci")
    shutil.copy(SAMPLES / "lighthouserc.json", folder)
    run = act(committed(folder), workflow=pasted, event="pull_request")
    assert run.code == 0, run.log
    assert "lighthouse: PASS: 0 of 8 checks failed on 1 page (3 runs)" in run.printed
