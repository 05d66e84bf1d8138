"""The zip of evidence: the same bytes for the same files, anywhere."""

import zipfile
from hashlib import sha256
from io import BytesIO

from releasegate.render.bundle import bundle


def test_the_bytes_depend_on_the_files_alone():
    files = {"b/recording.jsonl": b"{}\n" * 1000, "a.html": b"<p>"}
    made = bundle(files)
    assert made == bundle(dict(reversed(files.items())))
    assert sha256(made).hexdigest() == "1b8ded05191dcbd3ee0469e2660bef91644502c528f11ffd17888a5868ba23ce"
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.namelist() == sorted(files)
