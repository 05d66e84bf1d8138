"""What becomes of the migrations when a release is taken back."""

import pytest

from releasegate.errors import ForgeError, OutsideError, UnendedError, UsageError
from releasegate.ledger.state import fold
from releasegate.policy.load import load_policy
from releasegate.runbook.journal import Draft
from releasegate.runbook.migrations import Wish, refuse_wish
from releasegate.runbook.rollback import Request, Rollback
from service import Service
from service import told as told_of
from worlds import LIVE, POLICY, Shop, kinds, settle

RULES = b"migrations: {directory: db, status: [status], revert: [revert, '{count}', '{tag}', '{snapshot}']%s}"
EXPAND = b"-- releasegate: expand\nALTER TABLE t ADD COLUMN a int;\n"
CONTRACT = b"-- releasegate: contract\nALTER TABLE t DROP COLUMN b;\n"
NEVER = b"-- releasegate: irreversible: cards are hashed\nUPDATE t SET card = md5(card);\n"
LEFT = "v1.2.0-rc.1"


class Database(Shop):
    """A shop with a database of so many migrations; `reverts` is what its tool makes of a revert."""

    def __init__(self):
        super().__init__()
        self.applied, self.red = 3, set()
        self.revert = lambda count: self.applied - count

    def __call__(self, command, values):
        super().__call__(command, values)
        if command[0] == "status":
            return f"at {self.applied}, postgresql://app:hush@db/shop"
        if command[0] == "revert":
            self.applied = self.revert(int(values["count"]))
            if "revert" in self.red:
                raise OutsideError("revert exited 1: no")
        return ""


def service_with(tmp_path, files, when=b""):
    policy = POLICY.replace(b"rollback: {", b"rollback: {%s, " % (RULES % when))
    service = Service(tmp_path / "documents", policy=policy)
    service.shop = Database()
    world = service.world()
    settle(world, {"db/1.sql": EXPAND}, "v1.1.1")
    settle(world, files, "v1.2.0")
    world.traffic.set_weight(0.0, reason="")
    return service


def roll_back(service, shell=None, **wish):
    result = service.roll_back(service.world(**({"shell": shell} if shell else {})), wish=Wish(**wish))
    return result, told_of(result)


def reverts(service):
    return [argv for argv in service.shop.ran if argv[0] == "revert"]


TWO = {"db/2.sql": EXPAND, "db/3.sql": EXPAND}
STATES = "the state was 'at 3, postgresql://***@db/shop', and is 'at 1, postgresql://***@db/shop'"


def test_by_default_they_stay_and_an_issue_is_opened(tmp_path):
    service = service_with(tmp_path, TWO)
    result, told = roll_back(service)
    assert (result.exit_code, service.shop.applied, reverts(service)) == (0, 3, [])
    assert told["migrations"] == ("done", "left in place: 2 migrations (2 expand); issue memory:issues/1")
    _, title, body = service.forge.issues[f"migrations:shop:test:{LEFT}"]
    assert title == f"Migrations of {LEFT} are still applied"
    assert body == (
        f"{LEFT} was taken back to v1.1.1. Its migrations are still in the database:\n\n"
        "- `db/3.sql`: expand (declared)\n- `db/2.sql`: expand (declared)\n\n"
        "A rollback leaves them where they are.\n\n"
        "To revert them, once nothing uses them: `releasegate rollback --migrations`\n"
    )
    assert [(one.path, one.kind) for one in result.migrations] == [("db/3.sql", "expand"), ("db/2.sql", "expand")]


def test_asked_for_they_are_reverted_after_the_deploy_and_told_in_the_document_and_the_ledger(tmp_path):
    service = service_with(tmp_path, TWO)
    result, told = roll_back(service, revert=True)
    assert result.exit_code == 0, told
    assert told["migrations"] == ("done", f"reverted 2 migrations (2 expand); {STATES}")
    assert [argv[0] for argv in service.shop.ran] == ["deploy", "status", "revert", "status"]
    assert reverts(service) == [["revert", "2", "v1.1.1", ""]]
    order = [step for step in told if step in ("flip", "deploy", "migrations", "flags", "smoke", "follow-up")]
    assert order == ["flip", "deploy", "migrations", "flags", "smoke", "follow-up"]
    [event] = [one for one in service.world().journal.events() if one.kind == "migrations.reverted"]
    assert event.data == {
        "migrations": {"db/3.sql": "expand", "db/2.sql": "expand"}, "snapshot": None,
        "before": "at 3, postgresql://***@db/shop", "after": "at 1, postgresql://***@db/shop",
    }  # fmt: skip
    [document] = (tmp_path / "documents").glob(f"rollback-{LEFT}.md")
    assert "## Migrations\n\n- db/3.sql: expand (declared)\n- db/2.sql: expand (declared)\n" in document.read_text()


def test_left_first_and_reverted_later_by_the_same_rollback_and_only_once(tmp_path):
    service = service_with(tmp_path, TWO)
    roll_back(service)
    _, told = roll_back(service, revert=True)
    assert told["migrations"] == ("done", f"reverted 2 migrations (2 expand); {STATES}")
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, told["migrations"]) == (0, ("done", "done before this run"))
    assert (len(reverts(service)), service.shop.applied) == (1, 1)
    assert kinds(service.world()).count("rollback.started") == 1


def test_always_and_never(tmp_path):
    service = service_with(tmp_path / "always", TWO, b", when: always")
    assert roll_back(service)[1]["migrations"] == ("done", f"reverted 2 migrations (2 expand); {STATES}")
    service = service_with(tmp_path / "never", TWO, b", when: never")
    assert roll_back(service)[1]["migrations"] == ("done", "left in place: 2 migrations (2 expand)")
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, told["migrations"][0], service.shop.applied) == (1, "failed", 3)
    assert told["migrations"][1].startswith("not reverted: the policy says `when: never` (issue ")


def test_a_contract_needs_a_snapshot_which_is_kept(tmp_path):
    service = service_with(tmp_path, {"db/2.sql": EXPAND, "db/3.sql": CONTRACT})
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, result.headline) == (1, "traffic is back; migrations failed")
    assert told["migrations"] == (
        "failed",
        (
            "not reverted: a contract takes a copy of the data to come back from: --snapshot ID, "
            "for db/3.sql (declared) (issue memory:issues/1)"
        ),
    )
    assert (told["smoke"][0], told["record"][0], reverts(service)) == ("done", "done", [])
    result, told = roll_back(service, revert=True, snapshot="snap-0417")
    assert result.exit_code == 0, told
    assert told["migrations"] == (
        "done", f"reverted 2 migrations (1 expand, 1 contract), snapshot snap-0417; {STATES}",
    )  # fmt: skip
    assert reverts(service) == [["revert", "2", "v1.1.1", "snap-0417"]]
    [event] = [one for one in service.world().journal.events() if one.kind == "migrations.reverted"]
    assert event.data["snapshot"] == "snap-0417"


@pytest.mark.parametrize(
    ("third", "why"),
    [
        (b"ALTER TABLE t ADD COLUMN c int;\n", "db/3.sql (not declared)"),
        (
            b"-- releasegate: expand\nDROP TABLE u;\n",
            "db/3.sql (declared expand, but line 2: drops the table u)",
        ),
    ],
)
def test_what_is_undeclared_or_declared_wrongly_is_treated_as_a_contract(tmp_path, third, why):
    service = service_with(tmp_path, {"db/2.sql": EXPAND, "db/3.sql": third})
    text = roll_back(service, revert=True)[1]["migrations"][1]
    assert text.startswith(
        f"not reverted: a contract takes a copy of the data to come back from: --snapshot ID, for {why}"
    )


def test_the_irreversible_is_refused_always(tmp_path):
    service = service_with(tmp_path, {"db/2.sql": EXPAND, "db/3.sql": NEVER})
    result, told = roll_back(service, revert=True, snapshot="snap-0417")
    assert (result.exit_code, reverts(service)) == (1, [])
    assert told["migrations"][1].startswith("not reverted: irreversible: db/3.sql (declared: cards are hashed) (issue ")


def test_a_silent_no_op_is_a_failure_and_may_be_tried_again(tmp_path):
    service = service_with(tmp_path, TWO)
    service.shop.revert = lambda _: 3
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, result.headline) == (1, "traffic is back; migrations failed")
    assert told["migrations"] == (
        "failed",
        (
            "revert ended well and changed nothing: the state is 'at 3, postgresql://***@db/shop', as before; look "
            "whether they were applied at all, and at what `revert` does"
        ),
    )
    service.shop.revert = lambda count: 3 - count
    assert roll_back(service, revert=True)[1]["migrations"][0] == "done"


def test_a_tool_that_failed_and_changed_nothing_may_be_tried_again(tmp_path):
    service = service_with(tmp_path, TWO)
    service.shop.red, service.shop.revert = {"revert"}, lambda _: 3
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, told["migrations"]) == (4, ("failed", "revert exited 1: no"))
    service.shop.red, service.shop.revert = set(), lambda count: 3 - count
    assert roll_back(service, revert=True)[0].exit_code == 0


def test_a_tool_that_failed_half_way_is_not_run_again(tmp_path):
    service = service_with(tmp_path, TWO)
    service.shop.red, service.shop.revert = {"revert"}, lambda _: 2
    result, told = roll_back(service, revert=True)
    assert result.exit_code == 4
    assert told["migrations"] == (
        "failed",
        (
            "half-way: revert exited 1: no; the state was 'at 3, postgresql://***@db/shop', and is "
            "'at 2, postgresql://***@db/shop' now; look at the database, and finish by hand with your own tool"
        ),
    )
    service.shop.red = set()
    _, told = roll_back(service, revert=True)
    assert told["migrations"] == (
        "failed",
        (
            "unknown: the run that began to revert them ended before it could tell; the state is 'at 2, "
            "postgresql://***@db/shop' now; look at the database, and finish by hand with your own tool"
        ),
    )
    assert len(reverts(service)) == 1


def test_a_tool_that_took_too_long_may_still_be_at_it(tmp_path):
    service = service_with(tmp_path, TWO)

    def slow(command, values):
        if command[0] == "revert":
            raise UnendedError("revert did not end within 1800 s")
        return service.shop(command, values)

    result, told = roll_back(service, shell=slow, revert=True)
    assert (result.exit_code, told["migrations"][1].partition(";")[0]) == (
        4, "half-way: revert did not end within 1800 s",
    )  # fmt: skip
    assert roll_back(service, revert=True)[1]["migrations"][1].startswith("unknown: ")
    assert reverts(service) == []


def test_a_run_that_died_over_it_is_not_followed_by_a_second_revert(tmp_path):
    service = service_with(tmp_path, TWO)

    def died(command, values):
        service.shop(command, values)
        if command[0] == "revert":
            raise KeyboardInterrupt
        return service.shop(command, values) if command[0] == "status" else ""

    with pytest.raises(KeyboardInterrupt):
        roll_back(service, shell=died, revert=True)
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, result.traffic_is_back, told["smoke"][0]) == (4, True, "done")
    assert told["migrations"][1].startswith("unknown: the run that began to revert them ended before it could tell;")
    assert (len(reverts(service)), service.shop.applied) == (1, 1)


def test_while_something_else_is_red_the_schema_stays(tmp_path):
    service = service_with(tmp_path, TWO)
    service.shop.broken = {"deploy"}
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, reverts(service)) == (4, [])
    assert told["migrations"][1].startswith(
        "not reverted: `deploy the last known good` failed, so that the release that needs them may still run (issue "
    )
    service.shop.broken = set()
    assert roll_back(service, revert=True)[0].exit_code == 0


def test_without_a_ledger_nothing_is_reverted_and_the_traffic_is_back(tmp_path):
    service = service_with(tmp_path, TWO)

    def refuse(*_, **__):
        raise ForgeError("the ledger's branch is protected")

    world = service.world()
    world.forge.commit = refuse
    result = Rollback(world, Request(reason="", wish=Wish(revert=True)), lambda _: None).run()
    assert (result.traffic_is_back, result.exit_code, reverts(service)) == (True, 4, [])


def test_a_folder_that_is_not_there_is_a_fault_of_the_policy(tmp_path):
    service = service_with(tmp_path, TWO)
    service.options["policy"] = service.options["policy"].replace(b"directory: db", b"directory: bd")
    result, told = roll_back(service)
    assert (result.exit_code, told["migrations"]) == (
        1, ("failed", "v1.2.0: there is no folder `bd`; correct `rollback.migrations.directory`"),
    )  # fmt: skip


def test_the_first_release_leaves_them_and_says_that_nobody_knows_which(tmp_path):
    service = service_with(tmp_path, TWO)
    world = service.world()
    for tag in ("v1.0.0", "v1.1.1-rc.1"):
        world.journal.append(Draft("release.marked-bad", world.subject(tag), {"reason": "bad"}))
    service.options["policy"] = service.options["policy"].replace(b"  production: {", b"  # production: {")
    result, told = roll_back(service)
    assert (result.exit_code, result.to, told["migrations"]) == (
        0, None, ("done", "left in place; which they are cannot be told: no release to go back to is known"),
    )  # fmt: skip
    result, told = roll_back(service, revert=True)
    assert (result.exit_code, told["migrations"]) == (
        1, ("failed", "which migrations are between cannot be told: nobody knows the release that is gone back to"),
    )  # fmt: skip


def test_a_plan_names_them_with_their_kinds_and_changes_nothing(tmp_path):
    service = service_with(tmp_path, {"db/2.sql": EXPAND, "db/3.sql": CONTRACT})
    events = len(service.world().journal.events())
    procedure = Rollback(service.world(), Request(reason=""), lambda _: None)
    assert procedure.preview()["migrations"] == "db/3.sql: contract (declared)\ndb/2.sql: expand (declared)"
    plans = {step.id: step.plan for step in procedure.plan()}
    assert plans["migrations"] == "leave the migrations where they are, and open an issue for them"
    assert (len(service.world().journal.events()), service.shop.ran) == (events, [])


def test_a_release_without_migrations_of_its_own_needs_none(tmp_path):
    service = service_with(tmp_path, {"other": b""})
    assert roll_back(service, revert=True)[1]["migrations"] == ("done", "none between the two releases")


@pytest.mark.parametrize(
    ("rules", "wish", "traffic_only", "text"),
    [
        (b", when: ask", {"revert": True}, True,
         "--migrations: `--traffic-only` leaves the migrations alone; give one of them"),
        (None, {"revert": True}, False, "--migrations: the policy has no `rollback.migrations`; roll back without it"),
        (b", when: ask", {"snapshot": "s"}, False,
         "--snapshot: a snapshot is for migrations that are reverted; add --migrations"),
        (b", when: always", {"snapshot": "s"}, False, None),
        (None, {}, True, None),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused_before_anything_is_done(rules, wish, traffic_only, text):
    content = POLICY if rules is None else POLICY.replace(b"rollback: {", b"rollback: {%s, " % (RULES % rules))
    policy = load_policy(content, "releasegate.yaml", {})
    if text is None:
        refuse_wish(policy.rollback.migrations, Wish(**wish), traffic_only=traffic_only)
        return
    with pytest.raises(UsageError) as caught:
        refuse_wish(policy.rollback.migrations, Wish(**wish), traffic_only=traffic_only)
    assert (str(caught.value), caught.value.exit_code) == (text, 2)


def test_the_release_that_is_live_stays_known(tmp_path):
    service = service_with(tmp_path, TWO)
    roll_back(service, revert=True)
    state = fold(service.world().journal.events(), service.world().subject())
    assert (state.live, state.release(LIVE).bad, state.claims[f"{state.rolled_back.id}/migrations"].finished) == (
        "v1.1.1-rc.1", None, True,
    )  # fmt: skip
