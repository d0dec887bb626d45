"""JSON of disputes, and of freezing by hand."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.http.api import Request, Text, View
from catalog.disputes import disputing
from merchants.disputes.models import MEMBER, MERCHANT, SIDES, STATES, VERDICTS, Dispute
from merchants.models import Acceptance
from merchants.schemas import PageView
from points.adjustments.adjustments import MOST_TEXT
from points.wallets.schemas import PageQuery

OPERATOR = "operator"


class OwnDisputeView(View):
    """What a member said of an acceptance, and where that stands."""

    id = ma.fields.String()
    acceptance = ma.fields.String()
    voucher = ma.fields.String()
    state = ma.fields.String(metadata={"enum": list(STATES)})
    verdict = ma.fields.String(allow_none=True, metadata={"enum": [*VERDICTS, None]})
    opened_at = ma.fields.String()
    decide_by = ma.fields.String()
    decided_at = ma.fields.String(allow_none=True)


class DisputeView(OwnDisputeView):
    """A dispute as the staff sees it."""

    member = ma.fields.String()
    merchant = ma.fields.String()
    outlet = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    last4 = ma.fields.String()
    accepted_at = ma.fields.String()
    side = ma.fields.String(metadata={"description": "who opened it", "enum": list(SIDES)})
    said = ma.fields.String(metadata={"description": "the merchant's words, where it opened it"})
    amount_fen = ma.fields.Integer(metadata={"description": "owed to the merchant for it"})
    held_fen = ma.fields.Integer(
        metadata={"description": "what of it is held from the merchant now, after fee and tax"}
    )
    is_late = ma.fields.Boolean()
    handler = ma.fields.String(allow_none=True)
    taken_at = ma.fields.String(allow_none=True)
    reason = ma.fields.String(allow_none=True)
    points_back = ma.fields.String(
        allow_none=True,
        metadata={"description": "of one for the member: proposed (a reversal) or by_hand (an adjustment)"},
    )
    points_due = ma.fields.Integer(allow_none=True)
    closing = ma.fields.String(allow_none=True)
    closed_at = ma.fields.String(allow_none=True)


class MerchantDisputeView(View):
    """A dispute as the merchant sees it; nothing of the member. `owner`: who has it, the operator or nobody yet."""

    id = ma.fields.String()
    acceptance = ma.fields.String()
    outlet = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    last4 = ma.fields.String()
    accepted_at = ma.fields.String()
    side = ma.fields.String(metadata={"description": "who opened it", "enum": list(SIDES)})
    said = ma.fields.String()
    state = ma.fields.String(metadata={"enum": list(STATES)})
    verdict = ma.fields.String(allow_none=True, metadata={"enum": [*VERDICTS, None]})
    owner = ma.fields.String(allow_none=True, metadata={"enum": [OPERATOR, None]})
    amount_fen = ma.fields.Integer()
    held_fen = ma.fields.Integer(metadata={"description": "what is held now, after fee and tax"})
    currency = ma.fields.String()
    opened_at = ma.fields.String()
    decide_by = ma.fields.String()
    decided_at = ma.fields.String(allow_none=True)
    reason = ma.fields.String(
        allow_none=True, metadata={"description": "of the decision, where you opened it"}
    )


class MerchantDisputesView(PageView):
    """A page of the merchant's disputes, the newest first."""

    data = ma.fields.List(ma.fields.Nested(MerchantDisputeView))


class OpenDisputeRequest(Request):
    """Which acceptance, by its own id or by that of its line on a statement, and what is not right with it."""

    acceptance = Text(most=60, load_default=None)
    line = Text(most=60, load_default=None)
    said = Text(required=True, most=MOST_TEXT)


class DisputesQuery(PageQuery):
    """Which disputes; the oldest first."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))


class DisputesView(View):
    """A page of disputes."""

    data = ma.fields.List(ma.fields.Nested(DisputeView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class DecideRequest(Request):
    """For whom, and why."""

    verdict = ma.fields.String(required=True, validate=ma.validate.OneOf(VERDICTS))
    reason = Text(required=True, most=MOST_TEXT)


class CloseDisputeRequest(Request):
    """What was done about the merchant's money, or that nothing was to be done."""

    closing = Text(required=True, most=MOST_TEXT)


class FreezeRequest(Request):
    """Why it is frozen or thawed; the till is told nothing of it."""

    reason = Text(required=True, most=MOST_TEXT)


class FreezeView(View):
    """A voucher that was frozen or thawed."""

    id = ma.fields.String()
    state = ma.fields.String()


def own_view(dispute: Dispute) -> dict[str, Any]:
    """The dispute as OwnDisputeView; plain JSON, for it is stored with the idempotency key."""
    return {
        "id": disputing.reference(dispute),
        "acceptance": ids.public("acc", dispute.member_id, dispute.acceptance_id),
        "voucher": ids.public("vch", dispute.member_id, dispute.voucher_id),
        "state": dispute.state,
        "verdict": dispute.verdict,
        "opened_at": _iso(dispute.opened_at),
        "decide_by": _iso(dispute.decide_by),
        "decided_at": _iso(dispute.decided_at),
    }


def held_fen(dispute: Dispute, acceptance: Acceptance) -> int:
    """What of an acceptance is held from its merchant now: all that it brought, unless the use was decided to stand."""
    if not dispute.held or dispute.verdict == MERCHANT:
        return 0
    return acceptance.owed_fen - acceptance.fee_fen - acceptance.vat_fen


def merchant_view(session: Session, dispute: Dispute) -> dict[str, Any]:
    """The dispute as MerchantDisputeView; plain JSON, for it is stored with the idempotency key."""
    acceptance = session.get_one(Acceptance, (dispute.member_id, dispute.acceptance_id))
    mine = dispute.side == MERCHANT
    return {
        "id": disputing.reference(dispute),
        "acceptance": ids.public("acc", dispute.member_id, dispute.acceptance_id),
        "outlet": ids.public("out", dispute.outlet_id),
        "names": acceptance.offer_names,
        "last4": acceptance.last4,
        "accepted_at": _iso(acceptance.recorded_at),
        "side": dispute.side,
        "said": dispute.said,
        "state": dispute.state,
        "verdict": dispute.verdict,
        "owner": OPERATOR if dispute.handler_id is not None else None,
        "amount_fen": dispute.amount_fen,
        "held_fen": held_fen(dispute, acceptance),
        "currency": acceptance.currency,
        "opened_at": _iso(dispute.opened_at),
        "decide_by": _iso(dispute.decide_by),
        "decided_at": _iso(dispute.decided_at),
        "reason": dispute.reason if mine else None,
    }


def dispute_view(session: Session, dispute: Dispute, at: datetime) -> dict[str, Any]:
    """The dispute as DisputeView."""
    acceptance = session.get_one(Acceptance, (dispute.member_id, dispute.acceptance_id))
    return own_view(dispute) | {
        "member": ids.public("mbr", dispute.member_id),
        "merchant": ids.public("mch", dispute.merchant_id),
        "outlet": ids.public("out", dispute.outlet_id),
        "names": acceptance.offer_names,
        "last4": acceptance.last4,
        "accepted_at": _iso(acceptance.recorded_at),
        "side": dispute.side,
        "said": dispute.said,
        "amount_fen": dispute.amount_fen,
        "held_fen": held_fen(dispute, acceptance),
        "is_late": disputing.is_late(dispute, at),
        "handler": f"staff:{dispute.handler_id}" if dispute.handler_id is not None else None,
        "taken_at": _iso(dispute.taken_at),
        "reason": dispute.reason,
        "points_back": dispute.points_back,
        "points_due": disputing.points_due(session, dispute) if dispute.verdict == MEMBER else None,
        "closing": dispute.closing,
        "closed_at": _iso(dispute.closed_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
