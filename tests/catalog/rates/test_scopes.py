"""Which of several rates holds: what is bought before who buys, the tier before the area, the smaller area first."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.rates import checking, differences
from catalog.rates.checking import Window
from catalog.rates.models import Rate
from catalog.rates.rates import Row
from catalog.rates.scopes import GENERAL, Book, Scope, holds, scope_of

FIRST = date(2030, 1, 1)
KINDS, TIERS, AREAS = ("voucher", "perk"), ("gold", "silver", "star5"), ("", "33", "3301", "330106", "44")


@dataclass(frozen=True)
class Offer:
    offer_id: int = 7
    kind: str = "voucher"


@dataclass(frozen=True)
class Member:
    tiers: tuple[str, ...] = ()
    area: str = ""


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def rate(scope: Scope, points: int = 1, per_fen: int = 1, first: int = 0, last: int | None = None) -> Rate:
    return Rate(
        rate_id=1, programme_id=1, offer_id=scope.offer_id, kind=scope.kind, tier=scope.tier, area=scope.area,
        from_day=day(first), until_day=None if last is None else day(last), points=points, per_fen=per_fen,
    )  # fmt: skip


whats = st.sampled_from([(7, None), (8, None), (None, "voucher"), (None, "perk"), (None, None)])
scopes = st.builds(
    lambda what, tier, area: Scope(*what, tier, area),
    whats,
    st.sampled_from([None, *TIERS]),
    st.sampled_from(AREAS),
)
members = st.none() | st.builds(
    Member, st.lists(st.sampled_from(TIERS), unique=True).map(tuple), st.sampled_from(AREAS)
)


def by_looking_at_each(rates: list[Rate], offer: Offer, who: Member | None) -> Rate | None:
    """The plainest way to say it: all that fit, then the first by the order that is written down."""
    tiers, area = (who.tiers, who.area) if who else ((), "")
    fitting = [
        one
        for one in rates
        if (one.offer_id in (None, offer.offer_id) and one.kind in (None, offer.kind))
        and (one.tier is None or one.tier in tiers)
        and area.startswith(one.area)
    ]
    return min(
        fitting,
        key=lambda one: (
            one.offer_id is None, one.kind is None, one.tier is None, -len(one.area),
            Fraction(one.points, one.per_fen), one.tier or "",
        ),
        default=None,
    )  # fmt: skip


@given(
    st.dictionaries(scopes, st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=30),
    st.builds(Offer, st.sampled_from([7, 8, 9]), st.sampled_from(KINDS)),
    members,
)
def test_what_is_found_is_what_looking_at_each_finds(there, offer, who):
    rates = [rate(scope, *numbers) for scope, numbers in there.items()]

    assert Book(rates).find(offer, who) is by_looking_at_each(rates, offer, who)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (Scope(7), Scope(None, "voucher", "gold", "3301")),
        (Scope(None, "voucher"), Scope(None, None, "gold", "3301")),
        (Scope(tier="gold"), Scope(area="3301")),
        (Scope(tier="gold", area="33"), Scope(tier="gold")),
        (Scope(area="3301"), Scope(area="33")),
        (Scope(area="33"), GENERAL),
    ],
)
def test_the_order_that_is_written_down(narrow, wide):
    first, second = rate(narrow), rate(wide)

    assert Book([second, first]).find(Offer(), Member(("gold",), "330106")) is first


def test_of_two_tiers_the_cheaper_counts_and_without_a_member_what_is_for_everybody():
    book = Book([rate(Scope(tier="gold"), 3, 2), rate(Scope(tier="star5"), 4, 3), rate(GENERAL, 5)])

    assert book.find(Offer(), Member(("gold", "star5"))).tier == "star5"
    assert book.find(Offer()).points == 5
    assert book.asks_who


# What rows would make of the versions that are there


rows = st.lists(
    st.builds(
        lambda scope, first, length, ends: Row(
            scope, day(first), None if ends else 1, None if ends else 1,
            None if ends or length is None else day(first + length),
        ),
        st.sampled_from([GENERAL, Scope(tier="gold")]),
        st.integers(0, 12), st.none() | st.integers(0, 4), st.sampled_from([False, False, False, True]),
    ),
    max_size=5,
)  # fmt: skip


def days_of(window: Window) -> set[date]:
    return {
        day(n)
        for n in range(40)
        if window.from_day <= day(n) and (window.until_day is None or day(n) <= window.until_day)
    }


@given(rows, rows)
def test_where_nothing_is_against_it_no_day_has_two_and_a_gap_is_the_first_day_without_any(first, second):
    there: list[Window] = []
    for some in (first, second):
        versions = [rate(one.scope, first=(one.from_day - FIRST).days) for one in there]
        for version, one in zip(versions, there, strict=True):
            version.until_day = one.until_day
        found = checking.outlook(versions, some)
        if not found.against:
            there = found.windows

    for scope in (GENERAL, Scope(tier="gold")):
        own = [days_of(one) for one in there if one.scope == scope]
        assert sum(map(len, own)) == len(set().union(*own))
    general = set().union(*(days_of(one) for one in there if one.scope == GENERAL))
    without = {day(n) for n in range(40) if general and day(n) > min(general)} - general
    assert checking.gap(there) == (min(without) if without else None)


# What a grid changes


def test_each_row_is_shown_beside_what_holds_without_it():
    there = [
        rate(GENERAL, 100, 100),
        rate(Scope(None, "voucher"), 90, 100),
        rate(Scope(tier="gold"), 50, 100),
    ]
    grid = [
        Row(GENERAL, day(10), 80, 100, day(19)),
        Row(GENERAL, day(20), 100, 100),
        Row(Scope(7), day(10), 45, 100),
        Row(Scope(None, "perk", "gold", "33"), day(10), 60, 100),
        Row(Scope(None, "voucher"), day(10)),
    ]

    lines = differences.lines(there, grid, {7: "voucher"})

    shown = [
        (
            line.before and (line.before.points, line.before.own),
            line.after and (line.after.points, line.after.own),
            line.change_bp,
        )
        for line in lines
    ]
    assert shown == [
        ((100, True), (80, True), -2000),
        ((80, True), (100, True), 2500),
        ((90, False), (45, True), -5000),
        ((50, False), (60, True), 2000),
        ((90, True), (100, False), 1111),
    ]
    assert scope_of(there[0]) == lines[4].after.of
    assert holds(there[0], day(0))
