"""Merges: all lots and the debt arrive once, whole, with their last days - whatever dies between, whoever else merges."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database, jobs
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from base.errors import Problem
from points import bills, ledger, lots, policies
from points.bills import BillLineIn
from points.deeds import Request
from points.gifts import gifts
from points.gifts import job as gifts_job
from points.imports import What
from points.kinds import FOREVER, Kind, State
from points.members import members
from points.merges import job, merges, redirects
from points.merges.merges import BadMerge, MergeWithOneself, OtherProgramme, PointsUnderWay
from points.merges.models import MemberMerge
from points.models import PostingRow
from points.refusals import LotsFull, MemberClosed, MemberFrozen, MemberMerged, PointsHeld
from tests.given import ZONE, given_member, given_merged, given_person, given_points, given_programme

AT = datetime(2026, 3, 10, 4, tzinfo=UTC)
SOON = AT.date() + timedelta(days=20)
PHONE = "13700001111"


@contextmanager
def at(moment):
    with clock.stopped(moment):
        yield


@pytest.fixture(autouse=True)
def one_day():
    with at(AT):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def pair(db, programme):
    """A member with 100 points, 30 of them lapsing soon, and a survivor with 5 points of its own."""
    old, survivor = given_member(db, programme, points=70), given_member(db, programme, points=5)
    given_points(old, 30, last_day=SOON)
    return old, survivor


@pytest.fixture
def persons(db):
    return given_person("support"), given_person("checker")


def propose(persons, member_id, into_id):
    with database.begin() as session:
        return merges.propose(
            session, persons[0], member_id, into_id, "one customer", "T-9", clock.now()
        ).proposal


def approve(persons, proposal):
    with database.begin() as session:
        approvals.approve(session, persons[1], proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def post(member_id, kind, points, **more):
    request = Request(
        member_id, ledger.key("test", str(uuid.uuid4())), kind, points, clock.now(), ZONE, **more
    )
    with database.begin() as session:
        return ledger.post(session, request)


def given_debt(member_id, points) -> None:
    """Points that were spent before their earning was taken back."""
    earned = post(member_id, Kind.EARN, points, lot_key=lots.key(SOON, policies.BILL_POINTS)).seq
    post(member_id, Kind.REDEEM, wallet(member_id).balance)
    post(member_id, Kind.UNEARN, 0, rev_of=earned)


def wallet(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id)


def found(member_id) -> MemberMerge | None:
    with database.begin() as session:
        return session.get(MemberMerge, member_id)


def kinds_of(member_id) -> list[str]:
    with database.begin() as session:
        rows = session.scalars(
            select(PostingRow.kind).where(PostingRow.member_id == member_id).order_by(PostingRow.seq)
        )
        return [Kind(kind).name for kind in rows]


def promises() -> int:
    with database.begin() as session:
        return session.scalar(text("select count(*) from outbox where task = 'merge'")) or 0


def set_state(member_id, state) -> None:
    with database.begin() as session:
        ledger.set_state(session, member_id, state)


def survivor_of(member_id):
    with database.begin() as session:
        return redirects.survivor_of(session, member_id)


# The whole way


def test_all_lots_leave_and_then_arrive_with_their_last_days(pair, persons):
    old, survivor = pair

    approve(persons, propose(persons, old, survivor))
    under_way = wallet(old).state, wallet(old).balance, wallet(survivor).balance, promises()
    job.run(old)

    assert under_way == (State.MERGED, 0, 5, 1)
    assert wallet(survivor).balance == 105
    assert wallet(survivor).lots.keys[0] == lots.key(SOON, policies.BILL_POINTS)
    assert wallet(survivor).lots.given == (30, 75)
    assert (found(old).points, found(old).landed_id, survivor_of(old)) == (100, survivor, survivor)


def test_the_worker_brings_a_merge_to_its_end(db, pair, persons):
    approve(persons, propose(persons, *pair))

    jobs.drain(db.database_url)

    assert (wallet(pair[1]).balance, promises()) == (105, 0)


def test_the_debt_goes_too_and_is_repaid_from_what_is_there(pair, persons):
    old, survivor = pair
    given_debt(old, 40)

    approve(persons, propose(persons, old, survivor))
    left = wallet(old).debt, wallet(survivor).debt
    job.run(old)

    assert left == (0, 0)
    assert kinds_of(old)[-1] == "MERGE_DEBT_OUT"
    assert kinds_of(survivor) == ["EARN", "MERGE_DEBT_IN", "REPAY"]
    assert (wallet(survivor).balance, wallet(survivor).debt) == (0, 35)


def test_points_and_debt_together(pair, persons):
    old, survivor = pair
    given_debt(old, 40)
    post(survivor, Kind.REDEEM, 5)
    spent = next(seq for seq, kind in enumerate(kinds_of(old), 1) if kind == "REDEEM")
    post(old, Kind.REVERSE, 10, rev_of=spent)

    approve(persons, propose(persons, old, survivor))
    job.run(old)

    assert kinds_of(old)[-2:] == ["MERGE_OUT", "MERGE_DEBT_OUT"]
    assert kinds_of(survivor)[2:] == ["MERGE_IN", "MERGE_DEBT_IN", "REPAY"]
    assert (wallet(survivor).balance, wallet(survivor).debt) == (0, 30)


def test_a_member_without_points_is_merged_too(db, programme, pair, persons):
    empty = given_member(db, programme)

    approve(persons, propose(persons, empty, pair[1]))
    job.run(empty)

    assert (wallet(empty).state, kinds_of(empty)) == (State.MERGED, [])
    assert found(empty).arrived_at == AT


@pytest.mark.parametrize("state", [State.NEW, State.CLOSED])
def test_a_new_or_a_closed_line_can_be_merged_away(pair, persons, state):
    set_state(pair[0], state)

    approve(persons, propose(persons, *pair))
    job.run(pair[0])

    assert wallet(pair[1]).balance == 105


def test_a_lot_that_lapses_under_way_lands_with_grace(pair, persons):
    approve(persons, propose(persons, *pair))

    with at(AT + timedelta(days=40)):
        job.run(pair[0])

    assert lots.last_day(wallet(pair[1]).lots.keys[0]) == AT.date() + timedelta(days=70)


def test_a_hold_with_an_end_is_given_back_first(pair, persons):
    old, survivor = pair
    post(old, Kind.HOLD, 10, ends_at=AT + timedelta(hours=1))
    post(old, Kind.HOLD, 20, ends_at=AT + timedelta(minutes=1))

    with at(AT + timedelta(minutes=5)):  # the second one has run out by now
        approve(persons, propose(persons, old, survivor))
        job.run(old)

    assert kinds_of(old)[4:] == ["TIMEOUT", "RELEASE", "MERGE_OUT"]
    assert wallet(survivor).balance == 105


# Refused


def test_what_waits_for_an_answer_from_outside_comes_first(pair, persons):
    old, survivor = pair
    waiting = propose(persons, old, survivor)
    hold = post(old, Kind.HOLD, 10, ends_at=FOREVER).seq

    for deed in (lambda: approve(persons, waiting), lambda: propose(persons, old, survivor)):
        with pytest.raises(PointsHeld) as refused:
            deed()
        assert refused.value.facts == {"held": 10}
    post(old, Kind.RELEASE, 0, rev_of=hold)
    approve(persons, waiting)
    job.run(old)

    assert wallet(survivor).balance == 105


def test_a_gift_under_way_comes_to_its_end_first(db, programme, pair, persons):
    old, survivor = pair
    given_member(db, programme, phone=PHONE)
    with database.begin() as session:
        gift = gifts.give(session, db, old, PHONE, 10, AT)
    with pytest.raises(PointsHeld):
        propose(persons, old, survivor)
    with at(AT + gifts.TO_UNDO):
        gifts_job.run(db, old, gift.gift_id)
        with pytest.raises(PointsUnderWay):
            propose(persons, old, survivor)
        gifts_job.run(db, old, gift.gift_id)
        approve(persons, propose(persons, old, survivor))
        job.run(old)

    assert wallet(survivor).balance == 95


def test_who_cannot_be_merged_into_whom_is_refused_by_name(db, programme, pair, persons):
    old, survivor = pair
    foreign = given_member(db, given_programme("other"))
    frozen, closed, left, merged = (given_member(db, programme) for _ in range(4))
    set_state(frozen, State.FROZEN)
    set_state(closed, State.CLOSED)
    with database.begin() as session:
        members.leave(session, left, AT.date())
    given_merged(merged, survivor)

    told = {}
    for name, two in {
        "itself": (old, old),
        "another programme's": (old, foreign),
        "a frozen one": (frozen, survivor),
        "into a closed one": (old, closed),
        "into one who left": (old, left),
        "a merged one": (merged, old),
        "into a merged one": (old, merged),
    }.items():
        with pytest.raises(Problem) as refused:
            propose(persons, *two)
        told[name] = type(refused.value)
    with pytest.raises(BadMerge), database.begin() as session:
        merges.propose(session, persons[0], old, survivor, "\x00", "T", AT)

    assert told == {
        "itself": MergeWithOneself,
        "another programme's": OtherProgramme,
        "a frozen one": MemberFrozen,
        "into a closed one": MemberClosed,
        "into one who left": MemberClosed,
        "a merged one": MemberMerged,
        "into a merged one": MemberMerged,
    }


def test_into_a_frozen_line_points_may_go_and_stay_frozen(pair, persons):
    set_state(pair[1], State.FROZEN)

    approve(persons, propose(persons, *pair))
    job.run(pair[0])

    assert (wallet(pair[1]).state, wallet(pair[1]).balance) == (State.FROZEN, 105)


def test_what_was_allowed_when_proposed_is_asked_again_at_the_approval(pair, persons):
    proposal = propose(persons, *pair)
    set_state(pair[1], State.CLOSED)

    with pytest.raises(MemberClosed):
        approve(persons, proposal)

    assert (wallet(pair[0]).state, wallet(pair[0]).balance, promises()) == (State.OPEN, 100, 0)


def test_nobody_merges_alone(pair):
    both = given_person("support", "checker")

    with pytest.raises(OwnProposal):
        approve((both, both), propose((both, both), *pair))


def test_a_member_is_merged_once(db, programme, pair, persons):
    other = given_member(db, programme)
    first, second, elsewhere = (propose(persons, pair[0], into) for into in (pair[1], pair[1], other))
    approve(persons, first)
    job.run(pair[0])

    for proposal in (second, elsewhere):
        with pytest.raises(MemberMerged):
            approve(persons, proposal)
    job.run(pair[0])

    assert (wallet(pair[1]).balance, wallet(other).balance) == (105, 0)


def test_a_merged_wallet_stays_merged(pair, persons):
    approve(persons, propose(persons, *pair))

    for state in (State.OPEN, State.CLOSED, State.FROZEN):
        set_state(pair[0], state)
    with database.begin() as session:
        members.leave(session, pair[0], AT.date())

    assert wallet(pair[0]).state is State.MERGED


def fill(member_id: int) -> None:
    """As many lots as a wallet holds: new ones last to the end of a quarter, then of a year, as room gets short."""
    for days in (*range(60), *range(200, 700, 92), *range(800, 2600, 365)):
        if len(wallet(member_id).lots.keys) < lots.MOST_LOTS:
            given_points(member_id, 1, last_day=AT.date() + timedelta(days=days))
    assert len(wallet(member_id).lots.keys) == lots.MOST_LOTS


def test_what_a_full_wallet_cannot_take_does_not_leave(pair, persons):
    old, survivor = pair
    fill(survivor)
    given_points(old, 1, last_day=AT.date() + timedelta(days=3000))

    with pytest.raises(LotsFull):
        approve(persons, propose(persons, old, survivor))

    assert (wallet(old).state, wallet(old).balance) == (State.OPEN, 101)


def test_a_wallet_that_filled_up_meanwhile_is_asked_again(pair, persons):
    old, survivor = pair
    given_points(old, 1, last_day=AT.date() + timedelta(days=3000))
    approve(persons, propose(persons, old, survivor))
    fill(survivor)

    job.run(old)
    job.run(old)
    waiting = found(old).arrived_at, promises()
    with at(AT + timedelta(days=5)):
        job.run(old)

    assert waiting == (None, 2)  # the first promise, which no worker took, and one for later
    assert found(old).arrived_at is not None


# Others at the same time


def at_once(*deeds):
    """The deeds let go together; what each was refused with, or None."""
    barrier = threading.Barrier(len(deeds))

    def one(deed):
        barrier.wait(10)
        try:
            deed()
        except Problem as refusal:
            return type(refusal)
        return None

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(one, deeds))


def test_two_members_merged_into_each_other_at_once_end_as_one(pair, persons):
    there, back = propose(persons, *pair), propose(persons, *reversed(pair))

    told = at_once(lambda: approve(persons, there), lambda: approve(persons, back))
    for member_id in pair:
        if found(member_id):
            job.run(member_id)

    assert sorted(map(str, told)) == sorted(map(str, [None, MemberMerged]))
    assert sorted(wallet(member_id).balance for member_id in pair) == [0, 105]


def test_the_way_back_waits_for_the_way_there_and_is_refused(pair, persons):
    there, back = propose(persons, *pair), propose(persons, *reversed(pair))

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as session:
            approvals.approve(session, persons[1], there.proposal_id, there.content_hash.hex(), AT)
            second = threads.submit(approve, persons, back)
            time.sleep(0.3)
        with pytest.raises(MemberMerged):
            second.result(10)

    assert (found(pair[0]).survivor_id, found(pair[1])) == (pair[1], None)


def test_three_merged_in_a_ring_at_once_leave_one_with_everything(db, programme, pair, persons):
    ring = [*pair, given_member(db, programme, points=7)]
    proposals = [propose(persons, ring[n], ring[(n + 1) % 3]) for n in range(3)]

    at_once(*(lambda p=proposal: approve(persons, p) for proposal in proposals))
    for member_id in ring:
        if found(member_id):
            job.run(member_id)

    whole = [member_id for member_id in ring if found(member_id) is None]
    assert len(whole) >= 1
    assert sum(wallet(member_id).balance for member_id in whole) == 112
    assert {survivor_of(member_id) for member_id in ring if member_id not in whole} <= set(whole)


def test_a_merge_and_a_redemption_at_once_are_one_after_the_other(pair, persons):
    old, survivor = pair
    proposal = propose(persons, old, survivor)

    told = at_once(lambda: approve(persons, proposal), lambda: post(old, Kind.REDEEM, 60))
    job.run(old)

    assert told[0] is None
    assert (told[1], wallet(survivor).balance) in [(None, 45), (MemberMerged, 105)]


def test_a_survivor_that_is_merged_while_points_are_under_way_is_followed(db, programme, pair, persons):
    old, survivor = pair
    last = given_member(db, programme)
    approve(persons, propose(persons, old, survivor))
    approve(persons, propose(persons, survivor, last))

    job.run(survivor)
    job.run(old)

    assert [wallet(one).balance for one in (old, survivor, last)] == [0, 0, 105]
    assert (found(old).landed_id, survivor_of(old), survivor_of(survivor)) == (last, last, last)


def test_many_workers_bring_a_merge_once(pair, persons):
    given_debt(pair[1], 9)
    approve(persons, propose(persons, *pair))

    told = at_once(*[lambda: job.run(pair[0])] * 6)

    assert told == [None] * 6
    assert kinds_of(pair[1]).count("MERGE_IN") == 1


# A worker or a server that dies


class Dead(Exception):
    """The process is gone."""


DEATHS_AT_APPROVAL = (
    "points.merges.merges.ledger.post",
    "points.merges.merges.ledger.set_state",
    "points.merges.merges.outbox.put",
)


@pytest.mark.parametrize("place", DEATHS_AT_APPROVAL)
def test_a_server_may_die_anywhere_in_the_approval_and_nothing_has_happened(pair, persons, place):
    proposal = propose(persons, *pair)
    before = kinds_of(pair[0]), wallet(pair[0]), promises()

    with patch(place, side_effect=Dead), pytest.raises(Dead):
        approve(persons, proposal)
    after = kinds_of(pair[0]), wallet(pair[0]), promises()
    approve(persons, proposal)
    job.run(pair[0])

    assert after == before
    assert wallet(pair[1]).balance == 105


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_worker_may_die_at_any_posting_and_the_next_one_ends_it(pair, persons, nth):
    old, survivor = pair
    given_debt(old, 40)
    spent = next(seq for seq, kind in enumerate(kinds_of(old), 1) if kind == "REDEEM")
    post(old, Kind.REVERSE, 10, rev_of=spent)
    approve(persons, propose(persons, old, survivor))
    real, calls = ledger.post, []

    def dying(session, request):
        calls.append(request)
        if len(calls) == nth:
            raise Dead
        answer = real(session, request)
        if nth == 3 and len(calls) == 2:  # after the last posting, before the commit
            raise Dead
        return answer

    with patch("points.merges.job.ledger.post", dying), pytest.raises(Dead):
        job.run(old)
    after = kinds_of(survivor), found(old).arrived_at
    job.run(old)

    assert after == (["EARN"], None)
    assert kinds_of(survivor) == ["EARN", "MERGE_IN", "MERGE_DEBT_IN", "REPAY"]
    assert (wallet(survivor).balance, wallet(survivor).debt) == (0, 25)


# Afterwards


def test_keys_of_the_merged_member_still_answer(pair, persons):
    old, survivor = pair
    request = Request(old, ledger.key("test", "before"), Kind.REDEEM, 10, AT, ZONE)
    with database.begin() as session:
        first = ledger.post(session, request)
    approve(persons, propose(persons, old, survivor))

    with database.begin() as session:
        again = ledger.post(session, request)

    assert (again.replayed, again.postings) == (True, first.postings)


def bill(session, programme, line) -> What:
    versions = policies.load(session, programme.programme_id)
    [outcome] = bills.post_lines(session, programme, versions, [line])
    return outcome.what


def test_later_bills_earn_for_the_survivor_and_earlier_ones_never_twice(db, programme, pair, persons):
    old, survivor = pair
    last = given_member(db, programme)
    with database.begin() as session:
        customer = members.by_id(session, old).customer_id
    early = BillLineIn(customer, "B1", 1, AT.date(), "plan", 10_000)
    late = BillLineIn(customer, "B2", 1, AT.date(), "plan", 20_000)
    with database.begin() as session:
        assert bill(session, programme, early) is What.POSTED
    for one, into in ((old, survivor), (survivor, last)):
        approve(persons, propose(persons, one, into))
        job.run(one)

    with database.begin() as session:
        told = [bill(session, programme, line) for line in (early, late, late)]

    assert told == [What.THERE, What.POSTED, What.THERE]
    assert wallet(last).balance == 100 + 5 + 100 + 200


def test_a_late_deed_of_the_merged_member_is_refused_by_name(pair, persons):
    spent = post(pair[0], Kind.REDEEM, 10).seq
    approve(persons, propose(persons, *pair))

    for kind, more in ((Kind.REVERSE, {"rev_of": spent}), (Kind.REDEEM, {}), (Kind.UNEARN, {"rev_of": 1})):
        with pytest.raises(MemberMerged):
            post(pair[0], kind, 1, **more)


# The books


def faults(rule="merge") -> list[str]:
    with database.begin() as session:
        return [finding.text for finding in findings(session) if finding.rule == rule]


FORGED = {
    "other points": ("update member_merge set points = points + 1", "merge"),
    "another survivor": ("update member_merge set survivor_id = survivor_id + 1", "merge"),
    "another landing": ("update member_merge set landed_id = landed_id + 1", "merge"),
    "another posting": ("update member_merge set in_seq = 1", "merge"),
    "another approval": ("update member_merge set merge_id = merge_id + 1", "merge"),
    "never arrived": (
        "update member_merge set landed_id = null, arrived_at = null, in_seq = null, debt_in_seq = null",
        "transit",
    ),
    "gone": ("delete from member_merge", "merge"),
    "not merged": ("update wallet set state = 2 where state = 5", "merge"),
}


def test_a_forged_merge_is_found(pair, persons, owner):
    approve(persons, propose(persons, *pair))
    job.run(pair[0])
    owner.execute(text("create temp table kept as select * from member_merge"))

    told = {}
    for forgery, (statement, rule) in FORGED.items():
        owner.execute(text(statement))
        told[forgery] = bool(faults(rule))
        owner.execute(text("delete from member_merge"))
        owner.execute(text("insert into member_merge select * from kept"))
        owner.execute(text("update wallet set state = 5 where member_id = :old"), {"old": pair[0]})

    assert told == dict.fromkeys(FORGED, True)


def test_points_under_way_that_nobody_tells_of_leave_a_gap_in_transit(pair, persons, owner):
    approve(persons, propose(persons, *pair))
    owner.execute(text("create temp table kept as select * from member_merge"))

    owner.execute(text("delete from member_merge"))
    told = faults("transit")

    owner.execute(text("insert into member_merge select * from kept"))
    assert told == [
        "postings say 100 are under way, merges 0",
        "1 postings of merges, where merges tell of 0",
    ]
