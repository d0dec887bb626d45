"""Every column of every table has a class of data, and the page that says so is of today."""

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from app import inventory
from app.inventory import Data
from app.web import create_app  # imports every model
from base.database import Base
from tests.conftest import ROOT

assert create_app


def with_columns(*columns: Column[object]) -> MetaData:
    made = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(made)
    Table("fresh", made, Column("member_id", BigInteger), *columns)
    return made


def test_every_column_has_a_class_and_every_name_in_the_tables_a_column():
    assert inventory.unclassed(Base.metadata) == []


def test_the_page_is_of_today():
    assert (ROOT / inventory.PAGE).read_text("utf-8") == inventory.page(Base.metadata), (
        "write it anew: python -m app.inventory"
    )


@pytest.mark.parametrize(
    "column", [Column("favourite", Text), Column("blob", BYTEA), Column("anything", JSONB)]
)
def test_a_new_text_blob_or_json_without_a_class_is_named(column):
    assert inventory.unclassed(with_columns(column)) == [
        f"fresh.{column.name}: give it a class in app/inventory.py"
    ]


def test_what_its_name_or_type_tells_needs_no_word():
    fresh = with_columns(
        Column("state", Text), Column("address_sealed", BYTEA), Column("units", BigInteger)
    ).tables["fresh"]

    assert [inventory.of(column) for column in fresh.columns] == [
        Data.PSEUDONYMOUS, Data.PSEUDONYMOUS, Data.SEALED, Data.PSEUDONYMOUS,
    ]  # fmt: skip


def test_what_tells_who_a_member_is_lies_sealed_or_is_listed_here():
    """What a member is told by in clear is few, and each is known: all else of a person is sealed with the own key."""
    in_clear = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if inventory.of(column) is Data.PERSONAL and inventory.MEMBER in table.columns
    }

    assert in_clear == {
        "gift.giver_masked", "gift.receiver_masked", "voucher_gift.giver_masked", "voucher_gift.receiver_masked",
        "member.customer_id", "member_facts.birthday", "staged_line.line",
    }  # fmt: skip
