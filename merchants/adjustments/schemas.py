"""JSON of adjustments of a merchant's account."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text
from merchants.adjustments.adjustments import MOST_FEN, REASONS, Wanted
from merchants.schemas import PageView
from points.adjustments.adjustments import MOST_TEXT, MOST_TICKET

_fen = ma.validate.Range(-MOST_FEN, MOST_FEN)


class MerchantAdjustmentRequest(Request):
    """What a merchant is to get or give back, signed: minus is against it."""

    merchant = Text(required=True, most=64, metadata={"description": "the merchant's code"})
    owed_fen = ma.fields.Integer(required=True, strict=True, validate=_fen)
    fee_fen = ma.fields.Integer(
        load_default=0, strict=True, validate=_fen, metadata={"description": "minus gives a fee back"}
    )
    vat_fen = ma.fields.Integer(load_default=0, strict=True, validate=_fen)
    acceptance = Text(
        load_default=None, allow_none=True, most=60, metadata={"description": "the one it is about"}
    )
    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REASONS))
    text = Text(required=True, most=MOST_TEXT)
    ticket = Text(required=True, most=MOST_TICKET, metadata={"description": "the case it belongs to"})


class MerchantAdjustmentView(CaseView):
    """A proposal to adjust a merchant's account."""

    merchant = ma.fields.String()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    currency = ma.fields.String()
    acceptance = ma.fields.String()
    reason = ma.fields.String()
    text = ma.fields.String()
    ticket = ma.fields.String()


class MerchantAdjustmentsView(PageView):
    """A page of such proposals."""

    data = ma.fields.List(ma.fields.Nested(MerchantAdjustmentView))


def wanted_of(asked: dict[str, Any]) -> Wanted:
    """The request as the rules take it."""
    said = {name: asked[name] for name in Wanted.__dataclass_fields__}
    return Wanted(**said | {"acceptance": asked["acceptance"] or ""})


def adjustment_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as MerchantAdjustmentView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
