"""What a dispute does to the merchant's money: held at once, released or kept, on the next statements, once in every race."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from base import clock, database
from base.notices import notices
from catalog.disputes import verify
from merchants.models import MerchantItem
from tests.given import (
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
    staff_token,
)
from tests.merchants.sealing import given_statement

HELD, RELEASED = "dispute-held", "dispute-released"


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
def finance(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "finance", "20")))


@pytest.fixture
def support(app, db):
    return caller(app, staff_token("support"))


def given_use(member, counter, programme, shop, *, of=1, units=1):
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=1000)
    redeemed = member.redeem(offer, of).json
    token = counter.check(member.voucher_code(redeemed)).json["check_token"]
    return redeemed, counter.post("/v1/vouchers/accept", {"check_token": token, "units": units}).json


def dispute(finance, acceptance, **more):
    return finance.post(
        "/v1/merchant/disputes", {"acceptance": acceptance["id"], "said": "we served nobody"} | more
    )


def decided(support, opened, verdict):
    path = f"/v1/disputes/{opened['id']}"
    support.post(f"{path}/take")
    return support.post(f"{path}/decide", {"verdict": verdict, "reason": "looked into"})


def held() -> list[tuple[str, int, int, int]]:
    with database.begin() as session:
        rows = session.scalars(select(MerchantItem).order_by(MerchantItem.item_id))
        return [(row.kind, row.owed_fen, row.fee_fen, row.vat_fen) for row in rows]


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


@pytest.mark.parametrize(("verdict", "after"), [("merchant", [RELEASED]), ("member", [])])
def test_what_a_member_disputes_is_held_at_once_and_released_only_for_the_merchant(
    member, counter, programme, shop, support, verdict, after
):
    _, taken = given_use(member, counter, programme, shop)

    opened = member.post(f"/v1/acceptances/{taken['id']}/not-me").json
    at_once = held()
    member.post(f"/v1/acceptances/{taken['id']}/not-me")
    shown = support.get(f"/v1/disputes/{opened['id']}").json
    done = decided(support, opened, verdict).json

    assert at_once == [(HELD, -900, -18, -1)]
    assert (shown["amount_fen"], shown["held_fen"]) == (900, 881)
    assert [row[0] for row in held()] == [HELD, *after]
    assert sum(row[1] for row in held()) == (0 if verdict == "merchant" else -900)
    assert done["held_fen"] == (0 if verdict == "merchant" else 881)


def test_a_merchant_disputes_an_acceptance_and_hears_what_came_of_it(
    member, counter, programme, shop, finance, support
):
    redeemed, taken = given_use(member, counter, programme, shop, of=3)

    opened = dispute(finance, taken)
    waiting = finance.get(f"/v1/merchant/disputes/{opened.json['id']}").json
    voucher = member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"]
    decided(support, opened.json, "merchant")
    [done] = finance.get("/v1/merchant/disputes").json["data"]

    assert (opened.status_code, opened.json["side"], opened.json["held_fen"]) == (201, "merchant", 881)
    assert (waiting["owner"], waiting["said"]) == (None, "we served nobody")
    assert voucher == "issued"  # a merchant's dispute takes nothing from the member
    assert (done["owner"], done["verdict"], done["reason"], done["held_fen"]) == (
        "operator",
        "merchant",
        "looked into",
        0,
    )
    assert "mbr_" not in finance.get("/v1/merchant/disputes").get_data(as_text=True)


def test_a_merchants_dispute_for_the_member_leaves_what_is_left_usable(
    member, counter, programme, shop, finance, support
):
    redeemed, taken = given_use(member, counter, programme, shop, of=3)

    done = decided(support, dispute(finance, taken).json, "member").json

    assert (done["points_back"], done["points_due"]) == ("by_hand", 1000)
    assert member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"] == "issued"
    assert [row[0] for row in held()] == [HELD]


def test_a_merchants_dispute_for_the_member_of_a_used_up_voucher_proposes_that_it_is_undone(
    app, member, counter, programme, shop, finance, support
):
    redeemed, taken = given_use(member, counter, programme, shop)

    done = decided(support, dispute(finance, taken).json, "member").json
    [proposal] = support.get("/v1/reversals").json["data"]
    approved = caller(app, staff_token("checker")).post(
        f"/v1/reversals/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]}
    )

    assert (done["points_back"], approved.status_code) == ("proposed", 200)
    assert member.get(f"/v1/redemptions/{redeemed['id']}").json["state"] == "reversed"
    assert [row[0] for row in held()] == [HELD]


def test_of_a_second_dispute_each_side_is_told_that_there_is_one(member, counter, programme, shop, finance):
    _, taken = given_use(member, counter, programme, shop)

    first, second = dispute(finance, taken), dispute(finance, taken)
    members = member.post(f"/v1/acceptances/{taken['id']}/not-me")

    assert (first.status_code, kind(second)) == (201, "dispute-there")
    assert members.json["id"] == first.json["id"]
    assert len(held()) == 1


@pytest.mark.parametrize(("verdict", "after"), [("merchant", "issued"), ("member", "cancelled")])
def test_a_merchants_dispute_does_not_keep_the_member_from_being_heard(
    db, member, counter, programme, shop, finance, support, verdict, after
):
    redeemed, taken = given_use(member, counter, programme, shop, of=3)
    opened = dispute(finance, taken).json

    said = member.post(f"/v1/acceptances/{taken['id']}/not-me").json
    frozen = member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"]
    member.post(f"/v1/acceptances/{taken['id']}/not-me")
    with database.begin() as session:
        waiting = list(verify.findings(session))
    decided(support, opened, verdict)

    assert (said["id"], frozen) == (opened["id"], "frozen")
    assert member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"] == after
    with database.begin() as session:
        told = [one.template for one in notices.latest(session, db.seal_key)]
        assert waiting + list(verify.findings(session)) == []
    assert sorted(told[:2]) == sorted(["dispute-opened", f"dispute-for-{verdict}"])
    assert told.count("dispute-opened") == 1


def test_of_a_decision_and_the_member_speaking_at_once_nothing_stays_frozen(
    member, counter, programme, shop, finance, support
):
    for _ in range(4):
        _, taken = given_use(member, counter, programme, shop, of=2)
        opened = dispute(finance, taken).json
        support.post(f"/v1/disputes/{opened['id']}/take")
        together = threading.Barrier(2)

        def decides(opened=opened, together=together):
            together.wait()
            asked = {"verdict": "merchant", "reason": "looked into"}
            return support.post(f"/v1/disputes/{opened['id']}/decide", asked).status_code

        def says(taken=taken, together=together):
            together.wait()
            return member.post(f"/v1/acceptances/{taken['id']}/not-me").status_code

        with ThreadPoolExecutor(2) as pool:
            both = pool.submit(decides), pool.submit(says)
            assert [one.result() for one in both] == [200, 201]
    with database.begin() as session:
        assert list(verify.findings(session)) == []


def test_what_was_undone_is_not_disputed_by_the_merchant(member, counter, programme, shop, finance):
    _, taken = given_use(member, counter, programme, shop)
    counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "mistake"})

    assert kind(dispute(finance, taken)) == "already-voided"
    assert held() == []


def test_neither_another_merchants_people_nor_a_manager_dispute_it(app, member, counter, programme, shop):
    _, taken = given_use(member, counter, programme, shop)
    other = caller(app, merchant_token(given_colleague(given_shop("noodles"), "owner", "00")))
    manager = caller(app, merchant_token(given_colleague(shop, "manager", "30")))
    mine = dispute(caller(app, merchant_token(given_colleague(shop, "owner", "10"))), taken).json

    assert kind(dispute(other, taken)) == "acceptance-unknown"
    assert kind(other.get(f"/v1/merchant/disputes/{mine['id']}")) == "dispute-unknown"
    assert other.get("/v1/merchant/disputes").json["data"] == []
    assert dispute(manager, taken).status_code == 403


def test_a_dispute_is_opened_until_sixty_days_after_its_statement(
    app, member, counter, programme, shop, finance
):
    _, first = given_use(member, counter, programme, shop)
    _, second = given_use(member, counter, programme, shop)
    statement = given_statement(shop.merchant)
    sealed_at = statement.sealed_at
    assert statement.line_count == 2

    with clock.stopped(sealed_at + timedelta(days=60)):
        colleague = merchant_token(given_colleague(shop, "owner", "02"))
        in_time = dispute(caller(app, colleague), first)
    with clock.stopped(sealed_at + timedelta(days=60, seconds=1)):
        colleague = merchant_token(given_colleague(shop, "owner", "03"))
        late = dispute(caller(app, colleague), second)

    assert (in_time.status_code, kind(late)) == (201, "dispute-too-late")


def test_of_undoing_and_disputing_at_once_the_money_is_taken_off_once(
    member, counter, programme, shop, finance
):
    for _ in range(6):
        _, taken = given_use(member, counter, programme, shop)
        together = threading.Barrier(2)

        def says(taken=taken, together=together):
            together.wait()
            return dispute(finance, taken).status_code

        def voids(taken=taken, together=together):
            together.wait()
            return counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "x"}).status_code

        with ThreadPoolExecutor(2) as pool:
            said, void = pool.submit(says), pool.submit(voids)
            assert (said.result(), void.result()) in ((201, 409), (409, 201))


def test_of_both_sides_disputing_at_once_one_dispute_holds_the_money_once(
    member, counter, programme, shop, finance
):
    _, taken = given_use(member, counter, programme, shop)
    together = threading.Barrier(4)

    def member_says():
        together.wait()
        return member.post(f"/v1/acceptances/{taken['id']}/not-me").status_code

    def merchant_says():
        together.wait()
        return dispute(finance, taken).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(one) for one in (member_says, merchant_says, member_says, merchant_says)]
        assert {one.result() for one in answers} <= {201, 409}
    assert held() == [(HELD, -900, -18, -1)]
