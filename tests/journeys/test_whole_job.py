"""The whole job as people do it in a browser: a member on a phone, a clerk at the till, finance and support at a desk."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from admin.staff import staff
from base import clock, database
from tests.given import given_offer, given_programme, given_shop
from tests.journeys.conftest import PHONE, code_of_message
from tests.journeys.tills import at_till
from tests.second_factor import given_second_factor

pytestmark = pytest.mark.browser

NUMBER = "13900000001"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}")
PASSWORD = "a long password"


@pytest.fixture
def offers(db):
    """An offer of each kind; returns the voucher's shop, whose terminal is tea-1."""
    programme, shop = given_programme(), given_shop(cycle="daily", draft_days=0)
    given_offer(programme, "bill_credit", value_fen=500, names=names("话费抵扣", "Five yuan off the bill"))
    given_offer(
        programme,
        "voucher",
        value_fen=3000,
        stock=3,
        merchant_id=shop.merchant.merchant_id,
        names=names("龙井茶", "Longjing tea"),
    )
    given_offer(
        programme, "event", value_fen=1800, form={"capacity": 2}, names=names("晨间瑜伽", "Morning yoga")
    )
    return shop


def names(chinese, english):
    return {"zh-CN": chinese, "en": english}


def given_files(folder):
    """The operator's files: one member, one bill of 7,500 yuan that earns."""
    members, bills = folder / "members.csv", folder / "bills.csv"
    members.write_text(f"customer_id,joined_on,phone\nC-1,2024-01-05,{NUMBER}\n")
    bills.write_text(
        "bill_id,line_no,customer_id,bill_day,line_type,amount_fen,waived_fen\n"
        "B1,1,C-1,2026-09-30,plan,800000,50000\n"
    )
    return ("members", members), ("bills", bills)


def given_staff():
    with database.begin() as session:
        staff.add(session, "desk@example.test", "Desk", PASSWORD, ["support", "finance", "analyst"])


def signed_in_member(visit):
    """A member's phone, signed in with the code of the message."""
    page = visit("/sign-in", width=PHONE)
    page.get_by_label("Phone number").fill(NUMBER)
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code").fill(code_of_message(visit("/dev/outbox")))
    page.get_by_role("button", name="Sign in").click()
    return page


def redeem(page, offer):
    """From the list of offers to the result."""
    page.get_by_role("link", name="Offers", exact=True).click()
    page.get_by_role("link", name=offer).click()
    page.get_by_role("button", name="See the exact price").click()
    page.get_by_role("button", name="Confirm").click()


def check(page, code):
    page.get_by_label("Voucher code").fill(code)
    page.get_by_role("button", name="Check").click()


def fact(page, label):
    """The value beside a label of a list of facts."""
    return page.locator("dl > div").filter(has=page.get_by_text(label, exact=True)).locator("dd")


def test_a_member_redeems_a_clerk_accepts_finance_settles(visit, db, offers, billing, cli, work, tmp_path):
    for kind, file in given_files(tmp_path):
        assert cli("import", kind, file, "--quiet").exit_code == 0
    given_staff()

    # when: the member signs in
    member = signed_in_member(visit)

    # then: one number, what it is worth, what lapses next
    expect(member.get_by_role("main")).to_contain_text("7,500 points")
    expect(member.get_by_role("main")).to_contain_text("worth about ¥75.00")
    expect(member.get_by_role("main")).to_contain_text("7,500 points lapse after")

    # when / then: bill credit waits for billing with its points set aside, then it is there
    redeem(member, "Five yuan off the bill")
    expect(member.get_by_role("heading", name="We are crediting your bill")).to_be_visible()
    expect(fact(member, "You have now")).to_have_text("7,000 points")
    work()
    member.reload()
    expect(member.get_by_role("status").first).to_contain_text("¥5.00 was credited to your bill")
    assert billing.balance("C-1") == "5.0"

    # when / then: a place at the club
    redeem(member, "Morning yoga")
    expect(member.get_by_role("status").first).to_contain_text("Your place is booked")
    member.get_by_role("link", name="Offers", exact=True).click()
    expect(member.get_by_role("link", name="Morning yoga")).to_contain_text("1 place left")

    # when / then: a voucher, its picture and its code
    redeem(member, "Longjing tea")
    member.get_by_role("link", name="Open the voucher").click()
    picture = member.get_by_role("img", name="Picture for the till")
    expect(picture).to_be_visible()
    assert picture.evaluate("(img) => img.complete && img.naturalWidth > 0 && img.width === img.height")
    code = CODE.search(member.get_by_role("main").inner_text())[0]

    # when: the clerk signs in at a paired till and checks the code as a person types it
    clerk = at_till(visit, db, offers)
    check(clerk, code.lower().replace("-", " "))

    # then: what it is, whose it is, what it is worth
    expect(clerk.get_by_role("heading", level=1)).to_have_text("Longjing tea")
    expect(fact(clerk, "Member")).to_have_text("139****0001")
    expect(fact(clerk, "Value")).to_have_text("¥30.00")

    # when / then: it is accepted, the amount is told, and the member's open page turns by itself
    clerk.get_by_role("button", name="Accept").click()
    expect(clerk.get_by_role("heading", name="Accepted")).to_be_visible()
    expect(fact(clerk, "Owed to you")).to_have_text("¥27.00")
    expect(member.get_by_role("heading", name="Used", exact=True)).to_be_visible()
    expect(member.get_by_role("status").first).to_contain_text("Binjiang")
    expect(picture).to_be_hidden()
    accepted = clerk.url

    # when / then: the second check says when and where it was used
    check(clerk, code)
    verdict = clerk.get_by_role("alert")
    expect(verdict).to_contain_text("already")
    expect(verdict).to_contain_text(re.compile(r"Already used here \d\d:\d\d, clerk 01"))

    # when / then: undone in time, the voucher is good again and is accepted once more
    clerk.goto(accepted)
    clerk.get_by_label("Reason").fill("wrong table")
    clerk.get_by_role("button", name=re.compile("Undo")).click()
    expect(clerk.get_by_role("heading", name="Undone")).to_be_visible()
    member.reload()
    expect(picture).to_be_visible()
    check(clerk, code)
    clerk.get_by_role("button", name="Accept").click()
    expect(clerk.get_by_role("heading", name="Accepted")).to_be_visible()

    # when: the next day has come and the period is closed
    with clock.stopped(clock.now() + timedelta(days=1, hours=1)):
        day = clock.day(clock.now() - timedelta(days=1), "Asia/Shanghai")
        assert cli("settle", "--until", day, "--quiet").exit_code == 0
        desk = visit("/staff")
        desk.get_by_label("Mail address").fill("desk@example.test")
        desk.get_by_label("Password").fill(PASSWORD)
        code = given_second_factor(db, "desk@example.test")
        desk.get_by_role("button", name="Sign in").click()
        desk.get_by_label("Code").fill(code)
        desk.get_by_role("button", name="Go on").click()

        # then: finance sees one sealed statement over the three deeds of the till
        desk.get_by_role("link", name="Merchants", exact=True).click()
        desk.get_by_role("link", name="tea house").click()
        desk.get_by_role("link", name="Statements", exact=True).click()
        desk.get_by_role("row", name=re.compile("¥27.00")).get_by_role("link", name="1").click()
        expect(desk.get_by_role("heading", level=1)).to_have_text("Statement 1")
        expect(desk.get_by_text("The seal fits")).to_be_visible()
        expect(fact(desk, "Owed")).to_have_text("¥27.00")
        lines = desk.get_by_role("region", name="Lines").locator("tbody").get_by_role("row")
        expect(lines).to_have_count(3)
        expect(lines.nth(1)).to_contain_text("Undone")

        # then: support finds the member, masked, and every movement of points
        desk.get_by_role("link", name="Members", exact=True).click()
        desk.get_by_label("Customer number").fill("C-1")
        desk.keyboard.press("Enter")
        expect(fact(desk, "Phone")).to_have_text("139****0001")
        expect(fact(desk, "Can be spent")).to_have_text("2,200")
        movements = desk.get_by_role("region", name="Movements")
        for what in ("Earned", "Set aside", "Set aside, now spent", "Redeemed"):
            expect(movements.get_by_role("cell", name=what, exact=True).first).to_be_visible()
        expect(desk.get_by_role("region", name="Vouchers issued")).to_contain_text("Used")
        assert NUMBER not in desk.content()
        assert code not in desk.content()


@pytest.mark.torture
def test_without_script_a_voucher_is_redeemed_and_a_till_does_nothing(visit, db, offers, cli, tmp_path):
    for kind, file in given_files(tmp_path):
        assert cli("import", kind, file, "--quiet").exit_code == 0

    def without(path, **more):
        return visit(path, java_script_enabled=False, **more)

    member = signed_in_member(without)
    redeem(member, "Longjing tea")
    member.get_by_role("link", name="Open the voucher").click()
    code = CODE.search(member.get_by_role("main").inner_text())[0]
    unsigned = without("/till/sign-in")
    unsigned.get_by_label("Clerk number").fill("01")
    unsigned.get_by_label("PIN").fill("123456")
    unsigned.get_by_role("button", name="Begin shift").click()
    clerk = at_till(visit, db, offers)
    check(clerk, code)
    clerk.get_by_role("button", name="Accept").click()
    expect(fact(clerk, "Owed to you")).to_have_text("¥27.00")
    member.reload()

    expect(unsigned.get_by_role("alert")).to_contain_text("Ask the manager to pair this till again.")
    expect(member.get_by_role("heading", name="Used", exact=True)).to_be_visible()
