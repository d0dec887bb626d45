"""Statements as tests need them: the merchant's month sealed, its clock a little after."""

from datetime import timedelta

from base import clock, database
from merchants.cycles import period_of
from merchants.models import DAILY, Merchant
from merchants.statements import closing
from merchants.statements.models import Statement


def given_statement(merchant: Merchant, at=None) -> Statement:
    """What happened at a merchant until now, sealed as the statement of the day."""
    at = at or clock.now()
    period = period_of(DAILY, 0, merchant.zone, at)
    with database.begin() as session:
        sealed = closing.close(session, merchant, period, period.to_at + timedelta(hours=1))
    assert sealed is not None
    return sealed
