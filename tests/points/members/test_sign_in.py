"""A member signs in with number and code; nobody learns from the answers who is a member."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from base.auth.one_time_codes import MOST_TRIES
from base.notices import notices
from points.members import members
from tests.given import caller, given_member, given_programme, secrets_of

PHONE = "13912345678"


def ask(app, phone=PHONE, programme="gotone"):
    return caller(app).post("/v1/sign-ins/code", {"programme": programme, "phone": phone})


def sign_in(app, code, phone=PHONE, programme="gotone"):
    return caller(app).post("/v1/sign-ins", {"programme": programme, "phone": phone, "code": code})


def sent(db) -> list[str]:
    """The codes that were sent, newest first."""
    with database.begin() as session:
        return [re.search(r"\d{6}", m.text).group() for m in notices.latest(session, db.seal_key)]


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_the_code_that_was_sent_signs_in_once(app, db):
    given_member(db, given_programme(), phone=PHONE, points=7)

    assert ask(app).status_code == 202
    (code,) = sent(db)
    token = sign_in(app, code).json["token"]

    assert caller(app, token).spendable() == 7
    assert sign_in(app, code).status_code == 401


def test_a_number_that_nobody_has_gets_the_same_answers_and_no_message(app, db):
    given_member(db, given_programme(), phone=PHONE)

    known, unknown = ask(app), ask(app, "13900000000")
    wrong = [sign_in(app, "000000", phone=phone) for phone in (PHONE, "13900000000")]

    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert [(a.status_code, a.json["type"], a.json["detail"]) for a in wrong[:1]] * 2 == [
        (a.status_code, a.json["type"], a.json["detail"]) for a in wrong
    ]
    assert len(sent(db)) == 1


def test_a_code_is_for_its_number_and_its_programme(app, db):
    given_member(db, given_programme(), phone=PHONE)
    given_member(db, given_programme("second"), phone=PHONE)
    given_member(db, given_programme("third"), phone="13900000001")
    ask(app)
    code = sent(db)[0]

    assert sign_in(app, code, programme="second").status_code == 401
    assert sign_in(app, code, phone="13900000001", programme="third").status_code == 401
    assert sign_in(app, code).status_code == 201


def test_a_code_runs_out_after_ten_minutes(app, db):
    given_member(db, given_programme(), phone=PHONE)
    ask(app)
    (code,) = sent(db)

    with clock.stopped(clock.now() + timedelta(minutes=10)):
        assert sign_in(app, code).status_code == 401


@pytest.mark.attack("A4")
def test_a_code_dies_of_too_many_tries_and_the_number_is_locked_for_a_while(app, db):
    given_member(db, given_programme(), phone=PHONE)
    ask(app)
    (code,) = sent(db)

    answers = [sign_in(app, another(code)).status_code for _ in range(12)]
    right = sign_in(app, code)

    assert answers == [401] * 10 + [429] * 2
    assert MOST_TRIES < 10
    assert (right.status_code, right.json["type"]) == (429, "/problems/too-many-guesses")
    assert int(right.headers["Retry-After"]) > 0
    with clock.stopped(clock.now() + timedelta(minutes=61)):
        ask(app)
        assert sign_in(app, sent(db)[0]).status_code == 201


@pytest.mark.attack("A4")
def test_codes_cannot_be_ordered_without_end(app, db):
    given_member(db, given_programme(), phone=PHONE)

    statuses = [ask(app).status_code for _ in range(7)]

    assert statuses == [202] * 5 + [429] * 2
    assert len(sent(db)) == 5
    assert ask(app, "13900000002").status_code == 202


@pytest.mark.parametrize(
    "phone",
    ["1", "abc", "１３９１２３４５６７８", "139 1234 5678", "++8613912345678", "1" * 16, "139-1234", "'"],
)
def test_what_cannot_be_a_number_is_refused(app, db, phone):
    given_programme()

    assert (ask(app, phone).status_code, sign_in(app, "000000", phone=phone).status_code) == (422, 422)


def test_the_new_holder_of_a_number_does_not_see_the_former_ones_points(app, db):
    programme = given_programme()
    former = given_member(db, programme, phone=PHONE, points=500)
    with database.begin() as session:
        session.execute(text("update phone set until = now() where member_id = :m"), {"m": former})
    given_member(db, programme, phone=PHONE, points=3)
    ask(app)

    token = sign_in(app, sent(db)[0]).json["token"]

    assert caller(app, token).spendable() == 3


def test_somebody_who_left_gets_no_code(app, db):
    member_id = given_member(db, given_programme(), phone=PHONE)
    with database.begin() as session:
        members.leave(session, member_id, clock.now().date())

    assert ask(app).status_code == 202
    assert sent(db) == []


def test_numbers_and_codes_are_nowhere_in_plain(app, db):
    given_member(db, given_programme(), phone=PHONE)
    ask(app)
    (code,) = sent(db)

    with database.begin() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        rows = [
            str(row) for table in tables for row in session.scalars(text(f"select t::text from {table} t"))
        ]
        assert members.phone_of(session, secrets_of(db), 0) is None

    assert not [row for row in rows if PHONE in row or PHONE.encode().hex() in row or f"{code}," in row]


def test_an_unknown_programme_is_named(app, db):
    answer = ask(app, programme="nothing")

    assert (answer.status_code, answer.json["type"]) == (404, "/problems/programme-unknown")
