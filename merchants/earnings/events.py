"""What a merchant's own systems are told: points were given or taken back, and its packs run low; nothing of the member."""

from typing import Any

from sqlalchemy.orm import Session

from base import ids
from base.webhooks import webhooks
from merchants.earnings import earnings
from merchants.earnings.earnings import Given
from merchants.earnings.models import Earning, EarningReversal
from merchants.risk import alerts
from merchants.risk.alerts import About

GIVEN, REVERSED, LOW = "jifen.earning.given", "jifen.earning.reversed", "jifen.packs.low"


def given(session: Session, made: Given) -> None:
    """Points were given; and, where its packs have fallen to a level with that, or did not suffice, that they did."""
    row, drawn = made.earning, made.drawn
    _tell(session, row.merchant_id, row.member_id, GIVEN, earnings.public_id(row), _facts(row), row)
    if drawn.low is not None:
        low: dict[str, Any] = {"percent": drawn.low, "points_left": drawn.left, "points_bought": drawn.held}
        merchant = ids.public("mch", row.merchant_id)
        _tell(session, row.merchant_id, webhooks.NO_MEMBER, LOW, merchant, low, row)
        about = About(row.merchant_id, f"packs at {drawn.low} percent")
        alerts.put(session, alerts.PACKS_LOW, about, low, row.recorded_at)
    elif made.warns:
        over: dict[str, Any] = {"percent": 0, "points_left": drawn.left, "points_bought": drawn.held}
        about = About(row.merchant_id, "packs used up")
        alerts.put(session, alerts.PACKS_LOW, about, over, row.recorded_at, renew=False)


def taken_back(session: Session, row: Earning, undone: EarningReversal) -> None:
    """Points were taken back: the same amounts, to be taken off again."""
    facts = _facts(row) | {"reversal": ids.public("erv", undone.member_id, undone.reversal_id)}
    _tell(session, row.merchant_id, row.member_id, REVERSED, earnings.public_id(row), facts, undone)


def _tell(
    session: Session,
    merchant_id: int,
    member_id: int,
    type: str,
    subject: str,
    facts: dict[str, Any],
    row: Earning | EarningReversal,
) -> None:
    data = facts | {"recorded_at": row.recorded_at.isoformat()}
    webhooks.publish_to_merchant(session, merchant_id, member_id, type, subject, data, row.recorded_at)


def _facts(row: Earning) -> dict[str, Any]:
    return {
        "earning": earnings.public_id(row),
        "terminal": ids.public("trm", row.terminal_id),
        "outlet": ids.public("out", row.outlet_id),
        "amount_fen": row.amount_fen,
        "points": row.points,
        "postpaid_points": row.postpaid_points,
        "price_fen": row.price_fen,
        "currency": row.currency,
    }
