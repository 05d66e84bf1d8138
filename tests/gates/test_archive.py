"""Zip artifacts: reports are found in any folder, and nothing hostile is unpacked."""

import io
import json
import stat
import zipfile

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from releasegate.cli import gate_tests, gate_zap
from releasegate.cli.app import App
from releasegate.errors import InconclusiveError
from releasegate.gates import archive
from releasegate.gates.archive import Archive


def packed(*members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def run(command, folder, *arguments):
    app = App(output="json", directory=folder)
    result = CliRunner().invoke(command, list(arguments), obj=app, standalone_mode=False)
    if result.exception:
        raise result.exception
    return json.loads(result.stdout), result.return_value


def test_files_are_found_in_nested_and_dot_folders():
    found = Archive(packed((".zap/a/report.json", b"{}"), ("b.txt", b"b"), ("empty/", b"")), "a.zip")
    assert found.names == [".zap/a/report.json", "b.txt"]
    assert [found.read(name) for name in found.names] == [b"{}", b"b"]


def link(name, target):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member, target


def encrypted():
    content = bytearray(packed(("a", b"a")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


REFUSED = {
    "up": (packed(("../a", b"")), "holds the path '../a', which leads out of it"),
    "inner up": (packed(("a/../../b", b"")), "holds the path 'a/../../b', which leads out of it"),
    "root": (packed(("/etc/passwd", b"")), "holds the path '/etc/passwd', which leads out of it"),
    "backslash": (packed(("a\\..\\b", b"")), "which leads out of it"),
    "drive": (packed(("C:/a", b"")), "holds the path 'C:/a', which leads out of it"),
    "link": (packed(link("a", "/etc/passwd")), "holds the link 'a'"),
    "encrypted": (encrypted(), "holds 'a', which is encrypted"),
    "bomb": (packed(("a", b"\0" * 3_000_000)), "holds 'a', which unpacks to more than 200 times its bytes"),
    "text": (b"{}", "is no whole zip: File is not a zip file"),
    "empty": (b"", "is no whole zip"),
    "cut": (packed(("a", b"a" * 100))[:-30], "is no whole zip"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_hostile_or_damaged_is_refused(name):
    content, reason = REFUSED[name]
    with pytest.raises(InconclusiveError) as refused:
        Archive(content, "a.zip")
    assert refused.value.where == "a.zip"
    assert reason in refused.value.what
    broken = reason.startswith("is no whole zip")
    remedy = "fetch the artifact again" if broken else "pack the reports alone, as upload-artifact does"
    assert refused.value.remedy == remedy


def test_what_packs_well_is_no_bomb_as_long_as_it_is_small():
    assert Archive(packed(("./a", b"\0" * archive.SMALL)), "a.zip").read("./a") == b"\0" * archive.SMALL
    assert Archive(packed(("a", bytes(range(256)) * 8000), method=zipfile.ZIP_STORED), "a.zip").names == ["a"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused():
    with pytest.raises(InconclusiveError, match="holds 'a' twice"):
        Archive(packed(("a", b"1"), ("a", b"2")), "a.zip")


def test_bounds_hold_for_all_files_together(monkeypatch):
    content = packed(*((f"{number}", b"12345") for number in range(5)))
    monkeypatch.setattr(archive, "LARGEST", 25)
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    assert len(Archive(content, "a.zip").names) == 5
    monkeypatch.setattr(archive, "LARGEST", 24)
    with pytest.raises(InconclusiveError, match="unpacks to 25 bytes, more than 24"):
        Archive(content, "a.zip")
    monkeypatch.setattr(archive, "MOST_MEMBERS", 4)
    with pytest.raises(InconclusiveError, match="holds 5 files, more than 4"):
        Archive(content, "a.zip")


def test_a_file_that_was_changed_is_damaged():
    content = packed(("a", b"abc"), method=zipfile.ZIP_STORED).replace(b"abc", b"abd")
    with pytest.raises(InconclusiveError, match=r"^a\.zip/a: is damaged: Bad CRC-32.*; fetch the artifact again$"):
        Archive(content, "a.zip").read("a")


def test_a_length_that_lies_is_refused():
    content = packed(("a", b"abc" * 50))
    central = content.index(b"PK\x01\x02")
    shorter = content[: central + 24] + (9).to_bytes(4, "little") + content[central + 28 :]
    with pytest.raises(InconclusiveError):
        Archive(shorter, "a.zip").read("a")


@given(st.binary(), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_any_bytes_are_an_archive_or_refused(content, at, patch):
    whole = packed(("dir/a.json", content), ("b", b"b"))
    patched = whole[: at % len(whole)] + patch + whole[at % len(whole) + len(patch) :]
    for candidate in (content, patched):
        try:
            found = Archive(candidate, "a.zip")
            assert all(isinstance(found.read(name), bytes) for name in found.names)
        except InconclusiveError as refused:
            assert refused.where is not None  # noqa: PT017  either is right


ALERTS = [{"pluginid": "1", "name": "n", "riskcode": "3", "confidence": "2", "instances": []}]
REPORT = json.dumps({"site": [{"@name": "https://a", "alerts": ALERTS}]}).encode()


def test_the_gates_read_zips_and_the_subject_file_in_them(tmp_path):
    commit = "0123456789" * 4
    stamp = json.dumps({"schema": "releasegate/subject/1", "commit": commit}).encode()
    members = [
        (".zap/report_json.json", REPORT),
        (".zap/report_html.html", b"<p>"),
        ("releasegate-subject.json", stamp),
    ]
    (tmp_path / "zap_scan.zip").write_bytes(packed(*members))
    document, code = run(gate_zap.zap, tmp_path, "zap_scan.zip")
    assert (document["verdict"], code, document["subject"]["commit"]) == ("fail", 1, commit)
    assert [one["path"] for one in document["evidence"]] == ["zap_scan.zip/.zap/report_json.json"]
    junit = b'<testsuite><testcase name="a"/></testsuite>'
    (tmp_path / "junit.zip").write_bytes(packed(("deep/er/junit.xml", junit)))
    document, code = run(gate_tests.tests, tmp_path, "junit.zip")
    assert (document["verdict"], code, document["summary"]) == ("pass", 0, "1 passed")


@pytest.mark.parametrize("content", [b"PK", packed(("readme.txt", b"")), packed(("../report.json", REPORT))])
def test_a_zip_without_a_report_that_can_be_read_is_inconclusive(tmp_path, content):
    (tmp_path / "zap_scan.zip").write_bytes(content)
    document, code = run(gate_zap.zap, tmp_path, "zap_scan.zip")
    assert (document["verdict"], code, len(document["findings"])) == ("inconclusive", 3, 1)


def test_a_damaged_report_in_a_zip_is_inconclusive(tmp_path):
    content = packed(("report.json", REPORT), method=zipfile.ZIP_STORED).replace(b'"3"', b'"0"')
    (tmp_path / "zap_scan.zip").write_bytes(content)
    document, code = run(gate_zap.zap, tmp_path, "zap_scan.zip")
    assert (document["verdict"], code) == ("inconclusive", 3)
