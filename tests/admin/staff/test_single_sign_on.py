"""Single sign-on at a stand-in of an issuer: who is linked gets in, and whatever is not exactly right does not."""

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from admin.staff import issuer as at_issuer
from admin.staff import single_sign_on
from admin.staff.entries import HALFWAY, HERE, KIND
from admin.staff.issuer import IssuerAway, SingleSignOnRefused
from admin.staff.models import StaffRow
from admin.staff.single_sign_on import NoSingleSignOn, NotOnTheStaff
from base import clock, database
from base.auth import sign_ins
from base.auth.principals import Staff
from tests.given import given_person
from tests.issuer import Issuer, running
from tests.second_factor import given_second_factor


@pytest.fixture
def issuer(monkeypatch):
    at_issuer.forget()
    monkeypatch.setattr(at_issuer, "ASKED_AGAIN_S", 0.0)
    with running() as one:
        yield one
    at_issuer.forget()


@pytest.fixture
def here(db, issuer: Issuer):
    return issuer.at(db)


@pytest.fixture
def person(db):
    return linked("support", "p-1")


def linked(role, subject):
    person = given_person(role, email=f"{role}@example.test")
    with database.begin() as session:
        session.get_one(StaffRow, person.staff_id).subject = subject
    return person


def entered(here, issuer, **changes):
    begun = single_sign_on.begin(here)
    came = issuer.sign_in(begun.address) | changes
    return single_sign_on.finish(here, begun.cookie, came, HERE)


def who(token):
    with database.begin() as session:
        return sign_ins.find(session, token, clock.now())


def test_who_is_linked_gets_in_as_the_person_of_here(here, issuer, person):
    found = entered(here, issuer)

    assert found.kind == KIND
    assert who(found.token) == Staff(person.staff_id, frozenset({"support"}))


def test_who_is_not_linked_or_left_is_refused_and_no_account_is_made(here, issuer, person):
    issuer.person = {"sub": "p-2"}
    with pytest.raises(NotOnTheStaff):
        entered(here, issuer)
    issuer.person = {"sub": "p-1"}
    with database.begin() as session:
        session.get_one(StaffRow, person.staff_id).ended_at = clock.now()

    with pytest.raises(NotOnTheStaff):
        entered(here, issuer)
    with database.begin() as session:
        assert session.query(StaffRow).count() == 1


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["jifen", "another"]},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 32_000_000_000},
        {"sub": None},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(here, issuer, person, lies):
    issuer.lies = lies

    with pytest.raises(SingleSignOnRefused):
        entered(here, issuer)


def test_a_token_of_another_key_under_a_known_name_is_refused(here, issuer, person):
    forged = ECKey.generate_key("P-256", {"kid": issuer.keys[0].kid})
    issuer.signs_with = forged

    with pytest.raises(SingleSignOnRefused):
        entered(here, issuer)


@pytest.mark.parametrize(
    "changes",
    [{"state": "another"}, {"state": ""}, {"code": "never-given"}, {"code": ""}, {"iss": "http://other"}],
)
def test_what_comes_back_must_belong_to_what_was_begun(here, issuer, person, changes):
    with pytest.raises(SingleSignOnRefused):
        entered(here, issuer, **changes)


def test_a_code_of_another_browser_or_a_second_time_is_refused(here, issuer, person):
    mine, theirs = single_sign_on.begin(here), single_sign_on.begin(here)
    came = issuer.sign_in(mine.address)

    for cookie in (theirs.cookie, "", "x", mine.cookie[:-4] + "AAA="):
        with pytest.raises(SingleSignOnRefused):
            single_sign_on.finish(here, cookie, came, HERE)
    assert single_sign_on.finish(here, mine.cookie, came, HERE).kind == KIND
    with pytest.raises(SingleSignOnRefused):
        single_sign_on.finish(here, mine.cookie, came, HERE)


def test_a_sign_in_that_took_too_long_is_begun_again(here, issuer, person):
    begun = single_sign_on.begin(here)
    came = issuer.sign_in(begun.address)

    late = clock.now() + single_sign_on.LIVES + timedelta(seconds=1)
    with clock.stopped(late), pytest.raises(SingleSignOnRefused):
        single_sign_on.finish(here, begun.cookie, came, HERE)


def test_after_the_issuer_rolled_its_key_the_next_sign_in_works(here, issuer, person):
    entered(here, issuer)
    issuer.roll()

    assert entered(here, issuer).kind == KIND
    assert issuer.asked.count("/keys") == 2
    assert issuer.asked.count("/.well-known/openid-configuration") == 1


def test_an_issuer_that_is_away_is_said_and_signing_in_by_password_still_works(here, issuer, person):
    issuer.is_down = True

    with pytest.raises(IssuerAway):
        single_sign_on.begin(here)
    with pytest.raises(IssuerAway):
        single_sign_on.begin(here.at(oidc_issuer="http://127.0.0.1:1"))


def test_where_no_issuer_is_named_there_is_no_single_sign_on(db):
    with pytest.raises(NoSingleSignOn):
        single_sign_on.begin(db)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, HALFWAY),
        ({"amr": ["pwd"]}, HALFWAY),
        ({"amr": "mfa"}, None),
        ({"amr": ["pwd", "otp"]}, KIND),
        ({"amr": ["mfa"]}, KIND),
        ({"acr": "two"}, KIND),
        ({"acr": "one"}, HALFWAY),
    ],
)
def test_a_checker_is_asked_for_the_second_step_unless_the_issuer_asked_for_one(here, issuer, said, kind):
    linked("checker", "p-1")
    given_second_factor(here, "checker@example.test")
    issuer.person |= said
    asking = here.at(oidc_two_step_acr="two")

    if kind is None:  # what is no list cannot be trusted
        with pytest.raises(SingleSignOnRefused):
            entered(asking, issuer)
        return
    assert entered(asking, issuer).kind == kind


@pytest.mark.parametrize(
    ("verified", "gets_in"), [(True, True), (False, False), (None, False), ("true", False)]
)
def test_a_mail_address_links_only_where_it_is_verified(here, issuer, person, verified, gets_in):
    issuer.person = {"sub": "x", "email": "Support@example.test", "email_verified": verified}
    by_mail = here.at(oidc_claim="email")

    if gets_in:
        assert entered(by_mail, issuer).kind == KIND
    else:
        with pytest.raises(SingleSignOnRefused):
            entered(by_mail, issuer)


def test_in_the_browser_a_person_comes_by_the_issuer_and_is_told_where_else_to_sign_out(
    app, here, issuer, person, monkeypatch
):
    monkeypatch.setitem(app.extensions, "jifen_config", here)
    client = app.test_client()

    away = client.get("/staff/sign-in/single")
    came = issuer.sign_in(away.location)
    back = client.get("/staff/sign-in/single/return", query_string=came)
    inside = client.get("/staff", headers={"Accept-Language": "en"})
    mark = inside.text.split('name="csrf_token" value="')[1].split('"')[0]
    left = client.post("/staff/sign-out", data={"csrf_token": mark})
    told = client.get(left.location, headers={"Accept-Language": "en"}).text
    stranger = app.test_client().get("/staff/sign-in/single/return", query_string=came)

    assert (back.status_code, back.location, inside.status_code) == (303, "/staff", 200)
    assert client.get("/staff").location == "/staff/sign-in"
    assert "/staff/sign-in/single/end" in told
    assert client.get("/staff/sign-in/single/end").location == f"{issuer.url}/end?client_id=jifen"
    assert stranger.status_code == 401
