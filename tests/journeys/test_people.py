"""A member's profile and companions on the narrowest phone: readable by everybody."""

import pytest
from playwright.sync_api import expect

from base import clock, database, vault
from tests.given import given_member, given_programme, member_token
from tests.journeys.conftest import PHONE, sound
from tests.sparse import first_of

pytestmark = pytest.mark.browser

ONE, TWO = "13912345678", "13912340002"
PERSON = {
    vault.NAME: "欧阳小明",
    vault.EMAIL: "a.very.long.address.of.somebody@subdomain.example.test",
    vault.ADDRESS: "浙江省杭州市滨江区江南大道 1 号 2 幢 3 单元 404 室",
    vault.ID_NUMBER: "110101199003071234",
}


@pytest.fixture
def both(db):
    programme = given_programme()
    found = [given_member(db, programme, phone=phone) for phone in (ONE, TWO)]
    with database.begin() as session:
        vault.put(session, db.seal_key, found[0], PERSON, clock.now(), "hall")
    return found


@pytest.mark.parametrize("language", first_of("zh-CN", "en"))
def test_profile_and_companions_can_be_read_and_used_on_the_narrowest_phone(visit, both, language):
    page = visit("/profile", language=language, width=PHONE, cookies={"jifen_member": member_token(both[0])})
    sound(page, language)
    page.locator("#values-travel").check()
    page.locator("#consent-interests").check()
    page.locator("form:has(#consent-interests) button").click()
    expect(page.locator("#values-travel")).to_be_checked()
    sound(page, language)

    page.goto("/companions")
    page.locator("#phone").fill("13999999999")
    page.locator("form:has(#phone) button").click()
    expect(page.locator(".alert-danger")).to_be_visible()
    sound(page, language)
    page.locator("#phone").fill(TWO)
    page.locator("form:has(#phone) button").click()
    expect(page.locator(".jf-badge")).to_have_count(1)
    sound(page, language)
    other = visit(
        "/companions", language=language, width=PHONE, cookies={"jifen_member": member_token(both[1])}
    )
    sound(other, language)
    other.locator("form[action$=confirm] button").click()
    expect(other.locator("form[action$=confirm]")).to_have_count(0)
    sound(other, language)
