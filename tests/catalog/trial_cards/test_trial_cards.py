"""Trial cards: no member redeems one; one person proposes it for a member, another hands it out, and what came of it is kept."""

import pytest
from sqlalchemy import text

from app.proof import findings
from base import clock, database, ids
from base.approvals import approvals
from catalog.budgets import budgets
from catalog.budgets.budgets import BudgetOfSomebodyElse, BudgetSpent
from catalog.offers import offers
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.trial_cards import trial_cards
from points.members import members
from tests.catalog.budgets.test_budgets import given_budget
from tests.given import (
    ZONE,
    caller,
    clerk_token,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_shop,
    given_trial_card,
    member_token,
    reverse_by_two,
    staff_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop():
    return given_shop()


@pytest.fixture
def offer(programme, shop):
    return given_offer(programme, "trial_card", merchant_id=shop.merchant.merchant_id, stock=2)


@pytest.fixture
def somebody(db, programme):
    return given_member(db, programme, points=500)


def kind_of(answer):
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def asked(member_id, offer, **more):
    said = {"text": "opened a branch", "expected": "a contract for lines"}
    return {"member": ids.public("mbr", member_id), "offer": offer.code} | said | more


def test_a_card_is_proposed_approved_by_another_person_used_at_the_till_and_its_result_told(
    app, db, shop, offer, somebody
):
    maker, checker = caller(app, staff_token("support")), caller(app, staff_token("checker"))
    mine = caller(app, member_token(somebody))
    case = maker.post("/v1/trial-cards", asked(somebody, offer)).json
    place = f"/v1/trial-cards/{case['id']}"
    early = maker.post(f"{place}/result", {"outcome": "interested", "text": "asked for prices"})

    approved = checker.post(f"{place}/approve", {"content_hash": case["content_hash"]})
    (row,) = mine.get("/v1/redemptions").json["data"]
    steps = mine.get(f"/v1/redemptions/{row['id']}").json["timeline"]
    accepted = caller(app, clerk_token(shop)).accept(mine.voucher_code(row))
    told = maker.post(f"{place}/result", {"outcome": "converted", "text": "twenty lines"}, key="k")
    again = maker.post(f"{place}/result", {"outcome": "converted", "text": "twenty lines"}, key="k")
    other = maker.post(f"{place}/result", {"outcome": "declined", "text": "no"})
    seen = checker.get(place).json

    assert (case["cost_fen"], case["redemption"], kind_of(early)) == (1000, None, "409 no-trial-card")
    assert (approved.status_code, approved.json["redemption"]) == (200, row["id"])
    assert (row["kind"], row["price_points"], row["state"]) == ("trial_card", 0, "fulfilled")
    assert [(step["state"], step["by"]) for step in steps] == [("requested", "staff"), ("fulfilled", "staff")]
    with database.begin() as session:
        actors = session.execute(text("select count(distinct actor) from redemption_step")).scalar()
    assert (actors, mine.spendable(), accepted.status_code) == (2, 500, 201)
    assert (told.status_code, again.data, kind_of(other)) == (201, told.data, "409 result-recorded")
    assert (seen["voucher"], seen["result"]["outcome"]) == ("accepted", "converted")


def test_nobody_redeems_one_and_it_is_on_no_list(app, offer, somebody):
    mine = caller(app, member_token(somebody))

    assert kind_of(mine.quote(offer)) == "409 not-for-sale"
    assert mine.get("/v1/offers").json["data"] == []


def test_the_maker_a_stranger_and_another_areas_person_hand_nothing_out(app, offer, somebody):
    given_area(somebody, "3301")
    maker = caller(app, staff_token("support", "checker"))
    case = maker.post("/v1/trial-cards", asked(somebody, offer)).json
    elsewhere = caller(app, staff_token("checker", area="3302"))
    approve = f"/v1/trial-cards/{case['id']}/approve", {"content_hash": case["content_hash"]}

    assert kind_of(maker.post(*approve)) == "403 own-proposal"
    assert kind_of(elsewhere.post(*approve)) == "404 proposal-unknown"
    assert kind_of(caller(app, staff_token("editor")).post(*approve)).startswith("403")
    assert caller(app, member_token(somebody)).get("/v1/redemptions").json["data"] == []


def test_what_cannot_be_handed_out_leaves_the_proposal_open(app, db, programme, shop, offer, somebody):
    maker, checker = caller(app, staff_token("support")), caller(app, staff_token("checker"))
    case = maker.post("/v1/trial-cards", asked(somebody, offer)).json
    approve = f"/v1/trial-cards/{case['id']}/approve", {"content_hash": case["content_hash"]}
    voucher = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)

    with database.begin() as session:
        members.suspend(session, somebody)
    frozen = checker.post(*approve)
    with database.begin() as session:
        members.resume(session, programme, somebody, clock.now())
        dearer = offers.version(session, offer.version_id)
        same = {name: getattr(dearer, name) for name in SAME}
        offers.add_version(session, offer.offer_id, clock.now(), **same | {"cost_fen": 1001})

    assert kind_of(frozen) == "403 member-frozen"
    assert kind_of(checker.post(*approve)) == "409 trial-card-changed"
    assert checker.get(f"/v1/trial-cards/{case['id']}").json["state"] == "proposed"
    assert kind_of(maker.post("/v1/trial-cards", asked(somebody, voucher))) == "404 offer-unknown"


SAME = ("merchant_id", "value_fen", "cost_fen", "most_units", "voucher_days", "cancellable", "category",
        "approval_class", "names", "texts")  # fmt: skip


def test_a_card_spends_the_budget_of_who_asked_for_it_and_no_more_than_that(programme, shop, somebody):
    manager = given_person("support")
    day = clock.day(clock.now(), ZONE)
    budget = given_budget(cap_fen=1500, from_day=day, owner=f"staff:{manager.staff_id}")
    place = {"merchant_id": shop.merchant.merchant_id, "budget_id": budget.budget_id}
    card = given_offer(programme, "trial_card", **place)

    with pytest.raises(BudgetOfSomebodyElse):
        given_trial_card(somebody, card)
    given_trial_card(somebody, card, manager)
    with pytest.raises(BudgetSpent):
        given_trial_card(somebody, card, manager)

    with database.begin() as session:
        assert budgets.spent_fen(session, budget.budget_id, day) == 1000


def test_a_card_handed_back_or_reversed_ends_its_voucher_and_frees_its_place(app, offer, somebody):
    mine = caller(app, member_token(somebody))
    first, second = given_trial_card(somebody, offer), given_trial_card(somebody, offer)
    with pytest.raises(offers.SoldOut):
        given_trial_card(somebody, offer)
    with database.begin() as session:
        rows = [trial_cards.given(session, proposal) for proposal in (first, second)]
    first, second = (ids.public("red", somebody, row.redemption_id) for row in rows)

    undone = reverse_by_two(app, {"id": second})
    back = mine.post(f"/v1/redemptions/{first}/cancel")

    assert undone.status_code == 200
    assert back.json["state"] == "cancelled"
    assert {row["state"] for row in mine.get("/v1/vouchers", heap="past").json["data"]} == {"cancelled"}
    given_trial_card(somebody, offer)


def test_verify_finds_a_card_that_nobody_approved_and_an_approval_that_gave_none(owner, offer, somebody):
    proposal = given_trial_card(somebody, offer)
    owner.execute(text('update redemption set details = \'{"approval": "apr_none"}\''))

    with database.begin() as session:
        found = {one.text for one in findings(session) if one.rule == "trial card"}

    assert found == {"it names no approval", "it was approved and nothing was handed out"}
    reference = approvals.reference(proposal.proposal_id)
    owner.execute(
        text("update redemption set details = jsonb_build_object('approval', (:r)::text)"), {"r": reference}
    )


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"form": {"a": 1}}, "form"),
        ({"approval_class": "basic"}, "approval_class"),
        ({"cash_choices": [100]}, "cash_choices"),
        ({"most_units": 2}, "most_units"),
    ],
)
def test_an_offer_that_is_none_of_trial_cards_is_refused(more, field):
    fits = {"form": {}, "approval_class": "extension", "cash_choices": [], "most_units": 1}
    with pytest.raises(BadForm) as refused:
        trial_cards.check_form(Offer(**fits | more))

    assert refused.value.facts["field"] == field
