"""A till that repeats its request gets its answer again; another request for a used voucher is refused by name."""

from collections import Counter

from sqlalchemy import text

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


def test_a_number_repeated_ten_times_is_one_acceptance_and_a_new_one_is_refused_by_name(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=1000)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    code = member.voucher_code(member.redeem(offer).json)
    till = caller(app, clerk_token(shop))
    asked = {"check_token": till.check(code).json["check_token"]}

    answers = [till.post("/v1/vouchers/accept", asked, key="sale-1") for _ in range(10)]
    others = [till.post("/v1/vouchers/accept", asked, key=f"sale-{number}") for number in (2, 3)]

    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": 9}
    assert {(answer.status_code, answer.json["type"]) for answer in [*others, till.check(code)]} == {
        (409, "/problems/voucher-already-accepted")
    }
    jobs.drain(db.database_url)
    with database.begin() as session:
        assert session.scalar(text("select count(*) from acceptance")) == 1
        assert session.scalar(text("select count(*) from notice")) == 1


def test_a_void_repeated_ten_times_is_one_void(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=1000)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    till = caller(app, clerk_token(shop))
    accepted = till.accept(member.voucher_code(member.redeem(offer).json)).json["id"]
    place = f"/v1/acceptances/{accepted}/void"

    answers = [till.post(place, {"reason": "wrong item"}, key="undo-1") for _ in range(10)]
    other = till.post(place, {"reason": "wrong item"}, key="undo-2")

    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert (other.status_code, other.json["type"]) == (409, "/problems/already-voided")
    with database.begin() as session:
        assert session.scalar(text("select count(*) from void")) == 1
