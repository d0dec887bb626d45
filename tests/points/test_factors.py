"""Factors by date: the version of the day, the most specific one of each kind, and one rounding at the end."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from base import database
from points import bills, factors, policies
from points.bills import BillLineIn
from points.factors import BIRTHDAY, TENURE, TIER, BadFactor, Circumstances
from points.imports import What
from points.members import imports
from points.models import BillLine, EarnFactor, EarnRule
from points.policies import SameDayVersion
from tests.given import LONG_AGO, given_programme, secrets_of

DAY = date(2025, 3, 5)
LINE = BillLineIn("C1", "B1", 1, DAY, "plan", 29_900, 5_000)
STAR5 = Circumstances(tier="star5")


def factor(kind, percent, from_day=LONG_AGO, *, adds=False, line_type=None, tier=None, least_years=None):
    return EarnFactor(
        kind=kind, percent=percent, from_day=from_day, adds=adds, line_type=line_type, tier=tier,
        least_years=least_years,
    )  # fmt: skip


def percents(versions, customer, line_type="plan", on=DAY):
    return [one.percent for one in factors.applying(factors.in_force(versions, line_type, on), customer)]


# Which apply


def test_the_version_of_the_day_counts():
    versions = [
        factor(TIER, 200, tier="star5"),
        factor(TIER, 300, DAY, tier="star5"),
        factor(TIER, 400, DAY + timedelta(days=1), tier="star5"),
    ]

    days = [LONG_AGO - timedelta(days=1), DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    assert [percents(versions, STAR5, on=day) for day in days] == [[], [200], [300], [400]]


def test_a_factor_ends_by_one_that_changes_nothing():
    versions = [factor(TIER, 200, tier="star5"), factor(TIER, 100, DAY, tier="star5")]

    assert percents(versions, STAR5) == []


def test_a_factor_for_the_lines_type_stands_before_one_for_every_type():
    versions = [
        factor(TENURE, 110, least_years=1),
        factor(TENURE, 150, least_years=10),
        factor(TENURE, 120, least_years=5, line_type="plan"),
        factor(TENURE, 100, least_years=1, line_type="roaming"),
    ]

    assert percents(versions, Circumstances(years=12)) == [120]
    assert percents(versions, Circumstances(years=12), "data") == [150]
    assert percents(versions, Circumstances(years=4)) == [110]
    assert percents(versions, Circumstances(years=12), "roaming") == []


@pytest.mark.parametrize(
    ("years", "told"), [(0, []), (4, []), (5, [120]), (9, [120]), (10, [150]), (80, [150])]
)
def test_of_several_tenures_the_longest_reached_counts(years, told):
    versions = [factor(TENURE, 150, least_years=10), factor(TENURE, 120, least_years=5)]

    assert percents(versions, Circumstances(years=years)) == told


def test_one_of_each_kind_at_most_and_only_for_whom_it_is():
    versions = [
        factor(TIER, 200, tier="star5"),
        factor(TIER, 180, tier="star4"),
        factor(TENURE, 110, least_years=1),
        factor(BIRTHDAY, 50, adds=True),
    ]

    assert percents(versions, Circumstances("star5", 3, True)) == [200, 110, 50]
    assert percents(versions, Circumstances("star4", 0, True)) == [180, 50]
    assert percents(versions, Circumstances("star6")) == percents(versions, Circumstances()) == []


# How they combine

some_factors = st.lists(
    st.builds(factor, st.just(TIER), st.integers(1, 10_000), adds=st.booleans()), max_size=4
)


@given(
    fen=st.integers(0, 10**13), points=st.integers(0, 1000), per=st.integers(1, 10**6), combined=some_factors,
    data=st.data(),
)  # fmt: skip
def test_added_percents_come_first_then_the_products_and_one_rounding(fen, points, per, combined, data):
    rule = EarnRule(points=points, per_fen=per)
    exact = Fraction(fen * points, per) * Fraction(100 + sum(f.percent for f in combined if f.adds), 100)
    for one in combined:
        exact *= 1 if one.adds else Fraction(one.percent, 100)

    found = policies.points_for(rule, fen, 0, combined)

    assert found == exact.__floor__()
    assert found == policies.points_for(rule, fen, 0, data.draw(st.permutations(combined)))


def test_rounding_happens_once():
    """199 fen, twice: 3 points, not twice the 1 that half the sum would be rounded to."""
    assert policies.points_for(EarnRule(points=1, per_fen=100), 199, 0, [factor(TIER, 200)]) == 3
    assert policies.points_for(EarnRule(points=1, per_fen=100), 199, 0) == 1


# What is refused


@pytest.mark.parametrize("percent", [0, -1, 10_001, 10**30, True, 1.5, "２００"])
def test_a_percent_is_a_whole_number_from_1_to_10000(db, percent):
    programme = given_programme()

    with database.begin() as session, pytest.raises(BadFactor):
        factors.add(session, programme.programme_id, BIRTHDAY, DAY, percent)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("luck", {}),
        (TIER, {}),
        (TIER, {"tier": "五星"}),
        (TIER, {"tier": ""}),
        (TIER, {"tier": "a b"}),
        (TIER, {"tier": "star5", "least_years": 1}),
        (TENURE, {}),
        (TENURE, {"least_years": 0}),
        (TENURE, {"least_years": 101}),
        (TENURE, {"least_years": 1, "tier": "star5"}),
        (BIRTHDAY, {"tier": "star5"}),
        (BIRTHDAY, {"least_years": 1}),
    ],
)
def test_a_factor_has_one_condition_of_its_kind(db, kind, more):
    programme = given_programme()

    with database.begin() as session, pytest.raises(BadFactor):
        factors.add(session, programme.programme_id, kind, DAY, 200, **more)


def test_a_version_is_not_replaced_by_another_of_the_same_day(db):
    programme, other = given_programme(), given_programme("other")

    with database.begin() as session:
        add = lambda *given, **more: factors.add(session, programme.programme_id, *given, **more)  # noqa: E731
        add(TIER, DAY, 200, tier="star5")
        add(TIER, DAY, 200, tier="star4")
        add(TIER, DAY, 200, tier="star5", line_type="plan")
        add(TIER, DAY + timedelta(days=1), 300, tier="star5")
        factors.add(session, other.programme_id, TIER, DAY, 200, tier="star5")
        add(BIRTHDAY, DAY, 200)
        for kind, more in (
            (TIER, {"tier": "star5"}),
            (TIER, {"tier": "star5", "line_type": "plan"}),
            (BIRTHDAY, {}),
        ):
            with pytest.raises(SameDayVersion):
                add(kind, DAY, 150, adds=True, **more)


# From file to points


@pytest.fixture
def programme(db):
    made = given_programme()
    with database.begin() as session:
        factors.add(session, made.programme_id, TIER, LONG_AGO, 200, tier="star5")
        factors.add(session, made.programme_id, TENURE, LONG_AGO, 110, least_years=2)
        factors.add(session, made.programme_id, BIRTHDAY, LONG_AGO, 50, adds=True)
    return made


@pytest.fixture
def customers(db, programme, tmp_path):
    path = tmp_path / "members.csv"
    path.write_text(
        "customer_id,joined_on,tier,tier_from,birthday\n"
        "C1,2024-01-01,star5,2025-03-01,\n"
        "C2,2023-03-05,,,\n"
        "C3,2024-01-01,,,02-29\n"
        "C4,2020-01-01,star5,2020-01-01,03-01\n"
    )
    assert imports.take_in(programme, secrets_of(db), path, quiet=True).clean


def earned(programme, *lines):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        outcomes = bills.post_lines(session, programme, versions, lines)
    assert {outcome.what for outcome in outcomes} == {What.POSTED}
    return [outcome.points for outcome in outcomes]


def test_a_line_earns_by_what_its_customer_was_on_the_bills_day(programme, customers):
    before, since = replace(LINE, bill_day=date(2025, 2, 28)), replace(LINE, line_no=2)

    assert earned(programme, before, since) == [249, 498]
    assert earned(programme, *[replace(one, customer_id="C2") for one in (before, since)]) == [249, 273]
    assert earned(programme, *[replace(one, customer_id="C3") for one in (before, since)]) == [373, 249]
    assert earned(programme, *[replace(one, customer_id="C4") for one in (before, since)]) == [547, 821]


def test_the_kept_line_names_the_factors_that_applied_and_no_day_of_birth(programme, customers):
    earned(programme, replace(LINE, customer_id="C4"))

    with database.begin() as session:
        line = session.scalars(select(BillLine)).one()
        kinds = [session.get_one(EarnFactor, factor_id).kind for factor_id in line.factor_ids]
    assert (line.points, kinds) == (821, [TIER, TENURE, BIRTHDAY])


def test_a_line_that_is_there_keeps_its_factors_when_a_later_version_begins(programme, customers):
    earned(programme, LINE)
    with database.begin() as session:
        factors.add(session, programme.programme_id, TIER, DAY, 900, tier="star5")
        versions = policies.load(session, programme.programme_id)
        [again] = bills.post_lines(session, programme, versions, [LINE])

    assert again.what is What.THERE


@pytest.mark.parametrize(
    ("since", "on", "years"),
    [
        ((2020, 3, 5), (2025, 3, 4), 4),
        ((2020, 3, 5), (2025, 3, 5), 5),
        ((2020, 2, 29), (2025, 2, 28), 4),
        ((2020, 2, 29), (2025, 3, 1), 5),
        ((2020, 2, 29), (2024, 2, 29), 4),
        ((2025, 3, 5), (2025, 3, 5), 0),
        ((2025, 3, 5), (2020, 1, 1), 0),
    ],
)
def test_years_are_full_years(since, on, years):
    assert factors.full_years(date(*since), date(*on)) == years
