"""Sign-ins, keys, one-time codes, guess limits, and the door that asks for a permission."""

import importlib.util
from datetime import timedelta

import pytest
from flask import Flask

from app.web import create_app
from base import clock, database
from base.auth import api_keys, guard, guesses, one_time_codes, passwords, sign_ins
from base.auth.guesses import Limit, TooManyGuesses
from base.auth.principals import ANONYMOUS, Member, Service
from base.auth.roles import staff_permissions
from base.errors import Invalid
from tests.given import given_member, given_programme, member_token

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LIMIT = Limit(tries=3, window=timedelta(minutes=15))


def who(token: str, after: timedelta = timedelta(0)) -> object:
    with database.begin() as session:
        return sign_ins.find(session, token, clock.now() + after)


def test_a_sign_in_stands_for_its_member_until_it_is_ended(db):
    member_id = given_member(db, given_programme())
    token = member_token(member_id)

    found = who(token)
    with database.begin() as session:
        sign_ins.end(session, token)

    assert isinstance(found, Member)
    assert found.member_id == member_id
    assert who(token) is ANONYMOUS


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud7ff"])
def test_a_token_that_was_never_given_is_nobodys(db, token):
    assert who(token) is ANONYMOUS


def test_a_sign_in_ends_when_it_is_not_used_and_lives_on_when_it_is(db):
    life = sign_ins.LIVES["member"]
    member_id = given_member(db, given_programme())
    idle, used = member_token(member_id), member_token(member_id)

    for days in range(20, 180, 20):
        assert isinstance(who(used, days * DAY), Member)

    assert who(idle, life.idle) is ANONYMOUS
    assert isinstance(who(idle, life.idle - MINUTE), Member)
    assert who(used, life.most) is ANONYMOUS


def test_the_token_itself_is_stored_nowhere(db):
    token = member_token(given_member(db, given_programme()))

    with database.begin() as session:
        row = session.connection().exec_driver_sql("select s::text from sign_in s").scalar_one()

    assert token not in row
    assert sign_ins.digest(token).hex() in row


# Keys of systems


def given_key(scopes: list[str], programme_id: int = 5) -> str:
    with database.begin() as session:
        return api_keys.issue(session, "test", programme_id, scopes, clock.now())


def test_a_key_stands_for_its_system_with_its_scopes_and_no_others(db):
    key = given_key(["offers:read", "offers:read", "wallet:any"])

    with database.begin() as session:
        found = api_keys.find(session, key, clock.now())
        refused = [
            api_keys.find(session, text, clock.now())
            for text in (key[:-1], key + "0", key.upper(), key[3:], "jk_")
        ]

    assert isinstance(found, Service)
    assert (found.programme_id, found.scopes) == (5, frozenset({"offers:read", "wallet:any"}))
    assert "wallet:own" not in found.permissions
    assert refused == [ANONYMOUS] * 5


def test_an_ended_key_opens_nothing(db):
    key = given_key(["offers:read"])
    with database.begin() as session:
        session.connection().exec_driver_sql("update api_key set ends_at = now()")

    with database.begin() as session:
        assert api_keys.find(session, key, clock.now() + MINUTE) is ANONYMOUS


@pytest.mark.parametrize("scope", ["wallet:own", "console", "everything", "public", ""])
def test_a_key_is_not_given_what_no_system_may_have(db, scope):
    with pytest.raises(Invalid):
        given_key([scope])


# Guesses


def test_wrong_tries_are_limited_within_their_window_and_scope(db):
    at = clock.now()
    with database.begin() as session:
        for _ in range(3):
            guesses.check(session, "door", LIMIT, at)
            guesses.wrong(session, "door", at)
            session.flush()
        guesses.check(session, "another door", LIMIT, at)
        guesses.check(session, "door", LIMIT, at + timedelta(minutes=15))
        with pytest.raises(TooManyGuesses) as refusal:
            guesses.check(session, "door", LIMIT, at + timedelta(minutes=5))
        guesses.forget(session, "door")
        guesses.check(session, "door", LIMIT, at)

    assert refusal.value.retry_after_s == 600


# One-time codes


def take(code: str, after: timedelta = timedelta(0), scope: str = "phone") -> bool:
    with database.begin() as session:
        return one_time_codes.take(session, scope, code, "k" * 32, clock.now() + after)


def make(scope: str = "phone") -> str:
    with database.begin() as session:
        return one_time_codes.make(session, scope, "k" * 32, clock.now())


def test_a_code_works_once_for_its_receiver(db):
    code = make()

    assert (len(code), code.isdigit()) == (6, True)
    assert take(code, scope="another phone") is False
    assert [take(code), take(code)] == [True, False]


def test_a_code_runs_out_by_time_and_by_tries(db):
    assert take(make(), one_time_codes.LIFE) is False
    code = make()
    wrong = "000000" if code != "000000" else "111111"

    assert [take(wrong) for _ in range(one_time_codes.MOST_TRIES)] == [False] * one_time_codes.MOST_TRIES
    assert take(code) is False


def test_a_new_code_replaces_the_older_one(db):
    first, second = make(), make()

    assert take(second) is True
    assert take(first) is False


# Passwords and permissions


def test_a_password_matches_itself_alone():
    stored = passwords.hashed("correct horse")

    assert passwords.matches(stored, "correct horse")
    assert not passwords.matches(stored, "Correct horse")
    assert not passwords.matches(None, "correct horse")
    assert not passwords.matches(None, "no such person")
    assert not passwords.matches("not a hash", "x")
    assert stored != passwords.hashed("correct horse")


def test_outside_the_tests_a_password_is_hashed_as_slowly_as_argon2_advises():
    spec = importlib.util.find_spec("base.auth.passwords")
    as_in_operation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(as_in_operation)

    assert as_in_operation.hashed("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_roles_add_up_and_an_unknown_role_allows_nothing():
    assert staff_permissions(frozenset()) == frozenset()
    assert staff_permissions(frozenset({"root"})) == frozenset()
    assert staff_permissions(frozenset({"support", "finance"})) >= {"members:read", "statements:read"}


def test_a_route_without_a_permission_stops_the_start(db):
    app = create_app(db)
    app.add_url_rule("/v1/forgotten", "forgotten", lambda: "")

    with pytest.raises(guard.RouteWithoutPermission, match="/v1/forgotten"):
        guard.check_routes(app)


def test_a_permission_that_nobody_has_lets_nobody_in(db):
    app: Flask = create_app(db)
    app.add_url_rule("/v1/nobody", "nobody", guard.needs("no:such:thing")(lambda: "in"))
    token = member_token(given_member(db, given_programme()))

    answer = app.test_client().get("/v1/nobody", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("BEARER  {} ", 200),
        ("Basic {}", 401),
        ("{}", 401),
        ("Bearer", 401),
        ("Bearer {} x", 401),
    ],
)
def test_only_a_bearer_token_is_a_token(app, db, header, status):
    token = member_token(given_member(db, given_programme()))

    answer = app.test_client().get("/v1/members/me/wallet", headers={"Authorization": header.format(token)})

    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
