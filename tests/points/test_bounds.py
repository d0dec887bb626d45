"""The ends of every range: amounts, counters, lots, clocks, calendars, and ten thousand postings of one member."""

import time
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import clock, database
from base.errors import Problem
from points import deeds, ledger, lots, policies, verify
from points.kinds import FOREVER, MOST_POINTS, Kind, State
from points.ledger import Answer
from points.models import ExpiryPolicy
from points.refusals import NotEnoughPoints, PointsOutOfRange
from tests.owner import owner
from tests.points.oracle import START, ZONE, in_days
from tests.points.test_ledger import ask, given_wallet, post, post_many, rows, wallet
from tests.points.test_postings import given_book

pytestmark = pytest.mark.unapproved

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def changes() -> tuple[int, int, int]:
    """How often PostgreSQL changed or removed a posting, and how often it added one, since its statistics began."""
    with database.begin() as session:
        found = session.connection().exec_driver_sql(
            "select pg_stat_force_next_flush(), n_tup_upd, n_tup_del, n_tup_ins from pg_stat_user_tables where relname = 'posting'"
        )
        _, updated, deleted, inserted = found.one()
    return updated, deleted, inserted


# Amounts


@pytest.mark.parametrize("kind", sorted(deeds._DEEDS))
@pytest.mark.parametrize("points", [-1, -(2**63), MOST_POINTS + 1, 2**63 - 1, 2**63, 10**30])
def test_no_deed_moves_points_out_of_range(kind, points):
    book = given_book(points=1_000)
    book.do(ask(0, "hold", Kind.HOLD, 10, ends_at=FOREVER))
    before = book.wallet

    with pytest.raises(Problem):
        book.do(ask(0, "deed", kind, points, lot_key=in_days(9), rev_of={Kind.UNEARN: 1}.get(kind, 2)))

    assert book.wallet == before


def test_points_that_no_counter_could_hold_are_refused_by_name_and_harm_nobody(db):
    full, other = given_wallet(), given_wallet()
    earns = [ask(full, f"{n}", Kind.EARN, MOST_POINTS, lot_key=in_days(9)) for n in range(100)]

    *answers, last = post_many(*earns, ask(other, "one", Kind.EARN, 1, lot_key=in_days(9)))

    assert isinstance(last, Answer)
    done = sum(isinstance(answer, Answer) for answer in answers)
    assert 50 < done < 100
    assert {type(answer) for answer in answers[done:]} == {PointsOutOfRange}
    with pytest.raises(PointsOutOfRange):
        post(ask(full, "more", Kind.EARN, MOST_POINTS, lot_key=in_days(9)))
    assert wallet(full).balance == done * MOST_POINTS
    assert lots.MOST_LOTS * lots.MOST_IN_A_LOT < 2**63  # so that no balance can be more than the column holds


def test_a_wallet_of_the_fullest_lots_that_can_be_is_stored_and_spent(db):
    member_id = given_wallet()
    whole, rest = divmod(lots.MOST_IN_A_LOT, MOST_POINTS)
    for day in (1, 2):
        parts = [MOST_POINTS] * whole + [rest]
        earns = [
            ask(member_id, f"{day}/{n}", Kind.EARN, p, lot_key=in_days(day)) for n, p in enumerate(parts)
        ]
        assert all(isinstance(answer, Answer) for answer in post_many(*earns))

    post(ask(member_id, "lapse", Kind.EXPIRE, 0, START + 3 * DAY))

    assert (wallet(member_id).balance, wallet(member_id).lots.keys) == (0, ())


# Many


@pytest.mark.timeout(300)
def test_ten_thousand_postings_of_one_member_are_numbered_proved_and_never_changed(db):
    with owner(db) as connection:  # what it removed after the last test counts as then
        connection.exec_driver_sql("select pg_stat_force_next_flush()")
    member_id, before = given_wallet(100, days=30), changes()
    kinds = [Kind.EARN, Kind.EARN, Kind.REDEEM, Kind.ADJUST_DOWN]
    asked = [
        ask(member_id, f"{n}", kinds[n % 4], 1 + n % 3, START + n * timedelta(minutes=1), lot_key=in_days(n // 500 + 30))
        for n in range(10_000)
    ]  # fmt: skip

    answers = post_many(*asked[:1_000])
    for start in range(1_000, 10_000, 500):
        answers += post_many(*asked[start : start + 500])
    again = [post(asked[n]) for n in (0, 5_000, 9_999)]

    assert all(isinstance(answer, Answer) for answer in answers)
    assert wallet(member_id).seq == rows("posting", member_id) == 10_001
    assert [answer.seq for answer in again] == [2, 5_002, 10_001]
    with database.begin() as session:
        assert list(verify.findings(session)) == []
    updated, deleted, inserted = 0, 0, 0
    for _ in range(100):  # the server counts a little later than it writes
        updated, deleted, inserted = (now - then for now, then in zip(changes(), before, strict=True))
        if inserted >= 10_000:
            break
        time.sleep(0.1)
    assert (updated, deleted) == (0, 0)
    assert inserted >= 10_000


# Clocks


@pytest.mark.parametrize("way", [post, lambda request: post_many(request)[0]], ids=["single", "batch"])
def test_an_asker_whose_clock_is_behind_cannot_turn_a_members_time_back(db, way):
    member_id = given_wallet(100, days=2)
    post(ask(member_id, "long", Kind.EARN, 10, START + 1 * DAY, lot_key=in_days(60)))
    post(ask(member_id, "after the last day", Kind.EXPIRE, 0, START + 3 * DAY))

    late = way(ask(member_id, "yesterday", Kind.EARN, 5, START, lot_key=in_days(2)))

    assert isinstance(late, Answer)
    assert late.postings[-1].at == wallet(member_id).at == START + 3 * DAY
    assert wallet(member_id).lots.keys[0] == in_days(33)  # its lot has lapsed by the member's own clock
    assert wallet(member_id).balance == 15


def test_an_asker_whose_clock_is_ahead_moves_the_members_time_and_no_one_elses(db):
    ahead, other = given_wallet(100), given_wallet(100)

    post_many(ask(ahead, "x", Kind.REDEEM, 1, START + 5 * DAY), ask(other, "x", Kind.REDEEM, 1))

    assert (wallet(ahead).at, wallet(other).at) == (START + 5 * DAY, START)


def test_in_a_batch_each_request_of_a_member_is_at_its_own_time_or_the_latest_before(db):
    member_id = given_wallet(100)
    hours = [3, 1, 2, 5, 4]

    answers = post_many(*(ask(member_id, f"{h}", Kind.REDEEM, 1, START + h * HOUR) for h in hours))

    assert [(a.postings[0].at - START) // HOUR for a in answers if isinstance(a, Answer)] == [3, 3, 3, 5, 5]


@pytest.mark.parametrize(
    "last_day",
    [date(2026, 1, 31), date(2028, 2, 29), date(2027, 2, 28), date(2026, 12, 31), date(2100, 2, 28)],
)
def test_points_of_a_month_end_are_there_until_midnight_in_the_zone(db, last_day):
    member_id = given_wallet()
    policy = ExpiryPolicy(policy_id=1, programme_id=1, lot_class=1, from_day=date(2020, 1, 1), months=1)
    earned_on = date(last_day.year, last_day.month, 1) - DAY
    midnight = clock.start_of(last_day + DAY, ZONE)
    key = policies.lot_key(policy, earned_on)
    post(ask(member_id, "earn", Kind.EARN, 10, clock.start_of(earned_on, ZONE), lot_key=key))

    post(ask(member_id, "in time", Kind.REDEEM, 4, midnight - timedelta(microseconds=1)))
    with pytest.raises(NotEnoughPoints):
        post(ask(member_id, "too late", Kind.REDEEM, 1, midnight))
    lapsed = post(ask(member_id, "sweep", Kind.EXPIRE, 0, midnight)).postings[0]

    assert lots.last_day(key) == last_day
    assert (lapsed.amount, lapsed.effective_on) == (6, last_day + DAY)


ZONES = (
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Cairo",
)


@given(st.integers(-(36 * 365), 114 * 365), st.integers(0, 86_400 * 10**6 - 1), st.sampled_from(ZONES))
def test_every_moment_has_one_day_in_a_zone_and_the_days_have_no_gap(days, microseconds, zone):
    at = START + timedelta(days=days, microseconds=microseconds)
    on = clock.day(at, zone)

    assert clock.start_of(on, zone) <= at
    assert clock.day(clock.start_of(on, zone), zone) == on
    assert clock.day(at + timedelta(microseconds=1), zone) >= on


# Members


def test_an_empty_a_closed_and_a_merged_member_answer_every_deed_and_stay_as_they_are(db):
    for state in (State.OPEN, State.CLOSED, State.MERGED):
        member_id = given_wallet()
        with database.begin() as session:
            ledger.set_state(session, member_id, state)
        taking = [Kind.REDEEM, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE, Kind.UNEARN, Kind.ADJUST_DOWN,
                  Kind.GIFT_OUT, Kind.GIFT_RETURN]  # fmt: skip

        answers = post_many(*(ask(member_id, kind.name, kind, 1, rev_of=1) for kind in taking))

        assert [answer for answer in answers if not isinstance(answer, Problem)] == []
        assert (wallet(member_id).seq, rows("posting", member_id)) == (0, 0)
