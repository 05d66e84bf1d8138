"""The kill switch, off: each thing that is missing keeps the agents stopped, and what was said is kept."""

from datetime import UTC, datetime

import pytest
from kill_switches import ADA, BOB, EVE, FILE, FLAGS, LOCAL, STOPPED, Service

from releasegate.errors import FenceError, FlagError, InconclusiveError, InputError
from releasegate.runbook.reenable import Off
from releasegate.verdict import Evidence, Outcome, Verdict

UNCHANGED = "AGENT-GUARDRAILS.md was not changed since the switch went on"
NOT_VALID = "AGENT-GUARDRAILS.md was not validated in staging as it is now: `releasegate kill-switch validate`"
NO_CAUSE = "the root cause is not recorded: `releasegate kill-switch off --root-cause TEXT`"
NEW = "# Guardrails\n- no refunds\n"


def people(*names):
    so_far = ", ".join(names) or "nobody"
    return f"two verified people have to run `releasegate kill-switch off` on these guardrails (so far {so_far})"


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def refused(service, actor, *missing, cause=""):
    with pytest.raises(InconclusiveError) as error:
        service.off(actor, cause)
    assert error.value.what == f"the agents stay stopped: {'; '.join(missing)}"
    assert service.flags() == STOPPED


def test_from_on_to_off_step_by_step(service):
    service.on()
    assert service.missing() == [UNCHANGED, NO_CAUSE, people()]
    refused(service, ADA, UNCHANGED, people("ada"), cause="the prompt let it")
    commit = service.change("AGENT-GUARDRAILS.md", NEW)
    assert service.missing() == [NOT_VALID, people()], "who approved the old guardrails did not approve these"
    service.record("guardrails.judged", {"verdict": "pass", "stage": "staging-gates", "gates": {}}, commit=commit)
    refused(service, ADA, people("ada"))
    refused(service, ADA, people("ada"))
    assert service.kinds().count("kill-switch.approved") == 2, "the same approval is recorded once"
    result = service.off(BOB)
    assert (result.exit_code, service.flags()) == (0, FLAGS)
    assert [(o.id, o.state.value) for o in result.outcomes] == [
        ("flag", "done"), ("live", "done"), ("record", "done"), ("tell", "done"),
    ]  # fmt: skip
    last = service.journal.events()[-1]
    assert (last.kind, last.actor) == ("kill-switch.off", BOB)
    assert (last.data["cause"], last.data["approvers"], last.data["commit"]) == (
        "the prompt let it", ["ada", "bob"], result.commit,
    )  # fmt: skip
    assert service.messages("compliance")[-1] == (
        "# checkout (production): the agents run again (AGENT_SAFE_MODE)\n\n"
        "- When: 2026-11-23 10:00:00 UTC (11:00:00 Europe/Berlin)\n- Approved by: ada, bob\n"
        "- Root cause: the prompt let it\n"
    )
    found = service.status()
    assert (found.standing.since, found.flag, found.missing) == (None, "off", ())


class Comments:
    """A host that keeps comments, by issue and marker."""

    def __init__(self):
        self.kept = {}

    def comment(self, issue, marker, body):
        return self.kept.setdefault((issue, marker), (f"{issue}#{len(self.kept) + 1}", body))[0]


def test_a_host_tells_it_in_the_review_that_is_there(service):
    service.host = host = Comments()
    service.ready()
    assert len(service.forge.issues) == 1
    refused(service, ADA, people("ada"), cause="known")
    since = service.status().standing.since.id
    result = service.off(BOB)
    assert (result.exit_code, result.outcomes[-1].id) == (0, "review")
    assert result.outcomes[-1].text == "memory:issues/1#1"
    assert len(service.forge.issues) == 1, "no second review is opened"
    [(place, (_, body))] = host.kept.items()
    assert place == ("memory:issues/1", f"kill-switch-off:checkout:production:{since}")
    assert body == (
        "The agents run again.\n\n- When: 2026-11-23 10:00:00 UTC (11:00:00 Europe/Berlin)\n"
        "- Approved by: ada, bob\n- Root cause: known"
    )


def test_a_local_name_never_counts_and_one_person_is_not_two(service):
    service.ready()
    refused(service, LOCAL, people(), cause="known")
    refused(service, ADA, people("ada"))
    refused(service, ADA, people("ada"))
    refused(service, LOCAL, people("ada"))


def test_who_lets_a_verified_run_into_its_environment_is_the_second_person(service):
    service.ready()
    service.reviewers = ["ada"]
    refused(service, ADA, people("ada"), cause="known")
    service.reviewers = ["eve"]
    refused(service, LOCAL, people("ada"))
    assert service.off(ADA).exit_code == 0
    assert service.journal.events()[-1].data["approvers"] == ["ada", "eve"]


def test_without_a_root_cause_two_people_are_not_enough(service):
    service.ready()
    refused(service, ADA, NO_CAUSE, people("ada"))
    refused(service, BOB, NO_CAUSE)
    assert service.off(EVE, cause="https://example.com/incident/7").exit_code == 0


@pytest.mark.parametrize(
    ("kind", "data", "environment", "ok"),
    [
        ("guardrails.judged", {"verdict": "warn", "stage": "staging-gates"}, "production", True),
        ("gates.judged", {"verdict": "pass", "stage": "staging-gates"}, "production", True),
        ("gates.judged", {"verdict": "pass", "stage": "gates"}, "staging", True),
        ("gates.judged", {"verdict": "pass", "stage": "gates"}, "production", False),
        ("gates.judged", {"verdict": "fail", "stage": "staging-gates"}, "production", False),
        ("guardrails.judged", {"verdict": "inconclusive", "stage": "staging-gates"}, "production", False),
    ],
)
def test_which_verdicts_validate_the_guardrails(service, kind, data, environment, ok):
    service.on()
    commit = service.change("AGENT-GUARDRAILS.md", NEW)
    service.record(kind, data, commit=commit, environment=environment)
    assert (NOT_VALID in service.missing()) is not ok


def test_a_verdict_holds_for_a_later_commit_with_the_same_guardrails_and_for_no_other(service):
    service.on()
    old = service.forge.branch_head("main")
    service.change("AGENT-GUARDRAILS.md", NEW)
    later = service.change("code", "x")
    verdict = {"verdict": "pass", "stage": "staging-gates"}
    service.record("guardrails.judged", verdict, commit=old)
    assert NOT_VALID in service.missing(), "that commit has the old guardrails"
    service.record("guardrails.judged", verdict, commit=later)
    assert NOT_VALID not in service.missing()
    service.change("AGENT-GUARDRAILS.md", NEW + "- and one more\n")
    assert NOT_VALID in service.missing(), "these were never in staging"


def test_a_verdict_from_before_the_switch_went_on_does_not_count(service):
    commit = service.change("AGENT-GUARDRAILS.md", NEW)
    service.record("guardrails.judged", {"verdict": "pass", "stage": "staging-gates"}, commit=commit)
    service.change("AGENT-GUARDRAILS.md", "# Guardrails\n")
    service.on()
    service.change("AGENT-GUARDRAILS.md", NEW)
    assert NOT_VALID in service.missing()


def test_no_guardrail_document_at_all(service):
    service.on()
    head = service.forge.branch_head("main")
    service.forge.commit("main", {"AGENT-GUARDRAILS.md": None}, "gone", parent=head)
    assert service.missing()[0] == "AGENT-GUARDRAILS.md is not on main: write the guardrails down"


def verdict(grade, gate="zap"):
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    evidence = (Evidence("zap.json", "ab" * 32, 3),)
    told = f"{gate} looked"
    times = {"started": moment, "finished": moment}
    return Verdict(gate=gate, verdict=grade, summary=told, findings=(), evidence=evidence, **times)


@pytest.mark.parametrize(
    ("grades", "worst"),
    [
        ([Outcome.PASS], Outcome.PASS),
        ([Outcome.PASS, Outcome.WARN], Outcome.WARN),
        ([Outcome.INCONCLUSIVE, Outcome.WARN], Outcome.INCONCLUSIVE),
        ([Outcome.INCONCLUSIVE, Outcome.FAIL], Outcome.FAIL),
    ],
)
def test_validate_judges_the_commit_and_records_the_verdict(service, grades, worst):
    service.on()
    commit = service.change("AGENT-GUARDRAILS.md", NEW)
    asked = []

    def judge(subject):
        asked.append(subject.commit)
        return [verdict(grade, f"gate-{number}") for number, grade in enumerate(grades)]

    found, text = service.validate(judge)
    assert (found, asked) == (worst, [commit])
    assert text.splitlines()[0] == f"gate-0: {grades[0].value}: gate-0 looked"
    event = service.journal.events()[-1]
    assert (event.kind, event.subject["commit"]) == ("guardrails.judged", commit)
    assert event.data == {
        "verdict": worst.value, "stage": "staging-gates",
        "evidence": [{"path": "zap.json", "sha256": "ab" * 32}] * len(grades),
        "gates": {f"gate-{number}": grade.value for number, grade in enumerate(grades)},
        "guardrails": service.forge.read("AGENT-GUARDRAILS.md", commit).blob,
    }  # fmt: skip
    assert (NOT_VALID in service.missing()) is (worst in {Outcome.FAIL, Outcome.INCONCLUSIVE})


def test_validate_without_gates_or_without_the_document_is_no_validation(service):
    service.on()
    with pytest.raises(InconclusiveError, match="the policy names no gate"):
        service.validate(lambda _: [])
    head = service.forge.branch_head("main")
    service.forge.commit("main", {"AGENT-GUARDRAILS.md": None}, "gone", parent=head)
    with pytest.raises(InputError, match=r"there is no AGENT-GUARDRAILS\.md"):
        service.validate(lambda _: [verdict(Outcome.PASS)])
    assert service.kinds() == ["kill-switch.on"]


def test_off_where_nothing_is_on(service):
    with pytest.raises(InputError) as error:
        service.off(ADA, "a cause")
    assert error.value.what == "the ledger knows of no kill switch that is on"
    assert service.kinds() == []


def test_a_switch_that_goes_on_again_meanwhile_is_not_switched_off(service):
    service.ready()
    refused(service, ADA, people("ada"), cause="known")
    service.forge._actor = BOB
    run = Off(service.reach, "", None)
    run.approve()

    def somebody_stops_the_agents_again():
        service.forge.before_commit = lambda: None
        service.change("code", "y")
        service.record("kill-switch.on", {"reason": "again", "guardrails": None})

    service.forge.before_commit = somebody_stops_the_agents_again
    with pytest.raises(FenceError, match="the kill switch was used meanwhile"):
        run.run()
    assert service.flags() == STOPPED


def test_a_switch_that_goes_on_again_between_the_look_and_the_commit_is_on_after_all(service):
    service.ready()
    refused(service, ADA, people("ada"), cause="known")

    def somebody_finds_it_on():  # so that nothing is committed, and the commit of `off` loses no race
        if service.forge.branch_head("main") == head:
            service.forge.before_commit = lambda: None
            service.record("kill-switch.on", {"reason": "again", "guardrails": None})

    head = service.forge.branch_head("main")
    service.forge._actor = BOB
    run = Off(service.reach, "", None)
    run.approve()
    service.forge.before_commit = somebody_finds_it_on
    with pytest.raises(FenceError, match="the kill switch was used meanwhile"):
        run.run()
    assert service.flags() == STOPPED
    titles = [commit.message.splitlines()[0] for commit in service.forge.history("main")][-2:]
    assert titles == [f"{said}Let the agents run again: AGENT_SAFE_MODE" for said in ("", "Take back: ")]


def test_somebody_elses_change_of_the_flag_is_not_overwritten_and_a_value_can_be_given(service):
    service.ready()
    refused(service, ADA, people("ada"), cause="known")
    service.change(FILE, STOPPED.replace("MODE: 1 ", "MODE: true "))
    with pytest.raises(FlagError, match="was changed since"):
        service.off(BOB)
    assert service.off(BOB, value="off").exit_code == 0
    assert service.flags() == FLAGS.replace("MODE: 0", "MODE: false")


def test_a_flag_that_was_set_by_hand_before_needs_a_value(tmp_path):
    service = Service(tmp_path, STOPPED)
    service.ready()
    with pytest.raises(InconclusiveError):
        service.off(ADA, "known")
    with pytest.raises(InputError, match="what `AGENT_SAFE_MODE` was before is not known"):
        service.off(BOB)
    assert service.off(BOB, value="0").exit_code == 0
    assert service.flags() == FLAGS
