import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_try(act, shop):
    (shop / ".github/workflows").mkdir(parents=True)
    shutil.copy(ROOT / ".github/workflows/rollback.yml", shop / ".github/workflows")
    for inputs in ({"dry-run": "true"}, {"reason": "too $(slow) `x`"}):
        run = act(shop, event="workflow_dispatch", inputs=inputs)
        print(run.code, "\n".join(l for l in run.log.splitlines() if "Cache" not in l))
    assert 0
