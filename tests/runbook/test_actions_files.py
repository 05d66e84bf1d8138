"""What is handed to the later steps of a job: one value each, whatever it holds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from releasegate.cli.actions import set_environment, set_outputs


def parse(text):
    """Read the heredoc form as the runner does."""
    values, lines = {}, iter(text.split("\n"))
    for line in lines:
        if line:
            name, delimiter = line.split("<<")
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            values[name] = "\n".join(value)
    return values


def test_outside_of_actions_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    set_outputs({}, {"tag": "v1"})
    set_environment({"GITHUB_ENV": ""}, {"RC_TAG": "v1"})
    assert list(tmp_path.iterdir()) == []


VALUES = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])) | st.sampled_from(
    ["a\nEOF\nPATH=/evil", "tag<<EOF\nx\nEOF", "\n", "end-"]
)


@given(VALUES, VALUES)
def test_a_value_cannot_smuggle_in_another_name(tmp_path_factory, one, two):
    file = tmp_path_factory.mktemp("runner") / "output"
    set_outputs({"GITHUB_OUTPUT": str(file)}, {"tag": one, "report": two})
    text = file.read_bytes().decode()
    assert parse(text) == {"tag": one, "report": two}
    assert len(set(re.findall(r"<<(end-[0-9a-f]{32})\n", text))) >= 2
