"""Merchants in the console: what is overdue first, the checklist, the button of the next step, terms and owners."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from base import clock, database, ids
from merchants.onboarding import stages
from tests.given import ZONE, given_offer, given_outlet, given_programme, given_shop, staff_token

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Desk:
    """The browser of somebody of the staff."""

    def __init__(self, app, *roles, area="", language="en"):
        self.client, self.language, self.page = app.test_client(), language, None
        self.client.set_cookie("jifen_staff", staff_token(*roles, area=area))

    def get(self, path):
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        form = re.search(rf'<form[^>]*action="{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        said = dict(HIDDEN.findall(form[0])) | fields
        self.page = self.client.post(
            action,
            data=urlencode(said),
            content_type="application/x-www-form-urlencoded",
            headers={"Accept-Language": self.language},
            follow_redirects=True,
        )
        return self.page


@pytest.fixture
def desk(app, db):
    return Desk(app, "editor")


def invited(code, days_ago=0, area=""):
    at = clock.now() - timedelta(days=days_ago)
    names = {"zh-CN": f"{code} 店", "en": f"{code} house"}
    values = {"zone": ZONE, "currency": "CNY", "city": "Hangzhou", "area": area, "actor": "operator"}
    with database.begin() as session:
        return stages.invite(session, code, names, **values, at=at)


def test_a_merchant_is_invited_and_its_owner_let_in(desk):
    desk.get("/staff/merchants/new")
    made = desk.send("/staff/merchants", code="cake", name_zh="蛋糕", name_en="Cake house", city="Hangzhou", area="3301", zone=ZONE, currency="CNY")  # fmt: skip
    owner = desk.send("/staff/merchants/cake/owner-invitations", number="00")
    again = desk.get("/staff/merchants/cake/owner-invitations")

    assert made.request.path == "/staff/merchants/cake"
    assert "Legal name" in made.text
    assert re.search(r"/merchant/invitation#[\w-]{43}<", owner.text)
    assert again.request.path == "/staff/merchants/cake"


def test_the_list_begins_with_what_is_overdue(desk):
    given_shop("tea")
    invited("late", days_ago=30)
    invited("soon")

    page = desk.get("/staff/merchants").text
    of_stage = desk.get("/staff/merchants?stage=active").text

    assert [page.index(f"<code>{code}</code>") for code in ("late", "soon", "tea")] == sorted(
        page.index(f"<code>{code}</code>") for code in ("late", "soon", "tea")
    )
    assert page.count("Overdue") == 1
    assert "<code>tea</code>" in of_stage
    assert "<code>late</code>" not in of_stage


def test_the_button_takes_the_next_step_or_says_what_is_missing(desk):
    invited("cake")
    desk.get("/staff/merchants/cake")

    refused = desk.send("/staff/merchants/cake/steps")

    assert refused.status_code == 409
    assert "conditions of this step" in refused.text


def test_a_ticket_is_handed_over_and_a_merchant_suspended(desk):
    given_shop("tea")
    invited("cake")
    desk.get("/staff/merchants/cake")
    over = desk.send("/staff/merchants/cake/hand-over", owner="operator", days="3")
    desk.get("/staff/merchants/tea")
    out = desk.send("/staff/merchants/tea/steps", to="suspended", note="complaints")

    assert re.search(r"The operator · Person \d+", over.text)
    assert "complaints" in out.text
    assert "Suspended" in out.text


def test_terms_are_proposed_from_a_form_and_decided_on_their_page(app, desk):
    given_shop("tea")
    desk.get("/staff/merchants/tea/terms/new")
    proposed = desk.send("/staff/merchants/tea/terms", price_bp="8000", fee_bp="100", vat_bp="600",
        from_day=(clock.day(clock.now(), ZONE) + timedelta(days=3)).isoformat(), void_min="10",
        manager_void_min="60", typed_limit_fen="2000", reason="a lower fee")  # fmt: skip
    place = proposed.request.path
    checker = Desk(app, "checker")
    seen = checker.get(place).text
    checker.send(f"{place}/approve")

    assert place.startswith("/staff/terms-proposals/apr_")
    assert "80%" in seen
    assert "Waits for the owner" in desk.get("/staff/merchants/tea").text


def test_every_field_of_the_terms_form_is_proposed_and_filled_in_the_next_time(app, desk):
    shop = given_shop("tea")
    offer = given_offer(given_programme(), "voucher", merchant_id=shop.merchant.merchant_id)
    public = ids.public("off", offer.offer_id)
    desk.get("/staff/merchants/tea/terms/new")

    proposed = desk.send("/staff/merchants/tea/terms", price_bp="8000", fee_bp="100", vat_bp="600",
        from_day=(clock.day(clock.now(), ZONE) + timedelta(days=3)).isoformat(), void_min="10", manager_void_min="60",
        typed_limit_fen="2000", prices=f"{public} 1500 fen\n", fee_fixed_fen="10", fee_cap_fen="", merchant_bp="3000",
        brand_bp="1000", brand="tea house", cycle="weekly", cutoff="06:00", draft_days="3", pay_days="5", reserve_bp="500",
        reserve_days="90", minimum_fen="10000", issuing_fen="800", issuing_rule="stop", points_per_100_yuan="150",
        reason="another cycle")  # fmt: skip
    seen = proposed.text
    checker = Desk(app, "checker")
    checker.get(proposed.request.path)
    checker.send(f"{proposed.request.path}/approve")
    again = desk.get("/staff/merchants/tea/terms/new").text

    assert all(
        said in seen
        for said in (public, "10% (tea house)", "Each week", "06:00", "5% for 90 days", "No points are given")
    )
    assert f"{public} 1500 fen" in again
    assert 'value="06:00"' in again


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cutoff": "25:00"}, "a time of day"),
        ({"cutoff": "6"}, "a time of day"),
        ({"prices": "off_1 many fen"}, "line 1"),
        ({"prices": "off_0000000000001 1 fen\noff_0000000000001 2 fen"}, "line 2"),
        ({"cycle": "hourly"}, "not one of the choices"),
        ({"reserve_bp": "500"}, "reserve_days"),
    ],
)
def test_a_terms_form_that_is_wrong_says_where(desk, fields, told):
    given_shop("tea")
    desk.get("/staff/merchants/tea/terms/new")

    refused = desk.send("/staff/merchants/tea/terms", price_bp="8000", fee_bp="100", vat_bp="600", void_min="10",
        from_day=(clock.day(clock.now(), ZONE) + timedelta(days=3)).isoformat(), manager_void_min="60",
        typed_limit_fen="2000", reason="r", **fields)  # fmt: skip

    assert refused.status_code == 422
    assert told in refused.text


def test_a_pack_is_entered_by_two_and_stands_on_the_merchants_page(app, desk):
    given_shop("tea")
    desk.get("/staff/merchants/tea/packs/new")

    proposed = desk.send("/staff/merchants/tea/packs", points="10000", price_fen="60000", until_day="", reference="INV-1",
        from_day=clock.day(clock.now(), ZONE).isoformat(), reason="for the year")  # fmt: skip
    before = desk.get("/staff/merchants/tea").text
    checker = Desk(app, "checker")
    seen = checker.get(proposed.request.path).text
    checker.send(f"{proposed.request.path}/approve")

    assert proposed.request.path.startswith("/staff/pack-proposals/apr_")
    assert "INV-1" in seen
    assert "No pack was bought." in before
    assert "10,000" in desk.get("/staff/merchants/tea").text


def test_people_of_an_area_see_its_merchants_and_outlets_alone(app, desk):
    shop = given_shop("tea")
    given_outlet(shop, "330106")
    invited("north", area="1101")
    here = Desk(app, "editor", "finance", area="3301")

    listed = here.get("/staff/merchants").text
    one = here.get("/staff/merchants/tea").text

    assert "<code>tea</code>" in listed
    assert "<code>north</code>" not in listed
    assert "West Lake" in one
    assert "Binjiang" not in one
    assert here.get("/staff/merchants/north").status_code == 404
    assert here.get("/staff/statements?merchant=north").status_code == 404
    assert here.get("/staff/statements?merchant=tea").status_code == 200


@pytest.mark.parametrize("path", ["", "/new", "/tea", "/tea/terms/new", "/tea/packs/new"])
def test_each_page_opens_in_chinese(app, path):
    given_shop("tea")

    page = Desk(app, "editor", language="zh-CN").get(f"/staff/merchants{path}")

    assert (page.status_code, page.text.count("<h1")) == (200, 1)
