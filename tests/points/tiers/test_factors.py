"""Bill lines earn by the tier of the bill's day, from the ladders as well as told; a line stays as it was rated."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from base import clock, database
from points import bill_proof, bills, factors, policies
from points.bills import BillLineIn
from points.factors import Circumstances, applying
from points.imports import What
from points.members import attributes, members
from points.models import EarnFactor
from points.tiers.reckoning import Step
from tests.given import (
    LONG_AGO,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_programme,
    given_tier_grant,
)

ON = date(2022, 6, 15)
DAY = timedelta(days=1)
STARS = (
    Step("star1", 0, {"zh-CN": "一星", "en": "1 star"}),
    Step("star5", 2_000, {"zh-CN": "五星", "en": "5 stars"}),
)


def factor(percent, tier, *, adds=False, line_type=None):
    return EarnFactor(
        kind=factors.TIER, percent=percent, from_day=LONG_AGO, adds=adds, line_type=line_type, tier=tier,
        least_years=None,
    )  # fmt: skip


@pytest.fixture
def programme(db):
    made = given_programme()
    given_ladder(made)
    return made


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


def add(programme, percent, tier, **more):
    with database.begin() as session:
        factors.add(session, programme.programme_id, factors.TIER, LONG_AGO, percent, tier=tier, **more)


def bill(programme, member_id, on, bill_id=None) -> int:
    """What a plan of 100 yuan earned on a day."""
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
        line = BillLineIn(customer, bill_id or f"B{on}", 1, on, "plan", 10_000)
        versions = policies.load(session, programme.programme_id)
        (outcome,) = bills.post_lines(session, programme, versions, [line])
    assert outcome.what is What.POSTED, outcome
    return outcome.points


def test_of_several_tiers_the_line_type_goes_first_then_the_highest_percent_then_the_code():
    both = Circumstances(tiers=frozenset({"gold", "star5"}))
    gold, star5, own = factor(200, "gold"), factor(300, "star5"), factor(120, "gold", line_type="plan")

    assert applying([gold, star5], both) == (star5,)
    assert applying([gold, star5, own], both) == (own,)
    adds, times = factor(150, "gold", adds=True), factor(240, "star5")
    assert applying([times, adds], both) == (adds,)  # 150 more are 250
    same = factor(200, "star5")
    assert applying([same, gold], both) == applying([gold, same], both) == (gold,)
    assert applying([gold], replace(both, tiers=frozenset(), tier="gold")) == (gold,)


def test_a_line_earns_by_the_tier_of_its_bill_day(programme, member_id):
    add(programme, 200, "silver")
    given_earned(member_id, 3_000, ON)
    given_evaluated(programme, ON)

    assert bill(programme, member_id, ON - DAY) == 100
    assert bill(programme, member_id, ON) == 200


def test_a_granted_tier_earns_on_its_days_alone_and_the_earned_one_underneath_after_them(
    programme, member_id
):
    add(programme, 200, "silver")
    add(programme, 300, "gold")
    given_earned(member_id, 3_000, ON)
    given_evaluated(programme, ON)
    given_tier_grant(member_id, "gold", ON + 5 * DAY, on=ON)

    assert bill(programme, member_id, ON + 5 * DAY) == 300
    assert bill(programme, member_id, ON + 6 * DAY) == 200


def test_tiers_of_two_ladders_and_a_told_one_earn_by_the_highest(programme, member_id):
    given_ladder(programme, "star", STARS)
    add(programme, 200, "silver")
    add(programme, 250, "star5")
    add(programme, 400, "vip")
    given_earned(member_id, 3_000, ON)
    given_evaluated(programme, ON)

    assert bill(programme, member_id, ON) == 250
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "tier", ON + DAY): "vip"})
    assert bill(programme, member_id, ON + DAY) == 400


def test_a_told_tier_counts_as_before_until_a_ladder_with_its_code_begins(db):
    programme = given_programme("mzone")
    member_id = given_member(db, programme)
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "tier", LONG_AGO): "gold"})
    add(programme, 300, "gold")

    assert bill(programme, member_id, ON) == 300
    given_ladder(programme)  # from the first day on gold is what was earned
    assert bill(programme, member_id, ON + DAY) == 100


def test_a_line_stays_as_it_was_rated_when_the_tier_changes_later(programme, member_id):
    add(programme, 200, "silver")
    given_earned(member_id, 3_000, ON)
    assert bill(programme, member_id, ON) == 100  # nobody has evaluated yet
    given_evaluated(programme, ON)
    assert bill(programme, member_id, ON, "B2") == 200

    with database.begin() as session:
        assert not list(bill_proof.findings(session, [member_id]))


def test_a_batch_asks_for_tiers_in_one_statement(programme, member_id, monkeypatch):
    add(programme, 200, "silver")
    asked = []
    monkeypatch.setattr(attributes, "of_many", lambda session, ids, ladders: asked.append(set(ids)) or {})
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
        lines = [BillLineIn(customer, f"B{n}", 1, ON, "plan", 10_000) for n in range(20)]
        bills.post_lines(
            session, programme, policies.load(session, programme.programme_id), lines, clock.now()
        )

    assert asked == [{member_id}]
