"""One zip of many files, the same bytes for the same files on every machine and in every version."""

import zipfile
from collections.abc import Mapping
from io import BytesIO

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can hold: the files' own times are no part of what they say."""


def bundle(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`, by their names. Nothing is compressed: what packs them differs from machine to machine."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, files[name])
    return target.getvalue()
