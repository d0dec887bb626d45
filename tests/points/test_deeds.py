"""Deeds beyond earning and spending: taken back, owed, adjusted, given, merged, re-dated - each proven by the replay."""

from datetime import timedelta

import pytest

from base import database
from base.errors import Problem
from points import ledger
from points import verify as points_verify
from points.deeds import Request
from points.kinds import FOREVER, Kind, State
from points.lots import Interval
from points.refusals import MemberMerged, MoreThanLeft, NotEnoughPoints, PointsHeld
from tests.owner import forget_everything
from tests.points.oracle import START, ZONE, in_days
from tests.points.test_ledger import ask, given_wallet, post, post_many, wallet

DAY = timedelta(days=1)


def kinds_of(answer) -> list[tuple[Kind, int]]:
    return [(posting.kind, posting.amount) for posting in answer.postings]


@pytest.fixture
def unapproved(db):
    """A database for deeds that nobody approved: the ledger alone is proved, and then all is forgotten."""
    yield db
    with database.begin() as session:
        assert list(points_verify.findings(session)) == []
    forget_everything(db)


def test_an_earn_is_taken_back_from_its_own_lot_first(db):
    member_id = given_wallet(100, days=10)
    earn = post(ask(member_id, "more", Kind.EARN, 50, lot_key=in_days(90))).seq

    answer = post(ask(member_id, "back", Kind.UNEARN, 20, rev_of=earn))

    assert kinds_of(answer) == [(Kind.UNEARN, 20)]
    assert wallet(member_id).lots.taken == (0, 20)


def test_what_was_spent_already_becomes_debt_and_later_earnings_repay_it_first(db):
    member_id = given_wallet()
    earn = post(ask(member_id, "bill", Kind.EARN, 100, lot_key=in_days(90))).seq
    post(ask(member_id, "spend", Kind.REDEEM, 70))

    taken = post(ask(member_id, "back", Kind.UNEARN, 0, rev_of=earn))
    after = wallet(member_id)
    repaid = post(ask(member_id, "next bill", Kind.EARN, 50, lot_key=in_days(120)))

    assert kinds_of(taken) == [(Kind.UNEARN, 30), (Kind.OWE, 70)]
    assert (after.balance, after.debt) == (0, 70)
    assert kinds_of(repaid) == [(Kind.EARN, 50), (Kind.REPAY, 50)]
    assert (wallet(member_id).balance, wallet(member_id).debt) == (0, 20)


def test_an_earn_is_taken_back_in_parts_and_never_more_than_it_was(db):
    member_id = given_wallet()
    earn = post(ask(member_id, "bill", Kind.EARN, 100, lot_key=in_days(90))).seq
    post(ask(member_id, "spend", Kind.REDEEM, 100))

    post(ask(member_id, "part", Kind.UNEARN, 60, rev_of=earn))

    with pytest.raises(MoreThanLeft) as refused:
        post(ask(member_id, "too much", Kind.UNEARN, 41, rev_of=earn))
    assert refused.value.facts == {"left": 40}
    post(ask(member_id, "rest", Kind.UNEARN, 0, rev_of=earn))
    assert wallet(member_id).debt == 100


def test_points_are_adjusted_up_into_a_lot_and_down_from_one(unapproved):
    member_id = given_wallet(100, days=10)

    post(ask(member_id, "goodwill", Kind.ADJUST_UP, 30, lot_key=in_days(60)))
    post(ask(member_id, "named", Kind.ADJUST_DOWN, 10, lot_key=in_days(60)))
    post(ask(member_id, "soonest", Kind.ADJUST_DOWN, 5))

    assert (wallet(member_id).lots.given, wallet(member_id).lots.taken) == ((100, 30), (5, 10))
    with pytest.raises(NotEnoughPoints):
        post(ask(member_id, "too much", Kind.ADJUST_DOWN, 116))


def test_a_gift_leaves_from_a_hold_and_arrives_with_its_last_days(db):
    giver, receiver = given_wallet(100, days=10), given_wallet()
    post(ask(giver, "later", Kind.EARN, 50, lot_key=in_days(40)))
    hold = post(ask(giver, "gift", Kind.HOLD, 120, ends_at=FOREVER)).seq

    sent = post(ask(giver, "send", Kind.GIFT_OUT, 0, rev_of=hold))
    brought = tuple(Interval(key, 0, count) for key, _, count in sent.postings[0].lots)
    post(ask(receiver, "arrive", Kind.GIFT_IN, 120, quoted=brought))

    assert (wallet(giver).balance, wallet(giver).held) == (30, 0)
    assert wallet(receiver).lots.keys == (in_days(10), in_days(40))
    assert wallet(receiver).lots.given == (100, 20)


def test_a_gift_that_nobody_takes_goes_back_to_the_lots_it_came_from(db):
    giver = given_wallet(100, days=10)
    hold = post(ask(giver, "gift", Kind.HOLD, 60, ends_at=FOREVER)).seq
    sent = post(ask(giver, "send", Kind.GIFT_OUT, 0, rev_of=hold)).seq

    post(ask(giver, "return", Kind.GIFT_RETURN, 0, rev_of=sent))

    assert wallet(giver).balance == 100
    assert wallet(giver).lots.keys == (in_days(10),)
    with pytest.raises(MoreThanLeft):
        post(ask(giver, "return twice", Kind.GIFT_RETURN, 0, rev_of=sent))


def test_a_merge_moves_all_lots_and_the_debt_and_closes_the_old_wallet(unapproved):
    old, survivor = given_wallet(), given_wallet(30, days=5)
    earn = post(ask(old, "bill", Kind.EARN, 100, lot_key=in_days(90))).seq
    post(ask(old, "spend", Kind.REDEEM, 100))
    post(ask(old, "back", Kind.UNEARN, 0, rev_of=earn))
    with database.begin() as session:
        ledger.set_state(session, old, State.FROZEN)  # nothing repays between
        ledger.set_state(session, old, State.OPEN)

    left = post(ask(old, "merge", Kind.MERGE_OUT, 0))
    with database.begin() as session:
        ledger.set_state(session, old, State.MERGED)
    arrived = post(ask(survivor, "merge debt", Kind.MERGE_DEBT_IN, 100))

    assert kinds_of(left) == [(Kind.MERGE_DEBT_OUT, 100)]
    assert kinds_of(arrived) == [(Kind.MERGE_DEBT_IN, 100), (Kind.REPAY, 30)]
    assert (wallet(old).debt, wallet(survivor).debt, wallet(survivor).balance) == (0, 70, 0)
    with pytest.raises(MemberMerged):
        post(ask(old, "late", Kind.EARN, 5, lot_key=in_days(90)))


def test_a_merge_waits_for_what_is_set_aside(db):
    member_id = given_wallet(100)
    post(ask(member_id, "hold", Kind.HOLD, 10, ends_at=FOREVER))

    with pytest.raises(PointsHeld):
        post(ask(member_id, "merge", Kind.MERGE_OUT, 0))


def test_a_frozen_line_keeps_its_lapsing_lots_and_gets_them_back_with_grace(db):
    member_id = given_wallet(100, days=5)
    post(ask(member_id, "long", Kind.EARN, 40, lot_key=in_days(365)))
    with database.begin() as session:
        ledger.set_state(session, member_id, State.FROZEN)
    later = START + 20 * DAY
    post(ask(member_id, "bill while frozen", Kind.EARN, 7, at=later, lot_key=in_days(400)))
    assert wallet(member_id).balance == 147

    with database.begin() as session:
        ledger.set_state(session, member_id, State.FROZEN)
        thawed = ledger.post(session, ask(member_id, "thaw", Kind.REDATE_OUT, 0, at=later))
        ledger.set_state(session, member_id, State.OPEN)

    assert kinds_of(thawed) == [(Kind.REDATE_OUT, 100), (Kind.REDATE_IN, 100)]
    assert wallet(member_id).lots.keys[0] == in_days(50)
    assert wallet(member_id).balance == 147


def test_deeds_in_a_batch_are_the_same_deeds(unapproved):
    one, other = given_wallet(100), given_wallet(100)

    answers = post_many(
        ask(one, "up", Kind.ADJUST_UP, 5, lot_key=in_days(9)),
        ask(other, "down", Kind.ADJUST_DOWN, 5),
        ask(other, "nobody", Kind.GIFT_RETURN, 0, rev_of=1),
    )

    assert [isinstance(answer, Problem) for answer in answers] == [False, False, True]
    assert (wallet(one).balance, wallet(other).balance) == (105, 95)


def test_what_is_brought_must_add_up(db):
    member_id = given_wallet()
    asked = Request(
        member_id,
        ledger.key("test", "bring"),
        Kind.GIFT_IN,
        10,
        START,
        ZONE,
        quoted=(Interval(in_days(9), 0, 9),),
    )

    with pytest.raises(Problem):
        post(asked)
    assert wallet(member_id).balance == 0
