"""The till's page for points: number and amount, what was given, taken back again; refused in the words of a shop."""

import re

import pytest

from base import database
from points import ledger
from tests.given import (
    EARNS,
    given_member,
    given_pack,
    given_programme,
    given_promotion_policy,
    given_shop,
)
from tests.tills import Screen

PHONE = "13912345678"


@pytest.fixture
def shop(db):
    return given_shop(**EARNS)


@pytest.fixture
def member(config, db):
    programme = given_programme()
    given_promotion_policy(programme)
    return given_member(config, programme, phone=PHONE)


@pytest.fixture
def screen(app, shop):
    opened = Screen(app)
    opened.sign_in(shop)
    return opened


def balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def test_points_are_given_shown_and_taken_back(screen, shop, member):
    given_pack(shop, 10)
    screen.get("/till/points")

    given = screen.send("/till/points", phone=PHONE, amount="36.50")
    before = balance(member)
    place, today = given.request.path, screen.get("/till/today").text
    screen.get(place)
    undone = screen.send("/till/points/undo", reason="goods came back")
    later = screen.get("/till/today").text

    assert given.request.path.startswith("/till/points/ern_")
    assert "Points given" in given.text
    assert PHONE not in given.text
    assert re.search(r"Points given to members: 36\s*·\s*Clerk 01: 36", today)
    assert "Points given to members" not in later
    assert "Points taken back" in undone.text
    assert (before, balance(member)) == (36, 0)
    assert 'action="/till/points/undo"' not in undone.text


def test_the_same_form_twice_gives_once_and_its_outcome_is_known_by_its_key(screen, member):
    screen.get("/till/points")
    fields = screen.hidden("/till/points") | {"phone": PHONE, "amount": "36"}

    first, again = (screen.post("/till/points", fields).location for _ in range(2))
    known = screen.client.get("/till/outcome", headers={"Idempotency-Key": fields["key"]})

    assert first == again == known.location
    assert balance(member) == 36


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"phone": "13900000000"}, "I can&#39;t find this number"),
        ({"amount": "0.50"}, "That is too little for a point."),
        ({"amount": "many"}, "two decimals at most"),
    ],
)
def test_a_refusal_says_what_to_tell_the_customer(screen, member, fields, told):
    screen.get("/till/points")

    refused = screen.send("/till/points", **{"phone": PHONE, "amount": "36"} | fields)

    assert told in refused.text
    assert balance(member) == 0


def test_the_menu_offers_points_where_the_terms_give_some(app, screen):
    elsewhere = Screen(app)
    elsewhere.sign_in(given_shop("cafe"))

    assert 'href="/till/points"' in screen.get("/till").text
    assert 'href="/till/points"' not in elsewhere.get("/till").text


def test_another_outlets_points_are_not_shown(app, screen, member):
    screen.get("/till/points")
    given = screen.send("/till/points", phone=PHONE, amount="36").request.path
    elsewhere = Screen(app)
    elsewhere.sign_in(given_shop("cafe", **EARNS))

    assert elsewhere.get(given).status_code == 404


def test_the_page_is_there_in_chinese(app, shop, member):
    screen = Screen(app, "zh-CN")
    screen.sign_in(shop)

    page = screen.get("/till/points").text

    assert re.search(r"<h1[^>]*>\s*消费积分", page)
