"""Reading what LHCI takes: `lighthouserc.json`, `.yaml`, `.js` (when that is allowed), `extends` and `budgets.json`."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from releasegate.cli.app import App
from releasegate.errors import InputError
from releasegate.gates.document import LARGEST, read_document
from releasegate.gates.lighthouse.assertions import assert_options, asserts, merge, require_assertions
from releasegate.gates.lighthouse.budgets import budget_options

RC_FILES = tuple(
    f"{dot}lighthouserc.{end}" for dot in ("", ".") for end in ("json", "js", "cjs", "yml", "yaml")
)  # fmt: skip
"""What LHCI looks for in the working folder; here, data before programs."""
DEEPEST_EXTENDS = 10
NODE_SECONDS = 30
NODE_SCRIPT = """
const {pathToFileURL} = require('node:url');
const path = require('node:path');
import(pathToFileURL(path.resolve(process.argv[1]))).then(module => {
  process.stdout.write(JSON.stringify(module.default ?? module));
});
"""


def found_config(directory: Path) -> str | None:
    """The configuration that lies in the folder under one of LHCI's own names."""
    return next((name for name in RC_FILES if (directory / name).is_file()), None)


@dataclass(frozen=True, slots=True)
class LhciFiles:
    """Where configurations are read, and whether JavaScript may run for it."""

    app: App
    allow_js: bool = False

    def options(self, config: str | None, budgets: str | None, *, lenient: bool = False) -> Mapping[str, Any]:
        """LHCI's assert options, from the configuration or from the budgets that it (or the user) names.

        `lenient` lets an empty object pass, as LHCI's own functions do.
        """
        if config is None:
            return self._budgets(budgets or "")
        options = self._extended(config)
        if options or not lenient:
            require_assertions(options, config)
        budgets = budgets or options.get("budgetsFile")
        if not budgets:
            return options
        if any(key in options for key in ("assertions", "assertMatrix", "preset")):
            raise InputError("cannot use both budgets and assertions", where=config, remedy="give one of them")
        return self._budgets(str(budgets))

    def found(self, *, lenient: bool = False) -> tuple[str, Mapping[str, Any]] | None:
        """The configuration in the working folder and its options, where there is one that asserts something.

        LHCI keeps there also what only says how the runs are made.
        """
        path = found_config(self.app.directory)
        if path is None or not asserts(self._extended(path), path):
            return None
        return path, self.options(path, None, lenient=lenient)

    def _budgets(self, path: str) -> Mapping[str, Any]:
        return budget_options(self._document(path), path)

    def _extended(self, path: str) -> Mapping[str, Any]:
        """The options at `path`, laid over those of the files that it extends."""
        layers: list[Mapping[str, Any]] = []
        following: str | None = path
        while following is not None:
            if len(layers) == DEEPEST_EXTENDS:
                raise InputError(f"extends more than {DEEPEST_EXTENDS} files", where=path, remedy="is it a circle?")
            document = self._document(following)
            layers.append(assert_options(document, following))
            base = _base(document)
            following = None if base is None else str(PurePosixPath(following).parent / base)
        merged = layers.pop()
        while layers:
            merged = merge(merged, layers.pop())
        return merged

    def _document(self, path: str) -> Any:
        if path.endswith((".js", ".cjs", ".mjs")):
            return self._javascript(path)
        return read_document(self.app.read(path, limit=LARGEST), path)

    def _javascript(self, path: str) -> Any:
        """The configuration that a JavaScript file exports, run by node with nothing but PATH in its environment."""
        if not self.allow_js:
            as_json = f"node -p \"JSON.stringify(require('./{PurePosixPath(path).name}'))\" > lighthouserc.json"
            raise InputError("is a program", where=path, remedy=f"write it as JSON ({as_json}), or give --allow-js")
        import subprocess  # noqa: PLC0415  few configurations are programs

        self.app.read(path, limit=LARGEST)
        try:
            done = subprocess.run(
                ["node", "-e", NODE_SCRIPT, path],
                cwd=self.app.directory,
                env={"PATH": os.environ.get("PATH", os.defpath)},
                capture_output=True,
                timeout=NODE_SECONDS,
                check=True,
            )
            return json.loads(done.stdout)
        except FileNotFoundError as error:
            raise InputError("needs node, which is not on PATH", where=path, remedy="write it as JSON") from error
        except subprocess.TimeoutExpired as error:
            raise InputError(f"ran for more than {NODE_SECONDS} s", where=path, remedy="write it as JSON") from error
        except (subprocess.CalledProcessError, ValueError) as error:
            raise InputError(
                "exports no configuration that node can load", where=path, remedy="write it as JSON"
            ) from error


def _base(document: Any) -> str | None:
    """The file that `ci.extends` names."""
    ci = document.get("ci") if isinstance(document, Mapping) else None
    base = ci.get("extends") if isinstance(ci, Mapping) else None
    return base if isinstance(base, str) and base else None
