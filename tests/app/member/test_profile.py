"""The member's profile: own data, preferences with consent, what was agreed to and where."""

import re

import pytest
from sqlalchemy import select

from base import clock, database, vault
from points.members.models import Member, MemberFacts

PERSON = {
    vault.NAME: "张三",
    vault.EMAIL: "zhang@example.test",
    vault.ADDRESS: "浙江省杭州市滨江区",
    vault.ID_NUMBER: "110101199003071234",
}


@pytest.fixture
def me(db, somebody):
    made = somebody(points=100)
    with database.begin() as session:
        member_id = session.scalar(select(Member.member_id))
        vault.put(session, db.seal_key, member_id, PERSON, clock.now(), "hall")
    return made


def interests():
    with database.begin() as session:
        return session.scalar(select(MemberFacts.interests))


def test_own_data_is_seen_and_the_identity_number_masked(me):
    me.get("/profile")

    for shown in ("张三", "zhang@example.test", "浙江省杭州市滨江区", "1101**********1234"):
        assert shown in me.page
    assert "110101199003071234" not in me.page


def save(me, name, values, *, consent):
    """Send the form of one preference, as it stands for its name."""
    me.get("/profile")
    fields = {
        "csrf_token": me.find(r'csrf_token" value="([^"]+)'),
        "key": me.find(rf'value="([^"]+-{name})"'),
        "name": name,
        "values": values,
    }
    return me.post("/profile", fields | ({"consent": "1"} if consent else {}))


def test_interests_are_chosen_with_consent_and_taken_back(me):
    save(me, "interests", ["travel", "health"], consent=True)
    agreed, kept = "may be used" in me.page, interests()
    assert re.search(r'value="travel" checked', me.page)

    save(me, "interests", ["travel"], consent=False)

    assert (agreed, kept) == (True, ["health", "travel"])
    assert interests() == []
    assert "not used" in me.page
    assert "member web and app" in me.page


def test_every_preference_can_be_saved(me):
    for name, values in (
        ("industry", ["it"]),
        ("language", ["en"]),
        ("contact_by", ["sms", "hotline"]),
        ("second_contact", ["13955556666"]),
    ):
        assert save(me, name, values, consent=True).status_code == 200
    assert "13955556666" in me.page


def test_each_form_has_its_own_key_and_the_page_no_id_twice(me):
    me.get("/profile")

    ids_of_page = re.findall(r'\bid="([^"]+)"', me.page)
    assert len(ids_of_page) == len(set(ids_of_page))
    keys = re.findall(r'name="key" value="([^"]+)"', me.page)
    assert len(keys) == len(set(keys)) == 5


def test_what_is_no_choice_is_refused(me):
    assert save(me, "interests", ["gossip"], consent=True).status_code == 422
    assert interests() == []


def test_in_chinese(db, somebody):
    me = somebody(language="zh-CN")

    me.get("/profile")

    for word in ("我的资料", "兴趣爱好", "健康养生", "同意据此为我推荐权益和消息。"):
        assert word in me.page
