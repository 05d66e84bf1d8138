"""Candidates and releases: numbers, branches, anchors, and finding again what is there."""

import pytest

from fakes import FakeClock, MemoryForge, Randomness
from releasegate.errors import InconclusiveError, InputError, PolicyError, RepositoryError
from releasegate.ledger.chain import anchor_of, verify
from releasegate.policy.model import Policy, Release
from releasegate.runbook import tags
from releasegate.runbook.journal import Draft, Journal
from releasegate.runbook.tags import Candidate
from releasegate.verdict import Outcome

SCOPE = {"service": "checkout", "environment": "production"}


def policy(pattern="v*"):
    return Policy(version=1, service="checkout", environment="production", release=Release(tags=pattern))


@pytest.fixture
def house():
    return House()


class House:
    """A forge with a branch `main`, its ledger, and a policy."""

    def __init__(self, pattern="v*"):
        self.clock = FakeClock()
        self.forge = MemoryForge(self.clock)
        self.journal = Journal(self.forge, "ledger", self.clock, Randomness())
        self.policy = policy(pattern)
        self.head = None
        self.commit()

    def commit(self):
        self.clock.sleep(60)
        files = {"code": str(self.clock.now()).encode()}
        self.head = self.forge.commit("main", files, "change", parent=self.forge.branch_head("main"))
        return self.head

    def candidate(self, commit=None, **options):
        return tags.candidate(self.forge, self.journal, self.policy, commit or self.head, **options)

    def ship(self, candidate):
        """Record a rollout that went well."""
        subject = {**SCOPE, "tag": candidate.tag, "commit": candidate.commit}
        self.journal.append(
            Draft("gates.judged", subject, {"verdict": "pass"}),
            Draft("rollout.started", subject),
            Draft("rollout.settled", subject),
        )

    def release(self, candidate):
        return tags.release(self.forge, self.journal, self.policy, tags.find(self.forge, candidate.tag))

    def kinds(self):
        return [event.kind for event in self.journal.events()]


def test_the_first_candidate(house):
    made = house.candidate()
    assert made == Candidate("v0.1.0-rc.1", house.head, "release/v0.1.0", made=True)
    assert house.forge.branch_head("release/v0.1.0") == house.head
    tag = tags.find(house.forge, "v0.1.0-rc.1")
    assert (tag.commit, tag.annotated, tag.message) == (house.head, True, "Release candidate v0.1.0-rc.1\n")
    [event] = house.journal.events()
    assert (event.kind, event.subject, event.data) == (
        "release.candidate",
        {**SCOPE, "tag": "v0.1.0-rc.1", "commit": house.head},
        {"branch": "release/v0.1.0"},
    )


def test_the_same_commit_keeps_its_candidate(house):
    made = house.candidate()
    head = house.journal.head
    for version in (None, "0.1.0", "v0.1.0"):
        assert house.candidate(version=version) == Candidate(made.tag, made.commit, made.branch, made=False)
    assert house.journal.head == head


def test_the_next_commit_gets_the_next_number_on_the_same_branch(house):
    house.candidate()
    house.commit()
    assert house.candidate().tag == "v0.1.0-rc.2"
    assert house.forge.branch_head("release/v0.1.0") == house.head
    assert (
        anchor_of("", tags.find(house.forge, "v0.1.0-rc.2").message, "").ledger == house.forge.history("ledger")[0].sha
    )


def test_after_a_release_comes_the_next_minor(house):
    house.release(house.candidate(version="1.9.3"))
    assert house.candidate().tag == "v1.9.3-rc.1"  # this commit's own
    house.commit()
    assert house.candidate().tag == "v1.10.0-rc.1"
    assert house.candidate(version="2.0.0").tag == "v2.0.0-rc.1"
    house.commit()
    assert house.candidate().tag == "v1.10.0-rc.2"
    for taken in ("1.9.3", "v1.9.3"):
        with pytest.raises(
            RepositoryError, match=r"v1\.9\.3 is released already, on [0-9a-f]{12}; name a newer version"
        ):
            house.candidate(version=taken)


def test_numbers_count_as_numbers_and_other_tags_do_not_count(house):
    for name in (
        "v1.9.0",
        "v1.10.0",
        "v1.2.0",
        "v9",
        "v9.9.9-beta.1",
        "v9.9.9-rc.0",
        "v01.9.9",
        "w9.9.9",
        "v9.9.9-rc.1x",
    ):
        house.forge.create_tag(name, house.head, name)
    house.commit()
    assert house.candidate().tag == "v1.11.0-rc.1"
    for number in (9, 10):
        house.forge.create_tag(f"v1.11.0-rc.{number}", house.forge.resolve("v1.9.0"), "x")
    house.commit()
    assert house.candidate().tag == "v1.11.0-rc.11"


def test_a_services_own_prefix():
    house = House("checkout-v*")
    house.forge.create_tag("v7.0.0", house.head, "another service's")
    made = house.candidate()
    assert (made.tag, made.branch) == ("checkout-v0.1.0-rc.1", "release/checkout-v0.1.0")
    assert house.release(made).name == "checkout-v0.1.0"


@pytest.mark.parametrize("pattern", ["v", "v*-x", "*v*", "v?*", "v[0-9]*"])
def test_a_pattern_from_which_no_tag_can_be_made(pattern):
    with pytest.raises(PolicyError, match=r"from which no tag can be made; write the prefix"):
        House(pattern).candidate()


@pytest.mark.parametrize("version", ["", "1", "1.2", "1.2.3.4", "v1.2.3-rc.1", "1.2.x", "01.2.3", "-1.2.3", "1.2.3\n"])
def test_what_is_no_version(house, version):
    with pytest.raises(InputError, match=r"is not a version; write it as v1\.4\.0; -rc\.N is added"):
        house.candidate(version=version)
    assert house.kinds() == []
    assert house.forge.made_tags == {}


def test_a_dry_run_makes_nothing(house):
    assert house.candidate(dry_run=True) == Candidate("v0.1.0-rc.1", house.head, "release/v0.1.0", made=True)
    assert (house.forge.made_tags, house.kinds(), house.forge.branch_head("release/v0.1.0")) == ({}, [], None)


def test_a_commit_that_does_not_follow_is_refused(house):
    house.candidate()
    aside = house.forge.commit("aside", {"x": b""}, "aside", parent=None)
    with pytest.raises(RepositoryError, match=r"does not follow from the head of `release/v0\.1\.0`"):
        house.candidate(aside)
    assert sorted(house.forge.made_tags) == ["v0.1.0-rc.1"]


def test_a_candidate_of_an_older_commit_of_the_branch(house):
    older = house.head
    house.commit()
    house.candidate()
    assert house.candidate(older).tag == "v0.1.0-rc.2"
    assert house.forge.branch_head("release/v0.1.0") == house.head


def test_a_number_that_somebody_takes_meanwhile(house):
    other = house.head
    house.commit()
    honest = house.forge.create_branch

    def interfere(branch, commit):
        honest(branch, commit)
        house.forge.create_branch = honest
        house.forge.create_tag("v0.1.0-rc.1", other, "theirs")

    house.forge.create_branch = interfere
    assert house.candidate().tag == "v0.1.0-rc.2"


def test_a_run_that_ended_after_the_tag_is_completed_by_the_next(house):
    house.forge.create_branch("release/v0.1.0", house.head)
    house.forge.create_tag("v0.1.0-rc.1", house.head, "Release candidate v0.1.0-rc.1")
    assert house.candidate().made is False
    assert house.kinds() == ["release.candidate"]


def test_a_release_is_made_once_with_an_anchor(house):
    made = house.candidate()
    house.ship(made)
    before = house.journal.head
    tag = house.release(made)
    assert (tag.name, tag.commit) == ("v0.1.0", made.commit)
    assert tag.message == f"Release v0.1.0\n\nCandidate: v0.1.0-rc.1\nLedger: {before}\n"
    assert house.release(made) == tag
    assert house.kinds().count("release.tagged") == 1
    anchors = [anchor_of(tag.name, tag.message, tag.commit) for tag in house.forge.tags("*")]
    assert verify(house.forge.history("ledger"), anchors).outcome is Outcome.PASS


def test_a_release_on_another_commit_is_never_moved(house):
    made = house.candidate()
    house.forge.create_tag("v0.1.0", house.commit(), "by hand")
    with pytest.raises(
        RepositoryError, match=r"the tag `v0\.1\.0` is on [0-9a-f]{12} already, and a tag is never moved"
    ):
        house.release(made)


def test_only_candidates_are_released(house):
    house.forge.create_tag("v1.0.0", house.head, "x")
    with pytest.raises(RepositoryError, match=r"`v1\.0\.0` is no candidate"):
        house.release(Candidate("v1.0.0", house.head, "", made=False))


def test_what_settled_and_what_is_good(house):
    with pytest.raises(InconclusiveError, match="no candidate has reached the end of a rollout"):
        tags.settled(house.journal, house.policy, None)
    with pytest.raises(InconclusiveError, match="the ledger knows no release that passed"):
        tags.last_good(house.journal, house.policy)
    one = house.candidate()
    with pytest.raises(InconclusiveError, match=r"`v0\.1\.0-rc\.1` has not reached the end"):
        tags.settled(house.journal, house.policy, one.tag)
    house.ship(one)
    house.release(one)
    house.commit()
    two = house.candidate()
    house.ship(two)
    assert tags.settled(house.journal, house.policy, None).candidate == two.tag
    assert tags.last_good(house.journal, house.policy).name == two.tag
    assert tags.last_good(house.journal, house.policy, two.tag).name == "v0.1.0"


def test_a_bad_release_is_marked_once(house):
    one = house.candidate()
    house.ship(one)
    house.release(one)
    assert tags.mark_bad(house.forge, house.journal, house.policy, "v0.1.0", "slow") is True
    assert tags.mark_bad(house.forge, house.journal, house.policy, one.tag, "slow") is False
    marked = [event for event in house.journal.events() if event.kind == "release.marked-bad"]
    assert [(event.subject["tag"], event.data) for event in marked] == [(one.tag, {"reason": "slow"})]
    with pytest.raises(RepositoryError, match=r"there is no tag `v9\.9\.9`"):
        tags.mark_bad(house.forge, house.journal, house.policy, "v9.9.9", "")
    with pytest.raises(RepositoryError, match=r"there is no tag `v\*`"):
        tags.mark_bad(house.forge, house.journal, house.policy, "v*", "")
