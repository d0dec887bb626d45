"""Points of three eras in one wallet: on both sides of each border they lapse by their own rule, and no other."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from base import clock, database
from points import bills, eras, expiry, ledger, lots, policies, programmes
from points.bills import BillLineIn
from points.deeds import Request
from points.imports import What
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment
from points.members.models import Member
from points.policies import BILL_POINTS, PROMOTION_POINTS
from points.wallets import wallets
from tests.given import ZONE, given_extension, secrets_of

TODAY = clock.day(clock.now(), ZONE)
LINE = BillLineIn("C1", "B1", 1, date(2010, 12, 31), "plan", 100)
EARNED = {  # on which day -> how many points of bills
    date(2010, 11, 30): 1,
    date(2010, 12, 31): 10,
    date(2011, 1, 1): 100,
    date(2021, 4, 30): 1_000,
    date(2021, 5, 1): 10_000,
    date(2021, 6, 1): 100_000,
}


@pytest.fixture
def programme(db):
    with database.begin() as session:
        made = programmes.create(session, "eras", {"en": "Eras"}, zone=ZONE, currency="CNY")
        eras.add(session, made.programme_id)
    return made


@pytest.fixture
def member_id(db, programme):
    with database.begin() as session:
        row = Enrolment("C1", date(2008, 1, 1))
        return members.enrol_many(session, programme, secrets_of(db), [row])["C1"]


def noon(day):
    return clock.start_of(day, ZONE) + timedelta(hours=12)


def spendable(member_id, day):
    with database.begin() as session:
        return wallets.show(session, member_id, noon(day)).spendable


def bill(programme, day, points=None):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        line = replace(LINE, bill_id=f"{day}", bill_day=day, amount_fen=100 * (points or EARNED[day]))
        [outcome] = bills.post_lines(session, programme, versions, [line], noon(day))
    assert outcome.what is What.POSTED


def promotion(member_id, points, on, last_day):
    key = lots.key(last_day, PROMOTION_POINTS)
    with database.begin() as session:
        ledger.post(
            session,
            Request(member_id, ledger.key("test", str(on)), Kind.EARN, points, noon(on), ZONE, lot_key=key),
        )


def sweep(programme, on):
    with database.begin() as session:
        everybody = list(
            session.scalars(select(Member.member_id).where(Member.programme_id == programme.programme_id))
        )
        return expiry.sweep(session, programme, everybody, on, noon(on)).lapsed_points


def test_each_side_of_each_border_has_its_own_last_day(programme):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)

    ends = {
        day: lots.last_day(policies.lot_key(versions.expiry_policy(BILL_POINTS, day), day)) for day in EARNED
    }

    assert list(ends.values()) == [
        date(2013, 11, 30),
        date(2013, 12, 31),
        lots.NO_END,
        lots.NO_END,
        date(2024, 5, 31),
        date(2024, 6, 30),
    ]


def test_points_of_all_eras_live_in_one_wallet_and_lapse_by_their_own_rule(programme, member_id):
    for day in EARNED:
        if day == date(2021, 4, 30):  # what was due before is written off on the way
            assert sweep(programme, date(2014, 1, 1)) == 11
        bill(programme, day)

    days = {
        date(2024, 5, 31): 111_100,
        date(2024, 6, 1): 101_100,
        date(2024, 6, 30): 101_100,
        date(2024, 7, 1): 1_100,
        date(2099, 12, 31): 1_100,
    }
    assert {day: spendable(member_id, day) for day in days} == days
    assert [sweep(programme, day) for day in days] == [0, 10_000, 0, 100_000, 0]


def test_the_first_era_is_cleared_month_by_month(programme, member_id):
    for day in list(EARNED)[:3]:
        bill(programme, day)

    days = {
        date(2013, 11, 30): 111, date(2013, 12, 1): 110, date(2013, 12, 31): 110, date(2014, 1, 1): 100,
    }  # fmt: skip
    assert {day: spendable(member_id, day) for day in days} == days


def test_promotion_points_keep_their_own_day_in_every_era(programme, member_id):
    for number, (on, last_day) in enumerate(
        [
            (date(2010, 12, 31), date(2011, 6, 15)),
            (date(2011, 1, 1), date(2011, 7, 15)),
            (date(2021, 4, 30), date(2021, 8, 15)),
            (date(2021, 5, 1), date(2021, 9, 15)),
        ]
    ):
        promotion(member_id, 10**number, on, last_day)
        before = spendable(member_id, last_day)
        assert before % 10 ** (number + 1) // 10**number == 1
        assert before - spendable(member_id, last_day + timedelta(days=1)) == 10**number


def test_what_policies_cannot_say_stands_in_one_place_and_names_lots_of_the_eras(programme):
    not_cleared, fixed = eras.LATER_ENDS
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)

    def last_day(day):
        return lots.last_day(policies.lot_key(versions.expiry_policy(BILL_POINTS, day), day))

    left_over = [
        day
        for day in (date(2007, 12, 31), date(2008, 1, 1), date(2010, 12, 31))
        if last_day(day) >= eras.WITHOUT_END
    ]
    assert left_over == [date(2008, 1, 1), date(2010, 12, 31)]
    assert all(not_cleared.least <= last_day(day) <= not_cleared.most for day in left_over)
    assert not_cleared.day == fixed.least == last_day(date(2011, 1, 1)) == last_day(date(2021, 4, 30))
    assert fixed.day == date(2024, 4, 30) < last_day(eras.MONTH_ENDS)


@pytest.mark.parametrize(
    ("announced_on", "end"),
    [(eras.LATER_ENDS[1].announced_on, eras.LATER_ENDS[1].day), (TODAY, TODAY + timedelta(days=60))],
    ids=["as it was told", "told today"],
)
def test_points_without_an_end_get_their_first_one_by_an_approved_extension_and_later_ones_keep_their_own(
    programme, member_id, announced_on, end
):
    eve = date(2021, 4, 30)
    bill(programme, eve, 1_000)
    bill(programme, announced_on, 10_000)  # on the other side of the border
    with database.begin() as session:
        policy = policies.load(session, programme.programme_id).expiry_policy(BILL_POINTS, announced_on)
    own = lots.last_day(policies.lot_key(policy, announced_on))

    given_extension(programme, lots.NO_END, lots.NO_END, end, when=noon(announced_on))

    days = {
        end: 11_000, end + timedelta(days=1): 10_000, own: 10_000, own + timedelta(days=1): 0,
    }  # fmt: skip
    assert eve < eras.MONTH_ENDS <= announced_on
    assert {day: spendable(member_id, day) for day in days} == days
    assert [sweep(programme, day) for day in days] == [0, 1_000, 0, 10_000]
