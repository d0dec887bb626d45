"""What a date brings: everybody due once, whatever breaks off or runs twice, within the budget to the point."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from app.wiring import wire
from base import clock, database
from base.database import NotConnected
from points.bonuses import due
from points.bonuses.due import START, Step
from points.members import members
from points.members.members import Enrolment
from tests.conftest import ROOT
from tests.given import given_bonus_rule, given_member, given_programme, secrets_of
from tests.points.bonuses.giving import balance, bonuses, budget_left, give, set_birthday, today
from tests.points.test_ledger import at_once
from tests.points.wire import AFTER, BEFORE, Wire

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    return given_programme()


def run(programme, first=None, last=None) -> Step:
    last = last or today()
    total = Step()
    with database.begin() as session:
        tasks = due.tasks(session, programme, first or last, last)
    for task in tasks:
        place = START
        while place is not None:
            with database.begin() as session:
                did = due.step(session, programme, task, place, clock.now())
            total.add(did)
            place = did.next
    return total


def born(db, programme, *birthdays, **more):
    people = [given_member(db, programme, **more) for _ in birthdays]
    for member_id, birthday in zip(people, birthdays, strict=True):
        set_birthday(member_id, birthday)
    return people


def test_birthdays_of_a_day_are_given_once_and_of_nobody_else(db, programme):
    with clock.stopped(datetime(2027, 5, 1, 4, tzinfo=UTC)):
        given_bonus_rule(programme, "birthday", "birthday")
        people = born(db, programme, "05-01", "05-01", "05-02", "04-30")
        given_member(db, programme)  # nobody told when this one was born
        stranger = born(db, given_programme("other"), "05-01")

        first, second = run(programme), run(programme)

    assert (first.given, first.points, second.looked_at) == (2, 20, 0)
    assert [balance(one) for one in (*people, *stranger)] == [10, 10, 0, 0, 0]


@pytest.mark.parametrize(
    ("on", "given"),
    [(date(2027, 2, 28), 2), (date(2027, 3, 1), 0), (date(2028, 2, 28), 1), (date(2028, 2, 29), 1)],
)
def test_who_was_born_on_a_leap_day_is_congratulated_each_year(db, programme, on, given):
    with clock.stopped(datetime(on.year, on.month, on.day, 4, tzinfo=UTC)):
        given_bonus_rule(programme, "birthday", "birthday")
        born(db, programme, "02-29", "02-28")

        assert run(programme).given == given


def test_days_on_which_nothing_ran_are_made_good(db, programme):
    with clock.stopped(datetime(2027, 1, 2, 4, tzinfo=UTC)):
        given_bonus_rule(programme, "birthday", "birthday")
        born(db, programme, "12-30", "12-31", "01-01", "01-02", "01-03")

        alone, since = run(programme), run(programme, first=date(2026, 12, 31))

    assert (alone.given, since.given) == (1, 2)


def test_a_member_day_is_everybodys_who_is_there_and_comes_again_next_month(db, programme):
    with clock.stopped(datetime(2027, 2, 28, 4, tzinfo=UTC)):
        given_bonus_rule(programme, "club", "member-day", month_day=31)
        people = [
            given_member(db, programme, joined_on=joined) for joined in (date(2027, 2, 1), date(2027, 2, 28))
        ]
        gone = given_member(db, programme)
        with database.begin() as session:
            members.leave(session, gone, today())
        february = run(programme)
    with clock.stopped(datetime(2027, 3, 31, 4, tzinfo=UTC)):
        other_day, march = run(programme, last=date(2027, 3, 30)), run(programme)

    assert (february.given, other_day.looked_at, march.given) == (2, 0, 2)
    assert [balance(one) for one in (*people, gone)] == [20, 20, 0]


def test_joining_is_given_to_whoever_joined_since_the_rule_began(db, programme):
    given_bonus_rule(programme, "welcome", "sign-up")
    new = [given_member(db, programme, joined_on=today() - n * DAY) for n in (0, 30)]
    old = given_member(db, programme, joined_on=today() - 31 * DAY)
    told = given_member(db, programme, joined_on=today() - DAY)
    give(programme, told, None, code="welcome", on=today() - DAY)

    first, second = run(programme), run(programme)

    assert (first.given, second.looked_at) == (2, 0)
    assert [balance(one) for one in (*new, old, told)] == [10, 10, 0, 10]


def test_a_joining_is_rewarded_by_the_version_of_its_day(db, programme):
    given_bonus_rule(programme, "welcome", "sign-up")
    given_bonus_rule(programme, "welcome", "sign-up", from_day=today() + DAY, points=50)
    with clock.stopped(clock.now() + 3 * DAY):
        before = given_member(db, programme, joined_on=today() - 3 * DAY)
        after = given_member(db, programme, joined_on=today() - 2 * DAY)
        run(programme)

    assert (balance(before), balance(after)) == (10, 50)


def test_a_budget_is_spent_to_the_last_bonus_and_not_beyond(db, programme, monkeypatch):
    monkeypatch.setattr(due, "STEP", 3)
    rule = given_bonus_rule(programme, "welcome", "sign-up", budget_points=55)
    people = sorted(given_member(db, programme, joined_on=today()) for _ in range(8))

    done = run(programme)

    assert (done.given, done.points, done.used_up) == (5, 50, True)
    assert (budget_left(rule.rule_id), [balance(one) for one in people]) == (5, [10] * 5 + [0] * 3)


def test_who_may_not_have_it_is_passed_over_and_does_not_stop_the_others(db, programme, monkeypatch):
    monkeypatch.setattr(due, "STEP", 1)
    given_bonus_rule(programme, "welcome", "sign-up", tier="gold")
    given_bonus_rule(programme, "club", "member-day", month_day=today().day)
    people = [given_member(db, programme, joined_on=today()) for _ in range(3)]

    done = run(programme)

    assert (done.given, dict(done.refused)) == (3, {"bonus-not-for-member": 3})
    assert [balance(one) for one in people] == [10] * 3


def test_a_run_that_was_killed_in_the_middle_goes_on(db, programme, monkeypatch):
    monkeypatch.setattr(due, "STEP", 2)
    rule = given_bonus_rule(programme, "welcome", "sign-up", budget_points=1000)
    people = [given_member(db, programme, joined_on=today()) for _ in range(6)]
    real, calls = due.granting.grant_many, []

    def killed(*asked):
        calls.append(1)
        answers = real(*asked)
        if len(calls) == 2:
            raise KeyboardInterrupt  # after the postings, before the commit
        return answers

    monkeypatch.setattr(due.granting, "grant_many", killed)
    with pytest.raises(KeyboardInterrupt):
        run(programme)
    between = bonuses()
    rest = run(programme)

    assert (between, rest.given) == (2, 4)
    assert ([balance(one) for one in people], budget_left(rule.rule_id)) == ([10] * 6, 940)


def test_two_runs_at_once_give_everybody_one(db, programme):
    given_bonus_rule(programme, "welcome", "sign-up", budget_points=1000)
    people = [given_member(db, programme, joined_on=today()) for _ in range(20)]

    done = at_once(3, lambda _: run(programme))

    assert sum(one.given for one in done) == 20
    assert [balance(one) for one in people] == [10] * 20


@pytest.fixture
def line(db):
    """This process speaks to the database over a wire that can be cut."""
    made = Wire(db.database_url or "")
    wire(db.at(database_url=made.url), pool_size=4)
    yield made
    wire(db, pool_size=16)
    made.close()


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_a_connection_that_is_cut_at_the_commit_leaves_one_effect_after_the_next_run(
    line, db, programme, moment
):
    rule = given_bonus_rule(programme, "welcome", "sign-up", budget_points=1000, most_per_day=50)
    people = [given_member(db, programme, joined_on=today()) for _ in range(4)]
    with database.begin() as session:
        (task,) = due.tasks(session, programme, today(), today())

    line.cut(moment)
    with pytest.raises(NotConnected), database.begin() as session:
        due.step(session, programme, task, START, clock.now())
    between = bonuses()
    again = run(programme)

    assert (line.cuts, between) == (1, 4 if moment == AFTER else 0)
    assert again.given == 4 - between
    assert ([balance(one) for one in people], budget_left(rule.rule_id)) == ([10] * 4, 960)


def test_the_command_killed_with_minus_9_goes_on(db, cli, programme):
    rule = given_bonus_rule(programme, "welcome", "sign-up", budget_points=100_000)
    with database.begin() as session:
        rows = [Enrolment(f"K{number}", today()) for number in range(4_000)]
        members.enrol_many(session, programme, secrets_of(db), rows)
    command = [sys.executable, "-m", "app.cli", "bonuses", "--as-of", str(today()), "--quiet"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"JIFEN_ENV": "test"})
    while process.poll() is None and not bonuses():
        time.sleep(0.01)
    process.kill()
    process.wait(10)
    between = bonuses()

    again = cli("bonuses", "--as-of", today())

    assert 0 < between < 4_000
    assert f"gotone: {(4_000 - between) * 10:,} points in {4_000 - between:,} bonuses welcome" in again.stdout
    assert (bonuses(), budget_left(rule.rule_id)) == (4_000, 60_000)
