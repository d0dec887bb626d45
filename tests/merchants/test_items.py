"""Items: one of the kinds that come once, however many try; the reserve is the sum of its moves."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from base import clock, database
from merchants import items
from merchants.items import Amounts, ItemThere
from merchants.models import ADJUSTMENT, CLAWBACK, RESERVE_IN, RESERVE_OUT, Acceptance
from tests.owner import forget_everything

SHOP = 7


def add(kind, amounts, about_id=0, member_id=0):
    with database.begin() as session:
        return items.add(
            session, SHOP, kind, amounts, at=clock.now(), reason="test", actor="staff:1",
            member_id=member_id, about_id=about_id,
        )  # fmt: skip


def test_a_thing_is_clawed_back_once_and_what_is_about_another_thing_too(db):
    taken = items.of_acceptance(Acceptance(owed_fen=900, fee_fen=18, vat_fen=1, brand_fen=300))

    made = add(CLAWBACK, taken.reversed(), about_id=5, member_id=3)
    with pytest.raises(ItemThere):
        add(CLAWBACK, taken.reversed(), about_id=5, member_id=3)
    add(CLAWBACK, taken.reversed(), about_id=6, member_id=3)

    assert (made.owed_fen, made.fee_fen, made.vat_fen, made.brand_fen) == (-900, -18, -1, -300)
    assert (taken.net_fen, taken.reversed().net_fen) == (881, -881)
    forget_everything(db)  # no acceptance stands behind what is taken back here


def test_of_many_who_claw_back_at_once_one_does(db):
    def attempt(_):
        try:
            return add(CLAWBACK, Amounts(-1), about_id=5, member_id=3)
        except ItemThere:
            return None

    with ThreadPoolExecutor(6) as pool:
        done = [made for made in pool.map(attempt, range(6)) if made]

    assert len(done) == 1
    forget_everything(db)


def test_adjustments_come_as_often_as_they_are_made(db):
    assert add(ADJUSTMENT, Amounts(5)).item_id != add(ADJUSTMENT, Amounts(5)).item_id


def test_the_reserve_is_what_went_in_less_what_came_out(db):
    add(RESERVE_IN, Amounts(-100), about_id=1)
    add(RESERVE_IN, Amounts(-50), about_id=2)
    add(RESERVE_OUT, Amounts(100), about_id=1)
    add(ADJUSTMENT, Amounts(-9))

    with database.begin() as session:
        assert items.in_reserve(session, SHOP) == 50
        assert items.find(session, SHOP, RESERVE_IN, 0, 2).owed_fen == -50
        assert items.find(session, SHOP, RESERVE_IN, 0, 3) is None
