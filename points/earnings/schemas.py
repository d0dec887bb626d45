"""JSON of questions about earning."""

from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View, WholeNumber
from points import lots
from points.bills import MOST_FEN
from points.earnings.estimates import Asked, Estimated
from points.factors import MOST_YEARS

MOST_LINES = 100


class BillLineRequest(Request):
    """A line of the bill; the waived part earns nothing, `paid_fen` left out: the rest is paid in full."""

    line_type = Text(required=True, most=64)
    amount_fen = WholeNumber(required=True, most=MOST_FEN)
    waived_fen = WholeNumber(load_default=0, most=MOST_FEN)
    paid_fen = WholeNumber(most=MOST_FEN)

    @ma.validates_schema
    def _fits(self, data: dict[str, Any], **options: Any) -> None:
        payable = data["amount_fen"] - data["waived_fen"]
        if payable < 0:
            raise ma.ValidationError("must lie between 0 and the amount", "waived_fen")
        if data.get("paid_fen", 0) > payable:
            raise ma.ValidationError("must lie between 0 and the amount less what is waived", "paid_fen")


class EstimateRequest(Request):
    """A bill, and maybe what the customer is: of a member what is left out is what is known of the member."""

    lines = ma.fields.List(
        ma.fields.Nested(BillLineRequest), required=True, validate=ma.validate.Length(min=1, max=MOST_LINES)
    )
    bill_day = ma.fields.Date(metadata={"description": "left out: today"})
    tier = Text(most=32)
    years = WholeNumber(most=MOST_YEARS, metadata={"description": "full years as a customer"})
    birthday_month = ma.fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "whether the bill is of it"}
    )
    programme = ma.fields.String(metadata={"description": "its code; needed by staff"})


class FactorView(View):
    """Why a line earns more."""

    kind = ma.fields.String(metadata={"description": "tier, tenure or birthday"})
    percent = ma.fields.Integer()
    adds = ma.fields.Boolean(
        metadata={"description": "true: percent more; false: points are multiplied by percent / 100"}
    )


class EstimatedLineView(View):
    """What a line would earn."""

    line_type = ma.fields.String()
    points = ma.fields.Integer(metadata={"description": "at once"})
    pending = ma.fields.Integer(metadata={"description": "once the rest is paid"})
    last_day = ma.fields.Date(allow_none=True, metadata={"description": "null: they do not lapse"})
    factors = ma.fields.List(ma.fields.Nested(FactorView))
    explanation = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class EstimateView(View):
    """What the bill would earn; nothing was written."""

    programme = ma.fields.String()
    bill_day = ma.fields.Date()
    points = ma.fields.Integer()
    pending = ma.fields.Integer()
    lines = ma.fields.List(ma.fields.Nested(EstimatedLineView))


def line_view(asked: Asked, found: Estimated) -> dict[str, Any]:
    """The line as EstimatedLineView."""
    last_day = lots.last_day(found.lot_key)
    return {
        "line_type": asked.line_type,
        "points": found.points,
        "pending": found.pending,
        "last_day": None if last_day == lots.NO_END else last_day,
        "factors": [{"kind": f.kind, "percent": f.percent, "adds": f.adds} for f in found.factors],
        "explanation": found.explanation,
    }
