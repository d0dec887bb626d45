"""Campaigns on the pages: a merchant's people write one, staff complete it, another person approves; what is wrong stands at its field."""

import io
import re

import pytest

from base import database
from catalog.campaigns.models import Campaign
from tests.given import given_colleague, given_programme, given_shop, merchant_token, staff_token

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
PNG = b"\x89PNG\r\n\x1a\n" + b"tea"
SAID = {
    "name_zh": "生日券", "name_en": "Birthday voucher", "text_zh": "生日当月可兑。", "text_en": "In your month.", "value": "10",
    "voucher_days": "30", "stock": "100", "most": "1", "per": "month", "share": "20", "wished_points": "900", "first_day": "",
    "last_day": "", "closed": "2027-10-01 - 2027-10-07",
}  # fmt: skip


class Screen:
    """A browser of somebody, on one face."""

    def __init__(self, app, cookie, token, language="en"):
        self.client, self.language, self.page = app.test_client(), language, None
        self.client.set_cookie(cookie, token)

    def get(self, path):
        self.page = self.client.get(path, headers={"Accept-Language": self.language}, follow_redirects=True)
        return self.page

    def send(self, action, **fields):
        form = re.search(rf'<form[^>]*action="{action}".*?</form>', self.page.text, re.DOTALL)
        assert form, f"no form for {action} on this page"
        self.page = self.client.post(
            action,
            data=dict(HIDDEN.findall(form[0])) | fields,
            headers={"Accept-Language": self.language},
            follow_redirects=True,
        )
        return self.page


@pytest.fixture
def shop(db):
    given_programme()
    return given_shop("tea", merchant_bp=1000)


@pytest.fixture
def owner(app, shop):
    return Screen(app, "jifen_merchant", merchant_token(given_colleague(shop, "owner", "00")))


@pytest.fixture
def maker(app, shop):
    return Screen(app, "jifen_staff", staff_token("editor"))


@pytest.fixture
def checker(app, shop):
    return Screen(app, "jifen_staff", staff_token("checker"))


def written(owner, kind="birthday", **more):
    """A campaign from the form; its address."""
    owner.get(f"/merchant/campaigns/new?kind={kind}")
    page = owner.send("/merchant/campaigns", **SAID | more)
    assert page.status_code == 200, page.text
    return page.request.path


def test_a_campaign_goes_from_the_merchants_form_to_an_approved_offer(owner, maker, checker):
    empty = owner.get("/merchant/campaigns").text
    place = written(owner, picture=(io.BytesIO(PNG), "tea.png"))
    draft = owner.page.text
    handed_in = owner.send(f"{place}/hand-in").text
    staff_place = place.replace("/merchant/", "/staff/")
    inbox = maker.get("/staff/approvals").text
    listed = maker.get("/staff/campaigns").text
    file = maker.get("/staff/campaigns?csv=1").text
    shown = maker.get(staff_place).text
    proposal = maker.send(f"{staff_place}/take", code="tea-birthday", category="dining", approval_class="value_added", cost="7.20", budget="", deed="propose")  # fmt: skip
    waiting = checker.get("/staff/approvals").text
    checker.get(proposal.request.path)
    checker.send(f"{proposal.request.path}/approve")
    live = owner.get(place).text

    assert "Propose a campaign" in empty
    assert "¥7.20" in draft  # 90 % of 10 yuan, of which the merchant bears a fifth
    assert re.search(r'src="/pictures/[0-9a-f]{64}"', draft)
    assert "Hand it in" in draft
    assert "Hand it in" not in handed_in
    assert "1 campaign of a merchant waits" in inbox
    assert staff_place in listed
    assert file.splitlines()[1].startswith(f"{staff_place.rpartition('/')[2]},")
    assert ",tea,birthday,1000,CNY," in file
    assert 'value="7.20"' in shown
    assert "900" in shown
    assert "Proposed by tea house" in waiting
    assert "Running" in live
    assert "Vouchers redeemed" in live


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(owner):
    owner.get("/merchant/campaigns/new?kind=holiday")

    page = owner.send(
        "/merchant/campaigns", **SAID | {"value": "ten", "closed": "next week", "name_en": "", "share": "5"}
    )

    assert page.status_code == 422
    assert "Please correct these fields" in page.text
    assert "Ends on: must be a date" in page.text
    for field in ("value", "closed", "name_en", "first_day", "last_day"):
        assert f'id="{field}-error"' in page.text, field
    assert "next week" in page.text
    right = SAID | {"value": "10", "first_day": "2027-02-01", "last_day": "2027-02-10"}
    less = owner.send("/merchant/campaigns", **right | {"share": "5"})
    assert "The terms in force say that you bear more" in less.text
    assert 'id="share-error"' in less.text
    assert owner.send("/merchant/campaigns", **right).status_code == 200


def test_a_change_is_shown_as_it_was_written_and_a_form_sent_twice_is_one_campaign(owner):
    place = written(owner, "member_day", weekdays="3", days="8, 18", use_weekdays=["6", "7"])
    form = owner.get(f"{place}/change").text
    owner.send(f"{place}/change", **SAID | {"value": "12.50", "days": "28"})
    twice = owner.client.post(
        "/merchant/campaigns", data=dict(HIDDEN.findall(form)) | SAID | {"key": "one-key", "days": "8"}
    )
    again = owner.client.post(
        "/merchant/campaigns", data=dict(HIDDEN.findall(form)) | SAID | {"key": "one-key", "days": "8"}
    )

    assert 'value="8, 18"' in form
    assert re.findall(r'name="(\w*weekdays)"[^>]*value="(\d)" checked', form) == [
        ("weekdays", "3"),
        ("use_weekdays", "6"),
        ("use_weekdays", "7"),
    ]
    assert "¥12.50" in owner.get(place).text
    assert twice.location == again.location
    with database.begin() as session:
        assert session.query(Campaign).count() == 2


def test_staff_send_it_back_and_the_merchant_reads_why(owner, maker):
    place = written(owner)
    owner.send(f"{place}/hand-in")
    staff_place = place.replace("/merchant/", "/staff/")
    maker.get(staff_place)
    faulty = maker.send(f"{staff_place}/take", code="Tea Birthday", category="dining", approval_class="value_added", cost="7.20", budget="", deed="draft")  # fmt: skip
    maker.send(f"{staff_place}/send-back", words="请缩短有效期。")

    assert faulty.status_code == 422
    owner.language = "zh-CN"
    assert "请缩短有效期。" in owner.get(place).text
    assert "重新提交" in owner.page.text


def test_a_manager_writes_for_the_own_outlet_and_finance_only_reads(app, shop):
    manager = Screen(app, "jifen_merchant", merchant_token(given_colleague(shop, "manager", "50")))
    finance = Screen(app, "jifen_merchant", merchant_token(given_colleague(shop, "finance", "40")))
    place = written(manager)

    assert "An owner of your merchant hands it in." in manager.page.text
    assert "Hand it in" not in manager.page.text
    assert "Propose a campaign" not in finance.get("/merchant/campaigns").text
    assert finance.get(place).status_code == 200
    assert finance.get("/merchant/campaigns/new").status_code == 403
