"""A merchant's own systems hear of its acceptances and voids, signed, and of nobody else's; its log and keys are its own."""

import json

import pytest
from sqlalchemy import text

from base import clock, database, ids, jobs
from merchants.terminals import keys
from tests.base.webhooks.receivers import Receiver, receiving
from tests.given import (
    Caller,
    Shop,
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    service_key,
    staff_token,
)
from tests.persons import person_token

HERE = "/v1/webhooks/endpoints"
FACTS = {
    "acceptance",
    "terminal",
    "outlet",
    "units",
    "owed_fen",
    "fee_fen",
    "vat_fen",
    "currency",
    "recorded_at",
}


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def shop(db) -> Shop:
    return given_shop()


@pytest.fixture
def owner(app, shop) -> Caller:
    return caller(app, person_token(shop))


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme) -> int:
    return given_member(db, programme, points=100_000)


def endpoint(owner: Caller, receiver: Receiver, *types: str):
    return owner.post(HERE, {"url": receiver.url, "types": list(types) or ["*"]})


def used(app, programme, member_id, shop):
    """A voucher of the shop, redeemed and accepted; the acceptance."""
    member = caller(app, member_token(member_id))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    code = member.voucher_code(member.redeem(offer).json)
    return caller(app, clerk_token(shop)).accept(code)


def test_an_acceptance_and_its_void_are_told_to_the_merchant_in_order_signed_and_without_the_member(
    app, db, owner, shop, programme, member_id, receiver
):
    secret = endpoint(owner, receiver).json["secret"]

    accepted = used(app, programme, member_id, shop)
    undone = caller(app, clerk_token(shop)).post(
        f"/v1/acceptances/{accepted.json['id']}/void", {"reason": "wrong item"}
    )
    jobs.drain(db.database_url)

    one, two = receiver.got
    assert [one.event["type"], two.event["type"]] == ["jifen.voucher.accepted", "jifen.acceptance.voided"]
    assert {got.event["source"] for got in receiver.got} == {"/merchants/tea"}
    assert all(got.signed_with(secret) for got in receiver.got)
    assert one.event["subject"] == accepted.json["id"]
    assert one.event["data"]["owed_fen"] == accepted.json["owed_fen"] == 900
    assert set(one.event["data"]) == FACTS | {"source"}
    assert set(two.event["data"]) == FACTS | {"void"}
    assert two.event["data"]["void"] == undone.json["id"]
    told = json.dumps([got.event for got in receiver.got])
    assert ids.public("mbr", member_id) not in told
    assert "wrong item" not in told


def test_nobody_listening_costs_no_row_and_a_refused_try_tells_nothing(
    app, shop, owner, programme, member_id, receiver
):
    accepted = used(app, programme, member_id, shop)
    endpoint(owner, receiver)
    till = caller(app, clerk_token(shop))
    refused = till.post("/v1/vouchers/check", {"code": "7M4P-8KQ2-XZ3T8"})

    with database.begin() as session:
        events = session.scalar(text("select count(*) from webhook_event"))

    assert (accepted.status_code, refused.status_code, events) == (201, 404, 0)


def test_a_frozen_till_is_told_once(db, owner, shop, receiver):
    endpoint(owner, receiver, "jifen.terminal.frozen")

    keys.cloned(shop.terminal.terminal_id, clock.now())
    keys.cloned(shop.terminal.terminal_id, clock.now())
    jobs.drain(db.database_url)

    (got,) = receiver.got
    assert got.event["type"] == "jifen.terminal.frozen"
    assert got.event["subject"] == ids.public("trm", shop.terminal.terminal_id)
    assert set(got.event["data"]) == {"terminal", "frozen_at"}


def test_what_one_merchant_does_is_told_to_no_other_and_to_no_programme(
    app, db, owner, shop, programme, member_id, receiver
):
    other = given_shop("rice")
    stranger = caller(app, person_token(other))
    staff = caller(app, staff_token("editor"))
    with receiving() as theirs, receiving() as operators:
        endpoint(owner, receiver)
        endpoint(stranger, theirs)
        body = {"programme": "gotone", "url": operators.url, "types": ["*"]}
        assert staff.post(HERE, body).status_code == 201
        used(app, programme, member_id, shop)
        jobs.drain(db.database_url)

        assert [got.event["type"] for got in receiver.got] == ["jifen.voucher.accepted"]
        assert theirs.got == []
        assert {got.event["type"].rpartition(".")[0] for got in operators.got} == {"jifen.redemption"}


def test_another_merchants_endpoint_and_delivery_are_unknown_to_everybody_else(
    app, db, owner, shop, programme, member_id, receiver
):
    made = endpoint(owner, receiver).json
    used(app, programme, member_id, shop)
    jobs.drain(db.database_url)
    (delivery,) = owner.get("/v1/webhooks/deliveries").json["data"]
    others = [
        caller(app, person_token(given_shop("rice"))),
        caller(app, staff_token("editor")),
        caller(app, service_key(programme, "webhooks:manage")),
    ]

    place, sent = f"{HERE}/{made['id']}", f"/v1/webhooks/deliveries/{delivery['id']}"
    for other in others:
        answers = [
            other.get(place),
            other.post(place, {"description": "mine"}),
            *(other.post(f"{place}/{deed}") for deed in ("rotate", "resume", "end", "test")),
            other.post(f"{place}/pause", {"reason": "x"}),
            other.post(f"{place}/replay", {"from": str(clock.now().date())}),
            other.get("/v1/webhooks/deliveries", endpoint=made["id"]),
            other.get(sent),
            other.post(f"{sent}/resend"),
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert other.get(HERE).json["data"] == []
        assert other.get("/v1/webhooks/deliveries").json["data"] == []
    assert owner.get(sent).json["log"][0]["status"] == 204


def test_a_merchants_secret_is_shown_once_rolled_with_an_overlap_and_events_are_sent_again(
    app, db, owner, shop, programme, member_id, receiver
):
    made = endpoint(owner, receiver).json
    used(app, programme, member_id, shop)
    jobs.drain(db.database_url)
    (delivery,) = owner.get("/v1/webhooks/deliveries").json["data"]

    rolled = owner.post(f"{HERE}/{made['id']}/rotate").json
    again = owner.post(f"/v1/webhooks/deliveries/{delivery['id']}/resend")
    jobs.drain(db.database_url)
    replay = owner.post(f"{HERE}/{made['id']}/replay", {"from": str(clock.day(clock.now(), db.zone))})
    jobs.drain(db.database_url)

    assert delivery["member"] is None
    assert (made["programme"], again.json["state"], replay.status_code) == (None, "waiting", 201)
    assert rolled["old_secret_until"] is not None
    assert len(receiver.got) == 3
    assert {got.event["id"] for got in receiver.got} == {delivery["event"]}
    assert all(
        got.signed_with(made["secret"]) and got.signed_with(rolled["secret"]) for got in receiver.got[1:]
    )
    assert "whsec_" not in owner.get(HERE).get_data(as_text=True)


def test_a_merchant_names_no_programme_and_a_programme_is_named_by_all_others(
    app, owner, programme, receiver
):
    body = {"url": receiver.url, "types": ["*"]}

    named = owner.post(HERE, body | {"programme": "gotone"})
    unnamed = caller(app, staff_token("editor")).post(HERE, body)
    finance = caller(app, person_token(given_shop("rice"), "finance")).post(HERE, body)

    assert [named.status_code, unnamed.status_code, finance.status_code] == [422, 422, 403]
    assert "programme" in named.json["detail"]
    assert "programme" in unnamed.json["detail"]
