"""The command line that an action's inputs stand for."""

import pytest

from releasegate.cli.action_inputs import command_line, settings
from releasegate.errors import InputError


def environ(**inputs):
    return {f"RELEASEGATE_INPUT_{name.upper()}": value for name, value in inputs.items()}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"command": "ledger verify"}, ["ledger", "verify"]),
        ({"command": "tag rc", "tag": "1.2.0"}, ["tag", "rc", "--", "1.2.0"]),
        ({"command": "rollout", "tag": "v1", "args": "--until gates"}, ["rollout", "--until", "gates", "--", "v1"]),
        ({"command": "rollback", "tag": "v1", "reason": "a b"}, ["rollback", "--reason=a b", "--to=v1"]),
        (
            {"command": "rollback", "args": "--yes --migrations", "snapshot": "a b"},
            ["rollback", "--snapshot=a b", "--yes", "--migrations"],
        ),
        ({"command": "gate run", "tag": "v1-rc.1"}, ["gate", "run", "--tag=v1-rc.1", "--annotations"]),
        ({"command": "kill-switch off", "root_cause": "$(x)"}, ["kill-switch", "off", "--root-cause=$(x)"]),
        ({"command": "gate zap", "reports": "a b\n\n--x\n"}, ["gate", "zap", "--annotations", "--", "a b", "--x"]),
        ({"command": "rollback", "dry_run": "TRUE"}, ["rollback", "--dry-run"]),
        ({"command": "schema", "dry_run": ""}, ["schema"]),
        ({"command": "canary replay", "args": "'a b' c\\ d"}, ["canary", "replay", "a b", "c d"]),
        ({"flag": "-x", "value": "off"}, ["flags", "off", "--", "-x"]),
        ({"flag": "x", "value": "off", "mode": "patch"}, ["flags", "off", "--patch=-", "--", "x"]),
        ({"flag": "x", "value": "on", "mode": "in-place"}, ["flags", "set", "--in-place", "--", "x", "on"]),
        ({"flag": "x", "percentage": "2.5%", "file": "f"}, ["flags", "rollout", "--file=f", "--", "x", "2.5%"]),
    ],
)  # fmt: skip
def test_named_inputs_stay_one_argument_each(inputs, expected):
    assert command_line(environ(**inputs)) == expected


def test_the_runners_debug_log_makes_it_say_more_and_the_summary_is_a_gates_own():
    given = environ(command="gate tests", reports="r.xml") | {"RUNNER_DEBUG": "1", "GITHUB_STEP_SUMMARY": "/s"}
    assert command_line(given) == ["gate", "tests", "-v", "--annotations", "--markdown=/s", "--", "r.xml"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "the input `command` names no command; such as `gate lighthouse`"),
        ({"command": "action"}, "the input `command` names no command; such as `gate lighthouse`"),
        ({"command": "rollback", "dry_run": "yes"}, "the input `dry-run` is `yes`; write true or false"),
        (
            {"command": "rollback", "args": "'"},
            "the input `args` cannot be read: No closing quotation; close the quotes",
        ),
        ({"flag": " ", "value": "on"}, "the input `flag` is empty; name the flag"),
        ({"flag": "x"}, "`value` and `percentage`: exactly one is needed; `value: off` takes a flag back"),
        ({"flag": "x", "value": "on", "mode": "pr"}, "the input `mode` is `pr`; write commit, patch or in-place"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(inputs, message):
    with pytest.raises(InputError) as refused:
        command_line(environ(**inputs))
    assert str(refused.value) == message


def test_the_token_and_the_api_are_variables_and_an_empty_one_takes_the_callers_away():
    assert settings(environ(token="t", github_api_url="https://ghes.test/api/v3")) == {
        "GITHUB_TOKEN": "t", "GITHUB_API_URL": "https://ghes.test/api/v3"
    }  # fmt: skip
    assert settings(environ(token="")) == {"GITHUB_TOKEN": ""}
    assert settings(environ(command="rollback")) == {}
