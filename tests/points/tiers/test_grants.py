"""Tiers given by hand: two persons, always an end, nothing blocked underneath, and right on every day without a run."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from base.errors import Problem
from base.notices import notices
from points import factors
from points.members.models import MemberFacts
from points.tiers import grants, tiers
from points.tiers.grants import BadGrant, GrantOver, GrantUnknown
from points.tiers.models import TierChange, TierGrant
from tests.given import (
    ZONE,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_person,
    given_programme,
    given_tier_grant,
)
from tests.owner import forget_everything, owner

ON = date(2022, 6, 15)
DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    made = given_programme()
    given_ladder(made)
    return made


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


def facts(member_id) -> MemberFacts:
    with database.begin() as session:
        return session.get_one(MemberFacts, member_id)


def tier(member_id, on):
    with database.begin() as session:
        (one,) = tiers.of(session, member_id, on)
        return one.step.tier if one.step else None


def revoke(proposal, on) -> None:
    maker, checker = given_person("support"), given_person("checker")
    with clock.stopped(clock.start_of(on, ZONE) + timedelta(hours=10)), database.begin() as session:
        end = grants.propose_end(session, maker, proposal, "a mistake", clock.now()).proposal
        approvals.approve(session, checker, end.proposal_id, end.content_hash.hex(), clock.now())


def propose(member_id, wanted, *, on=ON, maker=None):
    with clock.stopped(clock.start_of(on, ZONE) + timedelta(hours=9)), database.begin() as session:
        return grants.propose(
            session, maker or given_person("support"), member_id, wanted, clock.now()
        ).proposal


def test_a_granted_tier_counts_from_the_approval_to_its_last_day_and_not_a_day_more(member_id):
    given_tier_grant(member_id, "gold", ON + 10 * DAY, on=ON)

    assert tier(member_id, ON - DAY) is None
    assert tier(member_id, ON) == tier(member_id, ON + 10 * DAY) == "gold"
    assert tier(member_id, ON + 11 * DAY) is None
    assert (facts(member_id).tiers, facts(member_id).tiers_until) == (["gold"], ON + 10 * DAY)


def test_the_higher_of_earned_and_granted_counts_and_evaluation_goes_on_underneath(programme, member_id):
    given_tier_grant(member_id, "gold", ON + 10 * DAY, on=ON)
    given_earned(member_id, 3_000, ON + DAY)
    given_evaluated(programme, ON + DAY)

    assert tier(member_id, ON + DAY) == "gold"
    assert tier(member_id, ON + 11 * DAY) == "silver"  # earned meanwhile, and there from that very day
    given_earned(member_id, 50_000, ON + 2 * DAY)
    given_evaluated(programme, ON + 2 * DAY)
    assert tier(member_id, ON + 2 * DAY) == "diamond"  # a grant blocks nothing above it either


def test_when_it_ends_the_earned_tier_is_there_before_the_run_came(programme, member_id):
    given_earned(member_id, 3_000, ON)
    given_evaluated(programme, ON)
    given_tier_grant(member_id, "diamond", ON + 5 * DAY, on=ON)

    assert tier(member_id, ON + 6 * DAY) == "silver"
    assert (
        facts(member_id).tiers_until == ON + 5 * DAY
    )  # whoever reads facts later knows that they are not sure
    given_evaluated(programme, ON + 6 * DAY)
    assert (facts(member_id).tiers, facts(member_id).tiers_until) == (["silver"], None)


def test_of_two_grants_the_higher_counts_while_both_do(member_id):
    given_tier_grant(member_id, "silver", ON + 20 * DAY, on=ON)
    given_tier_grant(member_id, "gold", ON + 5 * DAY, on=ON)

    assert tier(member_id, ON + 5 * DAY) == "gold"
    assert tier(member_id, ON + 6 * DAY) == "silver"
    assert tier(member_id, ON + 21 * DAY) is None


def test_a_grant_that_begins_later_counts_from_its_day_on(programme, member_id):
    given_tier_grant(member_id, "gold", ON + 20 * DAY, on=ON, from_day=ON + 5 * DAY)

    assert tier(member_id, ON + 4 * DAY) is None
    assert tier(member_id, ON + 5 * DAY) == "gold"
    assert (facts(member_id).tiers, facts(member_id).tiers_until) == ([], ON + 4 * DAY)
    given_evaluated(programme, ON + 5 * DAY)
    assert facts(member_id).tiers == ["gold"]


def test_a_grant_approved_after_its_first_day_is_not_dated_back(member_id):
    maker, checker = given_person("support"), given_person("checker")
    proposal = propose(member_id, grants.Wanted("gold", ON + 20 * DAY, "x", ON), maker=maker)

    with clock.stopped(clock.start_of(ON + 3 * DAY, ZONE)), database.begin() as session:
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())

    assert tier(member_id, ON + 2 * DAY) is None
    assert tier(member_id, ON + 3 * DAY) == "gold"


def test_a_revoked_grant_counts_no_more_from_that_day_and_once_only(member_id):
    proposal = given_tier_grant(member_id, "gold", ON + 20 * DAY, on=ON)

    revoke(proposal, ON + 3 * DAY)

    assert tier(member_id, ON + 2 * DAY) == "gold"
    assert tier(member_id, ON + 3 * DAY) is None
    assert (facts(member_id).tiers, facts(member_id).tiers_until) == ([], None)
    with pytest.raises(GrantOver):
        revoke(proposal, ON + 4 * DAY)


def test_a_grant_that_was_not_approved_cannot_be_revoked_and_one_that_ended_neither(member_id):
    waiting = propose(member_id, grants.Wanted("gold", ON + 5 * DAY, "x"))
    ended = given_tier_grant(member_id, "gold", ON + 5 * DAY, on=ON)

    with pytest.raises(GrantUnknown):
        revoke(waiting, ON)
    with pytest.raises(GrantOver):
        revoke(ended, ON + 6 * DAY)


@pytest.mark.parametrize(
    "wanted",
    [
        grants.Wanted("platinum", ON + DAY, "x"),
        grants.Wanted("gold", ON - DAY, "x"),
        grants.Wanted("gold", ON + DAY, "x", ON + 2 * DAY),
        grants.Wanted("gold", date(2099, 1, 1), "x"),
        grants.Wanted("gold", ON + DAY, ""),
    ],
    ids=["no such tier", "in the past", "ends before it begins", "without an end", "no reason"],
)
def test_what_makes_no_sense_cannot_be_proposed(member_id, wanted):
    with pytest.raises(BadGrant):
        propose(member_id, wanted)


def test_nobody_grants_alone(member_id):
    both = given_person("support", "checker")
    proposal = propose(member_id, grants.Wanted("gold", ON + DAY, "x"), maker=both)

    with pytest.raises(OwnProposal), database.begin() as session:
        approvals.approve(session, both, proposal.proposal_id, proposal.content_hash.hex(), proposal.at)


def test_the_member_is_told_of_a_higher_tier_with_its_end_and_not_of_one_that_changes_nothing(
    db, programme, member_id
):
    given_earned(member_id, 12_000, ON)
    given_evaluated(programme, ON)
    given_tier_grant(member_id, "silver", ON + 5 * DAY, on=ON)
    given_tier_grant(member_id, "diamond", ON + 5 * DAY, on=ON)

    with database.begin() as session:
        (message,) = notices.latest(session, db.seal_key)
    assert "钻石卡会员，有效期至" in message.text
    assert f"from {ON} on you are a diamond member, until {ON + 5 * DAY}" in message.text


@pytest.mark.parametrize(
    "statement",
    [
        "update tier_grant set approval = 'apr_0'",
        "update tier_grant set tier = 'diamond'",
        "update tier_grant set until_day = until_day + 1",
        "delete from tier_revocation",
        "update tier_revocation set reason = 'another'",
        "insert into tier_revocation select member_id, grant_id + 1, revoked_at, from_day, reason, approval from tier_revocation",
    ],
)
def test_the_books_hold_each_grant_against_its_approval(db, member_id, statement):
    revoke(given_tier_grant(member_id, "gold", ON + 20 * DAY, on=ON), ON + 3 * DAY)
    with owner(db) as connection:
        connection.execute(text(statement))

    with database.begin() as session:
        assert any(one.rule == "tier" for one in findings(session))
    forget_everything(db)


def test_the_notice_says_what_the_tier_brings(db, programme, member_id):
    with database.begin() as session:
        factors.add(session, programme.programme_id, factors.TIER, date(2020, 1, 1), 150, tier="gold")

    given_tier_grant(member_id, "gold", ON + 5 * DAY, on=ON)

    with database.begin() as session:
        (message,) = notices.latest(session, db.seal_key)
    assert "账单积分按 150% 累计" in message.text
    assert "Bills earn 150 % of the usual points." in message.text


def test_a_run_and_an_approval_at_once_leave_facts_that_say_both(db, programme, member_id, monkeypatch):
    """Each waits for the other's facts and then sees what it wrote; the check of the books after the test looks."""
    given_earned(member_id, 3_000, ON)
    proposal = propose(member_id, grants.Wanted("gold", ON + DAY, "x"))
    checker, start, failed = given_person("checker"), threading.Barrier(2), []

    def approve() -> None:
        start.wait()
        try:
            with database.begin() as session:
                approvals.approve(
                    session, checker, proposal.proposal_id, proposal.content_hash.hex(), proposal.at
                )
        except Problem as problem:
            failed.append(problem)

    thread = threading.Thread(target=approve)
    with clock.stopped(proposal.at):
        thread.start()
        start.wait()
        given_evaluated(programme, ON)
        thread.join()

    assert not failed
    with database.begin() as session:
        assert session.scalar(select(TierChange.tier)) == "silver"
        assert session.scalar(select(TierGrant.tier)) == "gold"
    assert tier(member_id, ON) == "gold"
