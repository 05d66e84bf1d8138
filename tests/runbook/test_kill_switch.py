"""The kill switch, on: the flag first; and whatever fails afterwards never undoes it."""

import hashlib

import pytest
from kill_switches import FILE, FLAGS, LOCAL, POLICY, STOPPED, Service

from fakes import MemoryForge
from releasegate.errors import ForgeError, OutsideError, RaceError
from releasegate.runbook.step import State


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def states(result):
    return {outcome.id: outcome.state.value for outcome in result.outcomes}


ALL_DONE = dict.fromkeys(("flag", "live", "record", "tell", "review"), "done")


def test_on_commits_one_value_sees_it_live_records_tells_and_opens_the_review(service):
    result = service.on()
    assert (result.exit_code, states(result), service.flags()) == (0, ALL_DONE, STOPPED)
    assert result.outcomes[1].text == "live after 0.0 s"
    (event,) = service.journal.events()
    before = service.forge.read("AGENT-GUARDRAILS.md", "main").blob
    assert (event.kind, event.subject) == ("kill-switch.on", {"service": "checkout", "environment": "production"})
    assert event.data == {
        "flag": "AGENT_SAFE_MODE", "reason": "it promised refunds", "value": "1", "file": FILE, "branch": "main",
        "commit": result.commit, "blob": service.forge.read(FILE, "main").blob, "restored": False,
        "removed": {"before": "AGENT_SAFE_MODE: 0", "after": "AGENT_SAFE_MODE: 1"},
        "live": "live after 0.0 s", "guardrails": before,
    }  # fmt: skip
    for to in ("ai-platform", "compliance"):
        expected = (
            "# checkout (production): the agents are stopped (AGENT_SAFE_MODE = 1)\n\n"
            "- When: 2026-11-23 10:00:00 UTC (11:00:00 Europe/Berlin)\n- Who: ada\n- Why: it promised refunds\n"
            "- Effect: live after 0.0 s\n\n"
            "They stay stopped until the guardrails were changed and validated in staging, the root cause is recorded,"
            "\nand two verified people have run `releasegate kill-switch off`. What is missing: `kill-switch status`.\n"
        )
        assert service.messages(to) == [expected]
    ((_, title, body),) = service.forge.issues.values()
    assert title == "Review: checkout (production): the agents are stopped (AGENT_SAFE_MODE = 1)"
    printed = b"a prompt with a name in it"
    digest = hashlib.sha256(printed).hexdigest()
    line = f"- prompts: `20261123T100000-prompts.txt`, 26 bytes, SHA-256 {digest}, on the machine that ran this\n"
    assert line in body
    assert printed.decode() not in body
    assert (service.folder / "collected" / "20261123T100000-prompts.txt").read_bytes() == printed
    assert service.commands == [(("show", "{flag}"), {"flag": "AGENT_SAFE_MODE"})]


def test_on_again_changes_records_tells_and_opens_nothing_twice(service):
    service.on()
    again = service.on("another reason")
    assert (again.exit_code, again.commit, service.flags()) == (0, None, STOPPED)
    assert again.outcomes[0].text == "AGENT_SAFE_MODE is 1 already"
    assert again.outcomes[2].text == "on already since 2026-11-23 10:00:00 UTC (ada)"
    assert (service.kinds(), len(service.messages("compliance")), len(service.forge.issues)) == (
        ["kill-switch.on"],
        1,
        1,
    )


def test_a_flag_that_somebody_set_before_is_recorded_as_on(service):
    service.change(FILE, STOPPED)
    assert service.on().exit_code == 0
    (event,) = service.journal.events()
    assert (event.data["commit"], "removed" in event.data) == (None, False)


def test_committed_but_not_live_is_exit_4_with_how_long_it_waited_and_everybody_knows(service):
    service.frozen = True
    result = service.on()
    assert (result.exit_code, service.flags()) == (4, STOPPED)
    assert states(result) == {**ALL_DONE, "live": "failed"}
    said = (
        "committed, NOT LIVE after 300 s: the page does not show the change; "
        "publish the flag file by hand, then look again"
    )
    assert result.outcomes[1].text == said
    assert f"- Effect: {said}\n" in service.messages("ai-platform")[0]
    assert service.journal.events()[0].data["live"] == said
    service.frozen = False
    assert (service.on().exit_code, service.kinds()) == (0, ["kill-switch.on"])


DIALECTS = {
    "flagd": 'flags:\n  AGENT_SAFE_MODE:\n    state: DISABLED\n    variants: {"on": true, "off": false}\n'
             '    defaultVariant: "off"\n    targeting: {if: [{var: staff}, "on", "off"]}\n',
    "goff": "AGENT_SAFE_MODE:\n  variations: {safe: true, free: false}\n  disable: true\n"
            "  targeting: [{query: 'plan gt 3', variation: free}]\n  defaultRule: {variation: free}\n",
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("default", [True, False])
def test_the_safe_value_is_served_whatever_the_callers_default(tmp_path, dialect, default):
    from releasegate.flags.dialect import Runtime  # noqa: PLC0415
    from releasegate.flags.document import FlagFile  # noqa: PLC0415  this test looks with the runtime's eyes
    from releasegate.flags.proof import evaluator  # noqa: PLC0415

    service = Service(tmp_path, DIALECTS[dialect])
    assert service.on().exit_code == 0
    file = FlagFile.parse(service.flags().encode(), FILE)
    serve = evaluator(file, "AGENT_SAFE_MODE", Runtime(default=default))
    assert [serve(f"user-{i}") for i in range(50)] == [True] * 50


def test_where_no_edit_is_safe_the_patch_is_there_and_people_are_told_that_nothing_stopped(tmp_path):
    service = Service(tmp_path, "search: &x false\nAGENT_SAFE_MODE: *x\n")
    result = service.on()
    assert (result.exit_code, service.kinds()) == (4, ["kill-switch.failed"])
    assert result.patch == (
        f"--- a/{FILE}\n+++ b/{FILE}\n@@ -1,2 +1,2 @@\n search: &x false\n-AGENT_SAFE_MODE: *x\n"
        "+AGENT_SAFE_MODE: true\n"
    )
    assert service.messages("compliance")[0].startswith("# NOT STOPPED: AGENT_SAFE_MODE could not be set; checkout\n")
    assert states(result) == {**ALL_DONE, "flag": "failed", "live": "failed"}


class Broken(MemoryForge):
    """Refuses what is to be committed on a branch."""

    refused = ""

    def commit(self, branch, files, message, *, parent):
        if branch == self.refused:
            raise ForgeError("the remote refuses", remedy="look at it")
        return super().commit(branch, files, message, parent=parent)


def test_a_ledger_that_cannot_be_written_stops_nothing_and_gets_it_later(service):
    forge = Broken(service.clock, actor=LOCAL)
    forge.commit("main", {FILE: FLAGS.encode()}, "begin", parent=None)
    forge.refused = "releasegate/ledger"
    service.forge, service.journal = forge, None
    service.journal = service.new_journal()
    result = service.on()
    assert (result.exit_code, service.flags()) == (4, STOPPED)
    assert states(result) == {**ALL_DONE, "record": "failed"}
    forge.refused = ""
    again = service.on()
    assert (again.exit_code, service.kinds()) == (0, ["kill-switch.on", "kill-switch.on"])
    found = service.status().standing
    assert found.since.data["waited"]["happened"] == "2026-11-23T10:00:00Z"
    assert found.removed == {"before": "AGENT_SAFE_MODE: 0", "after": "AGENT_SAFE_MODE: 1"}


def test_a_message_that_fails_stops_nothing_and_goes_out_with_the_next_command(service):
    class Deaf:
        def send(self, message):
            if message.to == "compliance":
                raise OutsideError("compliance is not told: no line")
            return f"told {message.to}"

    reached, service.told = service.told, Deaf()
    result = service.on()
    assert (result.exit_code, states(result)) == (4, {**ALL_DONE, "tell": "failed"})
    assert result.outcomes[3].text == (
        "NOT TOLD: compliance (compliance is not told: no line, waits for the next command); "
        "ai-platform: told ai-platform; tell them yourself, now"
    )
    service.told = reached
    assert service.on().exit_code == 0
    assert len(service.messages("compliance")) == 1
    assert list((service.folder / "waiting").iterdir()) == []


def test_material_that_cannot_be_collected_is_named_and_the_review_is_open(tmp_path):
    service = Service(tmp_path, policy=POLICY.replace("[show, ", "[broken, "))
    result = service.on()
    assert (result.exit_code, states(result)) == (4, {**ALL_DONE, "review": "failed"})
    assert result.outcomes[4].text == (
        "memory:issues/1; not collected: prompts (broken exited 1: no); collect it by hand"
    )
    assert "- prompts: COULD NOT BE COLLECTED\n" in next(iter(service.forge.issues.values()))[2]


def test_a_race_is_read_again_and_the_other_change_is_kept(service):
    lost = []

    def somebody_is_faster():
        if not lost:
            lost.append(True)
            service.change(FILE, FLAGS + "new: false\n")

    service.forge.before_commit = somebody_is_faster
    assert service.on().outcomes[0].state is State.DONE
    assert service.flags() == STOPPED + "new: false\n"


def test_a_branch_that_never_stands_still_is_exit_4(service):
    service.forge.before_commit = lambda: (_ for _ in ()).throw(RaceError("`main` moved meanwhile"))
    result = service.on()
    assert (result.exit_code, result.outcomes[0].state) == (4, State.FAILED)
    assert len(service.messages("ai-platform")) == 1
