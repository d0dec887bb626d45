"""Is this from us? A code is told real, unknown or expired; guessing is limited by source; nothing of worth is shown."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import clock, database
from base.auth.guesses import TooManyGuesses
from base.ids import ALPHABET
from base.notices import genuine, notices
from base.notices.models import Notice
from tests.given import ZONE, caller

PHONE = "13900004711"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]")


def write(config, template="sign-in-code", **facts):
    """A message, and the check code at its end."""
    facts = facts or {"code": "123456", "minutes": 10}
    with database.begin() as session:
        notices.send(session, config, 7, PHONE, template, facts, zone=ZONE)
        (message,) = notices.latest(session, config.seal_key, 1)
    return message, CODE.findall(message.text)[-1]


def ask(config, code, source="192.0.2.1", at=None):
    with database.begin() as session:
        return genuine.check(session, config, code, source, at or clock.now())


def test_every_message_ends_with_a_code_that_says_it_is_real(db):
    message, code = write(db)

    found = ask(db, code)

    assert message.text.endswith(code)
    assert (found.answer, found.at, found.channel) == ("real", message.at, "sms")


def test_the_answer_hides_every_digit_so_that_no_sign_in_code_and_no_amount_is_shown(db):
    message, code = write(db)

    text = ask(db, code).text

    assert "123456" in message.text
    assert not re.search(r"\d", text.replace(code, ""))
    assert "验证码 ••••••" in text
    assert code in text


def test_a_code_may_be_typed_as_people_type(db):
    _, code = write(db)

    assert ask(db, f" {code.lower().replace('-', ' ')} ").answer == "real"
    assert ask(db, code.replace("0", "o").replace("1", "l")).answer == "real"


def test_after_ninety_days_nothing_is_told_but_that(db):
    _, code = write(db)

    last, past = clock.now() + genuine.LIVES, clock.now() + genuine.LIVES + timedelta(seconds=1)

    assert ask(db, code, at=last - timedelta(minutes=1)).answer == "real"
    assert ask(db, code, at=past) == genuine.Answer("expired")


@pytest.mark.parametrize(
    "code", ["", "A", "0000-0000-1", "https://a.example", "中文" * 40, "7M4P-8KQ2-X\x00"]
)
def test_what_is_no_code_of_ours_is_unknown(db, code):
    write(db)

    assert ask(db, code) == genuine.Answer("unknown")


@given(st.text(ALPHABET, min_size=8, max_size=8), st.integers(0, 8), st.sampled_from(ALPHABET))
def test_a_single_wrong_symbol_is_never_another_code(symbols, place, symbol):
    whole = genuine.shown(symbols).replace("-", "")
    wrong = whole[:place] + symbol + whole[place + 1 :]

    assert genuine.read(whole) == symbols
    assert (genuine.read(wrong) is None) == (wrong != whole)


def test_a_message_that_was_held_back_is_not_real(db):
    _, code = write(db)
    with database.begin() as session:
        (notice,) = session.query(Notice)
        notice.state, notice.reason = "suppressed", "test"

    assert ask(db, code).answer == "unknown"


def test_guessing_is_limited_by_source_and_right_codes_do_not_count(db):
    _, code = write(db)
    for _ in range(genuine.WRONG.tries - 1):
        ask(db, "0000-0000-0")
        assert ask(db, code).answer == "real"
    ask(db, "0000-0000-0")

    with pytest.raises(TooManyGuesses):
        ask(db, code)

    assert ask(db, code, source="192.0.2.2").answer == "real"
    assert ask(db, code, at=clock.now() + genuine.WRONG.window).answer == "real"


def test_a_slip_of_the_finger_is_not_counted(db):
    _, code = write(db)
    other = "0" if code[-1] != "0" else "1"

    for _ in range(genuine.WRONG.tries + 1):
        assert ask(db, code[:-1] + other).answer == "unknown"

    assert ask(db, code).answer == "real"


def test_one_household_of_the_newer_addresses_is_one_source_and_no_address_is_kept(db):
    for number in range(genuine.WRONG.tries):
        ask(db, "0000-0000-0", source=f"2001:db8::{number:x}")

    with pytest.raises(TooManyGuesses):
        ask(db, "0000-0000-0", source="2001:db8::ffff")
    assert ask(db, "0000-0000-0", source="2001:db8:0:1::1").answer == "unknown"
    with database.begin() as session:
        kept = session.connection().exec_driver_sql("select string_agg(scope, ' ') from guess").scalar_one()
    assert "2001" not in kept


def test_the_api_answers_everybody_and_counts_what_is_wrong(app, db):
    _, code = write(db)
    anybody = caller(app)

    real, unknown = (anybody.post("/v1/notices/check", {"code": c}) for c in (code, "0000-0000-0"))
    for _ in range(genuine.WRONG.tries - 1):
        anybody.post("/v1/notices/check", {"code": "0000-0000-0"})
    too_many = anybody.post("/v1/notices/check", {"code": code})

    assert (real.status_code, real.json["answer"]) == (200, "real")
    assert unknown.json == {"answer": "unknown", "text": None, "at": None, "channel": None}
    assert too_many.status_code == 429
    assert int(too_many.headers["Retry-After"]) > 0
    assert anybody.post("/v1/notices/check", {"code": "x" * 65}).status_code == 422
    assert anybody.post("/v1/notices/check", {}).status_code == 422
