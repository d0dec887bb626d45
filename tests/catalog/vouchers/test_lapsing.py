"""Vouchers past their last day: set expired once, in the merchant's zone, with what was left of them written down."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from base import clock, database
from catalog.vouchers import freezing, lapsing
from catalog.vouchers.models import Voucher, VoucherLapse
from merchants.models import Merchant
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.owner import owner

DAY = timedelta(days=1)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=10_000)


@pytest.fixture
def member(app, member_id):
    return caller(app, member_token(member_id))


@pytest.fixture
def till(app, shop):
    return caller(app, clerk_token(shop))


@pytest.fixture
def offer(programme, shop):
    return given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)


def after_its_day(offset: timedelta = timedelta()):
    """The first moment after the last day of vouchers of today, in their merchant's zone."""
    with database.begin() as session:
        voucher = session.scalars(select(Voucher).order_by(Voucher.voucher_id)).first()
        zone = session.get_one(Merchant, voucher.merchant_id).zone
    return clock.start_of(voucher.last_day + DAY, zone) + offset


def lapse(at):
    with database.begin() as session:
        return lapsing.step(session, at)


def states():
    with database.begin() as session:
        return [one.state for one in session.scalars(select(Voucher).order_by(Voucher.voucher_id))]


def lapses():
    with database.begin() as session:
        rows = session.scalars(select(VoucherLapse).order_by(VoucherLapse.voucher_id))
        return [(one.units, one.booked_fen, one.cash_fen) for one in rows]


def test_it_lapses_with_the_first_moment_after_its_day_where_the_merchant_is(member, offer):
    member.redeem(offer)

    before, then, again = (
        lapse(after_its_day(-timedelta(seconds=1))),
        lapse(after_its_day()),
        lapse(after_its_day(DAY)),
    )

    assert (before, then, again) == (0, 1, 0)
    assert (states(), lapses()) == (["expired"], [(1, 100, 0)])


def test_the_zone_is_the_merchants_own(db, member, offer, shop):
    member.redeem(offer)
    with owner(db) as connection:
        connection.execute(
            update(Merchant)
            .where(Merchant.merchant_id == shop.merchant.merchant_id)
            .values(zone="America/Los_Angeles")
        )
    late = after_its_day()
    with database.begin() as session:
        last_day = session.scalars(select(Voucher.last_day)).one()

    assert lapse(clock.start_of(last_day + DAY, "Asia/Shanghai")) == 0
    assert lapse(late) == 1


def test_of_one_that_was_partly_used_what_is_left_is_written_down(member, till, offer):
    redeemed = member.redeem(offer, 3).json
    token = till.check(member.voucher_code(redeemed)).json["check_token"]
    till.post("/v1/vouchers/accept", {"check_token": token, "units": 1})

    lapse(after_its_day(DAY))

    assert lapses() == [(2, 200, 0)]


def test_one_that_was_partly_used_waits_a_day_for_its_last_use_may_be_undone(app, member, shop, offer):
    code = member.voucher_code(member.redeem(offer, 2).json)
    with clock.stopped(after_its_day(-timedelta(seconds=30))):
        token = caller(app, clerk_token(shop)).check(code).json["check_token"]
    with clock.stopped(after_its_day(timedelta(seconds=30))):
        till = caller(app, clerk_token(shop))
        used = till.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json["id"]

    too_early = lapse(after_its_day(timedelta(minutes=2)))
    with clock.stopped(after_its_day(timedelta(minutes=3))):
        undone = caller(app, clerk_token(shop)).post(f"/v1/acceptances/{used}/void", {"reason": "wrong"})

    assert (too_early, undone.status_code) == (0, 201)
    assert lapse(after_its_day(timedelta(minutes=4))) == 1
    assert lapses() == [(2, 200, 0)]


def test_one_that_somebody_changes_is_waited_for_and_never_passed_by(app, member, member_id, offer):
    member.redeem(offer)
    with database.begin() as session:
        first = session.scalars(select(Voucher)).one()
    with clock.stopped(clock.now() + 20 * DAY):
        assert caller(app, member_token(member_id)).redeem(offer).status_code == 201
    later = after_its_day(60 * DAY)

    with database.begin() as busy:
        freezing.lock(busy, (first.member_id, first.voucher_id))
        with pytest.raises(database.StillRunning):
            lapse(later)

    assert lapse(later) == 2
    assert states() == ["expired", "expired"]


def test_the_member_and_the_till_hear_the_same_before_and_after(app, member, member_id, shop, offer):
    redeemed = member.redeem(offer).json
    code, later = member.voucher_code(redeemed), after_its_day(timedelta(hours=1))

    def heard():
        with clock.stopped(later):
            member, till = caller(app, member_token(member_id)), caller(app, clerk_token(shop))
            shown = member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"]
            refused = till.check(code).json
            handed_back = member.post(f"/v1/redemptions/{redeemed['id']}/cancel").json["type"]
        return shown, refused["type"], refused.get("last_day"), handed_back

    before = heard()
    assert lapse(later) == 1

    assert heard() == before
    assert before[0] == "expired"


def test_one_that_a_till_holds_waits_for_the_end_of_the_hold(app, member, shop, offer):
    redeemed = member.redeem(offer).json
    code = member.voucher_code(redeemed)
    with clock.stopped(after_its_day(-timedelta(seconds=30))):
        assert caller(app, clerk_token(shop)).check(code).status_code == 200

    held, over = lapse(after_its_day()), lapse(after_its_day(timedelta(minutes=3)))

    assert (held, over) == (0, 1)


def test_a_frozen_one_stays_and_lapses_once_it_is_thawed(app, member, member_id, offer):
    member.redeem(offer)
    with database.begin() as session:
        voucher = session.scalars(select(Voucher)).one()
        key = (voucher.member_id, voucher.voucher_id)
        freezing.freeze(session, key, "staff:1", "looks wrong", clock.now())
    later = after_its_day(100 * DAY)
    assert lapse(later) == 0
    with clock.stopped(later - DAY):
        assert caller(app, member_token(member_id)).redeem(offer).status_code == 201
    assert lapse(later + 60 * DAY) == 1  # the walk has gone far beyond the frozen one's day

    with database.begin() as session:
        freezing.thaw(session, key, "staff:1", "it was right", clock.now())

    assert lapse(later + 60 * DAY) == 1
    assert states() == ["expired", "expired"]


def test_two_at_once_share_the_work_and_write_each_once(member, offer):
    for _ in range(6):
        member.redeem(offer)
    at, gate = after_its_day(), threading.Barrier(2)

    def some(_):
        gate.wait()
        return sum(_step(at, 2) for _ in range(6))

    with ThreadPoolExecutor(2) as pool:
        done = sum(pool.map(some, range(2)))

    assert done == len(lapses()) == 6


def _step(at, limit):
    with database.begin() as session:
        return lapsing.step(session, at, limit=limit)


def test_the_command_says_how_many_and_a_second_one_none(cli, member, offer):
    member.redeem(offer)
    with clock.stopped(after_its_day()):
        first, second = (cli("vouchers", "lapse", "--json", "--quiet") for _ in range(2))

    assert (first.stdout, second.stdout) == ('{"lapsed": 1}\n', '{"lapsed": 0}\n')
