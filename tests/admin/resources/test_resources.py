"""Resources: stock and allocation, uses and cost of one by area, and what is left of the budget."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.analytics import premium
from admin.resources import resources
from base import clock, database
from base.approvals import approvals
from catalog.budgets import proposals
from catalog.budgets.models import Budget
from catalog.stock import moves
from tests.given import given_area, given_member, given_offer, given_person, given_programme
from tests.ratings import used_perk


@pytest.fixture
def programme(db):
    return given_programme()


def listed(programme, person, area=""):
    with database.begin() as session:
        rows = resources.listed(session, person, programme, area, clock.now(), limit=9)
        return {row.offer.offer_id: row for row in rows}


def test_uses_and_cost_of_one_are_those_of_the_members_of_an_area(db, programme):
    offer, person = given_offer(programme, "perk", value_fen=300), given_person("finance")
    before = clock.now() - timedelta(days=2)
    with clock.stopped(before):
        for area in ("330106", "330106", "440106"):
            used_perk(given_area(given_member(db, programme, points=900), area), programme, offer)
    on = clock.day(before, programme.zone)
    premium.take(programme, on, on)

    everywhere, there = (
        listed(programme, person)[offer.offer_id],
        listed(programme, person, "33")[offer.offer_id],
    )
    with database.begin() as session:
        by_area = resources.by_area(session, programme, "")

    assert (everywhere.used.count, everywhere.cost_a_use_fen) == (3, 300)
    assert (there.used.count, there.used.cost_fen) == (2, 600)
    assert [(code, sums.count) for code, sums in by_area] == [("33", 2), ("44", 1)]


def given_budget(programme, cap_fen):
    """A budget for redemptions, by two persons."""
    at = clock.now()
    wanted = proposals.Wanted(
        programme.code, "autumn", {"zh-CN": "秋季", "en": "Autumn"}, cap_fen, "whole",
        clock.day(at, programme.zone), None, None, None, "autumn",
    )  # fmt: skip
    with database.begin() as session:
        made = proposals.propose(session, given_person("editor"), wanted, at).proposal
        approvals.approve(session, given_person("finance"), made.proposal_id, made.content_hash.hex(), at)
    with database.begin() as session:
        return session.scalars(select(Budget)).one()


def test_allocation_is_told_by_area_and_of_a_budget_what_is_left(db, programme):
    budget = given_budget(programme, 1_000)
    offer = given_offer(programme, "perk", value_fen=300, stock=10, budget_id=budget.budget_id)
    with database.begin() as session:
        wanted = moves.Wanted("allocated", 4, "for the county", "330106")
        moves.record(session, given_person("editor"), offer.offer_id, wanted, clock.now())
    used_perk(given_member(db, programme, points=900), programme, offer)

    row = listed(programme, given_person("finance"))[offer.offer_id]
    elsewhere = listed(programme, given_person("finance", area="44"), "44")[offer.offer_id]

    assert (row.stock.left_over, dict(row.allocated)) == (5, {"330106": 4})
    assert row.budget.cap_fen - row.budget.spent_fen == 700
    assert row.cost_a_use_fen is None  # no figures were taken yet
    assert (dict(elsewhere.allocated), elsewhere.budget) == ({}, None)
