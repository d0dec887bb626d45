"""The console says what is low in stock, and shows corrections and budgets to who decides on them."""

import pytest

from admin.staff.models import StaffRow
from base import clock, database
from base.approvals import approvals
from catalog.budgets import proposals
from catalog.stock import corrections, moves, stock
from tests.admin.console.test_approvals import browser
from tests.given import given_offer, given_person, given_programme


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Offers low in stock", "Count corrected", "+2", "Singles", "in each month", "12.34")),
        ("zh-CN", ("库存不足的权益", "更正数量", "+2", "双十一", "每月", "12.34")),
    ],
)
def test_the_overview_and_both_kinds_of_proposal_say_it_in_words(app, db, language, words):
    programme = given_programme()
    offer, maker, at = given_offer(programme, "perk", stock=1), given_person("editor"), clock.now()
    owner = given_person("support")
    wanted = proposals.Wanted(
        "gotone", "eleven", {"zh-CN": "双十一", "en": "Singles"}, 1234, "month", clock.day(at, programme.zone), None,
        None, f"staff:{owner.staff_id}", "autumn",
    )  # fmt: skip
    with database.begin() as session:
        name = session.get_one(StaffRow, owner.staff_id).name
        stock.watch(session, moves.find(session, offer.offer_id), 5, "gift")
        wrong = corrections.Wanted("corrected", 2, "counted again")
        one = corrections.propose(session, maker, offer.offer_id, wrong, at).proposal
        other = proposals.propose(session, maker, wanted, at).proposal
    checker = browser(app, "checker", language=language)

    overview, listed = checker.get("/staff").text, checker.get("/staff/approvals").text
    correction = checker.get(f"/staff/stock-corrections/{approvals.reference(one.proposal_id)}").text
    budget = checker.get(f"/staff/budget-proposals/{approvals.reference(other.proposal_id)}").text

    assert words[0] in overview
    assert offer.code in overview
    assert words[0] not in browser(app, "analyst", language=language).get("/staff").text
    assert approvals.reference(one.proposal_id) in listed
    assert approvals.reference(other.proposal_id) in listed
    assert [word for word in words[1:3] if word not in correction] == []
    assert [word for word in (*words[3:], name) if word not in budget] == []
