"""Write the tables of inputs and outputs into the documents, from the actions' own files.

    python scripts/tables.py [--check]

A table stands between `<!-- table: FILE inputs -->` (or `outputs`) and `<!-- end -->`. `--check` writes nothing, and
fails where a document is not as it would be written.
`make tables` runs it by the Python of `.tools/test-3.x`, which has PyYAML.
"""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "docs/action.md")
TABLE = re.compile(r"(<!-- table: (\S+) (inputs|outputs) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Write or check every document; 0 if all are as they should be."""
    stale = []
    for name in DOCUMENTS:
        before = (ROOT / name).read_text(encoding="utf-8")
        after = TABLE.sub(lambda match: f"{match[1]}{table(ROOT / match[2], match[3])}{match[4]}", before)
        if after != before:
            stale.append(name)
            if "--check" not in sys.argv:
                (ROOT / name).write_text(after, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"not as {' and '.join(stale)} should be: run scripts/tables.py", file=sys.stderr)
        return 1
    return 0


def table(action: Path, part: str) -> str:
    """The inputs or outputs of an action as a Markdown table."""
    fields = yaml.safe_load(action.read_text(encoding="utf-8"))[part]
    if part == "outputs":
        rows = [f"| `{name}` | {field['description']} |" for name, field in fields.items()]
        return "\n".join(["| output | what it holds |", "|---|---|", *rows, ""])
    rows = [f"| `{name}` | {field['description']} | {_default(field)} |" for name, field in fields.items()]
    return "\n".join(["| input | what it is | default |", "|---|---|---|", *rows, ""])


def _default(field: dict[str, str]) -> str:
    if field.get("required"):
        return "required"
    return f"`{field['default']}`" if field.get("default") else ""


if __name__ == "__main__":
    sys.exit(main())
