"""The member's home shows what the tier includes, and what is left of it."""

import re

from points.entitlements import rules
from tests.given import LONG_AGO, given_entitlement, given_member, given_programme, given_tier, member_token


def home(app, member_id, language):
    client = app.test_client()
    client.set_cookie("jifen_member", member_token(member_id))
    return client.get("/", headers={"Accept-Language": language}).get_data(as_text=True)


def test_what_the_tier_includes_is_on_the_home_page_in_both_languages(app, db):
    programme = given_programme()
    member_id, other = given_member(db, programme), given_member(db, programme)
    names = {"zh-CN": "机场贵宾厅", "en": "Airport lounge"}
    given_tier(member_id, "gold")
    given_entitlement(rules.Wanted("gotone", "lounge", LONG_AGO, names, "year", {"gold": 3}, guests=1))

    english, chinese = home(app, member_id, "en"), home(app, member_id, "zh-CN")

    assert re.search(r"Airport lounge.*3 of 3 left", english, re.S)
    assert re.search(r"机场贵宾厅.*剩 3 / 3 次", chinese, re.S)
    assert "Airport lounge" not in home(app, other, "en")
