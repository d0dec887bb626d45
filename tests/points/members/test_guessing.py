"""Codes are guessed from many places at many members: few guesses count, and whoever has a known device gets in meanwhile."""

import random
import re
from collections import Counter
from datetime import timedelta

import pytest

from base import clock, database
from base.auth import guesses, one_time_codes
from base.auth.guesses import TooManyGuesses
from base.notices import notices
from points.members import members, sign_in
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_programme, secrets_of

HOUR = timedelta(hours=1)
MARK = "a-browser-that-is-known-by-now"


def phone(number):
    return f"13700{number:06d}"


@pytest.fixture
def programme(db):
    return given_programme()


def enrolled(db, programme, count):
    rows = [Enrolment(f"G{number:06d}", LONG_AGO, phone(number)) for number in range(count)]
    with database.begin() as session:
        return members.enrol_many(session, programme, secrets_of(db), rows)


def asked(db, programme, number, at, **place):
    try:
        with database.begin() as session:
            sign_in.ask_for_code(session, db, programme, phone(number), at, **place)
    except TooManyGuesses:
        return False
    return True


def tried(db, programme, number, code, at, **place):
    """The token, None for a wrong code, or the error of who is locked out."""
    try:
        with database.begin() as session:
            return sign_in.token_for_code(session, db, programme, phone(number), code, at, **place)
    except TooManyGuesses as error:
        return error


def newest(db):
    with database.begin() as session:
        return re.search(r"\d{6}", notices.latest(session, db.seal_key)[0].text).group()


@pytest.mark.attack("A4")
@pytest.mark.parametrize(
    ("tries", "victims", "sources"),
    [(150, 4, 12), pytest.param(10_000, 1_000, 200, marks=pytest.mark.torture)],
)
def test_of_all_guesses_within_an_hour_ten_a_member_are_judged_and_known_devices_get_in(
    db, programme, monkeypatch, tries, victims, sources
):
    enrolled(db, programme, victims)
    at = clock.now()
    asked(db, programme, 0, at, mark=MARK)
    assert tried(db, programme, 0, newest(db), at, mark=MARK)  # the first device is the member's own
    judged, real = Counter(), one_time_codes.take

    def counting(session, scope, code, key, moment):
        judged[scope] += 1
        return real(session, scope, code, key, moment)

    monkeypatch.setattr(one_time_codes, "take", counting)
    draw, got_in = random.Random(7), 0
    for nth in range(tries):
        moment = at + HOUR * (nth / tries)
        place = {"source": f"203.0.113.{draw.randrange(sources)}"}
        victim = draw.randrange(victims)
        if draw.random() < 0.1:
            asked(db, programme, victim, moment, **place)
        got_in += isinstance(
            tried(db, programme, victim, f"{draw.randrange(10**6):06d}", moment, **place), str
        )
    monkeypatch.setattr(one_time_codes, "take", real)
    while not isinstance(
        tried(db, programme, 0, "000000", at + HOUR / 2, source="203.0.113.250"), TooManyGuesses
    ):
        pass
    asked(db, programme, 0, at + HOUR / 2, mark=MARK, source="198.51.100.7")

    assert max(judged.values()) <= 10
    assert got_in == 0  # of 10 guesses at a million codes
    assert isinstance(
        tried(db, programme, 0, newest(db), at + HOUR / 2, mark=MARK, source="198.51.100.7"), str
    )


@pytest.mark.attack("A4")
def test_one_source_is_stopped_whichever_numbers_it_tries(db, programme, monkeypatch):
    monkeypatch.setattr(sign_in, "WRONG_FROM", guesses.Limit(6, HOUR))
    monkeypatch.setattr(sign_in, "CODES_FROM", guesses.Limit(4, HOUR))
    at, here = clock.now(), {"source": "203.0.113.9"}

    sent = [asked(db, programme, number, at, **here) for number in range(6)]
    answers = [tried(db, programme, number, "123456", at, **here) for number in range(8)]

    assert sent == [True] * 4 + [False] * 2
    assert answers[:6] == [None] * 6
    assert all(isinstance(answer, TooManyGuesses) for answer in answers[6:])
    assert tried(db, programme, 7, "123456", at, source="203.0.113.10") is None
    assert asked(db, programme, 7, at, source="203.0.113.10")


@pytest.mark.attack("A4", "A5")
def test_guesses_of_others_spoil_no_code_that_was_sent_for_a_known_device(db, programme):
    enrolled(db, programme, 1)
    at = clock.now()
    asked(db, programme, 0, at, mark=MARK)
    tried(db, programme, 0, newest(db), at, mark=MARK)
    asked(db, programme, 0, at, mark=MARK)
    code = newest(db)

    others = [
        tried(db, programme, 0, code, at, mark=mark, source="203.0.113.5")
        for mark in (None, "another-browser")
    ]
    mine = tried(db, programme, 0, code, at, mark=MARK)

    assert others == [None, None]  # right digits of another request
    assert isinstance(mine, str)
