"""What lies in a repository that the runbook can use."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from releasegate.cli.lhci_config import found_config
from releasegate.errors import ReleasegateError
from releasegate.flags.document import LARGEST, FlagFile
from releasegate.render.starter import Found

FLAG_FILES = tuple(
    f"{folder}{name}.{end}"
    for folder in ("config/", "", ".github/")
    for name in ("feature-flags", "flags", "flagd")
    for end in ("yaml", "yml", "json")
)
COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def look(directory: Path) -> Found:
    """What is there. A file that cannot be read or understood counts as not there."""
    names = _flags(directory)
    return Found(
        lighthouse=found_config(directory),
        zap_rules=_first(directory, (".zap/rules.tsv",)),
        flag_file=names[0] if names else None,
        flags=names[1] if names else (),
        alembic=_first(directory, ("alembic.ini", "migrations/alembic.ini")),
        workflows=tuple(sorted(path.name for path in directory.glob(".github/workflows/*.y*ml"))),
        prometheus=next(_prometheus(directory), None),
    )


def _first(directory: Path, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if (directory / name).is_file()), None)


def _flags(directory: Path) -> tuple[str, tuple[str, ...]] | None:
    for name in FLAG_FILES:
        content = _read(directory / name)
        if content is not None:
            try:
                return name, tuple(FlagFile.parse(content, name).names())
            except ReleasegateError:
                continue
    return None


def _prometheus(directory: Path) -> Iterator[str]:
    for name in COMPOSE:
        content = _read(directory / name)
        try:
            document = yaml.safe_load(content) if content else None
        except yaml.YAMLError:
            continue
        services = document.get("services") if isinstance(document, dict) else None
        for service, settings in services.items() if isinstance(services, dict) else ():
            image = settings.get("image") if isinstance(settings, dict) else None
            if isinstance(image, str) and "prometheus" in image.rpartition("/")[2].partition(":")[0]:
                yield f"{name}: {service}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= LARGEST else None
    except OSError:
        return None
