"""The run over all members: what counts as earned, borders by the day, repeats, kills, two at once, facts and notices."""

import threading
from contextlib import suppress
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database
from base.notices import notices
from points import ledger
from points.deeds import Request
from points.kinds import Kind
from points.members import attributes, members
from points.members.models import MemberFacts
from points.policies import PROMOTION_POINTS
from points.tiers import running, tiers
from points.tiers.models import TierChange, TierRun
from points.tiers.running import LaterRun
from tests.given import (
    ZONE,
    given_adjustment,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_merged,
    given_programme,
    given_tier_grant,
)
from tests.owner import forget_everything, owner

FIRST, LAST = date(2021, 11, 27), date(2022, 11, 26)  # a window of twelve months and the day it ends on
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


def changes(member_id) -> list[tuple[date, str | None, str, int]]:
    with database.begin() as session:
        rows = session.scalars(
            select(TierChange).where(TierChange.member_id == member_id).order_by(TierChange.from_day)
        )
        return [(row.from_day, row.tier, row.reason, row.earned) for row in rows]


def held(member_id, on):
    with database.begin() as session:
        (one,) = tiers.of(session, member_id, on)
        return one


def take_back(member_id, seq, points, on):
    request = Request(
        member_id, ledger.key("test", f"back:{seq}:{on}"), Kind.UNEARN, points,
        clock.start_of(on, ZONE) + timedelta(hours=13), ZONE, rev_of=seq,
    )  # fmt: skip
    with database.begin() as session:
        ledger.post(session, request)


def test_a_tier_changes_at_the_border_of_the_window_on_its_first_day_and_its_last(programme, member_id):
    given_earned(member_id, 1_000, FIRST)  # the first day belongs to the window that ends on LAST
    given_earned(member_id, 2_000, LAST)  # and so does the last

    assert given_evaluated(programme, LAST - DAY) == 0
    assert given_evaluated(programme, LAST) == 1

    assert changes(member_id) == [(LAST, "silver", "reached", 3_000)]
    assert facts(member_id).tiers == ["silver"]


def test_a_day_after_the_window_has_moved_on_what_was_earned_first_counts_no_more(programme, member_id):
    given_earned(member_id, 1_000, FIRST)
    given_earned(member_id, 2_000, LAST)

    assert given_evaluated(programme, LAST + DAY) == 0


def test_only_bill_points_that_were_earned_count(db, programme, member_id):
    today = clock.day(clock.now(), ZONE)
    given_earned(member_id, 2_999, today - DAY)
    given_earned(member_id, 5_000, today - DAY, lot_class=PROMOTION_POINTS)
    given_adjustment(member_id, 9_000)

    assert given_evaluated(programme, today) == 0
    given_earned(member_id, 1, today)
    assert given_evaluated(programme, today) == 1


def test_the_balance_plays_no_part(programme, member_id):
    given_earned(member_id, 3_000, LAST)
    with database.begin() as session:
        at = clock.start_of(LAST, ZONE) + timedelta(hours=14)
        ledger.post(session, Request(member_id, ledger.key("test", "all"), Kind.REDEEM, 3_000, at, ZONE))

    given_evaluated(programme, LAST)

    assert held(member_id, LAST).step.tier == "silver"


def test_what_is_taken_back_counts_against_its_own_earning_even_when_it_is_owed(programme, member_id):
    seq = given_earned(member_id, 3_500, LAST - 20 * DAY)
    with database.begin() as session:
        at = clock.start_of(LAST - 19 * DAY, ZONE)
        ledger.post(session, Request(member_id, ledger.key("test", "all"), Kind.REDEEM, 3_500, at, ZONE))
    take_back(member_id, seq, 600, LAST)

    assert given_evaluated(programme, LAST - DAY) == 1  # the day before it was taken back
    assert held(member_id, LAST - DAY).earned == 3_500
    assert held(member_id, LAST).earned == 2_900


def test_a_claw_back_lowers_nobody_at_once_and_the_tier_falls_after_hold_and_grace(programme, member_id):
    seq = given_earned(member_id, 12_000, LAST)
    given_evaluated(programme, LAST)
    take_back(member_id, seq, 11_000, LAST + DAY)

    for day in (LAST + DAY, date(2023, 11, 25)):  # to the last day of the twelve months
        assert given_evaluated(programme, day) == 0
    assert held(member_id, date(2023, 11, 25)).until == date(2023, 11, 25)
    with clock.stopped(clock.start_of(date(2023, 12, 26), ZONE) + timedelta(hours=20)):
        for day in (date(2023, 11, 26), date(2023, 12, 25)):  # the grace
            assert given_evaluated(programme, day) == 0
            now = held(member_id, day)
            assert (now.grace, now.until, now.step.tier) == (True, date(2023, 12, 25), "gold")
        assert given_evaluated(programme, date(2023, 12, 26)) == 1
    assert changes(member_id)[-1] == (date(2023, 12, 26), "silver", "fell", 0)


def test_a_late_earning_of_an_earlier_day_lifts_the_member_on_the_day_of_the_run(programme, member_id):
    given_evaluated(programme, LAST)
    given_earned(member_id, 3_000, LAST - 30 * DAY)

    assert given_evaluated(programme, LAST + DAY) == 1
    assert changes(member_id) == [(LAST + DAY, "silver", "reached", 3_000)]


def test_a_second_run_of_a_day_changes_nothing_but_for_what_was_earned_meanwhile(db, programme, member_id):
    given_earned(member_id, 3_000, LAST)
    given_evaluated(programme, LAST)
    other = given_member(db, programme)
    given_earned(other, 12_000, LAST)
    given_earned(member_id, 9_000, LAST)

    assert given_evaluated(programme, LAST) == 1
    assert changes(other) == [(LAST, "gold", "reached", 12_000)]
    assert changes(member_id) == [(LAST, "silver", "reached", 3_000)]  # one change a day
    assert given_evaluated(programme, LAST) == 0
    assert given_evaluated(programme, LAST + DAY) == 1


def test_an_earlier_day_than_the_last_one_is_refused(programme):
    given_evaluated(programme, LAST)

    with pytest.raises(LaterRun), database.begin() as session:
        running.begin(session, programme, LAST - DAY, clock.now())


def test_a_run_that_was_stopped_goes_on_with_those_who_are_left(db, programme, monkeypatch):
    monkeypatch.setattr(running, "STEP", 2)
    everybody = [given_member(db, programme) for _ in range(5)]
    for one in everybody:
        given_earned(one, 3_000, LAST)
    with database.begin() as session:
        running.begin(session, programme, LAST, clock.now())
    with database.begin() as session:
        running.step(session, programme, LAST, tells=None)
    with suppress(KeyboardInterrupt), database.begin() as session:
        running.step(session, programme, LAST, tells=None)
        raise KeyboardInterrupt  # in the middle of a step: it leaves nothing

    with database.begin() as session:
        left = running.begin(session, programme, LAST, clock.now())
    changed = given_evaluated(programme, LAST)

    assert (left, changed) == (3, 3)
    assert [len(changes(one)) for one in everybody] == [1] * 5
    with database.begin() as session:
        run = session.get_one(TierRun, (programme.programme_id, LAST))
        assert (run.members, run.changes, run.ended_at is not None) == (5, 5, True)


def test_two_runs_at_once_write_each_change_once(db, programme, monkeypatch):
    monkeypatch.setattr(running, "STEP", 3)
    everybody = [given_member(db, programme) for _ in range(12)]
    for one in everybody:
        given_earned(one, 3_000, LAST)
    with database.begin() as session:
        running.begin(session, programme, LAST, clock.now())
    found, start = [], threading.Barrier(2)

    def run() -> None:
        start.wait()
        done = False
        while not done:
            with database.begin() as session:
                step = running.step(session, programme, LAST, tells=None)
            found.append(step.changes)
            done = step.done

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(found) == 12
    assert all(len(changes(one)) == 1 for one in everybody)


def test_who_was_merged_into_a_member_brings_what_was_earned_before(db, programme, member_id):
    today = clock.day(clock.now(), ZONE)
    other = given_member(db, programme)
    given_earned(other, 1_000, today - DAY)
    given_earned(member_id, 2_000, today - DAY)
    given_merged(other, member_id)

    assert given_evaluated(programme, today) == 1
    assert changes(member_id) == [(today, "silver", "reached", 3_000)]
    assert changes(other) == []


def test_who_has_left_is_not_evaluated(programme, member_id):
    given_earned(member_id, 3_000, LAST)
    with database.begin() as session:
        members.leave(session, member_id, LAST)

    assert given_evaluated(programme, LAST) == 0


def test_who_rises_is_told_once_with_what_it_brings_and_who_falls_is_not(db, programme, member_id):
    given_earned(member_id, 12_000, LAST)

    given_evaluated(programme, LAST, tells=db)
    given_evaluated(programme, LAST + DAY, tells=db)
    for on in (date(2023, 11, 26), date(2023, 12, 26)):
        given_evaluated(programme, on, tells=db)

    assert changes(member_id)[-1][1:3] == ("silver", "fell")

    with database.begin() as session:
        (message,) = notices.latest(session, db.seal_key)
    assert "金卡" in message.text
    assert f"from {LAST} on you are a gold member." in message.text


def test_who_has_as_high_a_tier_by_grant_is_not_told_of_reaching_it(db, programme, member_id):
    given_earned(member_id, 12_000, LAST)
    given_tier_grant(member_id, "diamond", LAST + 30 * DAY, on=LAST)
    with database.begin() as session:
        before = len(notices.latest(session, db.seal_key))

    given_evaluated(programme, LAST, tells=db)

    with database.begin() as session:
        assert len(notices.latest(session, db.seal_key)) == before == 1


def test_a_told_tier_stands_beside_the_ladders_and_gives_way_to_one_of_the_same_code(
    db, programme, member_id
):
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "tier", LAST): "star5"})
    given_earned(member_id, 3_000, LAST)
    given_evaluated(programme, LAST)

    assert facts(member_id).tiers == ["silver", "star5"]
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "tier", LAST + DAY): "diamond"})

    assert facts(member_id).tiers == ["silver"]  # diamond is the ladder's to give


@pytest.mark.parametrize(
    "statement",
    [
        "update member_facts set tiers = '{gold}'",
        "update member_facts set tiers = '{silver,gold}'",
        "update member_facts set tiers_until = '2099-01-01'",
        "update tier_change set tier = 'gold', rank = 2",
        "update tier_change set before = 'gold'",
        "update tier_policy set from_day = '2030-01-01'",
        "update tier_change set ladder = 'star'",
    ],
)
def test_the_books_find_what_was_tampered_with(db, programme, member_id, statement):
    given_earned(member_id, 3_000, LAST)
    given_evaluated(programme, LAST)
    with owner(db) as connection:
        connection.execute(text(statement))

    with database.begin() as session:
        assert any(one.rule == "tier" for one in findings(session))
    forget_everything(db)
