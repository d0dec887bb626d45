"""Rates: prices are rounded up once, a version ends the one before, and no two of a scope hold on one day."""

from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import clock, database
from catalog.rates import rates
from catalog.rates.models import Rate
from catalog.rates.rates import NoRateInForce, RateOverlaps
from catalog.rates.scopes import Book
from tests.given import LONG_AGO, ZONE, caller, given_member, given_offer, given_programme, member_token

whole = st.integers(1, 10**12)
DAY = timedelta(days=1)


def rate(points: int, per_fen: int) -> Rate:
    return Rate(rate_id=1, programme_id=1, area="", from_day=LONG_AGO, points=points, per_fen=per_fen)


@given(whole, st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_price_is_rounded_up_once_and_never_nothing(value_fen, points, per_fen):
    price = rates.price(rate(points, per_fen), value_fen)

    assert price == max(1, ceil(Fraction(value_fen * points, per_fen)))


@given(whole, st.integers(1, 10**6), st.integers(1, 10**6))
def test_points_are_never_worth_more_than_they_cost(points, rate_points, per_fen):
    own = rate(rate_points, per_fen)

    worth = rates.worth(Book([own]), points)

    assert worth == floor(Fraction(points * per_fen, rate_points))
    assert worth == 0 or rates.price(own, worth) <= points


@pytest.mark.parametrize(
    ("value_fen", "points", "per_fen", "price"),
    [
        (1, 1, 100, 1),
        (100, 1, 100, 1),
        (101, 1, 100, 2),
        (1, 100, 100, 1),
        (3000, 100, 100, 3000),
        (5000, 100, 80, 6250),
    ],
)
def test_prices_as_a_person_would_reckon_them(value_fen, points, per_fen, price):
    assert rates.price(rate(points, per_fen), value_fen) == price


def test_a_rate_begins_on_its_day_and_not_before(db):
    programme = given_programme()
    offer = given_offer(programme, "perk")
    with database.begin() as session:
        rates.add(session, programme.programme_id, date(2026, 7, 1), points=200, per_fen=100, kind="perk")
        points = [
            rates.for_offer(session, offer, day).points for day in (date(2026, 6, 30), date(2026, 7, 1))
        ]
        with pytest.raises(NoRateInForce):
            rates.for_offer(session, offer, LONG_AGO - DAY)

    assert points == [100, 200]


@pytest.mark.parametrize(
    "breadth",
    [
        {},
        {"kind": "perk"},
        {"offer_id": 5},
        {"tier": "gold"},
        {"area": "33"},
        {"kind": "perk", "tier": "gold", "area": "3301"},
    ],
)
def test_no_two_equally_specific_rates_hold_on_one_day(db, breadth):
    programme = given_programme()
    day, last = date(2026, 7, 1), date(2026, 7, 31)
    with database.begin() as session:
        add = partial(rates.add, session, programme.programme_id, per_fen=1, **breadth)
        first = add(day, points=1)
        with pytest.raises(RateOverlaps):
            add(day, points=2)
        second = add(day + DAY, points=2, until_day=last if breadth else None)
        with pytest.raises(RateOverlaps):
            add(date(2026, 6, 1), points=3, until_day=day)
        if breadth:
            with pytest.raises(RateOverlaps):
                add(last, points=3)
            add(last + DAY, points=3)

        assert [
            one.points for one in rates.versions(session, programme.programme_id) if one in (first, second)
        ] == [1, 2]
        assert (first.until_day, second.until_day) == (day, last if breadth else None)


def test_another_programmes_rates_say_nothing_here(db):
    first, second = given_programme(), given_programme("second")
    offer = given_offer(first, "perk")
    with database.begin() as session:
        rates.add(
            session, second.programme_id, date(2026, 1, 1), points=9, per_fen=1, offer_id=offer.offer_id
        )

        assert rates.for_offer(session, offer, date(2026, 6, 1)).points == 100


def test_what_was_quoted_is_what_is_paid_whatever_the_rate_becomes(app, db):
    programme = given_programme()
    offer = given_offer(programme, "perk", value_fen=1000)
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    quote = member.quote(offer).json
    with database.begin() as session:
        rates.add(
            session,
            programme.programme_id,
            clock.day(clock.now(), ZONE),
            points=300,
            per_fen=100,
            kind="perk",
        )

    redeemed = member.post("/v1/redemptions", {"quote": quote["id"]}).json
    dearer = member.quote(given_offer(programme, "perk", value_fen=1000)).json

    assert (quote["price_points"], redeemed["price_points"], member.spendable()) == (1000, 1000, 4000)
    assert dearer["price_points"] == 3000
