"""Somebody gets access in the browser: proposed, approved, a first password, a phone set up, the month signed."""

import re

import pytest
from playwright.sync_api import expect

from tests.given import given_person, staff_token
from tests.journeys.conftest import DESK, PHONE, sound
from tests.second_factor import shown_by

pytestmark = pytest.mark.browser

BOTH = (PHONE, DESK)
STRONG = "Tangerine-Ferry-29"


@pytest.mark.parametrize("language", ["en", pytest.param("zh-CN", marks=pytest.mark.torture)])
def test_somebody_new_is_let_in_by_two_persons_and_signs_in_in_two_steps(visit, db, language):
    given_person("support", email="old@example.test")

    def desk(role, path):
        return visit(path, language=language, width=DESK, cookies={"jifen_staff": staff_token(role)})

    administrator = desk("system-administrator", "/staff/people/new")
    sound(administrator, language, widths=BOTH)
    administrator.locator("#name").fill("Lin Yu")
    administrator.locator("#email").fill("lin@example.test")
    administrator.locator("#roles-checker").check()
    administrator.locator("#area").fill("33")
    administrator.locator("#reason").fill("joins the province")
    administrator.locator("form[action='/staff/people/new'] button[type=submit]").click()
    administrator.wait_for_url("**/staff/access-proposals/*")
    sound(administrator, language, widths=BOTH)

    guard = desk("security", administrator.url)
    sound(guard, language, widths=BOTH)
    guard.locator("form[action$='/approve'] button").click()
    guard.wait_for_load_state()

    administrator.goto("/staff/people")
    sound(administrator, language, widths=BOTH)
    administrator.get_by_role("link", name="Lin Yu").click()
    sound(administrator, language, widths=BOTH)
    administrator.locator("form[action$='/link'] button").click()
    link = administrator.locator("#address").inner_text()

    person = visit(re.sub(r"^https?://[^/]+", "", link), language=language, width=PHONE)
    sound(person, language, widths=BOTH)
    expect(person.locator("#token")).not_to_have_value("")
    person.locator("#password").fill(STRONG)
    person.keyboard.press("Enter")
    person.wait_for_url("**/staff/sign-in")
    person.locator("#email").fill("lin@example.test")
    person.locator("#password").fill(STRONG)
    person.keyboard.press("Enter")
    person.wait_for_url("**/staff/second-factor")
    sound(person, language, widths=BOTH)
    person.locator("#code").fill(shown_by("".join(person.locator("#secret").inner_text().split())))
    person.keyboard.press("Enter")
    expect(person.locator("#codes li")).to_have_count(10)
    sound(person, language, widths=BOTH)
    person.goto("/staff/own-access")
    sound(person, language, widths=BOTH)

    auditor = desk("auditor", "/staff/people")
    sound(auditor, language, widths=BOTH)
    auditor.locator("#note").fill("all looked at")
    auditor.locator("form[action='/staff/people/review'] button").click()
    expect(auditor.get_by_text("all looked at")).to_be_visible()
