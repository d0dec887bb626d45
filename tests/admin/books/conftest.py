"""A voucher of 30 yuan for 2,000 points, of whose price the operator bears 60 %, the merchant 30 and a brand 10."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask import Flask

from base import database
from base.config import Config
from catalog.offers.models import Offer
from catalog.rates import rates
from merchants import terms
from tests.given import (
    LONG_AGO,
    Caller,
    Shop,
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)


@dataclass(frozen=True)
class Trade:
    """A member with 5,000 points worth a fen each, a shop, its offer and its till."""

    app: Flask
    shop: Shop
    member: Caller
    offer: Offer
    till: Caller
    member_id: int = 0

    def issued(self, units: int = 1) -> Any:
        """A voucher: its redemption."""
        answer = self.member.redeem(self.offer, units)
        assert answer.status_code == 201, answer.json
        return answer.json

    def accepted(self, redemption: Any, units: int | None = None) -> Any:
        """Some units of it used, all without a word."""
        token = self.till.check(self.member.voucher_code(redemption)).json["check_token"]
        answer = self.till.post(
            "/v1/vouchers/accept", {"check_token": token} | ({"units": units} if units else {})
        )
        assert answer.status_code == 201, answer.json
        return answer.json

    def voided(self, acceptance: Any) -> None:
        answer = self.till.post(f"/v1/acceptances/{acceptance['id']}/void", {"reason": "wrong"})
        assert answer.status_code == 201, answer.json


@pytest.fixture
def trade(app: Flask, db: Config) -> Trade:
    shop, programme = given_shop(), given_programme()
    merchant_id = shop.merchant.merchant_id
    member_id = given_member(db, programme, points=5_000)
    member = caller(app, member_token(member_id))
    offer = given_offer(programme, "voucher", merchant_id=merchant_id, value_fen=3_000)
    with database.begin() as session:
        rates.add(
            session, programme.programme_id, LONG_AGO, points=2_000, per_fen=3_000, offer_id=offer.offer_id
        )
        terms.add(
            session, merchant_id, date(2021, 1, 1), price_bp=10_000, fee_bp=200, vat_bp=600, void_window_s=900,
            merchant_bp=3_000, brand_bp=1_000, brand="leaf", typed_limit_fen=1_000_000,
        )  # fmt: skip
    return Trade(app, shop, member, offer, caller(app, clerk_token(shop)), member_id)
