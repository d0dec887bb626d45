"""Tax invoices of a statement: expected by the regime, handed in once by each side, rejected by the other, missing in time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from base import clock, database, ids
from merchants import items
from merchants.invoices import invoices
from merchants.items import Amounts
from merchants.models import ADJUSTMENT
from merchants.onboarding import documents
from merchants.onboarding.documents import Paper
from merchants.payouts import holds, payouts
from tests.given import caller, given_colleague, given_shop, merchant_token, staff_token
from tests.merchants.payouts.paying import given_bank
from tests.merchants.sealing import given_statement


def given_regime(db, shop, regime):
    with database.begin() as session:
        documents.hand_in(
            session, db.seal_key, shop.merchant, Paper(invoice_regime=regime), "test", clock.now()
        )


def given_settled(db, shop, regime="prepaid_ordinary"):
    """A statement of 100 yuan owed, 2 yuan of fee, 12 fen of tax on it."""
    given_regime(db, shop, regime)
    with database.begin() as session:
        items.add(
            session, shop.merchant.merchant_id, ADJUSTMENT, Amounts(10_000, 200, 12), at=clock.now(), reason="r",
            actor="test",
        )  # fmt: skip
    statement = given_statement(shop.merchant)
    return statement, ids.public("stm", statement.merchant_id, statement.statement_no)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def finance(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "finance", "20")))


@pytest.fixture
def operator(app, shop):
    return caller(app, staff_token("finance"))


INVOICE = {
    "kind": "ordinary", "number": "24112000000012345678", "issued_on": "2024-01-02", "seller_name": "Tea house",
    "seller_tax_number": "91330000TEA", "buyer_name": "Operator", "buyer_tax_number": "91330000OPE",
    "amount_fen": 9434, "tax_bp": 600, "tax_fen": 566, "total_fen": 10_000,
}  # fmt: skip


def hand_in(person, statement, place="merchant/statements", **more):
    return person.post(f"/v1/{place}/{statement}/invoices", INVOICE | more)


def due(person, statement):
    found = person.get(f"/v1/merchant/statements/{statement}/invoices").json
    return {one["issuer"]: (one["kind"], one["total_fen"], one["state"]) for one in found["due"]}


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        (
            "prepaid_ordinary",
            {"merchant": ("ordinary", 10_000, "expected"), "operator": ("special", 212, "expected")},
        ),
        ("fee_special", {"operator": ("special", 212, "expected")}),
        ("none", {}),
    ],
)
def test_the_regime_says_which_side_owes_which_invoice(db, shop, finance, regime, expected):
    _, statement = given_settled(db, shop, regime)

    assert due(finance, statement) == expected


def test_each_side_hands_in_its_own(db, shop, finance, operator):
    _, statement = given_settled(db, shop)

    mine = hand_in(finance, statement)
    ours = hand_in(
        operator,
        statement,
        "statements",
        kind="special",
        number="1",
        amount_fen=200,
        tax_fen=12,
        total_fen=212,
    )

    assert (mine.status_code, mine.json["issuer"], ours.json["issuer"]) == (201, "merchant", "operator")
    assert [state for _, _, state in due(finance, statement).values()] == ["received", "received"]
    assert kind(hand_in(finance, statement, number="2")) == "invoice-there"


def test_a_rejected_one_is_replaced_and_stays_on_record(db, shop, finance, operator):
    _, statement = given_settled(db, shop)
    first = hand_in(finance, statement).json

    own = finance.post(f"/v1/merchant/invoices/{first['id']}/reject", {"reason": "mine"})
    rejected = operator.post(f"/v1/invoices/{first['id']}/reject", {"reason": "wrong name"})
    twice = operator.post(f"/v1/invoices/{first['id']}/reject", {"reason": "wrong name"})
    state = due(finance, statement)["merchant"][2]
    second = hand_in(finance, statement)

    assert (kind(own), rejected.json["state"], kind(twice)) == (
        "invoice-unknown",
        "rejected",
        "invoice-rejected",
    )
    assert (state, second.status_code) == ("rejected", 201)
    shown = operator.get(f"/v1/statements/{statement}/invoices").json["data"]
    assert [(one["state"], one["reason"]) for one in shown] == [
        ("received", None),
        ("rejected", "wrong name"),
    ]


def test_thirty_days_after_the_statement_it_is_missing(db, shop):
    row, _ = given_settled(db, shop)
    with database.begin() as session:
        before, after = (
            invoices.is_missing(session, row, row.sealed_at + timedelta(days=days)) for days in (29, 32)
        )

    assert (before, after) == (False, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "special"}, "kind"),
        ({"total_fen": 9_999}, "total_fen"),
        ({"amount_fen": 1}, "amount_fen"),
        ({"issued_on": "2999-01-01"}, "issued_on"),
        ({"number": ""}, "number"),
        ({"file_sha256": "AB"}, "file_sha256"),
    ],
)
def test_what_does_not_fit_the_statement_names_its_field(db, shop, finance, wrong, field):
    _, statement = given_settled(db, shop)

    refused = hand_in(finance, statement, **wrong)

    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [f"/{field}"]


def test_another_merchants_statement_is_unknown(app, db, shop):
    _, statement = given_settled(db, shop)
    other = caller(app, merchant_token(given_colleague(given_shop("noodles"), "owner", "00")))

    answers = [hand_in(other, statement), other.get(f"/v1/merchant/statements/{statement}/invoices")]

    assert [kind(one) for one in answers] == ["statement-unknown"] * 2


def test_of_several_handed_in_at_once_one_counts(db, shop, finance):
    _, statement = given_settled(db, shop)
    together = threading.Barrier(4)

    def hands_in(number):
        together.wait()
        return hand_in(finance, statement, number=str(number)).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(hands_in, range(1, 5))) == [201, 409, 409, 409]


def test_while_an_invoice_is_missing_nothing_more_is_paid_to_that_merchant(db, shop, finance):
    given_bank(db, shop.merchant)
    first, name = given_settled(db, shop)
    after = first.sealed_at + timedelta(days=31)
    with database.begin() as session:
        paid = payouts.of_statement(session, first.merchant_id, first.statement_no)
        early = holds.reasons(session, paid.merchant_id, paid.statement_no, first.sealed_at)
        late = holds.reasons(session, paid.merchant_id, paid.statement_no, after)

    hand_in(finance, name)

    with database.begin() as session:
        there = holds.reasons(session, paid.merchant_id, paid.statement_no, after)
    assert (early, late, there) == ([], ["invoice-missing"], [])
