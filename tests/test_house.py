"""The law of the house: sizes, imports, locks and words."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import releasegate

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for folder in ("src", "tests", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_two_files_of_tests_have_the_same_name():
    names = [path.name for path in SOURCES if path.is_relative_to(ROOT / "tests")]
    # Without packages pytest tells test modules apart by nothing else, and stops.
    assert sorted({name for name in names if names.count(name) > 1}) in ([], ["conftest.py"])


def test_no_file_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long():
    lengths = {f"{path.relative_to(ROOT)}:{name}": lines for path in SOURCES for name, lines in functions(path)}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_imports_point_down_and_the_pure_rooms_touch_nothing_outside():
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("lock", ["uv", "runtime", "test"])
def test_locks_name_hashes_and_no_registry(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    requirements = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert requirements
    assert [r.split()[0] for r in requirements if "--hash=sha256:" not in r] == []
    assert "://" not in text


def test_the_version_stands_in_one_place_and_the_metadata_agrees():
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert metadata["project"]["version"] == releasegate.__version__
