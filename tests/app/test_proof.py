"""The check of the books that follows every test leaves out only what could find nothing."""

import pytest
from sqlalchemy import text

from app import proof
from base import database
from tests.books import faults, when_empty
from tests.given import given_member, given_offer, given_programme, given_shop
from tests.owner import forget_everything, owner, tables_with_rows

FORGED = {
    "a wallet": "update wallet set balance = balance + 1",
    "a posting without a wallet": "delete from wallet",
    "a version of an offer": "update offer_state set code = code || 'x'",
    "a rate that nobody approved": "update rate set points = points + 1, approval = 'apr_0000000000000'",
}


@pytest.mark.parametrize("forged", FORGED)
def test_it_finds_what_verify_finds(db, forged):
    programme, shop = given_programme(), given_shop()
    given_member(db, programme, points=1000)
    given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    with owner(db) as connection:
        connection.execute(text(FORGED[forged]))

    found = list(faults(tables_with_rows(db)))

    with database.begin() as session:
        assert found == list(proof.findings(session)) != []
    forget_everything(db)


def test_every_part_of_verify_reads_a_table(db):
    """A part that read none, or of which no question is known, would never be asked."""
    known = when_empty()

    assert all(known.read)
    assert all(part.questions or not part.whole for part in known.parts)
    assert len(known.read) == len(known.parts) == len(proof.parts())
