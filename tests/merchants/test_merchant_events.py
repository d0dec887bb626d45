"""A merchant's own systems hear of its statements, payouts and disputes, and of nobody else's; nothing of a member."""

import json

import pytest
from sqlalchemy import select

from base import database, ids
from base.webhooks.models import Event
from tests.base.webhooks.receivers import receiving
from tests.given import caller, given_shop, staff_token
from tests.merchants.payouts.conftest import paying as _paying
from tests.merchants.payouts.paying import given_bank
from tests.merchants.sealing import GivenMonth, given_statement
from tests.persons import person_token

paying = _paying


@pytest.fixture
def given(app, db):
    return GivenMonth(app, db)


def told() -> list[tuple[str, dict]]:
    with database.begin() as session:
        rows = session.scalars(select(Event).order_by(Event.at, Event.event_id))
        return [(row.type, row.data) for row in rows if row.type.startswith("jifen.")]


def test_what_is_sealed_paid_and_disputed_is_told_to_the_merchant(app, given):
    other = given_shop("noodles")
    with receiving() as receiver, receiving() as foreign:
        for shop, to in ((given.shop, receiver), (other, foreign)):
            made = caller(app, person_token(shop)).post(
                "/v1/webhooks/endpoints",
                {"url": to.url, "types": ["jifen.statement.*", "jifen.payout.*", "jifen.dispute.*"]},
            )
            assert made.status_code == 201
        finance, support = given.person(number="41"), caller(app, staff_token("support"))
        opened = finance.post(
            "/v1/merchant/disputes", {"acceptance": given.taken[2]["id"], "said": "not us"}
        ).json
        support.post(f"/v1/disputes/{opened['id']}/take")
        support.post(f"/v1/disputes/{opened['id']}/decide", {"verdict": "merchant", "reason": "r"})
        given_statement(given.shop.merchant)

    found = told()
    assert [kind for kind, _ in found] == [
        "jifen.dispute.opened",
        "jifen.dispute.decided",
        "jifen.statement.sealed",
    ]
    assert [data.get("verdict") for _, data in found] == [None, "merchant", None]
    assert found[2][1]["payable_fen"] == 881
    assert "mbr_" not in json.dumps(found)


def test_each_step_of_a_statements_money_is_told_to_its_merchant(app, given, paying):
    with receiving() as receiver:
        asked = {"url": receiver.url, "types": ["jifen.payout.*"]}
        assert caller(app, person_token(given.shop)).post("/v1/webhooks/endpoints", asked).status_code == 201
        given_bank(paying.config, given.shop.merchant, "6222020000001234")
        statement = given_statement(given.shop.merchant)
        paying.run("bank")

    found = told()
    assert {kind for kind, _ in found} == {"jifen.payout.changed"}
    assert [data["state"] for _, data in found] == ["approved", "sent"]
    assert found[0][1] == {
        "statement": ids.public("stm", statement.merchant_id, statement.statement_no),
        "state": "approved",
        "amount_fen": 881,
        "currency": "CNY",
    }
