"""A till is let in with six digits that are good once, for ten minutes, for one terminal and for the key that it holds."""

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import select

from base import clock, database
from base.auth import signatures
from base.models import AuditRow
from merchants.terminals import clerks, keys, pairing
from merchants.terminals.models import Terminal, TerminalKey
from tests.given import caller, clerk_token, given_shop
from tests.tills import Signer


@pytest.fixture
def shop(db):
    return given_shop()


def code_for(db, shop) -> str:
    with database.begin() as session:
        terminal = session.get_one(Terminal, shop.terminal.terminal_id)
        return pairing.open_for(session, db.secret_key, terminal, clock.now())


def asked(signer: Signer, terminal: str, code: str) -> dict[str, str]:
    proof = signer.private.sign(pairing.statement(terminal, code, signer.key))
    return {
        "terminal": terminal,
        "code": code,
        "algorithm": signer.key.algorithm,
        "public_key": signatures.encoded(signer.key.public_key),
        "proof": signatures.encoded(proof),
    }


def pair(app, body):
    return caller(app).post("/v1/terminals/pairings", body)


def works(app, shop, signer) -> bool:
    token = clerk_token(shop)
    answer = caller(app, token, signer).post("/v1/vouchers/check", {"code": "0000-0000-00000"})
    return bool(answer.json["type"] == "/problems/voucher-unknown")


def test_a_paired_till_works_and_the_key_that_it_had_before_does_not(app, db, shop):
    fresh = Signer(shop.terminal.terminal_id)

    answer = pair(app, asked(fresh, "tea-1", code_for(db, shop)))

    assert (answer.status_code, answer.json["id"]) == (201, fresh.terminal)
    assert works(app, shop, fresh)
    assert not works(app, shop, shop.signer)


def test_a_code_is_good_once(app, db, shop):
    code = code_for(db, shop)
    pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", code))

    again = pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", code))

    assert (again.status_code, again.json["type"]) == (403, "/problems/pairing-refused")


def test_a_code_lives_ten_minutes(app, db, shop):
    code = code_for(db, shop)
    with clock.stopped(clock.now() + timedelta(minutes=10, seconds=1)):
        assert pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", code)).status_code == 403


def test_after_five_wrong_tries_the_right_code_is_worth_nothing(app, db, shop):
    code = code_for(db, shop)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"

    tries = [pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", wrong)) for _ in range(5)]
    late = pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", code))

    assert {answer.status_code for answer in [*tries, late]} == {403}


def test_a_code_of_one_terminal_is_worth_nothing_for_another_nor_an_unknown_one(app, db, shop):
    code = code_for(db, shop)
    given_shop("cake")

    for terminal in ("cake-1", "nobody-1"):
        assert pair(app, asked(Signer(1), terminal, code)).json["type"] == "/problems/pairing-refused"


def test_a_key_that_one_does_not_hold_is_not_registered(app, db, shop):
    body = asked(Signer(shop.terminal.terminal_id), "tea-1", code_for(db, shop))
    stolen = signatures.encoded(Signer(1).key.public_key)

    assert pair(app, body | {"public_key": stolen}).status_code == 403
    assert works(app, shop, shop.signer)


@pytest.mark.parametrize(
    "spoiled", [{"public_key": "!!"}, {"proof": "x" * 121}, {"algorithm": "rsa"}, {"code": ""}, {"more": "x"}]
)
def test_bad_input_names_its_field(app, db, shop, spoiled):
    body = asked(Signer(shop.terminal.terminal_id), "tea-1", "123456")

    answer = pair(app, body | spoiled)

    assert answer.status_code == 422
    assert next(iter(spoiled)) in answer.json["detail"]


def test_a_revoked_terminal_is_not_paired_again(app, db, shop):
    code = code_for(db, shop)
    with database.begin() as session:
        keys.revoke(session, session.get_one(Terminal, shop.terminal.terminal_id), clock.now())

    assert pair(app, asked(Signer(shop.terminal.terminal_id), "tea-1", code)).status_code == 403
    assert not works(app, shop, shop.signer)


def test_pairing_thaws_a_frozen_terminal(app, db, shop):
    keys.cloned(shop.terminal.terminal_id, clock.now())
    frozen = works(app, shop, shop.signer)
    fresh = Signer(shop.terminal.terminal_id)

    pair(app, asked(fresh, "tea-1", code_for(db, shop)))

    assert not frozen
    assert works(app, shop, fresh)


def test_on_the_device_that_was_the_till_before_the_sign_in_ends(app, db, shop):
    token = clerk_token(shop)
    fresh = Signer(shop.terminal.terminal_id)

    pair(app, asked(fresh, "tea-1", code_for(db, shop)))
    clerk_token(shop)

    assert caller(app, token, shop.signer).get("/v1/till/shift").status_code == 401
    assert caller(app, token, fresh).get("/v1/acceptances/outcome", key="k").status_code == 401


def test_who_pairs_a_till_is_on_record(app, db, shop):
    fresh = Signer(shop.terminal.terminal_id)
    pair(app, asked(fresh, "tea-1", code_for(db, shop)))

    with database.begin() as session:
        deeds = session.scalars(select(AuditRow.action).where(AuditRow.subject == fresh.terminal)).all()

    assert deeds == ["terminal.paired"]


def test_two_keys_count_while_one_takes_the_others_place(app, db, shop):
    fresh = Signer(shop.terminal.terminal_id)
    later = clock.now() + timedelta(hours=1)
    with database.begin() as session:
        terminal = session.get_one(Terminal, shop.terminal.terminal_id)
        keys.register(session, terminal, fresh.key, clock.now(), old_until=later)

    both = [
        works(app, shop, shop.signer),
        works(app, shop, Signer(fresh.terminal_id, fresh.private, count(50))),
    ]
    signatures.forget(shop.terminal.terminal_id)
    with clock.stopped(later + timedelta(seconds=1)):
        old = works(app, shop, shop.signer)

    assert (both, old) == ([True, True], False)
    with database.begin() as session:
        assert len(session.scalars(select(TerminalKey)).all()) == 2


def test_a_terminal_of_a_leaver_and_a_stranger(db, shop):
    with database.begin() as session:
        assert clerks.matching(session, shop.terminal.terminal_id, "01", "123456") is not None
        assert clerks.matching(session, shop.terminal.terminal_id, "01", "000000") is None
        assert clerks.matching(session, 5, "01", "123456") is None
