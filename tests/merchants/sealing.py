"""Statements as tests need them: what happened until now, sealed as the statement of the day; a shop that has one."""

from datetime import timedelta

from base import clock, database, ids
from merchants.cycles import period_of
from merchants.models import DAILY, Merchant
from merchants.onboarding import documents
from merchants.onboarding.documents import Paper
from merchants.statements import closing
from merchants.statements.models import Statement
from tests.given import (
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
)


def given_statement(merchant: Merchant, at=None) -> Statement:
    """What happened at a merchant until now, sealed as the statement of the day."""
    at = at or clock.now()
    period = period_of(DAILY, 0, merchant.zone, at)
    with database.begin() as session:
        sealed = closing.close(session, merchant, period, period.to_at + timedelta(hours=1))
    assert sealed is not None
    return sealed


class GivenMonth:
    """A shop with two uses on a statement, one of them disputed by the member, and one use after it."""

    def __init__(self, app, db):
        self.app, self.shop, programme = app, given_shop(), given_programme()
        member = caller(app, member_token(given_member(db, programme, points=10_000)))
        offer = given_offer(programme, "voucher", merchant_id=self.shop.merchant.merchant_id, value_fen=1000)
        counter = caller(app, clerk_token(self.shop))
        self.taken = [counter.accept(member.voucher_code(member.redeem(offer).json)).json for _ in range(2)]
        self.dispute = member.post(f"/v1/acceptances/{self.taken[1]['id']}/not-me").json
        with database.begin() as session:
            paper = Paper(invoice_regime="prepaid_ordinary", legal_name="Tea Ltd", tax_number="T1")
            documents.hand_in(session, db.seal_key, self.shop.merchant, paper, "test", clock.now())
        self.statement = given_statement(self.shop.merchant)
        self.id = ids.public("stm", self.statement.merchant_id, 1)
        later = counter.accept(member.voucher_code(member.redeem(offer).json)).json
        self.taken.append(later)

    def person(self, role="finance", number="20"):
        return caller(self.app, merchant_token(given_colleague(self.shop, role, number)))
