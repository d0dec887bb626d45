"""A member's account in the browser: everything about oneself, points frozen and thawed, one's data as a file, a code for much."""

import pytest
from playwright.sync_api import expect

from base import audit, clock, database, ids
from base.http import settings
from base.web.i18n import say
from tests.codes import code_of
from tests.given import given_member, given_offer, given_person, given_programme, given_shop, member_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", first_of("en", "zh-CN"))
def test_the_account_is_safe_and_private_on_the_narrowest_phone(visit, work, app, db, language):
    settings.keep(app, db.at(code_above_points=10_000, code_above_fen=10_000))
    programme = given_programme()
    member_id = given_member(db, programme, points=60_000)
    offer = given_offer(programme, "voucher", value_fen=20_000, merchant_id=given_shop().merchant.merchant_id)
    with database.begin() as session:
        audit.write(
            session, given_person("support").actor, "member.revealed", ids.public("mbr", member_id),
            fields=["phone"], reason="complaint", case="T-1",
        )  # fmt: skip
    member_token(member_id)

    page = visit(
        "/account", language=language, width=PHONE, cookies={"jifen_member": member_token(member_id)}
    )
    sound(page, language, widths=(PHONE, DESK))
    for path in ("/account/closing", "/account/not-me", "/account/privacy", "/account/safety"):
        page.goto(path)
        sound(page, language, widths=(PHONE, DESK))

    def press(text, role="button", **facts):
        page.get_by_role("main").get_by_role(role, name=say(language, text, **facts)).click()

    # frozen, and thawed with a code
    press("Freeze my points", "link")
    sound(page, language)
    press("Freeze my points now")
    press("Send me the code")
    sound(page, language, widths=(PHONE, DESK))
    page.get_by_role("textbox").fill(code_of(db, member_id, "thaw-code"))
    press("Thaw my points")
    expect(page.get_by_role("link", name=say(language, "Freeze my points"))).to_be_visible()
    press("Sign out everywhere else")
    expect(page.get_by_text(say(language, "You are signed out everywhere else."))).to_be_visible()

    # the own data as a file, whose progress turns into a link by itself
    page.goto("/account/privacy")
    press("Write the file")
    expect(page.get_by_role("progressbar")).to_be_visible()
    work()
    with page.expect_download() as fetched:
        press("Fetch my data", "link")
    assert fetched.value.suggested_filename == "my-data.zip"

    # so much is confirmed with a code; Enter in its field confirms
    page.goto(f"/offers/{ids.public('off', offer.offer_id)}")
    page.get_by_role("main").get_by_role("button").first.click()
    sound(page, language, widths=(PHONE, DESK))
    press("Send me the code")
    sound(page, language)
    page.get_by_role("textbox").fill(code_of(db, member_id, "step-up-code"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/redemptions/red_*")
    page.goto("/messages")
    sound(page, language)
    settings.keep(app, db)


def test_staff_freeze_a_members_points(visit, app, db):
    from tests.given import staff_token

    member_id = given_member(db, given_programme(), points=10)
    path = f"/staff/members/{ids.public('mbr', member_id)}"

    page = visit(path, cookies={"jifen_staff": staff_token("security")})
    page.get_by_role("link", name="Freeze points").click()
    sound(page, widths=(PHONE, DESK))
    page.get_by_label("Reason").select_option("suspected-fraud")
    page.get_by_label("Case").fill("T-9")
    page.get_by_role("button", name="Freeze points").click()
    expect(page.get_by_role("heading", name="Frozen now")).to_be_visible()
    sound(page, widths=(PHONE, DESK))
    page.goto(path)
    expect(page.get_by_text("Frozen by hand")).to_be_visible()
    assert clock.now()
