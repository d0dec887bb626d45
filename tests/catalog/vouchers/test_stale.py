"""Old pictures that are shown at tills: refused, and from the third time on the member knows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from base import cache, clock, database
from base.notices import notices
from catalog.vouchers import codes, life, stale
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import Voucher
from catalog.vouchers.refusals import VoucherUnknown
from merchants.terminals import clerks
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.tills import paired

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def counter(app, shop):
    return caller(app, clerk_token(shop))


@pytest.fixture
def member(app, db):
    return caller(app, member_token(given_member(db, given_programme(), points=900)))


def given_pictures(member, shop, **more):
    """A voucher, and the pictures of its page."""
    with database.begin() as session:
        programme = session.execute(select(database.Base.metadata.tables["programme"])).one()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100, **more)
    redeemed = member.redeem(offer).json
    return [one["text"] for one in member.get(f"/v1/vouchers/{redeemed['voucher']}").json["pictures"]]


def given_till(app, shop, code):
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, code)
        clerk = clerks.add_clerk(session, shop.outlet, code, shop.clerk.pin_hash)
    return caller(app, clerk_token(replace(shop, terminal=terminal, clerk=clerk, signer=paired(terminal))))


def warnings(db) -> list[str]:
    with database.begin() as session:
        return [one.text for one in notices.latest(session, db.seal_key) if one.template == stale.TEMPLATE]


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_the_pictures_of_a_page_are_good_one_after_the_other_for_five_minutes(counter, member, shop):
    began = clock.now()
    with clock.stopped(began):
        pictures = given_pictures(member, shop)

    for no, text in enumerate(pictures):
        with clock.stopped(began + no * HALF_A_MINUTE):
            assert counter.check(text).status_code == 200
            assert counter.check(text).status_code == 200  # the till that holds it may scan again
    with clock.stopped(began + 11 * HALF_A_MINUTE):
        assert kind(counter.check(pictures[-2])) == "code-stale"


def test_the_third_old_picture_tells_the_member_once(db, counter, member, shop):
    old = given_pictures(member, shop)[0]
    with clock.stopped(clock.now() + 5 * HALF_A_MINUTE):
        told = []
        for _ in range(5):
            assert kind(counter.check(old)) == "code-stale"
            told.append(len(warnings(db)))

    assert told == [0, 0, 1, 1, 1]
    assert "截图" in warnings(db)[0]
    assert "screenshot" in warnings(db)[0]


def test_of_many_old_pictures_at_once_the_member_is_told_once(app, db, counter, member, shop):
    old = given_pictures(member, shop)[0]
    tills = [given_till(app, shop, f"till-{no}") for no in range(4)]
    later = clock.now() + 5 * HALF_A_MINUTE
    together = threading.Barrier(len(tills))

    def shows(one):
        together.wait()
        return kind(one.check(old))

    with clock.stopped(later), ThreadPoolExecutor(len(tills)) as pool:
        answers = list(pool.map(shows, tills))

    assert answers == ["code-stale"] * len(tills)
    assert len(warnings(db)) == 1


def test_other_refusals_tell_nobody(db, counter, member, shop):
    given_pictures(member, shop)
    for _ in range(4):
        counter.check(codes.shown(codes.fresh()))

    assert warnings(db) == []


def test_a_code_is_in_the_directory_from_its_issue_on_and_not_before_the_commit(db, member, shop):
    given_pictures(member, shop)
    with database.begin() as session:
        voucher = session.scalars(select(Voucher)).one()

    assert cache.get(f"vd:{voucher.digest.hex()}") == str(voucher.member_id)
    assert Keys.of(db).newest == voucher.pepper_id


def test_what_is_to_be_done_after_a_commit_is_not_done_without_one(db):
    done = []

    with database.begin() as session:
        database.after_commit(session, lambda: done.append("kept"))
        assert done == []
    with suppress(VoucherUnknown), database.begin() as session:
        database.after_commit(session, lambda: done.append("lost"))
        life.of_member(session, 1, 1)

    assert done == ["kept"]
