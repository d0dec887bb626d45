"""A merchant's account adjusted by two persons: a line of its next statement, never a change of a sealed one."""

import pytest
from sqlalchemy import select

from base import database
from merchants.models import MerchantItem
from tests.given import caller, given_shop, staff_token
from tests.merchants.sealing import given_statement

ASKED = {"merchant": "tea", "owed_fen": 1200, "reason": "price", "text": "the price was old", "ticket": "T-7"}


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def maker(app, shop):
    return caller(app, staff_token("finance"))


@pytest.fixture
def checker(app, shop):
    return caller(app, staff_token("checker"))


def approve(person, proposal):
    path = f"/v1/merchant-adjustments/{proposal['id']}/approve"
    return person.post(path, {"content_hash": proposal["content_hash"]})


def items() -> list[tuple[str, int, int, int]]:
    with database.begin() as session:
        return [
            (row.kind, row.owed_fen, row.fee_fen, row.vat_fen)
            for row in session.scalars(select(MerchantItem))
        ]


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_a_second_person_puts_it_on_the_next_statement(app, shop, maker, checker):
    proposal = maker.post("/v1/merchant-adjustments", ASKED | {"fee_fen": -24, "vat_fen": -1}).json
    before = items()

    alone = approve(maker, proposal)
    done = approve(checker, proposal)
    twice = approve(checker, proposal)
    statement = given_statement(shop.merchant)

    assert before == []
    assert (alone.status_code, done.status_code, kind(twice)) == (403, 200, "proposal-decided")
    assert items() == [("adjustment", 1200, -24, -1)]
    assert (statement.line_count, statement.net_fen) == (1, 1225)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"owed_fen": 0}, "owed_fen"),
        ({"reason": "because"}, "reason"),
        ({"text": "a\tb"}, "text"),
        ({"acceptance": "acc_X"}, "acceptance"),
        ({"acceptance": "acc_" + "0" * 25 + "1"}, "acceptance"),
    ],
)
def test_what_is_wrong_names_its_field(maker, wrong, field):
    refused = maker.post("/v1/merchant-adjustments", ASKED | wrong)

    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [f"/{field}"]


def test_another_areas_merchant_is_not_there(app, shop):
    elsewhere = caller(app, staff_token("finance", area="11"))

    assert kind(elsewhere.post("/v1/merchant-adjustments", ASKED)) == "merchant-unknown"
