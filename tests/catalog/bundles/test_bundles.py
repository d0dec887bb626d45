"""A bundle is given whole or not at all, and says so."""

import pytest

from base import database, ids
from catalog.bundles import parts
from catalog.offers import forms, offers
from catalog.offers.models import Offer
from catalog.stock.models import Stock
from tests.catalog import stand_ins
from tests.catalog.stand_ins import BACK, SPENT, asked, offer_of
from tests.given import caller, clerk_token, given_bundle, given_offer, given_programme, given_shop


@pytest.fixture(scope="module")
def stand_in():
    with stand_ins.serving() as there:
        yield there


@pytest.fixture(autouse=True)
def _behaves(stand_in):
    stand_in.behaves()


def left_over(offer):
    with database.begin() as session:
        return session.get(Stock, offer.offer_id).left_over


def given_tea(programme, shop, **more):
    return given_offer(
        programme, "voucher", value_fen=300, merchant_id=shop.merchant.merchant_id, stock=4, **more
    )


@pytest.mark.parametrize("other", ["service", "bill_credit", "electronic"])
def test_the_voucher_is_issued_with_the_part_of_the_other_system_and_not_before(app, db, stand_in, other):
    programme, shop = given_programme(), given_shop()
    tea, service = given_tea(programme, shop, state="paused"), offer_of(programme, other, stock=4)
    bundle = given_bundle(programme, tea, service, value_fen=500, stock=4)
    one = asked(app, db, stand_in, "bundle", offer=bundle, programme=programme)
    before = one.shown()
    assert (before["voucher"], [part["state"] for part in before["parts"]]) == (None, ["waiting"] * 2)
    assert [left_over(offer) for offer in (bundle, tea, service)] == [3, 3, 3]

    assert one.drain() == "fulfilled"

    after = one.shown()
    assert ([part["state"] for part in after["parts"]], one.points) == (["given"] * 2, SPENT)
    assert (after["goods"] or {}).get("state", "delivered") == "delivered"
    code = one.member.voucher_code(after)
    assert caller(app, clerk_token(shop)).accept(code).status_code == 201
    assert one.member.post(f"{one.path}/cancel").status_code == 409


def test_if_one_part_fails_all_is_undone_and_every_stock_is_as_before(app, db, stand_in):
    programme, shop = given_programme(), given_shop()
    tea, service = given_tea(programme, shop), offer_of(programme, "service", stock=4)
    bundle = given_bundle(programme, tea, service, value_fen=500, stock=4)
    one = asked(app, db, stand_in, "bundle", offer=bundle, programme=programme)
    stand_in.fails("ordering", {"mode": "refuse"})

    assert one.drain() == "failed"

    shown = one.shown()
    assert (one.points, shown["voucher"], [part["state"] for part in shown["parts"]]) == (
        BACK,
        None,
        ["undone"] * 2,
    )
    assert [left_over(offer) for offer in (bundle, tea, service)] == [4, 4, 4]


def test_a_bundle_of_our_own_things_can_be_cancelled_until_its_voucher_is_used(app, db, stand_in):
    programme, shop = given_programme(), given_shop()
    tea = given_tea(programme, shop)
    bundle = given_bundle(programme, tea, value_fen=500, cancellable=True)
    one = asked(app, db, stand_in, "bundle", offer=bundle, programme=programme)
    assert one.drain() == "fulfilled"

    answer = one.member.post(f"{one.path}/cancel")

    assert (answer.json["state"], one.points, left_over(tea)) == ("cancelled", BACK, 4)
    used = one.member.redeem(bundle).json
    one.drain()
    used = one.member.get(f"/v1/redemptions/{used['id']}").json
    caller(app, clerk_token(shop)).accept(one.member.voucher_code(used))
    assert (
        one.member.post(f"/v1/redemptions/{used['id']}/cancel").json["type"]
        == "/problems/voucher-already-accepted"
    )


def test_a_part_that_is_sold_out_or_over_is_refused_before_any_point_moves(app, db, stand_in):
    programme, shop = given_programme(), given_shop()
    tea = given_tea(programme, shop)
    bundle = given_bundle(programme, tea, units=3, value_fen=100, cancellable=True)
    one = asked(app, db, stand_in, "bundle", offer=bundle, programme=programme)

    sold_out = one.member.redeem(bundle)
    with database.begin() as session:
        session.get(offers.OfferState, tea.offer_id).state = "ended"
    over = one.member.redeem(bundle)

    assert (sold_out.json["type"], over.json["type"]) == ("/problems/sold-out", "/problems/part-not-open")
    assert over.json["part"] == tea.names
    assert left_over(tea) == 1


def test_what_cannot_be_undone_together_cannot_be_bundled(db):
    programme, shop = given_programme(), given_shop()
    tea, service, credit, perk, mug = (
        given_tea(programme, shop),
        *(given_offer(programme, kind) for kind in ("service", "bill_credit", "perk", "goods")),
    )

    def refusal(*of, cancellable=False, **form):
        told = {"parts": [{"offer": offer.code, "units": 1} for offer in of]} | form
        offer = Offer(kind="bundle", programme_id=programme.programme_id, cancellable=cancellable, form=told)
        try:
            with database.begin() as session:
                forms.check(offer, session)
        except forms.BadForm as refused:
            return refused.type_name(), refused.facts["field"]
        return None

    assert refusal(tea, service) is None
    assert refusal(service, credit) == (parts.TwoExternalParts.type_name(), "parts")
    assert refusal(tea, perk) == ("bad-parts", "parts/1/offer")
    assert refusal(tea, mug) == ("bad-parts", "parts/1/offer")
    assert refusal(tea, given_tea(programme, given_shop("other"))) == ("bad-parts", "parts")
    assert refusal(tea, service, cancellable=True) == ("bad-parts", "cancellable")
    assert refusal(tea, tea) == ("bad-parts", "parts")
    assert refusal() == ("bad-parts", "parts")
    assert refusal(parts=[{"offer": tea.code, "units": 0}]) == ("bad-parts", "parts/0/units")
    assert refusal(parts=[{"offer": "nothing", "units": 1}]) == ("bad-parts", "parts/0/offer")
    assert refusal(parts="all") == ("bad-form", "parts")


def test_two_confirmations_at_once_of_the_last_part_leave_one_bundle(app, db, stand_in):
    programme, shop = given_programme(), given_shop()
    tea = given_offer(programme, "voucher", value_fen=300, merchant_id=shop.merchant.merchant_id, stock=1)
    bundles = [given_bundle(programme, tea, value_fen=500) for _ in range(2)]
    one = asked(
        app,
        db,
        stand_in,
        "bundle",
        offer=given_bundle(programme, offer_of(programme, "service"), value_fen=100),
        programme=programme,
    )
    quotes = [one.member.quote(bundle).json["id"] for bundle in bundles]

    answers = stand_ins.at_once(
        *[
            lambda quote=quote: caller(app, one.member.token).post("/v1/redemptions", {"quote": quote})
            for quote in quotes
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert left_over(tea) == 0
    assert ids.parse("red", next(a.json["id"] for a in answers if a.status_code == 201))
