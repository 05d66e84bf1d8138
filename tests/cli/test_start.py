"""The program itself: it starts without what it does not need, and a bug in it becomes a file and a code."""

import json
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import click
import pytest

import releasegate
from releasegate.cli.app import App
from releasegate.cli.main import COMMANDS, run
from releasegate.cli.main import releasegate as program
from releasegate.verdict import LONG, Evidence

LAZY = (
    "github", "hypothesis", "jinja2", "junitparser", "msgspec", "prometheus_api_client", "prometheus_client", "pygal",
    "requests", "rich", "slack_sdk", "sqlglot", "urllib3", "yaml",
)  # fmt: skip
LOADED = "import json, sys; from releasegate.cli.app import App; from releasegate.cli.main import run; "
LOADED += "run(App(), ['--help']); print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def test_help_loads_no_client_of_anything():
    printed = subprocess.run([sys.executable, "-I", "-c", LOADED], capture_output=True, text=True, check=True).stdout
    loaded = json.loads(printed.splitlines()[-1])
    assert "click" in loaded
    assert sorted({*loaded} & {*LAZY}) == []


def test_a_verdict_on_lighthouse_reports_does_without_openssl():
    """It would take as much memory as click does; see `benchmarks/lighthouse_speed.py`."""
    reports = Path(releasegate.__file__).parent / "rehearsal" / "samples" / "lighthouse"
    code = "import sys; from releasegate.cli.app import App; from releasegate.cli.main import run; "
    code += f"run(App(), ['gate', 'lighthouse', {str(reports)!r}]); print('_hashlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lighthouse: ")
    assert done.stdout.endswith("False\n")


def test_short_and_long_evidence_is_named_by_its_sha_256():
    for content in (b"", b"abc", bytes(LONG)):
        said = Evidence.of("a", content)
        assert (said.sha256, said.size) == (sha256(content).hexdigest(), len(content))


def test_every_command_explains_itself(capsys):
    for name in COMMANDS:
        assert (name, run(App(), [name, "--help"])) == (name, 0)
        printed = capsys.readouterr()
        assert printed.out.startswith(f"Usage: releasegate {name} ")
        assert printed.err == ""


def test_the_schema_of_the_flag_file_is_the_one_beside_the_examples(capsys):
    assert run(App(), ["schema", "flags"]) == 0
    document = Path(__file__).parents[2] / "feature-flags" / "plain.schema.json"
    assert json.loads(capsys.readouterr().out) == json.loads(document.read_bytes())


@pytest.mark.parametrize("group", [[], ["gate"]])
def test_a_group_alone_shows_its_help_as_it_is_to_be_read(capsys, group):
    assert run(App(), [*group, "--help"]) == 0
    asked = capsys.readouterr()
    assert run(App(), group) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", asked.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rehears"], "No such command 'rehears'"),
        (["tag", "rc", "--comit", "HEAD"], "No such option"),
        (["schema"], "Missing argument"),
        (["--format", "yaml", "policy", "explain"], "Invalid value for '--format'"),
    ],
)
def test_what_is_no_command_is_one_line(capsys, arguments, said):
    assert run(App(), arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert printed.err.startswith(f"releasegate: {said}")


class Broken(App):
    """An app whose policy cannot even be looked for."""

    def find_policy(self):
        raise ZeroDivisionError("a bug of ours")


def test_a_bug_is_a_code_and_a_file_and_no_traceback(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(Broken(), ["policy", "explain"]) == 70
    (log,) = tmp_path.iterdir()
    line = f"releasegate: this is a bug in releasegate; please report it with the file {log}\n"
    assert capsys.readouterr() == ("", line)
    assert log.suffix == ".log"
    assert log.read_text().startswith("releasegate ")
    assert log.read_text().endswith("ZeroDivisionError: a bug of ours\n")


class Interrupted(App):
    """An app in which Control-C is pressed."""

    def find_policy(self):
        raise KeyboardInterrupt


def test_control_c_is_130(capsys):
    assert run(Interrupted(), ["policy", "explain"]) == 130
    assert capsys.readouterr() == ("", "\nreleasegate: interrupted\n")  # on a line of its own, after the ^C


def names(group, words=()):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from names(command, (*words, name))


def test_every_command_stands_in_the_table_of_the_readme():
    text = (Path(__file__).parents[2] / "README.md").read_text().split("## Commands")[1].split("\n## ")[0]
    rows = [set(re.findall(r"[a-z-]+", line.split("|")[1])) for line in text.splitlines() if line.startswith("| `")]
    assert [words for words in names(program) if not any({*words} <= row for row in rows)] == []
    said = {word for row in rows for word in row}
    assert said == {word for words in names(program) for word in words}
