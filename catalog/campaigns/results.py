"""What came of a campaign, for its merchant: how often it was redeemed and accepted, what is owed for it, what was paid; of nobody
by name.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from catalog.vouchers.models import Voucher
from merchants.models import Acceptance
from merchants.payouts.models import PAID, Payout
from merchants.statements.models import StatementLine


@dataclass(frozen=True)
class Results:
    """Vouchers redeemed; uses accepted, undone, and paid out; what stands after fee and tax, and what of it was paid (fen)."""

    redeemed: int
    accepted: int
    undone: int
    paid: int
    net_fen: int
    paid_fen: int


def of_offer(session: Session, merchant_id: int, offer_id: int) -> Results:
    """The results of an offer of this merchant."""
    mine = (Voucher.merchant_id == merchant_id, Voucher.offer_id == offer_id)
    redeemed = session.scalar(select(func.count()).select_from(Voucher).where(*mine)) or 0
    stands, is_paid = Acceptance.void_id.is_(None), Payout.state == PAID
    net = Acceptance.owed_fen - Acceptance.fee_fen - Acceptance.vat_fen
    counted: list[ColumnElement[int]] = [
        func.count().filter(stands),
        func.count().filter(~stands),
        func.count().filter(stands & is_paid),
        func.coalesce(func.sum(net).filter(stands), 0),
        func.coalesce(func.sum(net).filter(stands & is_paid), 0),
    ]
    of_use = (StatementLine.merchant_id == Acceptance.merchant_id) & (
        StatementLine.source_id == Acceptance.acceptance_id
    )
    asked = (
        select(*counted)
        .select_from(Acceptance)
        .join(
            Voucher,
            (Voucher.member_id == Acceptance.member_id) & (Voucher.voucher_id == Acceptance.voucher_id),
        )
        .outerjoin(
            StatementLine,
            of_use & (StatementLine.member_id == Acceptance.member_id) & (StatementLine.kind == "acceptance"),
        )
        .outerjoin(
            Payout,
            (Payout.merchant_id == StatementLine.merchant_id)
            & (Payout.statement_no == StatementLine.statement_no),
        )
        .where(*mine, Acceptance.merchant_id == merchant_id)
    )
    accepted, undone, paid, net_fen, paid_fen = (int(one) for one in session.execute(asked).one())
    return Results(redeemed, accepted, undone, paid, net_fen, paid_fen)
