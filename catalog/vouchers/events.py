"""What a merchant's own systems are told of its vouchers: ids and amounts, nothing of the member."""

from typing import Any

from sqlalchemy.orm import Session

from base import ids
from base.webhooks import webhooks
from merchants.models import Acceptance, Void

ACCEPTED, VOIDED = "jifen.voucher.accepted", "jifen.acceptance.voided"


def accepted(session: Session, row: Acceptance) -> None:
    """A voucher was accepted at one of the merchant's tills."""
    data = _facts(row) | {"source": row.source, "recorded_at": row.recorded_at.isoformat()}
    webhooks.publish_to_merchant(
        session, row.merchant_id, row.member_id, ACCEPTED, _id(row), data, row.recorded_at
    )


def voided(session: Session, row: Acceptance, undone: Void) -> None:
    """An acceptance was undone: the same amounts, to be taken off again."""
    data = _facts(row) | {
        "void": ids.public("voi", undone.member_id, undone.void_id),
        "recorded_at": undone.recorded_at.isoformat(),
    }
    webhooks.publish_to_merchant(
        session, row.merchant_id, row.member_id, VOIDED, _id(row), data, undone.recorded_at
    )


def _id(row: Acceptance) -> str:
    return ids.public("acc", row.member_id, row.acceptance_id)


def _facts(row: Acceptance) -> dict[str, Any]:
    return {
        "acceptance": _id(row),
        "terminal": ids.public("trm", row.terminal_id),
        "outlet": ids.public("out", row.outlet_id),
        "units": row.units,
        "owed_fen": row.owed_fen,
        "fee_fen": row.fee_fen,
        "vat_fen": row.vat_fen,
        "currency": row.currency,
    }
