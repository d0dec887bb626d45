"""What was accepted, on the merchant's pages: today at a glance, a list by the filter of the address, exactly that filter as a file."""

import csv
import io
import re
import zipfile

import pytest

from base import clock
from tests.given import (
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_outlet,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def taken(app, db, shop):
    """Three acceptances by clerk 01, of which the last was undone."""
    programme = given_programme()
    offer = given_offer(programme, "voucher", value_fen=1000, merchant_id=shop.merchant.merchant_id)
    member = caller(app, member_token(given_member(db, programme, points=10_000)))
    till = caller(app, clerk_token(shop))
    codes = [member.voucher_code(member.redeem(offer).json) for _ in range(3)]
    done = [till.accept(code).json for code in codes]
    till.post(f"/v1/acceptances/{done[2]['id']}/void", {"reason": "wrong"})
    return [(one["id"], code.replace("-", "")[8:12]) for one, code in zip(done, codes, strict=True)]


def reading(app, shop, role, number, language="en"):
    client = app.test_client()
    client.set_cookie("jifen_merchant", merchant_token(given_colleague(shop, role, number)))
    return lambda path: client.get(path, headers={"Accept-Language": language})


def rows_of(page):
    return set(re.findall(r"/merchant/acceptances/(acc_\w+)/receipt", page.text))


def test_a_filter_in_the_address_finds_and_its_file_holds_exactly_that(app, shop, taken):
    owner = reading(app, shop, "owner", "00")
    (first, last4), (second, _), (undone, _) = taken
    today = f"{clock.day(clock.now(), shop.merchant.zone)}"
    found = {
        "": {first, second, undone},
        "state=standing": {first, second},
        "state=undone": {undone},
        f"last4={last4.lower()}": {first},
        f"from={today}&to={today}&clerk=01": {first, second, undone},
        "clerk=77": set(),
        "from=2020-01-01&to=2020-01-31": set(),
    }

    for asked, ids in found.items():
        assert rows_of(owner(f"/merchant/acceptances?{asked}")) == ids, asked
        told = owner(f"/merchant/acceptances/files/csv?{asked}").data.decode("utf-8-sig")
        assert {row[-1] for row in csv.reader(io.StringIO(told))} - {"Number"} == ids, asked
    shown = owner("/merchant/acceptances?state=standing").text
    assert "2 acceptances" in shown
    assert "¥18.00" in shown
    assert 'href="/merchant/acceptances/files/xlsx?state=standing"' in shown
    with zipfile.ZipFile(io.BytesIO(owner("/merchant/acceptances/files/xlsx?state=undone").data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert undone in sheet
    assert first not in sheet
    assert owner("/merchant/acceptances/files/pdf").status_code == 404


def test_today_is_a_glance_and_leads_to_receipts_and_requests(app, shop, taken):
    owner = reading(app, shop, "owner", "00")
    today = owner("/merchant").text
    receipt = owner(f"/merchant/acceptances/{taken[0][0]}/receipt").text
    asked = owner(f"/merchant/acceptances/{taken[0][0]}?ask=undo").text

    assert "owed for 2 vouchers accepted" in today
    assert "On its way" in today
    assert rows_of(owner("/merchant")) == {one for one, _ in taken}
    assert taken[0][1] in receipt
    assert "Copy printed" in receipt
    assert "Accepted by mistake at Binjiang" in asked


def test_a_manager_sees_and_exports_the_own_outlet_alone(app, shop, taken):
    elsewhere = given_outlet(shop)
    client = app.test_client()
    client.set_cookie(
        "jifen_merchant", merchant_token(given_colleague(shop, "manager", "50", outlet=elsewhere))
    )
    here = reading(app, shop, "manager", "51", "zh-CN")

    assert rows_of(client.get("/merchant/acceptances")) == set()
    assert client.get(f"/merchant/acceptances/{taken[0][0]}/receipt").status_code == 404
    assert taken[0][0] not in client.get("/merchant/acceptances/files/csv").text
    assert rows_of(here("/merchant/acceptances")) == {one for one, _ in taken}
    assert "在途" not in here("/merchant").text  # no statements, no money on the way
