"""The step that action.yml runs, in this process: what it prints and what it leaves with the runner."""

import contextlib
import io
import re

from releasegate.cli.app import App
from releasegate.cli.main import run


class Ran:
    """What one run of the action's step left with the runner."""

    def __init__(self, folder, monkeypatch, **inputs):
        runner = folder / "runner"
        runner.mkdir(exist_ok=True)
        files = {name: runner / name for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for name, file in files.items():
            file.write_text("")
            monkeypatch.setenv(name, str(file))
        for name, value in {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(runner), "GITHUB_TOKEN": ""}.items():
            monkeypatch.setenv(name, value)
        for name, value in inputs.items():
            monkeypatch.setenv(f"RELEASEGATE_INPUT_{name.upper()}", value)
        log = io.StringIO()
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            self.code = run(App(directory=folder), ["action"])
        self.log = log.getvalue()
        self.outputs = self._read(files["GITHUB_OUTPUT"].read_text())
        self.environment = self._read(files["GITHUB_ENV"].read_text())
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()

    @staticmethod
    def _read(text):
        """The values as the runner reads them: name, delimiter, lines up to the delimiter."""
        values, lines = {}, iter(text.splitlines())
        for line in lines:
            name, delimiter = line.split("<<")
            values[name] = "\n".join(iter(lines.__next__, delimiter))
        return values

    @property
    def heard(self):
        """The part of the log in which the runner obeys workflow commands."""
        return re.sub(r"::stop-commands::(\w+)\n.*?^::\1::$", "", self.log, flags=re.DOTALL | re.MULTILINE)
