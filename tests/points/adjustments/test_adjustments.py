"""Adjustments by the rule: what is proposed, what is posted, by whom it may not, and that the books know the difference."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import OwnProposal, ProposalDecided
from base.errors import Problem
from points import ledger, lots, policies, programmes
from points.adjustments import adjustments
from points.adjustments.adjustments import (
    MOST_POINTS_A_MAKER_PROPOSES_A_DAY,
    BadAdjustment,
    MakerLimitReached,
    Wanted,
)
from points.deeds import Request
from points.kinds import Kind, State
from points.members.members import MemberUnknown
from points.models import PostingRow
from points.policies import NoRuleInForce
from points.programmes import ProgrammeClosed
from points.refusals import MemberMerged, NotEnoughPoints, PointsOutOfRange
from tests.given import (
    ZONE,
    given_adjustment,
    given_member,
    given_merged,
    given_person,
    given_points,
    given_programme,
)
from tests.owner import forget_everything


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    """A member with 100 points that lapse in two years."""
    return given_member(db, programme, points=100)


@pytest.fixture
def maker(db):
    return given_person("support")


@pytest.fixture
def checker(db):
    return given_person("checker")


def wanted(direction="up", points=30, **more) -> Wanted:
    return Wanted(**({"reason": "goodwill", "text": "a long outage", "ticket": "T-17"} | more), direction=direction, points=points)  # fmt: skip


def propose(maker, member_id, asked=None, *, at=None):
    with database.begin() as session:
        return adjustments.propose(session, maker, member_id, asked or wanted(), at or clock.now()).proposal


def approve(checker, proposal, *, at=None):
    with database.begin() as session:
        approvals.approve(
            session, checker, proposal.proposal_id, proposal.content_hash.hex(), at or clock.now()
        )


def wallet(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id)


def adjusted(member_id) -> list[tuple[str, int, str | None]]:
    with database.begin() as session:
        rows = session.scalars(
            select(PostingRow)
            .where(PostingRow.member_id == member_id, PostingRow.kind.in_([12, 13]))
            .order_by(PostingRow.seq)
        )
        return [(Kind(row.kind).name, row.amount, row.ref) for row in rows]


def today() -> date:
    return clock.day(clock.now(), ZONE)


def test_points_come_when_another_person_approved_and_the_posting_names_the_approval(
    member_id, maker, checker
):
    proposal = propose(maker, member_id)
    before = wallet(member_id).balance

    approve(checker, proposal)

    assert (before, wallet(member_id).balance) == (100, 130)
    assert adjusted(member_id) == [("ADJUST_UP", 30, approvals.reference(proposal.proposal_id))]


def test_left_to_the_policy_points_enter_the_lot_of_todays_bills(member_id, maker, checker):
    proposal = propose(maker, member_id)
    expected = policies.month_end(today(), 36)

    approve(checker, proposal)

    assert proposal.said["lot"] == {"class": policies.BILL_POINTS, "last_day": expected.isoformat()}
    assert lots.key(expected, policies.BILL_POINTS) in wallet(member_id).lots.keys


def test_a_named_lot_is_the_one_that_is_given_and_taken_from(member_id, maker, checker):
    day = today() + timedelta(days=9)
    lot = {"lot_class": policies.PROMOTION_POINTS, "last_day": day}

    approve(checker, propose(maker, member_id, wanted(**lot)))
    approve(checker, propose(maker, member_id, wanted("down", 10, **lot)))

    found = wallet(member_id).lots
    at = found.keys.index(lots.key(day, policies.PROMOTION_POINTS))
    assert (found.given[at], found.taken[at]) == (30, 10)


def test_points_are_taken_from_the_lots_that_lapse_first(member_id, maker, checker):
    given_points(member_id, 20, last_day=today() + timedelta(days=3))

    approve(checker, propose(maker, member_id, wanted("down", 25)))

    assert wallet(member_id).lots.taken == (20, 5)


def test_more_than_there_is_is_refused_and_the_proposal_waits(member_id, maker, checker):
    proposal = propose(maker, member_id, wanted("down", 101))

    with pytest.raises(NotEnoughPoints):
        approve(checker, proposal)
    given_points(member_id, 1)
    approve(checker, proposal)

    assert wallet(member_id).balance == 0


@pytest.mark.parametrize("state", [State.NEW, State.FROZEN, State.CLOSED])
def test_a_line_in_any_state_but_merged_can_be_adjusted(member_id, maker, checker, state):
    with database.begin() as session:
        ledger.set_state(session, member_id, state)

    approve(checker, propose(maker, member_id))
    approve(checker, propose(maker, member_id, wanted("down", 10)))

    assert wallet(member_id).balance == 120


def test_a_merged_member_is_not_adjusted_however_late_it_was_merged(db, programme, member_id, maker, checker):
    other = given_member(db, programme)
    waiting = propose(maker, other)
    given_merged(other, member_id)

    with pytest.raises(MemberMerged):
        approve(checker, waiting)
    with pytest.raises(MemberMerged):
        propose(maker, other)


def test_a_closed_programme_takes_no_adjustment(programme, member_id, maker, checker):
    waiting = propose(maker, member_id)
    with database.begin() as session:
        programmes.by_id(session, programme.programme_id).closed_at = clock.now()

    with pytest.raises(ProgrammeClosed):
        approve(checker, waiting)
    with pytest.raises(ProgrammeClosed):
        propose(maker, member_id)


BAD = {
    "sideways": ({"direction": "sideways"}, BadAdjustment),
    "another reason": ({"reason": "because"}, BadAdjustment),
    "no text": ({"text": ""}, BadAdjustment),
    "a text of control characters": ({"text": "a\x00b"}, BadAdjustment),
    "a long text": ({"text": "a" * 501}, BadAdjustment),
    "no ticket": ({"ticket": ""}, BadAdjustment),
    "a class beyond": ({"lot_class": 32768}, BadAdjustment),
    "a class below": ({"lot_class": -1}, BadAdjustment),
    "a day that is gone": ({"last_day": date(2020, 1, 1)}, BadAdjustment),
    "a day beyond": ({"last_day": date(2149, 6, 7)}, BadAdjustment),
    "half a lot to take from": ({"direction": "down", "lot_class": 1}, BadAdjustment),
    "nothing": ({"points": 0}, PointsOutOfRange),
    "less than nothing": ({"points": -1}, PointsOutOfRange),
    "more than there can be": ({"points": 10**15 + 1}, PointsOutOfRange),
    "more than a person may": ({"points": MOST_POINTS_A_MAKER_PROPOSES_A_DAY + 1}, MakerLimitReached),
    "a class without a policy": ({"lot_class": 7}, NoRuleInForce),
}


def test_what_cannot_be_an_adjustment_is_refused_by_name(member_id, maker):
    told = {}
    for name, (more, _) in BAD.items():
        with pytest.raises(Problem) as refused:
            propose(maker, member_id, wanted(**more))
        told[name] = type(refused.value)
    with pytest.raises(MemberUnknown):
        propose(maker, 12345)

    assert told == {name: refusal for name, (_, refusal) in BAD.items()}


@pytest.mark.attack("A7")
def test_one_person_proposes_only_so_much_a_day_and_what_was_taken_back_does_not_count(
    db, programme, member_id, maker, checker
):
    at = clock.start_of(today(), ZONE)
    half, other = MOST_POINTS_A_MAKER_PROPOSES_A_DAY // 2, given_member(db, programme)
    first = propose(maker, member_id, wanted(points=half), at=at)
    second = propose(maker, other, wanted("down", points=half), at=at)
    with pytest.raises(MakerLimitReached) as refused:
        propose(maker, member_id, wanted(points=1), at=at)
    approve(checker, first, at=at)
    with pytest.raises(MakerLimitReached):
        propose(maker, member_id, wanted(points=1), at=at)

    with database.begin() as session:
        approvals.reject(session, checker, second.proposal_id, at)

    assert refused.value.facts == {"points_left": 0}
    propose(maker, member_id, wanted(points=half), at=at)
    propose(given_person("support"), member_id, wanted(points=half), at=at)
    propose(maker, member_id, wanted(points=half), at=at + timedelta(days=1))


def test_a_maker_who_proposes_twice_at_once_stays_within_the_day(member_id, maker):
    barrier = threading.Barrier(6)

    def one(_):
        barrier.wait(10)
        try:
            propose(maker, member_id, wanted(points=MOST_POINTS_A_MAKER_PROPOSES_A_DAY))
        except MakerLimitReached:
            return "over"
        return "proposed"

    with ThreadPoolExecutor(6) as threads:
        told = list(threads.map(one, range(6)))

    assert sorted(told) == ["over"] * 5 + ["proposed"]


def test_of_two_checkers_at_once_one_posts(member_id, maker):
    proposal, checkers = propose(maker, member_id), [given_person("checker") for _ in range(2)]
    barrier = threading.Barrier(2)

    def one(checker):
        barrier.wait(10)
        try:
            approve(checker, proposal)
        except Problem as refusal:
            return type(refusal)
        return None

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(one, checkers))

    assert sorted(map(str, told)) == sorted(map(str, [None, ProposalDecided]))
    assert (len(adjusted(member_id)), wallet(member_id).balance) == (1, 130)


@pytest.mark.attack("A7")
def test_nobody_adds_points_alone(member_id):
    both = given_person("support", "checker")
    proposal = propose(both, member_id)

    with pytest.raises(OwnProposal):
        approve(both, proposal)

    assert (adjusted(member_id), wallet(member_id).balance) == ([], 100)


# The books


def faults() -> list[str]:
    with database.begin() as session:
        return [finding.text for finding in findings(session) if finding.rule == "adjustment"]


def test_an_adjustment_that_nobody_approved_is_found(db, member_id):
    for number, ref in enumerate((None, "goodwill", "apr_0000000000001")):
        request = Request(
            member_id, ledger.key("insider", str(number)), Kind.ADJUST_DOWN, 1, clock.now(), ZONE, ref=ref
        )
        with database.begin() as session:
            ledger.post(session, request)

    told = faults()
    forget_everything(db)

    assert told == [f"it names no approval: {ref}" for ref in (None, "goodwill", "apr_0000000000001")]


def test_a_posting_that_says_another_thing_than_its_approval_is_found(db, member_id, maker, checker):
    given_adjustment(member_id, 30)
    (ref,) = [ref for _, _, ref in adjusted(member_id)]
    unread = propose(maker, member_id, wanted(points=5))
    for number, (kind, points, named) in enumerate(
        [
            (Kind.ADJUST_UP, 31, ref),
            (Kind.ADJUST_DOWN, 30, ref),
            (Kind.ADJUST_UP, 5, approvals.reference(unread.proposal_id)),
        ]
    ):
        key = lots.key(today(), 1) if kind is Kind.ADJUST_UP else 0
        with database.begin() as session:
            ledger.post(session, Request(member_id, ledger.key("x", str(number)), kind, points, clock.now(), ZONE, lot_key=key, ref=named))  # fmt: skip

    told = faults()
    forget_everything(db)

    differs = "member, points or direction are not those that were approved"
    assert told == [
        differs,
        differs,
        f"it names no approval: {approvals.reference(unread.proposal_id)}",
        "it was approved and posted 3 times",
    ]


def test_a_posting_into_another_lot_than_was_approved_is_found(db, member_id, maker, checker):
    proposal = propose(maker, member_id, wanted(last_day=today() + timedelta(days=9)))
    elsewhere = lots.key(today() + timedelta(days=9), policies.PROMOTION_POINTS)
    with patch.object(adjustments, "lot_key", return_value=elsewhere):
        approve(checker, proposal)

    told = faults()
    forget_everything(db)

    assert told == ["it moved points of another lot than was approved"]


def test_an_approval_without_its_posting_is_found(db, member_id, maker, checker):
    proposal = propose(maker, member_id)
    with database.begin() as session:
        session.execute(
            text(
                "insert into decision (proposal_id, maker_id, person_id, at, verdict, content_hash) "
                "select proposal_id, maker_id, :checker, at, 'approved', content_hash from proposal"
            ),
            {"checker": checker.staff_id},
        )

    told = faults()
    forget_everything(db)

    assert proposal is not None
    assert told == ["it was approved and posted 0 times"]
