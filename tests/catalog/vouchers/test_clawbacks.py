"""A redemption undone after its voucher was used: the merchant gives back what it got, by two persons, once, in every race."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base import database
from catalog.reversals import verify
from merchants.models import MerchantItem
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)
from tests.owner import owner


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def counter(app, shop):
    return caller(app, clerk_token(shop))


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(app, db, programme):
    return caller(app, member_token(given_member(db, programme, points=10_000)))


@pytest.fixture
def support(app, db):
    return caller(app, staff_token("support"))


@pytest.fixture
def checker(app, db):
    return caller(app, staff_token("checker"))


def given_use(member, counter, programme, shop, *, of=1):
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=1000)
    redeemed = member.redeem(offer, of).json
    code = member.voucher_code(redeemed)
    return redeemed, code, use(counter, code)


def use(counter, code):
    token = counter.check(code).json["check_token"]
    return counter.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json


def proposed(support, redeemed, *, clawback=True):
    asked = {"redemption": redeemed["id"], "text": "the shop was closed", "ticket": "T-1"}
    return support.post("/v1/reversals", asked | {"clawback": clawback})


def approve(checker, proposal):
    return checker.post(f"/v1/reversals/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]})


def items() -> list[tuple[str, int, int, int]]:
    with database.begin() as session:
        rows = session.scalars(select(MerchantItem).order_by(MerchantItem.item_id))
        return [(row.kind, row.owed_fen, row.fee_fen, row.vat_fen) for row in rows]


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_points_go_back_to_the_member_and_the_money_comes_back_from_the_merchant(
    member, counter, programme, shop, support, checker
):
    redeemed, code, taken = given_use(member, counter, programme, shop, of=2)

    proposal = proposed(support, redeemed).json
    before = (items(), member.spendable())
    done = approve(checker, proposal)

    [named] = proposal["clawback"]
    assert (named["acceptance"], named["merchant"], named["owed_fen"]) == (taken["id"], "tea", 900)
    assert before == ([], 8_000)
    assert (done.status_code, done.json["outcome"]) == (200, "done")
    assert items() == [("clawback", -900, -18, -1)]
    assert member.spendable() == 10_000
    assert kind(counter.check(code)) == "voucher-cancelled"


def test_without_a_clawback_a_used_voucher_is_not_undone(member, counter, programme, shop, support, checker):
    redeemed, _, _ = given_use(member, counter, programme, shop)

    proposal = proposed(support, redeemed, clawback=False).json
    refused = approve(checker, proposal)

    assert proposal["clawback"] == []
    assert kind(refused) == "voucher-already-accepted"
    assert items() == []


def test_an_unused_voucher_has_nothing_to_claw_back(member, programme, shop, support):
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)

    assert kind(proposed(support, member.redeem(offer).json)) == "nothing-to-claw-back"


def test_what_was_used_since_is_not_what_was_approved(member, counter, programme, shop, support, checker):
    redeemed, code, _ = given_use(member, counter, programme, shop, of=2)
    proposal = proposed(support, redeemed).json
    use(counter, code)

    assert kind(approve(checker, proposal)) == "uses-changed"
    assert items() == []


def test_what_is_disputed_or_was_clawed_back_is_not_taken_again(
    member, counter, programme, shop, support, checker
):
    redeemed, _, taken = given_use(member, counter, programme, shop)
    other, _, disputed = given_use(member, counter, programme, shop)
    proposal = proposed(support, redeemed).json
    member.post(f"/v1/acceptances/{disputed['id']}/not-me")
    approve(checker, proposal)

    assert kind(proposed(support, other)) == "acceptance-disputed"
    assert kind(proposed(support, redeemed)) == "not-reversible"
    assert kind(member.post(f"/v1/acceptances/{taken['id']}/not-me")) == "already-clawed-back"
    assert kind(counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "x"})) == "already-clawed-back"
    assert [row[0] for row in items()] == ["dispute-held", "clawback"]


def test_a_use_that_was_decided_to_be_anothers_stays_held_and_the_rest_is_clawed_back(
    member, counter, programme, shop, support, checker
):
    redeemed, code, first = given_use(member, counter, programme, shop, of=2)
    second = use(counter, code)
    opened = member.post(f"/v1/acceptances/{first['id']}/not-me").json
    support.post(f"/v1/disputes/{opened['id']}/take")
    support.post(f"/v1/disputes/{opened['id']}/decide", {"verdict": "member", "reason": "r"})

    proposal = proposed(support, redeemed).json
    done = approve(checker, proposal)

    assert [one["acceptance"] for one in proposal["clawback"]] == [second["id"]]
    assert done.status_code == 200
    assert items() == [("dispute-held", -900, -18, -1), ("clawback", -900, -18, -1)]
    assert member.spendable() == 10_000


@pytest.mark.parametrize("deed", ["not-me", "void"])
def test_of_a_clawback_and_another_deed_at_once_the_money_is_taken_off_once(
    member, counter, programme, shop, support, checker, deed
):
    for _ in range(4):
        redeemed, _, taken = given_use(member, counter, programme, shop)
        proposal = proposed(support, redeemed).json
        before, together = len(items()), threading.Barrier(2)

        def claws(proposal=proposal, together=together):
            together.wait()
            return approve(checker, proposal).status_code

        def other(taken=taken, together=together):
            together.wait()
            if deed == "void":
                return counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "x"}).status_code
            return member.post(f"/v1/acceptances/{taken['id']}/not-me").status_code

        with ThreadPoolExecutor(2) as pool:
            clawed, done = pool.submit(claws), pool.submit(other)
            assert (clawed.result(), done.result()) in ((200, 409), (409, 201))
            moved = 1 if clawed.result() == 200 or deed == "not-me" else 0
        assert len(items()) == before + moved


def test_verify_finds_a_clawback_that_nobody_approved(db, member, counter, programme, shop, support, checker):
    redeemed, _, _ = given_use(member, counter, programme, shop)
    approve(checker, proposed(support, redeemed).json)

    with owner(db) as connection:
        connection.execute(text("update merchant_item set approval = null"))
        with Session(connection) as session:
            found = [one.text for one in verify.findings(session)]
        connection.rollback()

    assert "no two persons approved that it is taken back" in found
