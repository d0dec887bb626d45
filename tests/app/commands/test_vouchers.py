"""jifen vouchers re-digest: every code under the newest pepper, tills going on meanwhile, safe twice and two at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from base import clock, database
from base.auth.principals import Clerk
from catalog.vouchers import codes, digesting, till
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import Voucher
from merchants.terminals import places
from tests.given import caller, given_member, given_offer, given_programme, given_shop, member_token

NEW = "n" * 32


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def turned(db):
    """The configuration with a newer pepper beside the present one."""
    return db.at(voucher_peppers={**db.voucher_peppers, 2: NEW})


@pytest.fixture
def codes_of_ten(app, db, shop):
    """The codes of ten vouchers."""
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    member = caller(app, member_token(given_member(db, programme, points=9_000)))
    return [codes.read(member.voucher_code(member.redeem(offer).json)) for _ in range(10)]


@pytest.fixture
def re_digest(cli, db, monkeypatch):
    """The command, in a process that knows both peppers."""
    monkeypatch.setenv("JIFEN_VOUCHER_PEPPER", NEW)
    monkeypatch.setenv("JIFEN_VOUCHER_PEPPER_ID", "2")
    monkeypatch.setenv("JIFEN_VOUCHER_PEPPER_OLD", db.voucher_peppers[1])
    monkeypatch.setenv("JIFEN_VOUCHER_PEPPER_OLD_ID", "1")
    monkeypatch.setenv("JIFEN_SEAL_KEY", db.seal_key)
    return lambda *words: cli("vouchers", "re-digest", *words)


def place(shop):
    clerk = Clerk(
        shop.clerk.clerk_id, shop.terminal.terminal_id, shop.outlet.outlet_id, shop.merchant.merchant_id
    )
    return places.place_of(clerk)


def named() -> dict[int, int]:
    with database.begin() as session:
        return digesting.peppers(session)


def test_every_voucher_gets_the_newest_pepper_and_the_old_one_may_be_dropped(
    db, shop, codes_of_ten, re_digest
):
    first, second = re_digest("--quiet", "--json"), re_digest()

    assert json.loads(first.stdout) == {"re_digested": 10, "pepper": 2, "still_named": []}
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "No voucher names a pepper older than 2" in second.output
    assert named() == {2: 10}
    without = db.at(voucher_peppers={2: NEW})
    for shown in codes_of_ten:
        assert till.check(without, place(shop), shown)[0].voucher.pepper_id == 2


def test_broken_off_it_goes_on_with_those_that_are_left(turned, codes_of_ten, re_digest):
    with database.begin() as session:
        assert digesting.step(session, Keys.of(turned), [1], limit=4) == 4
    assert named() == {1: 6, 2: 4}

    told = json.loads(re_digest("--quiet", "--json").stdout)

    assert told["re_digested"] == 6
    assert named() == {2: 10}


def test_two_at_once_share_the_work(turned, codes_of_ten):
    keys, together = Keys.of(turned), threading.Barrier(2)

    def step(_):
        with database.begin() as session:
            did = digesting.step(session, keys, [1], limit=5)
            together.wait()  # both have theirs locked
            return did

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(step, range(2))) == [5, 5]
    assert named() == {2: 10}


def test_a_voucher_that_somebody_holds_is_met_again(codes_of_ten, re_digest, monkeypatch):
    monkeypatch.setattr("app.commands.vouchers.PAUSE_S", 0.05)
    held, let_go = threading.Event(), threading.Event()

    def holds():
        with database.begin() as session:
            session.execute(text("select from voucher limit 1 for update"))
            held.set()
            let_go.wait(5)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(holds)
        held.wait(5)
        timer = threading.Timer(0.3, let_go.set)
        timer.start()
        told = json.loads(re_digest("--quiet", "--json").stdout)

    assert told == {"re_digested": 10, "pepper": 2, "still_named": []}


def test_tills_check_with_two_live_peppers_while_rows_are_turned(turned, shop, codes_of_ten):
    keys, at_till, together = Keys.of(turned), place(shop), threading.Barrier(2)

    def checks():
        together.wait()
        return [
            till.check(turned, at_till, shown)[0].voucher.last4 for _ in range(3) for shown in codes_of_ten
        ]

    def turns():
        together.wait()
        while True:
            with database.begin() as session:
                if not digesting.step(session, keys, [1], limit=1) and not digesting.is_named(session, [1]):
                    return

    with ThreadPoolExecutor(2) as pool:
        checked, done = pool.submit(checks), pool.submit(turns)
        done.result()
        found = checked.result()

    assert found == [shown.symbols[-4:] for shown in codes_of_ten] * 3
    assert named() == {2: 10}


def test_a_picture_of_a_page_that_stood_open_is_still_good_after_its_voucher_was_turned(
    turned, shop, codes_of_ten
):
    keys, at = Keys.of(turned), clock.now()
    with clock.stopped(at):
        with database.begin() as session:
            voucher = session.scalars(select(Voucher).order_by(Voucher.voucher_id)).first()
            symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
            before = codes.pictures(keys, voucher, symbols, at)[0].text
            digesting.step(session, keys, [1])

        checked = till.check(turned, place(shop), codes.read(before))[0].voucher

    assert (checked.voucher_id, checked.pepper_id, checked.last_step) == (
        voucher.voucher_id,
        2,
        codes.step_at(at),
    )
