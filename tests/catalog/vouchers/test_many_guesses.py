"""Codes of vouchers are guessed at by many tills: nothing is hit, and nearly every guess is refused without being looked at."""

import sys
from collections import Counter
from datetime import timedelta

import pytest

from base import clock, database
from base.auth.guesses import TooManyGuesses
from catalog.vouchers import codes, till
from catalog.vouchers.codes import Shown
from catalog.vouchers.refusals import VoucherUnknown
from merchants.acceptances import Place
from merchants.terminals import clerks, guessing
from tests.given import caller, given_member, given_offer, given_programme, given_shop, member_token


@pytest.mark.attack("A3")
@pytest.mark.parametrize(
    ("guesses", "tills", "minutes"),
    [(200, 4, 10), pytest.param(100_000, 50, 60, marks=[pytest.mark.torture, pytest.mark.timeout(3600)])],
)
def test_of_many_guesses_none_hits_and_nearly_all_are_refused_unseen(app, db, guesses, tills, minutes):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    me = caller(app, member_token(given_member(db, programme, points=1_000_000)))
    for _ in range(10):
        me.redeem(offer)  # there is something to be hit
    with database.begin() as session:
        terminals = [
            clerks.add_terminal(session, shop.outlet, f"guess-{nth}").terminal_id for nth in range(tills)
        ]
    ids = (shop.outlet.outlet_id, shop.clerk.clerk_id)
    places = [Place(shop.merchant.merchant_id, ids[0], terminal, ids[1]) for terminal in terminals]
    told, at = Counter(), clock.now()

    for nth in range(guesses):
        with clock.stopped(at + timedelta(minutes=minutes) * (nth / guesses)):
            try:
                till.check(db, places[nth % tills], Shown(codes.fresh()))
                told["hit"] += 1
            except VoucherUnknown:
                told["judged"] += 1
            except TooManyGuesses:
                told["refused unseen"] += 1

    sys.stdout.write(f"{guesses} guesses at {tills} tills within {minutes} minutes: {dict(told)}")
    assert told["hit"] == 0
    # ten for a till each quarter of an hour, and never more than so many for the merchant
    assert told["judged"] <= min(
        guessing.MERCHANT_TRIES + tills, tills * guessing.TRIES * (1 + minutes // 15)
    )
    assert told["refused unseen"] >= guesses - told["judged"]
    if guesses >= 100_000:
        assert told["refused unseen"] >= guesses * 0.997
