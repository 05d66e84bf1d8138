"""The bundled sample reports, written out as if the candidate had just been tested."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from releasegate.forge.port import Tag
from releasegate.gates.subject import SUBJECT_FILE, Stamp, write_stamp

SAMPLES = files("releasegate.rehearsal.samples")


def write_evidence(folder: Path, candidate: Tag, now: datetime) -> None:
    """Lighthouse and ZAP samples below `folder`, with the present time and a subject file beside each."""
    stamp = write_stamp(Stamp(candidate.commit, candidate.name))
    lighthouse, zap = folder / "lighthouse", folder / "zap"
    for target in (lighthouse, zap):
        target.mkdir(parents=True, exist_ok=True)
        (target / SUBJECT_FILE).write_bytes(stamp)
    for number, report in enumerate(_reports(), start=1):
        report["fetchTime"] = _utc(now + timedelta(milliseconds=number))
        (lighthouse / f"lhr-{1000 * int(now.timestamp()) + number}.json").write_text(json.dumps(report))
    (lighthouse / "lighthouserc.json").write_text(_sample("lighthouserc.json"))
    report = json.loads(_sample("zap.json"))
    report["created"], report["@generated"] = _utc(now), f"{now:%a, %d %b %Y %H:%M:%S}"
    (zap / "zap.json").write_text(json.dumps(report))
    (zap / "rules.tsv").write_text(_sample("rules.tsv"))


def _reports() -> list[dict[str, Any]]:
    found = sorted(SAMPLES.joinpath("lighthouse").iterdir(), key=lambda item: item.name)
    return [json.loads(item.read_text(encoding="utf-8")) for item in found if item.name.endswith(".json")]


def _sample(name: str) -> str:
    return SAMPLES.joinpath(name).read_text(encoding="utf-8")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
