"""The days of occasions: birthdays on leap days, member days in short months, what a bonus is known by."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.bonuses import occasions

DAYS = st.dates(date(2000, 1, 1), date(2149, 1, 1))


@pytest.mark.parametrize(
    ("birthday", "year", "day"),
    [
        ("02-29", 2024, date(2024, 2, 29)),
        ("02-29", 2023, date(2023, 2, 28)),
        ("02-29", 2100, date(2100, 2, 28)),
        ("02-28", 2024, date(2024, 2, 28)),
        ("12-31", 2026, date(2026, 12, 31)),
    ],
)
def test_a_birthday_has_one_day_in_each_year(birthday, year, day):
    assert occasions.birthday_in(birthday, year) == day


@given(DAYS, st.integers(1, 800))
def test_birthdays_of_days_are_those_that_are_kept_on_them(first, count):
    days = [first + timedelta(days=n) for n in range(count)]

    kept = occasions.birthdays_kept(days)

    assert all(occasions.birthday_in(birthday, on.year) == on for birthday, on in kept)
    assert len(set(kept)) == len(kept)
    assert {on for _, on in kept} == set(days)


@given(st.integers(2000, 2148))
def test_in_a_year_everybody_has_one_birthday(year):
    days = [
        date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]

    kept = [birthday for birthday, _ in occasions.birthdays_kept(days)]

    assert len(kept) == len(set(kept)) == 366


@given(st.integers(1, 31), st.integers(2000, 2148), st.integers(1, 12))
def test_each_month_has_one_member_day(month_day, year, month):
    first = date(year, month, 1)
    days = [first + timedelta(days=n) for n in range(31) if (first + timedelta(days=n)).month == month]

    found = [on for on in days if occasions.is_member_day(month_day, on)]

    assert found == [days[min(month_day, len(days)) - 1]]


def test_what_a_date_brings_is_its_own_reference():
    on = date(2026, 5, 1)

    told = {name: occasions.reference(name, "S-1", on) for name in occasions.OCCASIONS}

    assert told == dict.fromkeys(occasions.OCCASIONS, "S-1") | {
        "sign-up": "sign-up", "birthday": "2026", "member-day": "2026-05-01",
    }  # fmt: skip


def test_every_occasion_has_both_languages():
    assert all(one.zh and one.en.isascii() and not one.zh.isascii() for one in occasions.OCCASIONS.values())
