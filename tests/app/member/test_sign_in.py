"""Signing in on the page, with the code that came by message."""

from tests.given import given_member, given_programme

PHONE = "13812345678"


def test_a_member_signs_in_with_the_code_from_the_message_and_out_again(browser, db, programme):
    given_member(db, programme, points=1230, phone=PHONE)
    me = browser()

    me.sign_in(db, PHONE)

    assert me.at == "/"
    assert "1,230" in me.page
    me.submit("/sign-out")
    assert me.at == "/sign-in"
    me.get("/points")
    assert me.at == "/sign-in"


def test_a_wrong_code_shows_the_form_again_with_the_reason(browser, db, programme):
    given_member(db, programme, phone=PHONE)
    me = browser()
    me.get("/sign-in")
    me.submit("/sign-in", phone=PHONE)

    answer = me.submit("/sign-in/code", code="12345")

    assert answer.status_code == 401
    assert "This code is not right" in me.page
    assert 'action="/sign-in/code"' in me.page


def test_spaces_dashes_and_full_width_digits_are_forgiven(browser, db, programme):
    given_member(db, programme, phone=PHONE)
    me = browser()

    me.get("/sign-in")
    me.submit("/sign-in", phone="138-1234 ５６７８")

    assert me.at == "/sign-in/code"
    assert "138****5678" in me.page


def test_what_is_no_number_is_refused_in_the_form(browser, programme):
    me = browser()
    me.get("/sign-in")

    answer = me.submit("/sign-in", phone="abc")

    assert answer.status_code == 422
    assert "5 to 15 ASCII digits" in me.page


def test_an_unknown_number_gets_the_same_page_as_a_known_one(browser, db, programme):
    given_member(db, programme, phone=PHONE)
    known, unknown = browser(), browser()
    for one, phone in ((known, PHONE), (unknown, "13912345678")):
        one.get("/sign-in")
        one.submit("/sign-in", phone=phone)

    assert known.at == unknown.at == "/sign-in/code"
    assert "138****5678" in known.page
    assert "139****5678" in unknown.page


def test_another_code_can_be_asked_for(browser, db, programme):
    given_member(db, programme, phone=PHONE)
    me = browser()
    me.get("/sign-in")
    me.submit("/sign-in", phone=PHONE)

    me.submit("/sign-in/again")

    assert "We sent another code" in me.page


def test_the_programme_is_asked_for_only_where_there_are_several(browser, db, programme):
    me = browser()
    me.get("/sign-in")
    assert "<select" not in me.page

    given_programme("mzone")

    me.get("/sign-in")
    assert 'value="mzone"' in me.page


def test_without_a_programme_the_page_says_so(browser, db):
    me = browser()

    me.get("/sign-in")

    assert "No points programme is open yet." in me.page


def test_the_number_is_in_no_page_and_in_no_readable_cookie(browser, db, programme):
    given_member(db, programme, phone=PHONE)
    me = browser()
    me.get("/sign-in")
    me.submit("/sign-in", phone=PHONE)

    cookie = me.client.get_cookie("jifen_session")

    assert PHONE not in me.page
    assert cookie is not None
    assert PHONE not in cookie.decoded_value
