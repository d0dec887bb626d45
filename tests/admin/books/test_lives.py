"""Random lives of vouchers: issued, used in parts, undone, handed back, lapsed, settled, paid; the books agree after each deed."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from admin.books import balances, journal, verify
from admin.books.facts import Span
from base import clock, database
from catalog.vouchers import lapsing
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT
from merchants.payouts import states
from merchants.payouts.models import PAID, RETURNED, SENT, Payout
from tests.admin.books.ledger import ZONE
from tests.given import closed, given_person, given_points
from tests.merchants.payouts.paying import Treasury, given_bank

DEEDS = (
    "issue",
    "issue",
    "use",
    "use",
    "use",
    "undo",
    "hand back",
    "adjust",
    "settle",
    "pay",
    "bank says",
    "lapse",
)

BEGINNING = ("issue", "issue", "use", "settle", "pay", "bank says")
END = ("issue", "use", "undo", "issue", "lapse", "settle")
MET = {
    "voucher-issued", "voucher-accepted", "acceptance-voided", "voucher-expired", "statement-sealed",
    "payout-released", "points-earned",
}  # fmt: skip


class Life:
    """What a member and a shop do, drawn by lot; what cannot be done is left out."""

    def __init__(self, db, trade, seed):
        self.lots, self.trade, self.db = Random(seed), trade, db
        self.vouchers: list = []
        self.uses: list = []
        self.days = 0
        given_bank(db, trade.shop.merchant)
        self.treasury = Treasury(
            db, None, given_person("finance"), given_person("finance"), clock.now() + timedelta(days=3)
        )

    def live(self, deed: str = "") -> str:
        deed = deed or self.lots.choice(DEEDS)
        getattr(self, deed.replace(" ", "_"))()
        return deed

    def issue(self):
        answer = self.trade.member.redeem(self.trade.offer, self.lots.randint(1, 4))
        if answer.status_code == 201:
            self.vouchers.append(answer.json)

    def use(self):
        if self.vouchers:
            one = self.lots.choice(self.vouchers)
            checked = self.trade.till.check(self.trade.member.voucher_code(one))
            if checked.status_code == 200:
                wanted = {
                    "check_token": checked.json["check_token"],
                    "units": self.lots.randint(1, checked.json["units_left"]),
                }
                self.uses.append(self.trade.till.post("/v1/vouchers/accept", wanted).json)

    def undo(self):
        if self.uses:
            one = self.uses.pop()
            self.trade.till.post(f"/v1/acceptances/{one['id']}/void", {"reason": "wrong"})

    def hand_back(self):
        if self.vouchers:
            one = self.lots.choice(self.vouchers)
            self.trade.member.post(f"/v1/redemptions/{one['id']}/cancel")

    def adjust(self):
        fen = self.lots.choice([-3_000, -70, 55, 4_000])
        with database.begin() as session:
            items.add(
                session, self.trade.shop.merchant.merchant_id, ADJUSTMENT, Amounts(fen, fen // 50),
                at=clock.now(), reason="by lot", actor="staff:1",
            )  # fmt: skip

    def settle(self):
        closed(self.trade.shop, clock.day(clock.now(), ZONE) + timedelta(days=self.days))
        self.days += 1

    def pay(self):
        with self.treasury.stopped(), database.begin() as session:
            ready = session.scalars(select(Payout).where(Payout.state == "planned")).first()
        if ready is not None:
            self.treasury.run("bank")
            self.treasury.walk()

    def bank_says(self):
        with database.begin() as session:
            payout = session.scalars(select(Payout).where(Payout.state.in_((SENT, PAID, RETURNED)))).first()
            if payout is not None:
                follows = {SENT: [PAID, RETURNED], PAID: [RETURNED], RETURNED: [PAID]}[payout.state]
                states.move(session, payout, self.lots.choice(follows), "bank", self.treasury.now)

    def lapse(self):
        with database.begin() as session:
            lapsing.step(session, clock.now() + timedelta(days=40))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_agree_after_every_deed(db, trade, seed):
    life = Life(db, trade, seed)
    given_points(trade.member_id, 60_000)
    done = []
    for deed in (*BEGINNING, *[""] * 14, *END):
        done.append(life.live(deed))
        with database.begin() as session:
            assert list(verify.findings(session)) == [], done
    with database.begin() as session:
        assert {one.event for one in journal.documents(session, Span(None, None, ZONE))} >= MET


def test_the_journal_adds_up_to_the_balances(db, trade):
    life = Life(db, trade, 4)
    given_points(trade.member_id, 60_000)
    for deed in (*BEGINNING, *[""] * 10, *END):
        life.live(deed)
    with database.begin() as session:
        span = Span(None, None, ZONE)
        shown = balances.of(session, span)
        sums: dict[str, int] = {}
        for one in journal.documents(session, span):
            for debit, credit, fen in one.lines:
                sums[debit] = sums.get(debit, 0) + fen
                sums[credit] = sums.get(credit, 0) - fen

    assert {name: fen for name, fen in sums.items() if fen} == {
        account.name: one.closing for account, one in shown.rows() if one.closing
    }
