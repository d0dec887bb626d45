"""What a voucher says it is worth is what it comes to."""

from datetime import timedelta

import pytest

from base import clock
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.vouchers import forms
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)

SHARE = {"type": "percent", "percent": 20, "cap_fen": 3_000, "usual_bill_fen": 9_999}
PRICE = {"type": "fixed_price", "list_fen": 5_000, "price_fen": 3_900}


def offer(form, value_fen=1_000):
    return Offer(kind="voucher", value_fen=value_fen, form=form)


@pytest.mark.parametrize(
    ("form", "value_fen"),
    [
        ({}, 1_000),
        ({"type": "value"}, 1_000),
        (SHARE, 1_999),
        (SHARE | {"usual_bill_fen": 20_000}, 3_000),
        (PRICE, 1_100),
        (PRICE | {"type": "member_day", "days": [8, 18, 28]}, 1_100),
    ],
)
def test_a_value_a_share_with_a_cap_a_price_and_that_on_member_days(form, value_fen):
    forms.check(offer(form, value_fen))

    assert forms.worth_fen(offer(form, value_fen)) == value_fen


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"type": "half"}, "form.type"),
        (SHARE | {"percent": 101}, "form.percent"),
        (SHARE | {"percent": 0}, "form.percent"),
        (SHARE, "value_fen"),
        (PRICE | {"price_fen": 5_000}, "value_fen"),
        (PRICE | {"type": "member_day", "days": [8, 8]}, "form.days"),
        (PRICE | {"type": "member_day", "days": [0]}, "form.days"),
    ],
)
def test_what_is_none_of_these_or_comes_to_something_else_is_refused_with_its_field(form, field):
    with pytest.raises(BadForm) as refused:
        forms.check(offer(form))

    assert refused.value.facts["field"] == field


def test_a_voucher_of_member_days_is_taken_on_those_days_alone(app, db):
    shop = given_shop()
    till = caller(app, clerk_token(shop))
    form = {"type": "member_day", "list_fen": 200, "price_fen": 100, "days": [8]}
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100, form=form)
    member = caller(app, member_token(given_member(db, programme, points=500)))
    code = member.voucher_code(member.redeem(offer).json)
    today = clock.now()
    eighth = next(
        today + timedelta(days=n) for n in range(31) if (today + timedelta(days=n, hours=8)).day == 8
    )

    other = till.post("/v1/vouchers/check", {"code": code}) if (today + timedelta(hours=8)).day != 8 else None
    with clock.stopped(eighth):
        taken = caller(app, clerk_token(shop)).accept(code)

    assert other is None or (other.status_code, other.json["type"]) == (403, "/problems/member-days-only")
    assert taken.status_code == 201
