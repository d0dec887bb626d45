"""Quiet hours are those of the programme's zone, and reminders are counted by the day on which they go."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import clock, database
from base.notices import notices, times
from base.notices.models import SUPPRESSED, WRITTEN
from base.notices.notices import Wanted
from base.notices.texts import KINDS, Manner

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # in Shanghai


@pytest.mark.parametrize(
    ("at", "zone", "then"),
    [
        (datetime(2026, 3, 10, 12, 59, 59, tzinfo=UTC), SHANGHAI, None),  # 20:59:59
        (datetime(2026, 3, 10, 13, 0, tzinfo=UTC), SHANGHAI, datetime(2026, 3, 11, 0, 0, tzinfo=UTC)),
        (datetime(2026, 3, 10, 23, 59, tzinfo=UTC), SHANGHAI, datetime(2026, 3, 11, 0, 0, tzinfo=UTC)),
        (datetime(2026, 3, 11, 0, 0, tzinfo=UTC), SHANGHAI, None),  # 08:00
        (
            datetime(2026, 3, 10, 17, 0, tzinfo=UTC),
            SHANGHAI,
            datetime(2026, 3, 11, 0, 0, tzinfo=UTC),
        ),  # 01:00
        (datetime(2026, 3, 10, 13, 0, tzinfo=UTC), NEW_YORK, None),  # 09:00 there
    ],
)
def test_what_is_written_at_night_goes_in_the_morning(at, zone, then):
    assert times.after_quiet(at, zone) == (then or at)


@given(st.integers(0, 20 * 365 * 24 * 60), st.sampled_from([SHANGHAI, "UTC"]))
def test_a_message_never_goes_at_night_nor_more_than_eleven_hours_late(minutes, zone):
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    then = times.after_quiet(at, zone)

    assert at <= then <= at + timedelta(hours=11)
    assert 8 <= then.astimezone(clock.zone(zone)).hour < 21
    assert times.after_quiet(then, zone) == then


@pytest.fixture
def alone(db, monkeypatch):
    """Reminders without what they remind of, which `verify` would miss, go by the name of another kind."""
    monkeypatch.setitem(KINDS, "tier-up", replace(KINDS["tier-up"], manner=Manner.REMINDER))
    monkeypatch.setattr(times, "REMINDERS", ("tier-up",))
    return db


def nudge(config, member_id, count=1):
    facts = {"tier": "gold", "from_day": "2026-03-10", "more": "."}
    wanted = [Wanted(member_id, "13900000001", "tier-up", facts, SHANGHAI)] * count
    with database.begin() as session:
        return [(notice.state, notice.reason) for notice in notices.send_many(session, config, wanted)]


def test_a_third_reminder_of_a_day_and_a_seventh_of_a_month_are_kept_back_with_the_reason(alone):
    with clock.stopped(NOON):
        assert nudge(alone, 1, 3) == [
            (WRITTEN, None), (WRITTEN, None), (SUPPRESSED, "2 reminders a day"),
        ]  # fmt: skip
        assert nudge(alone, 2) == [(WRITTEN, None)]
    for day in (1, 2):
        with clock.stopped(NOON + timedelta(days=day)):
            assert nudge(alone, 1, 2) == [(WRITTEN, None)] * 2
    with clock.stopped(NOON + timedelta(days=3)):
        assert nudge(alone, 1) == [(SUPPRESSED, "6 reminders a month")]
    with clock.stopped(NOON + timedelta(days=30)):
        assert nudge(alone, 1) == [(WRITTEN, None)]


def test_a_reminder_written_late_counts_for_the_morning_on_which_it_goes(alone):
    with clock.stopped(NOON + timedelta(hours=10)):  # 22:00
        assert nudge(alone, 1, 3)[2][0] == SUPPRESSED
    with clock.stopped(NOON + timedelta(days=1)):
        assert nudge(alone, 1) == [(SUPPRESSED, "2 reminders a day")]


def test_codes_and_debits_are_never_counted_nor_kept_back(db):
    with clock.stopped(NOON + timedelta(hours=10)), database.begin() as session:
        wanted = [
            Wanted(1, "13900000001", "sign-in-code", {"code": "123456", "minutes": 10}, SHANGHAI),
            Wanted(1, "13900000001", "points-spent", {"points": 1, "about": "x", "balance": 2}, SHANGHAI),
            Wanted(1, "13900000001", "points-adjusted", {"points": 1, "balance": 2}, SHANGHAI),
        ]
        written = notices.send_many(session, db, wanted * 9)

    assert {notice.state for notice in written} == {WRITTEN}
    assert [notice.due_at - notice.at for notice in written[:3]] == [
        timedelta(0), timedelta(0), timedelta(hours=10),
    ]  # fmt: skip


def test_of_two_who_remind_at_once_the_second_waits_and_counts_the_first(alone):
    with clock.stopped(NOON), ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: nudge(alone, 1)[0][0], range(8)))

    assert sorted(told) == [SUPPRESSED] * 6 + [WRITTEN] * 2
