"""The field in the head of every page of the console: one text, what it leads to, within what one may see."""

import pytest

from base import database, ids
from points.members import members
from tests.given import given_adjustment, given_member, given_offer, given_programme, given_shop, staff_token


def browser(app, *roles, area=""):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token(*roles, area=area))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture
def programme(db):
    return given_programme()


def customer_of(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def test_a_customer_number_leads_to_the_member_at_once(app, db, programme):
    member_id = given_member(db, programme)

    answer = browser(app, "support").get(f"/staff/search?q={customer_of(member_id)}")

    assert answer.status_code == 303
    assert answer.location.endswith(f"/staff/members/{ids.public('mbr', member_id)}")


def test_a_member_elsewhere_is_as_good_as_not_there(app, db, programme):
    member_id = given_member(db, programme)

    answer = browser(app, "support", area="33").get(f"/staff/search?q={customer_of(member_id)}")

    assert "Nothing is found" in answer.text


@pytest.mark.parametrize("typed", ["tea 茶", "茶馆", "HOUSE", "tea"])
def test_part_of_a_name_in_either_language_or_the_code_finds_the_merchant(app, programme, typed):
    given_shop("tea")

    answer = browser(app, "finance").get("/staff/search", query_string={"q": typed})

    assert answer.status_code == 303
    assert answer.location.endswith("/staff/merchants/tea")


def test_several_hits_are_listed_with_what_they_are(app, programme):
    offers = [given_offer(programme, "perk") for _ in range(2)]

    page = browser(app, "editor").get("/staff/search?q=权益").text

    assert all(offer.names["en"] in page for offer in offers)
    assert "Nothing is found" in browser(app, "editor").get("/staff/search?q=zh-CN").text


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("mbr_0000000000001", "/staff/members/mbr_0000000000001"),
        ("red_00000000000010000000000002", "/staff/trace?id=red_00000000000010000000000002"),
        ("stm_00000000000010000000000002", "/staff/statements/stm_00000000000010000000000002"),
    ],
)
def test_a_public_id_leads_to_its_page(app, db, typed, place):
    assert browser(app, "auditor").get(f"/staff/search?q={typed}").location.endswith(place)


def test_a_proposal_is_found_whatever_its_kind(app, db, programme):
    given_adjustment(given_member(db, programme), 5)
    support = browser(app, "support")
    number = support.get("/staff/approvals?state=approved").text.partition("/staff/adjustments/")[2][:17]

    first = support.get(f"/staff/search?q={number}")
    second = support.get(first.location)

    assert second.location.endswith(f"/staff/adjustments/{number}")


@pytest.mark.parametrize("typed", ["", " ", "%", "_", "\\", "mbr_", "x" * 200, "\x00", "'; --", "apr_x"])
def test_whatever_is_typed_is_answered(app, db, typed):
    answer = browser(app, "support").get("/staff/search", query_string={"q": typed})

    assert answer.status_code in (200, 303)


def test_what_one_may_not_read_is_not_found(app, programme):
    given_shop("tea")

    assert "Nothing is found" in browser(app, "analyst").get("/staff/search?q=tea").text
