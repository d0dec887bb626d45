"""Expiry: the sweep changes no balance that a member sees, and may be run again, late, or not at all."""

from datetime import date, timedelta

from base import clock, database
from points import expiry, ledger, lots, policies
from points.deeds import Request
from points.kinds import FOREVER, Kind
from points.models import Programme
from points.wallets import wallets
from tests.given import ZONE, given_member, given_points, given_programme

TODAY = clock.day(clock.now(), ZONE)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


def at(days: int, hours: int = 12):
    return clock.start_of(in_days(days), ZONE) + timedelta(hours=hours)


def sweep(programme: Programme, days: int, *, after: int = 0) -> list[expiry.Step]:
    """The whole sweep of a day, a step at a time."""
    steps = []
    while True:
        with database.begin() as session:
            step = expiry.sweep_step(session, programme, in_days(days), at(days), after)
        if step.last_member is None:
            return steps
        steps.append(step)
        after = step.last_member


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


def test_a_sweep_goes_on_after_the_member_where_it_stopped(db, monkeypatch):
    programme = given_programme()
    members = sorted(given_member(db, programme) for _ in range(7))
    for member_id in members:
        given_points(member_id, 10, last_day=in_days(1))
    monkeypatch.setattr(expiry, "STEP", 3)

    rest = sweep(programme, 2, after=members[3])
    everything = sweep(programme, 2)

    assert [step.looked_at for step in rest] == [3]
    assert [step.looked_at for step in everything] == [3, 3, 1]
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
