"""What `verify` finds of disputes and freezes: each planted fault, and nothing while all is well."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.disputes import verify
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

FAULTS = {
    "an acceptance that is missing": ("delete from acceptance", "not about the acceptance"),
    "another amount": ("update dispute set amount_fen = 1", "not about the acceptance"),
    "an open one that freezes nothing": ("delete from voucher_freeze", "has to freeze"),
    "one that was thawed too early": (
        "update voucher_freeze set thawed_at = now(), thawed_by = 'x', thaw_reason = 'x' where dispute_id is not null",
        "has to freeze",
    ),
    "usable in spite of a reason": (
        "update voucher set state = 'issued' where state = 'frozen'",
        "in spite of one",
    ),
    "frozen without a reason": ("delete from voucher_freeze", "without a reason"),
    "a hold that is missing": ("delete from merchant_item", "not held exactly"),
    "another amount held": ("update merchant_item set fee_fen = 0", "not held exactly"),
    "released too early": (
        "insert into merchant_item select merchant_id, item_id + 1, member_id, about_id, -owed_fen, -fee_fen, -vat_fen, "
        "-brand_fen, recorded_at, 'dispute-released', reason, actor, approval from merchant_item",
        "not held exactly",
    ),
    "a hold of no dispute": ("update merchant_item set about_id = 1", "names no dispute"),
    "taken off twice": (
        "insert into merchant_item select i.merchant_id, i.item_id + 1, i.member_id, d.acceptance_id, i.owed_fen, i.fee_fen, "
        "i.vat_fen, i.brand_fen, i.recorded_at, 'clawback', i.reason, i.actor, i.approval from merchant_item i "
        "join dispute d on d.dispute_id = i.about_id",
        "taken off twice",
    ),
    "a clawback of nothing": ("update merchant_item set kind = 'clawback'", "exactly what the acceptance"),
    "given back unasked": ("update redemption set state = 'reversed'", "nobody decided"),
}


@pytest.fixture
def given(app, db):
    """A voucher of three units, one of which was used and is disputed."""
    shop, programme = given_shop(), given_programme()
    member = caller(app, member_token(given_member(db, programme, points=1_000)))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    code = member.voucher_code(member.redeem(offer, 3).json)
    counter = caller(app, clerk_token(shop))
    token = counter.check(code).json["check_token"]
    taken = counter.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json
    return db, member.post(f"/v1/acceptances/{taken['id']}/not-me").json


@contextmanager
def planted(db, statement: str) -> Iterator[list[str]]:
    """The findings with a fault that is taken back again."""
    with owner(db) as connection:
        connection.execute(text(statement))
        with Session(connection) as session:
            yield [finding.text for finding in verify.findings(session)]
        connection.rollback()


def test_every_planted_fault_is_found(given):
    missed = {}
    for name, (statement, word) in FAULTS.items():
        with planted(given[0], statement) as found:
            if not any(word in one for one in found):
                missed[name] = found

    assert missed == {}


@pytest.mark.parametrize("verdict", [None, "member", "merchant"])
def test_nothing_is_found_while_all_is_well(app, given, verdict):
    support = caller(app, staff_token("support"))
    path = f"/v1/disputes/{given[1]['id']}"
    if verdict:
        support.post(f"{path}/take")
        assert support.post(f"{path}/decide", {"verdict": verdict, "reason": "r"}).status_code == 200

    with planted(given[0], "select 1") as found:
        assert found == []
