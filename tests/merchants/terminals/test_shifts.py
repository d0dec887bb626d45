"""Shifts: opened by signing in, one at a till, closed with a count; what follows from leaving."""

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from base.auth import passwords
from base.database import StillRunning
from catalog.vouchers import codes
from catalog.vouchers import till as tills
from merchants.acceptances import Place
from merchants.models import Acceptance
from merchants.terminals import clerks
from merchants.terminals import shifts as rules
from merchants.terminals.models import ClerkRow, Shift
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)


@pytest.fixture
def shop(db):
    return given_shop()


def sign_in(app, shop, number="01", pin="123456"):
    return caller(app, None, shop.signer).post("/v1/till/sign-ins", {"clerk": number, "pin": pin})


def given_colleague(shop) -> ClerkRow:
    with database.begin() as session:
        return clerks.add_clerk(session, shop.outlet, "02", passwords.hashed("654321"))


def shifts() -> list[Shift]:
    with database.begin() as session:
        return list(session.scalars(select(Shift).order_by(Shift.shift_id)))


def closed_soon(shift) -> None:
    with database.begin() as session:
        session.execute(text("set local lock_timeout = '50ms'"))
        rules.close(session, session.merge(shift), clock.now())


def test_signing_in_opens_a_shift_and_signing_in_again_goes_on_with_it(app, shop):
    first, second = sign_in(app, shop), sign_in(app, shop)

    assert (first.status_code, second.status_code) == (201, 201)
    assert [row.closed_at for row in shifts()] == [None]


def test_without_the_tills_signature_nobody_signs_in(app, shop):
    answer = caller(app).post("/v1/till/sign-ins", {"clerk": "01", "pin": "123456"})

    assert (answer.status_code, answer.json["type"]) == (401, "/problems/terminal-refused")
    assert shifts() == []


def test_a_colleague_who_signs_in_closes_the_open_shift_and_its_sign_in(app, shop):
    given_colleague(shop)
    first = sign_in(app, shop).json["token"]

    second = sign_in(app, shop, "02", "654321").json["token"]

    assert [row.closed_at is None for row in shifts()] == [False, True]
    assert caller(app, first, shop.signer).get("/v1/till/shift").status_code == 401
    assert caller(app, second, shop.signer).get("/v1/till/shift").status_code == 200


def test_a_shift_counts_what_stands_what_was_undone_and_what_the_merchant_gets(app, db, shop):
    till = caller(app, clerk_token(shop))
    programme = given_programme()
    offer = given_offer(programme, "voucher", value_fen=1000, merchant_id=shop.merchant.merchant_id)
    member = caller(app, member_token(given_member(db, programme, points=90_000)))
    taken = [till.accept(member.voucher_code(member.redeem(offer).json)).json for _ in range(3)]
    till.post(f"/v1/acceptances/{taken[0]['id']}/void", {"reason": "wrong thing"})

    counted = till.get("/v1/till/shift").json
    closed = till.post("/v1/till/shift/close").json

    net = sum(one["owed_fen"] - one["fee_fen"] - one["vat_fen"] for one in taken[1:])
    assert (counted["accepted"], counted["voided"], counted["net_fen"]) == (2, 1, net)
    assert {name: closed[name] for name in ("accepted", "voided", "net_fen")} == {
        name: counted[name] for name in ("accepted", "voided", "net_fen")
    }
    assert closed["closed_at"] is not None
    assert till.get("/v1/till/shift").status_code == 401


def test_a_sign_in_ends_with_its_shift_and_does_not_come_back_with_the_next_one(app, shop):
    first = sign_in(app, shop).json["token"]
    caller(app, first, shop.signer).post("/v1/till/shift/close")
    second = sign_in(app, shop).json["token"]

    seen = [caller(app, token, shop.signer).get("/v1/till/shift").status_code for token in (first, second)]

    assert seen == [401, 200]


def test_a_shift_in_which_something_is_under_way_closes_after_it(db, shop):
    clerk_token(shop)
    (shift,) = shifts()

    with database.begin() as session:
        rules.going_on(session, shift.terminal_id, shift.shift_id)
        with pytest.raises(StillRunning):
            closed_soon(shift)

    assert shifts()[0].closed_at is None


def test_in_a_shift_that_was_closed_meanwhile_nothing_is_taken_or_undone(app, db, shop):
    till = caller(app, clerk_token(shop))
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    member = caller(app, member_token(given_member(db, programme, points=9_000)))
    first, second = (member.voucher_code(member.redeem(offer).json) for _ in range(2))
    done = till.accept(first).json
    (shift,) = shifts()
    place = Place(
        shop.merchant.merchant_id,
        shop.outlet.outlet_id,
        shift.terminal_id,
        shop.clerk.clerk_id,
        shift.shift_id,
    )
    checked, _ = tills.check(db, place, codes.read(second))
    closed = till.post("/v1/till/shift/close").json

    with pytest.raises(rules.ShiftEnded):
        tills.accept(db, place, checked.token, None, lambda session, member_id, effect: effect())
    with pytest.raises(rules.ShiftEnded):
        tills.void(
            db, place, ids.parse("acc", done["id"]), "wrong", lambda session, member_id, effect: effect()
        )

    assert (closed["accepted"], closed["voided"]) == (1, 0)
    with database.begin() as session:
        assert session.scalars(select(Acceptance.void_id)).all() == [None]


def test_a_leaver_is_out_at_once_and_the_shift_is_closed(app, shop):
    till = caller(app, clerk_token(shop))
    with database.begin() as session:
        clerks.end(session, session.get_one(ClerkRow, shop.clerk.clerk_id), clock.now())

    assert till.get("/v1/till/shift").status_code == 401
    assert sign_in(app, shop).status_code == 401
    assert shifts()[0].closed_at is not None


def test_acceptances_name_their_shift(app, db, shop):
    till = caller(app, clerk_token(shop))
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    member = caller(app, member_token(given_member(db, programme, points=9_000)))

    till.accept(member.voucher_code(member.redeem(offer).json))

    with database.begin() as session:
        (shift_id,) = session.scalars(select(Shift.shift_id)).all()
        assert session.scalars(select(Acceptance.shift_id)).all() == [shift_id]


def test_wrong_pins_lock_the_number_at_this_till(app, shop):
    wrong = [sign_in(app, shop, pin="000000").status_code for _ in range(6)]

    assert wrong == [401] * 5 + [429]
    assert sign_in(app, shop).status_code == 429
