"""All about a member on one page: why the balance is what it is, what was written to them, and how a caller is found."""

import re
from datetime import date, timedelta

import pytest

from admin.console.notices.words import NAMES
from base import clock, database, ids
from base.notices.texts import CODES, KINDS
from points import bills, policies
from points.bills import BillLineIn
from points.members import members
from points.notices import telling
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)

PHONE = "13912345678"


class Desk:
    """The browser of a person of the staff."""

    def __init__(self, app, *roles, area="", language="en"):
        self.client = app.test_client()
        self.client.set_cookie("jifen_staff", staff_token(*roles, area=area))
        self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language

    def get(self, path):
        return self.client.get(f"/staff{path}")

    def send(self, path, action, **fields):
        page = self.get(path).text
        token, key = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("csrf_token", "key"))
        said = {"csrf_token": token[1]} | ({"key": key[1]} if key else {}) | fields
        return self.client.post(f"/staff{action}", data=said)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_area(given_member(db, programme, points=100, phone=PHONE), "330106")


def page_of(member):
    return f"/members/{ids.public('mbr', member)}"


def told(db, member, template, facts, **more):
    with database.begin() as session:
        telling.tell(session, db, member, template, facts, **more)


def test_each_lot_and_movement_leads_to_the_bill_line_that_earned_it(app, db, programme, member):
    with database.begin() as session:
        customer = members.by_id(session, member).customer_id
        line = BillLineIn(customer, "2026-09", 7, date(2026, 9, 5), "plan", 6_000)
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), [line])
    desk = Desk(app, "care-agent", area="3301")

    why, one = desk.get(f"{page_of(member)}/why").text, desk.get(f"{page_of(member)}/movements/2")

    assert "bill 2026-09 line 7 of 2026-09-05 · 60 points" in why
    assert "60.00 yuan on bill 2026-09 line 7" in why
    assert one.status_code == 200
    assert "bill 2026-09 line 7 of 2026-09-05" in one.text
    assert (
        "2026-09-05 账单 2026-09 第 7 行"
        in Desk(app, "support", language="zh-CN").get(f"{page_of(member)}/why").text
    )
    assert desk.get(f"{page_of(member)}/movements/9").status_code == 404


@pytest.mark.parametrize("place", ["/why", "/movements/1"])
def test_why_is_there_for_ones_own_members_alone(app, member, place):
    assert Desk(app, "support", area="35").get(page_of(member) + place).status_code == 404


def test_messages_stand_there_masked_with_what_they_are_about_and_never_say_it(app, db, programme, member):
    offer = given_offer(programme, "perk", value_fen=10)
    redemption = caller(app, member_token(member)).redeem(offer).json["id"]
    told(db, member, "bill-credit-done", {"points": "77", "yuan": "5"}, subject=redemption)
    told(db, member, "sign-in-code", {"code": "424242", "minutes": "5"})
    desk = Desk(app, "support")

    page = desk.get(page_of(member)).text
    revealed = desk.send(
        f"{page_of(member)}/reveal?fields=messages",
        f"{page_of(member)}/reveal",
        fields="messages",
        reason="complaint",
        case="T-9",
    ).text

    assert "Bill credited" in page
    assert "Code to sign in" in page
    assert "139****5678" in page
    assert f"<code>{redemption}</code>" in page
    assert (
        f'<a href="/staff/trace?id={redemption}">'
        in Desk(app, "support", "finance").get(page_of(member)).text
    )
    assert "Waiting to be handed on" in page
    assert PHONE not in page
    assert re.search(r"\b77\b", page) is None
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d [^<]*\b77\b", revealed)
    assert "424242" not in page + revealed
    assert "Texts of the last messages" in Desk(app, "auditor").get("/view-log").text


def test_every_kind_of_message_has_a_name_and_codes_are_among_them():
    assert set(NAMES) == set(KINDS)
    assert {code for code in KINDS if code.endswith("-code")} == set(CODES)


def test_a_caller_is_found_by_the_number_of_the_phone_which_no_address_holds(app, member):
    desk = Desk(app, "support")

    found = desk.send("/members", "/members/by-phone", phone=PHONE)
    missed = desk.send("/members", "/members/by-phone", phone="13900000000")
    wrong = desk.send("/members", "/members/by-phone", phone="139 1234")
    elsewhere = Desk(app, "support", area="35").send("/members", "/members/by-phone", phone=PHONE)

    assert (found.status_code, found.location) == (303, f"/staff{page_of(member)}")
    assert "No member of yours has this phone number now." in missed.text
    assert (wrong.status_code, "5 to 15 digits" in wrong.text) == (422, True)
    assert "No member of yours has this phone number now." in elsewhere.text


def test_open_tickets_are_among_what_waits_and_overdue_ones_are_named(app, db, member):
    mine = caller(app, member_token(member))
    assert (
        mine.post("/v1/tickets", {"subject": "points", "words": "300 points are missing"}).status_code == 201
    )
    desk = Desk(app, "support")

    fresh = desk.get("").text
    with clock.stopped(clock.now() + timedelta(days=20)):
        late = Desk(app, "support").get("").text

    assert 'href="/staff/tickets?view=open"><span>Open tickets</span>' in fresh
    assert 'href="/staff/tickets?view=overdue"><span>Open tickets</span>' in late
    assert "1 needs you soon" in late
    assert "Open tickets" not in Desk(app, "analyst").get("").text


def test_a_till_is_revoked_by_whoever_types_its_code(app, db):
    shop = given_shop()
    desk, place = Desk(app, "editor"), f"/merchants/{shop.merchant.code}"
    action = f"{place}/tills/{shop.terminal.code}/revoke"

    mistaken = desk.send(place, action, code="tea-9")
    still = desk.get(place).text
    done = desk.send(place, action, code=shop.terminal.code)

    assert mistaken.status_code == 422
    assert f"type the code of this very till: {shop.terminal.code}" in mistaken.text
    assert "Revoke for good" in still
    assert done.status_code == 303
    assert "Revoke for good" not in desk.get(place).text
    assert desk.send(place, f"{place}/tills/other-1/revoke", code="other-1").status_code == 404
