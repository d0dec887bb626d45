"""Each programme calls its points by its own name, on pages and over the API; the others by the usual one."""

import pytest

from app.member import units
from base import database
from points import programmes
from tests.given import caller, given_member, given_programme, member_token

M_POINTS = {"zh-CN": "M值", "en": "M points", "en-one": "M point"}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(units, "_kept", {})


def member_of(db, code, unit, points):
    programme = given_programme(code)
    with database.begin() as session:
        programmes.by_id(session, programme.programme_id).unit = unit
    return given_member(db, programme, points=points)


def home(app, member_id, language):
    client = app.test_client()
    client.set_cookie("jifen_member", member_token(member_id))
    return client.get("/points", headers={"Accept-Language": language}).text


def test_a_programme_with_a_name_of_its_own_uses_it_everywhere(app, db):
    many = member_of(db, "mzone", M_POINTS, 1_234)
    with database.begin() as session:
        programme = programmes.by_code(session, "mzone")
    one = given_member(db, programme, points=1)

    assert "1,234 M points" in home(app, many, "en")
    assert "1,234 M值" in home(app, many, "zh-CN")
    assert "1 M point<" in home(app, one, "en").replace("</", "<")
    wallet = caller(app, member_token(many)).get("/v1/members/me/wallet").json
    assert wallet["unit"] == {"zh-CN": "M值", "en": "M points"}


def test_another_programme_beside_it_has_points(app, db):
    member_of(db, "mzone", M_POINTS, 5)
    plain = member_of(db, "gotone", None, 1_234)

    assert "1,234 points" in home(app, plain, "en")
    assert "1,234 分" in home(app, plain, "zh-CN")
    assert caller(app, member_token(plain)).get("/v1/members/me/wallet").json["unit"]["en"] == "points"
