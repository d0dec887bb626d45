"""The main job over HTTP: quote, redeem in all three kinds, check, accept, void, cancel."""

from app.proof import findings
from base import database, jobs
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)


def test_a_voucher_is_redeemed_checked_accepted_once_and_voided(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=3000, stock=5)
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    till = caller(app, clerk_token(shop))

    redeemed = member.redeem(offer)
    code = member.voucher_code(redeemed.json)
    checked = till.check(code.lower().replace("-", " "))
    accepted = till.accept(code)
    again = till.check(code)
    voided = till.post(f"/v1/acceptances/{accepted.json['id']}/void", {"reason": "wrong item"})

    assert redeemed.status_code == 201
    assert redeemed.json["state"] == "fulfilled"
    assert member.spendable() == 2000
    assert checked.status_code == 200
    assert accepted.status_code == 201
    assert (accepted.json["owed_fen"], accepted.json["fee_fen"], accepted.json["vat_fen"]) == (2700, 54, 3)
    assert again.status_code == 409
    assert again.json["type"] == "/problems/voucher-already-accepted"
    assert again.json["outlet"]["en"] == "Binjiang"
    assert voided.status_code == 201
    assert till.accept(code).status_code == 201


def test_a_cancelled_voucher_gives_the_points_back_to_their_lot(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=1000)
    member = caller(app, member_token(given_member(db, programme, points=1500)))
    before = member.get("/v1/members/me/wallet").json["lots"]

    redeemed = member.redeem(offer)
    cancelled = member.post(f"/v1/redemptions/{redeemed.json['id']}/cancel")

    assert cancelled.status_code == 200
    assert cancelled.json["state"] == "cancelled"
    assert member.get("/v1/members/me/wallet").json["lots"] == before


def test_the_last_of_a_perk_is_sold_once(app, db):
    programme = given_programme()
    offer = given_offer(programme, "perk", stock=1)
    first = caller(app, member_token(given_member(db, programme, points=1000)))
    second = caller(app, member_token(given_member(db, programme, points=1000)))
    late_quote = second.quote(offer).json["id"]

    taken = first.redeem(offer)
    refused = second.post("/v1/redemptions", {"quote": late_quote})

    assert taken.status_code == 201
    assert refused.status_code == 409
    assert refused.json["type"] == "/problems/sold-out"
    assert second.spendable() == 1000


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(app, db):
    programme = given_programme()
    offer = given_offer(programme, "perk", stock=10)
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    quote = member.quote(offer).json["id"]

    first = member.post("/v1/redemptions", {"quote": quote}, key="k-1")
    second = member.post("/v1/redemptions", {"quote": quote}, key="k-1")
    other = member.post(
        "/v1/redemptions", {"quote": member.quote(given_offer(programme, "perk")).json["id"]}, key="k-1"
    )

    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert member.spendable() == 4000


def test_bill_credit_stays_pending_with_its_points_held_until_billing_answers(app, db):
    programme = given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=500)
    member = caller(app, member_token(given_member(db, programme, points=1000)))

    redeemed = member.redeem(offer)

    assert redeemed.json["state"] == "pending"
    assert member.get("/v1/members/me/wallet").json["held"] == 500
    assert member.spendable() == 500


def test_billing_that_cannot_be_reached_gives_the_points_back_after_the_last_try(app, db):
    programme = given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=500)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    redeemed = member.redeem(offer)  # billing_url points to a port where nobody listens

    jobs.drain(db.database_url)

    seen = member.get(f"/v1/redemptions/{redeemed.json['id']}").json
    assert seen["state"] == "failed"
    assert member.spendable() == 1000
    with database.begin() as session:
        assert list(findings(session)) == []
