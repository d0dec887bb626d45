"""What `verify` finds of goods and bundles: each planted fault, and nothing while all is well."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.bundles import verify as bundles_verify
from catalog.goods import verify as goods_verify
from tests.catalog import stand_ins
from tests.catalog.stand_ins import asked
from tests.owner import owner

FAULTS = {
    "goods without an order": ("delete from goods_order", "has no order"),
    "goods that are elsewhere": ("update goods_order set state = 'returned'", "where it should be"),
    "another number of units": ("update redemption set units = 2 where kind = 'goods'", "where it should be"),
    "an order of nothing": (
        "update redemption set kind = 'perk' where kind = 'goods'",
        "belongs to no redemption",
    ),
    "a step that is missing": ("delete from goods_step where no = 1", "the steps"),
    "parcels that are missing": ("update goods_order set parcels = '[]'", "the parcels"),
    "a bundle without parts": ("delete from bundle_part", "has no parts"),
    "a part that was not given": (
        "update bundle_part set state = 'waiting' where part_no = 2",
        "stand as it does",
    ),
    "a part of nothing": (
        "update redemption set kind = 'perk' where kind = 'bundle'",
        "belongs to no bundle",
    ),
    "a voucher that is missing": ("delete from voucher", "the voucher of a bundle"),
    "a voucher that came too early": (
        "update bundle_part set state = 'waiting'; update redemption set state = 'fulfilling' where kind = 'bundle'",
        "the voucher of a bundle",
    ),
}


@pytest.fixture
def given(app, db):
    with stand_ins.serving() as there:
        programme = asked(app, db, there, "goods")
        programme.drain()
        bundle = asked(app, db, there, "bundle", programme=_programme(programme))
        bundle.drain()
        yield db


def _programme(one):
    from base import database
    from points import programmes

    with database.begin() as session:
        return programmes.by_id(session, one.offer.programme_id)


@contextmanager
def planted(db, statements: str) -> Iterator[list[str]]:
    """The findings with a fault that is taken back again."""
    with owner(db) as connection:
        for statement in statements.split("; "):
            connection.execute(text(statement))
        with Session(connection) as session:
            yield [
                finding.text
                for found in (goods_verify, bundles_verify)
                for finding in found.findings(session)
            ]
        connection.rollback()


def test_every_planted_fault_is_found_and_nothing_else(given):
    with planted(given, "select 1") as found:
        assert found == []

    missed = {}
    for name, (statements, word) in FAULTS.items():
        with planted(given, statements) as found:
            if not any(word in one for one in found):
                missed[name] = found
    assert missed == {}
