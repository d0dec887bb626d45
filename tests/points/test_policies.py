"""Rules and policies by date: the version of the day counts, the past is never touched, edges of months hold."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import database
from points import lots, policies
from points.models import EarnRule, ExpiryPolicy
from points.policies import BILL_POINTS, PROMOTION_POINTS, NoRuleInForce, SameDayVersion
from tests.given import LONG_AGO, given_programme


def rule(points: int, per_fen: int) -> EarnRule:
    return EarnRule(
        rule_id=1, programme_id=1, line_type="plan", from_day=LONG_AGO, points=points, per_fen=per_fen
    )


def policy(months: int | None, lot_class: int = BILL_POINTS) -> ExpiryPolicy:
    return ExpiryPolicy(policy_id=1, programme_id=1, lot_class=lot_class, from_day=LONG_AGO, months=months)


@pytest.mark.parametrize(
    ("on", "months", "last"),
    [
        ((2026, 1, 31), 0, (2026, 1, 31)),
        ((2026, 1, 31), 1, (2026, 2, 28)),
        ((2024, 1, 1), 1, (2024, 2, 29)),
        ((2026, 11, 30), 1, (2026, 12, 31)),
        ((2026, 12, 31), 1, (2027, 1, 31)),
        ((2023, 2, 28), 12, (2024, 2, 29)),
        ((2024, 2, 29), 12, (2025, 2, 28)),
        ((2100, 1, 15), 1, (2100, 2, 28)),
    ],
)
def test_points_live_to_the_end_of_the_month(on, months, last):
    assert policies.month_end(date(*on), months) == date(*last)


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(0, 480))
def test_the_last_day_is_the_last_of_its_month_and_as_many_months_away(on, months):
    last = policies.month_end(on, months)

    assert (last + timedelta(days=1)).day == 1
    assert (last.year - on.year) * 12 + last.month - on.month == months


def test_points_without_an_end_and_points_of_a_far_end_fit_a_lot():
    assert lots.last_day(policies.lot_key(policy(None), date(2026, 1, 1))) == lots.NO_END
    far = policies.lot_key(policy(1500), date(2026, 1, 1))

    assert far < 2**31
    assert lots.last_day(far) == lots.NO_END


def test_the_class_of_the_policy_is_the_class_of_the_lot():
    assert lots.lot_class(policies.lot_key(policy(1, PROMOTION_POINTS), LONG_AGO)) == PROMOTION_POINTS


@pytest.mark.parametrize(
    ("amount", "waived", "points", "per_fen", "expected"),
    [(9999, 0, 1, 100, 99), (100, 100, 1, 100, 0), (100, 500, 1, 100, 0), (-500, 0, 1, 100, 0), (0, 0, 1, 100, 0),
     (333, 33, 3, 200, 4), (10**13, 0, 10, 1, 10**14), (99, 0, 1, 100, 0)],
)  # fmt: skip
def test_a_bill_line_earns_for_what_was_paid_rounded_down_once(amount, waived, points, per_fen, expected):
    assert policies.points_for(rule(points, per_fen), amount, waived) == expected


def test_the_version_of_the_day_counts(db):
    programme = given_programme()
    with database.begin() as session:
        policies.add_earn_rule(
            session, programme.programme_id, "plan", date(2026, 7, 1), points=2, per_fen=100
        )
        policies.add_expiry_policy(
            session, programme.programme_id, BILL_POINTS, date(2026, 7, 1), months=None
        )
        known = policies.load(session, programme.programme_id)

    points = [
        known.earn_rule("plan", day).points
        for day in (LONG_AGO, date(2026, 6, 30), date(2026, 7, 1), date(2030, 1, 1))
    ]
    months = [known.expiry_policy(BILL_POINTS, day).months for day in (date(2026, 6, 30), date(2026, 7, 1))]

    assert (points, months) == ([1, 1, 2, 2], [36, None])
    for missing in (("plan", LONG_AGO - timedelta(days=1)), ("roaming", LONG_AGO)):
        with pytest.raises(NoRuleInForce):
            known.earn_rule(*missing)
    with pytest.raises(NoRuleInForce):
        known.expiry_policy(7, LONG_AGO)


def test_a_version_is_not_replaced_by_another_of_the_same_day(db):
    programme = given_programme()

    with database.begin() as session, pytest.raises(SameDayVersion):
        policies.add_earn_rule(session, programme.programme_id, "plan", LONG_AGO, points=9, per_fen=1)
    with database.begin() as session, pytest.raises(SameDayVersion):
        policies.add_expiry_policy(session, programme.programme_id, BILL_POINTS, LONG_AGO, months=1)


def test_programmes_do_not_share_their_rules(db):
    first, second = given_programme(), given_programme("second")
    with database.begin() as session:
        policies.add_earn_rule(session, second.programme_id, "roaming", LONG_AGO, points=5, per_fen=100)
        known = policies.load(session, first.programme_id)

    with pytest.raises(NoRuleInForce):
        known.earn_rule("roaming", date(2026, 1, 1))
