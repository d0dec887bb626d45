"""A member comes from the operator's app: signed in as by SMS, once by a token, as nobody but the customer it names."""

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from app import demo_app
from base import clock, database
from base.auth import app_tokens, guard, key_sets
from base.auth.models import SignIn
from base.config import DEMO_ISSUER
from base.http import settings
from points.members import app_sign_in, members
from tests.given import caller, given_member, given_programme

KEY = ECKey.generate_key("P-256", {"kid": "k1"})


@pytest.fixture
def operator(app, db, tmp_path):
    key_sets.forget()
    source = tmp_path / "keys.json"
    source.write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    made = db.at(app_keys=str(source), app_issuer="https://app.operator.test")
    settings.keep(app, made)
    guard.apps_by(lambda token: app_sign_in.bearer(made, token))
    yield made
    settings.keep(app, db)
    key_sets.forget()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=50)


def token(operator, customer_id, programme="gotone", jti="0123456789abcdef"):
    now = int(clock.now().timestamp())
    body = {
        "iss": operator.app_issuer,
        "aud": "jifen",
        "sub": customer_id,
        "programme": programme,
        "iat": now,
        "exp": now + 200,
        "jti": jti,
    }
    return jws.serialize_compact({"alg": "ES256", "kid": "k1"}, json.dumps(body), KEY, algorithms=["ES256"])


def customer(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def test_a_token_signs_in_once_and_is_no_bearer_afterwards(app, operator, member_id):
    made = token(operator, customer(member_id))
    with_it, nobody = caller(app, made), caller(app)
    as_bearer = with_it.get("/v1/members/me/wallet")

    first = nobody.post("/v1/sign-ins/app", {"token": made, "device": "a" * 32})
    second = nobody.post("/v1/sign-ins/app", {"token": made})
    used = with_it.get("/v1/members/me/wallet")

    assert (as_bearer.status_code, as_bearer.json["spendable"]) == (200, 50)
    assert (first.status_code, second.status_code, second.json["type"]) == (
        201,
        401,
        "/problems/app-token-refused",
    )
    assert used.status_code == 401
    assert caller(app, first.json["token"]).get("/v1/members/me/wallet").json["spendable"] == 50


def test_two_at_once_with_one_token_are_one_sign_in(app, operator, member_id):
    from tests.catalog.redemptions.test_races import at_once

    made = token(operator, customer(member_id))

    answers = at_once(*[lambda: caller(app).post("/v1/sign-ins/app", {"token": made})] * 3)

    assert sorted(answer.status_code for answer in answers) == [201, 401, 401]


@pytest.mark.parametrize("what", ["another programme", "no such customer", "one who left"])
def test_nobody_is_signed_in_whom_the_programme_does_not_know(app, db, operator, programme, member_id, what):
    given_programme("other")
    named = customer(member_id)
    if what == "one who left":
        with database.begin() as session:
            members.leave(session, member_id, clock.now().date())
    made = {
        "another programme": token(operator, named, "other"),
        "no such customer": token(operator, "C999999"),
        "one who left": token(operator, named),
    }[what]

    answer = caller(app).post("/v1/sign-ins/app", {"token": made})

    assert (answer.status_code, answer.json["type"]) == (401, "/problems/app-token-refused")
    assert caller(app, made).get("/v1/members/me/wallet").status_code == 401


def test_the_page_of_the_app_opens_at_home_and_a_form_of_another_site_does_not(app, operator, member_id):
    browser = app.test_client()
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Chrome/142.0"}

    forged = browser.post(
        "/sign-in/app",
        data={"token": token(operator, customer(member_id))},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    opened = browser.post("/sign-in/app", data={"token": token(operator, customer(member_id))}, headers=agent)
    home = browser.get("/")
    as_cookie = app.test_client()
    as_cookie.set_cookie("jifen_member", token(operator, customer(member_id), jti="another-one-here"))

    assert forged.status_code == 401
    assert (opened.status_code, opened.headers["Location"], home.status_code) == (303, "/", 200)
    assert as_cookie.get("/").status_code == 303
    with database.begin() as session:
        (row,) = session.query(SignIn).all()
        assert (row.device, row.trusted_at is not None) == ("Chrome · Android", True)


def test_a_second_device_is_strange_until_a_code_and_the_first_one_is_known_again(app, operator, member_id):
    nobody = caller(app)
    for number, device in enumerate(("first-device-of-mine", "second-device-here", "first-device-of-mine")):
        made = token(operator, customer(member_id), jti=f"number-{number:08d}")
        assert nobody.post("/v1/sign-ins/app", {"token": made, "device": device}).status_code == 201

    with database.begin() as session:
        rows = session.query(SignIn).order_by(SignIn.began_at).all()
        assert [row.trusted_at is not None for row in rows] == [True, False, True]


def test_what_was_used_is_forgotten_once_it_could_not_be_used_again(app, operator, member_id):
    made = token(operator, customer(member_id))
    caller(app).post("/v1/sign-ins/app", {"token": made})

    with database.begin() as session:
        app_tokens.forget(session, clock.now())
        still = caller(app).post("/v1/sign-ins/app", {"token": made}).status_code

    assert still == 401


def test_the_stand_in_of_the_app_signs_tokens_that_count_and_none_where_a_real_one_is(
    db, tmp_path, member_id
):
    key_sets.forget()
    demo = db.at(data_dir=tmp_path, app_keys=str(tmp_path / "app-keys.json"), app_issuer=DEMO_ISSUER)
    at = clock.now()

    found = app_tokens.checked(demo, demo_app.token(demo, "C1", "gotone", at), at)

    assert found.customer_id == "C1"
    assert (tmp_path / "secrets" / demo_app.KEY).stat().st_mode & 0o777 == 0o600
    assert '"d"' not in (tmp_path / "app-keys.json").read_text()
    with pytest.raises(demo_app.NoDemoApp):
        demo_app.token(demo.at(app_issuer="https://app.operator.test"), "C1", "gotone", at)
