"""Expiry: the sweep changes no balance that a member sees, and may be run again, late, or not at all."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from base import clock, database, ids
from points import expiry, extensions, ledger, lots, policies
from points.deeds import Request
from points.kinds import FOREVER, Kind, State
from points.members import members as lines
from points.models import Programme
from points.wallets import wallets
from tests.given import ZONE, given_extension, given_member, given_points, given_programme
from tests.owner import owner

TODAY = clock.day(clock.now(), ZONE)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


def at(days: int, hours: int = 12):
    return clock.start_of(in_days(days), ZONE) + timedelta(hours=hours)


def sweep(
    programme: Programme, days: int, *, after: expiry.Place | None = None, ends: bool = True
) -> list[expiry.Step]:
    """The whole sweep of a day, a step at a time; one that does not end is found unfinished by the next."""
    steps = []
    with database.begin() as session:
        where = expiry.window(session, programme, in_days(days), at(days))
    place = after or expiry.start(where)
    while place is not None:
        with database.begin() as session:
            members, _, place = expiry.due(session, programme, where, place)
        with database.begin() as session:
            steps.append(expiry.sweep(session, programme, members, in_days(days), at(days)))
    if ends:
        with database.begin() as session:
            expiry.ended(session, programme, in_days(days), expiry.Step(0, 0, 0), at(days), at(days))
    return [step for step in steps if step.looked_at]


def looked_at(programme: Programme, days: int) -> int:
    return sum(step.looked_at for step in sweep(programme, days))


def redeem(member_id: int, points: int) -> None:
    asked = Request(member_id, ledger.key("test", f"spend {points}"), Kind.REDEEM, points, clock.now(), ZONE)
    with database.begin() as session:
        ledger.post(session, asked)


def spendable(member_id: int, days: int) -> int:
    with database.begin() as session:
        return wallets.show(session, member_id, at(days)).spendable


def balance(member_id: int) -> int:
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def test_the_sweep_takes_what_lapsed_and_nobody_sees_a_difference(db):
    programme = given_programme()
    members = [given_member(db, programme) for _ in range(3)]
    for member_id in members:
        given_points(member_id, 100, last_day=in_days(1))
        given_points(member_id, 50, last_day=in_days(9))
    before = [spendable(m, days) for m in members for days in (0, 1, 2, 9, 10)]

    steps = sweep(programme, 2)

    assert sum(step.lapsed_points for step in steps) == 300
    assert [balance(m) for m in members] == [50] * 3
    assert [spendable(m, days) for m in members for days in (2, 9, 10)] == [
        seen for n in range(3) for seen in before[n * 5 + 2 : n * 5 + 5]
    ]


def test_points_are_there_on_their_last_day_and_lapse_with_it(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 100, last_day=in_days(1))

    assert sum(step.lapsed_points for step in sweep(programme, 1)) == 0
    assert (spendable(member_id, 1), spendable(member_id, 2)) == (100, 0)
    assert sum(step.lapsed_points for step in sweep(programme, 2)) == 100


def test_a_second_sweep_of_a_day_and_one_that_comes_late_do_nothing_twice(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 100, last_day=in_days(1))
    given_points(member_id, 40, last_day=in_days(3))

    lapsed = [sum(step.lapsed_points for step in sweep(programme, days)) for days in (2, 2, 5, 5, 2)]

    assert lapsed == [100, 0, 40, 0, 0]


def test_a_sweep_that_stopped_half_way_meets_only_who_is_left(db, monkeypatch):
    programme = given_programme()
    members = sorted(given_member(db, programme) for _ in range(7))
    for member_id in members:
        given_points(member_id, 10, last_day=in_days(1))
    monkeypatch.setattr(expiry, "STEP", 3)
    key = lots.key(in_days(1), policies.BILL_POINTS)

    rest = sweep(programme, 2, after=expiry.Place(key, members[3]), ends=False)
    everything = sweep(programme, 2)

    assert [step.looked_at for step in rest] == [3]
    assert [step.looked_at for step in everything] == [3, 1]
    assert (sum(s.lapsed_points for s in rest), sum(s.lapsed_points for s in everything)) == (30, 40)


def test_points_that_are_set_aside_do_not_lapse(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 100, last_day=in_days(1))
    with database.begin() as session:
        hold = Request(
            member_id, ledger.key("test", "hold"), Kind.HOLD, 60, clock.now(), ZONE, ends_at=FOREVER
        )
        seq = ledger.post(session, hold).seq

    sweep(programme, 5)
    with database.begin() as session:
        back = Request(member_id, ledger.key("test", "back"), Kind.RELEASE, 0, at(5), ZONE, rev_of=seq)
        ledger.post(session, back)

    assert (spendable(member_id, 5), spendable(member_id, 35), spendable(member_id, 36)) == (60, 60, 0)


def test_another_programme_is_left_alone(db):
    first, second = given_programme(), given_programme("second")
    mine, theirs = given_member(db, first), given_member(db, second)
    for member_id in (mine, theirs):
        given_points(member_id, 10, last_day=in_days(1))

    sweep(first, 2)

    assert (balance(mine), balance(theirs)) == (0, 10)


def test_points_without_an_end_never_lapse(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=lots.NO_END)

    sweep(programme, 365 * 100)

    assert balance(member_id) == 10


def test_what_lapses_soon_is_told_soonest_first(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    for days, points in ((100, 4), (1, 1), (90, 3), (0, 2), (-1, 9)):
        given_points(member_id, points, last_day=in_days(days))

    with database.begin() as session:
        shown = wallets.show(session, member_id, at(0))

    # what came late lives thirty days of grace
    assert [(day, points) for day, points in shown.lapsing] == [
        (in_days(0), 2), (in_days(1), 1), (in_days(30), 9), (in_days(90), 3),
    ]  # fmt: skip
    assert shown.spendable == 19
    assert policies.BILL_POINTS == 1


# Cost

MONTH = date(TODAY.year + 1, 3, 1)  # the days of these tests lie within one month
FIRST = (MONTH - TODAY).days


def begun_month(programme: Programme) -> None:
    """The first sweep of the month has been."""
    sweep(programme, FIRST)


def read_by(session: Session) -> dict[str, int]:
    """Rows of wallets and members that this connection read of late, by index and by walking."""
    rows = session.execute(
        text(
            "select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables "
            "where relname in ('wallet', 'member')"
        )
    )
    return {row[0]: int(row[1]) for row in rows}


def given_crowd(
    programme: Programme, count: int, last_day: date, *, when: datetime | None = None
) -> list[int]:
    """Members with five points each that lapse after a day."""
    now, made = when or clock.now(), [ids.new_id() for _ in range(count)]
    with database.begin() as session:
        session.execute(
            text(
                "insert into member (member_id, programme_id, joined_on, customer_id) "
                "select m, :p, '2020-01-01', 'M' || m from unnest(cast(:m as bigint[])) m"
            ),
            {"p": programme.programme_id, "m": made},
        )
        session.execute(
            text(
                "insert into member_facts (member_id, programme_id, joined_on) "
                "select m, :p, '2020-01-01' from unnest(cast(:m as bigint[])) m"
            ),
            {"p": programme.programme_id, "m": made},
        )
        ledger.open_wallets(session, [(member_id, State.OPEN, now) for member_id in made])
    key = lots.key(last_day, policies.BILL_POINTS)
    for start in range(0, count, 2_000):
        with database.begin() as session:
            asked = [
                Request(m, ledger.key("test", "crowd"), Kind.EARN, 5, now, ZONE, lot_key=key)
                for m in made[start : start + 2_000]
            ]
            ledger.post_many(session, asked)
    return made


def test_a_sweep_of_ten_among_twenty_thousand_reads_and_writes_as_much_as_ten(db):
    programme = given_programme()
    crowd = given_crowd(programme, 20_000, in_days(FIRST + 200))
    for member_id in crowd[:10_000:1_000]:
        given_points(member_id, 7, last_day=in_days(FIRST + 2))
    begun_month(programme)
    with owner(db) as connection:  # as the server does by itself once a table has grown
        connection.execute(text("analyze wallet, member"))

    with database.begin() as session:
        before = read_by(session)
        where = expiry.window(session, programme, in_days(FIRST + 3), at(FIRST + 3))
        members, found, place = expiry.due(session, programme, where, expiry.start(where))
        did = expiry.sweep(session, programme, members, in_days(FIRST + 3), at(FIRST + 3))
        read = read_by(session)

    assert (len(members), found, place) == (10, 10, None)
    assert (did.looked_at, did.lapsed_points) == (10, 70)
    assert sum(read.values()) - sum(before.values()) <= 100, (before, read)


def test_a_lot_that_lapsed_empty_is_met_once_and_then_at_the_beginning_of_a_month(db):
    programme = given_programme()
    for _ in range(5):
        member_id = given_member(db, programme)
        given_points(member_id, 7, last_day=in_days(FIRST + 2))
        redeem(member_id, 7)
    begun_month(programme)
    next_month = (date(MONTH.year, MONTH.month + 1, 1) - TODAY).days

    assert [looked_at(programme, days) for days in (FIRST + 3, FIRST + 4, FIRST + 20)] == [5, 0, 0]
    assert [looked_at(programme, days) for days in (next_month, next_month + 1)] == [5, 0]


def test_a_suspended_line_is_met_once_and_is_re_dated_when_it_is_resumed(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 7, last_day=in_days(FIRST + 2))
    with database.begin() as session:
        lines.suspend(session, member_id)
    begun_month(programme)

    assert [looked_at(programme, days) for days in (FIRST + 3, FIRST + 4)] == [1, 0]
    with database.begin() as session:
        lines.resume(session, programme, member_id, at(FIRST + 5))
    assert balance(member_id) == 7
    assert spendable(member_id, FIRST + 35) == 7


def test_a_sweep_that_came_not_to_its_end_is_made_up_for_by_the_next_day(db):
    programme = given_programme()
    member_id = given_member(db, programme)
    given_points(member_id, 7, last_day=in_days(FIRST + 2))
    begun_month(programme)
    with database.begin() as session:
        where = expiry.window(session, programme, in_days(FIRST + 3), at(FIRST + 3))
    nobody = expiry.Place(2**31 - 1, 0)

    assert sweep(programme, FIRST + 3, after=nobody, ends=False) == []
    assert where.since == in_days(FIRST)
    assert sum(step.lapsed_points for step in sweep(programme, FIRST + 5)) == 7


def announced(programme: Programme, first: date, last: date, to: date) -> None:
    given_extension(programme, first, last, to, when=clock.now() - extensions.LEAD)


def test_extended_lots_are_met_when_their_own_day_and_when_their_extended_day_has_passed(db):
    programme = given_programme()
    member_id, other = given_member(db, programme), given_member(db, programme)
    for each in (member_id, other):
        given_points(each, 7, last_day=in_days(FIRST + 2))
    given_points(other, 9, last_day=in_days(FIRST + 300))
    announced(programme, in_days(FIRST + 2), in_days(FIRST + 2), in_days(FIRST + 9))
    begun_month(programme)

    assert [looked_at(programme, FIRST + n) for n in (3, 4, 9)] == [2, 0, 0]
    assert sum(step.lapsed_points for step in sweep(programme, FIRST + 10)) == 14
    assert looked_at(programme, FIRST + 11) == 0


def test_everybody_is_looked_at_once_when_points_without_an_end_reach_their_first_one(db):
    programme = given_programme()
    found = [given_member(db, programme) for _ in range(4)]
    for member_id in found:
        given_points(member_id, 7, last_day=in_days(FIRST + 300))
    given_points(found[0], 10, last_day=lots.NO_END)
    announced(programme, lots.NO_END, lots.NO_END, in_days(FIRST + 5))
    begun_month(programme)

    steps = {n: sweep(programme, FIRST + n) for n in (5, 6, 7)}

    assert [sum(step.looked_at for step in steps[n]) for n in (5, 6, 7)] == [0, 4, 0]
    assert sum(step.lapsed_points for step in steps[6]) == 10


def test_a_wallet_with_many_lots_is_told(db, caplog):
    programme = given_programme()
    member_id = given_member(db, programme)
    for n in range(lots.MANY_LOTS):
        given_points(member_id, 1, last_day=in_days(1 + n))

    (step,) = sweep(programme, 2)

    assert step.crowded == 1
    assert f"member {member_id} has 48 lots" in caplog.text


# The index on a wallet's first lot


@pytest.mark.parametrize("batch", [False, True])
def test_spending_and_earning_into_a_lot_that_is_there_touch_no_index_of_the_wallet(db, batch):
    programme = given_programme()
    member_id = given_member(db, programme, points=100)
    key = lots.key(clock.now().date() + timedelta(days=730), policies.BILL_POINTS)
    given_points(member_id, 5, last_day=in_days(30))
    asked = [
        Request(member_id, ledger.key("test", "1"), Kind.REDEEM, 3, clock.now(), ZONE),
        Request(member_id, ledger.key("test", "2"), Kind.REDEEM, 30, clock.now(), ZONE),
        Request(member_id, ledger.key("test", "3"), Kind.EARN, 4, clock.now(), ZONE, lot_key=key),
        Request(member_id, ledger.key("test", "4"), Kind.HOLD, 4, clock.now(), ZONE, ends_at=FOREVER),
    ]

    def updates(session: Session) -> tuple[int, int]:
        row = session.execute(
            text("select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'wallet'")
        ).one()
        return int(row[0]), int(row[1])

    with database.begin() as session:
        first = updates(session)
        for request in asked:
            if batch:
                ledger.post_many(session, [request])
            else:
                ledger.post(session, request)
        second = updates(session)
    with database.begin() as session:
        opening = Request(member_id, ledger.key("test", "5"), Kind.EARN, 4, clock.now(), ZONE,
                          lot_key=lots.key(in_days(90), policies.BILL_POINTS))  # fmt: skip
        third = updates(session)
        ledger.post(session, opening)
        fourth = updates(session)

    assert (second[0] - first[0], second[1] - first[1]) == (4, 4)
    assert (fourth[0] - third[0], fourth[1] - third[1]) == (1, 0)
