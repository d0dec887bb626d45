"""JSON of what billing tells, and of questions about earning."""

from typing import Any

import marshmallow as ma

from base.http.api import MOST, Request, Text, View, WholeNumber
from points import lots
from points.bills import MOST_FEN
from points.earnings.estimates import Asked, Estimated
from points.factors import MOST_YEARS
from points.imports import CHUNK, Outcome, What

MOST_LINES = 100
MOST_TOLD = CHUNK  # as many as a file takes in one transaction
STATUS = {What.POSTED: "posted", What.THERE: "there", What.REFUSED: "refused"}


def _name() -> Text:
    """What a file takes for a name too, so that a line has one key whichever way it comes."""
    return Text(required=True, most=64, validate=_as_in_a_file)


def _as_in_a_file(value: str) -> None:
    if value != value.strip() or not value.isprintable():
        raise ma.ValidationError("must have no spaces around it and only characters that can be printed")


def _number(*, required: bool = True, says: str | None = None) -> WholeNumber:
    """Any whole number: one that is out of range is refused by the rules, with its line alone."""
    return WholeNumber(least=-MOST, required=required, metadata={"description": says} if says else {})


def _many(kind: type[Request]) -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.Nested(kind), required=True, validate=ma.validate.Length(min=1, max=MOST_TOLD)
    )


class ToldLine(Request):
    """A line of a bill; amounts in fen, the waived part earns nothing."""

    customer_id = _name()
    bill_id = _name()
    line_no = _number()
    bill_day = ma.fields.Date(required=True)
    line_type = _name()
    amount_fen = _number()
    waived_fen = _number(required=False, says="left out: nothing is waived")
    paid_fen = _number(required=False, says="left out: the rest is paid in full")


class ToldPayment(Request):
    """Money that came for a bill line, in fen."""

    customer_id = _name()
    payment_id = _name()
    bill_id = _name()
    line_no = _number()
    paid_day = ma.fields.Date(required=True)
    paid_fen = _number()


class ToldCorrection(Request):
    """A bill line's amounts after a correction, in fen."""

    customer_id = _name()
    correction_id = _name()
    bill_id = _name()
    line_no = _number()
    correction_day = ma.fields.Date(required=True)
    amount_fen = _number()
    waived_fen = _number(required=False, says="left out: as before")


class BillLinesRequest(Request):
    """Up to 500 bill lines."""

    lines = _many(ToldLine)


class PaymentsRequest(Request):
    """Up to 500 payments of bill lines."""

    payments = _many(ToldPayment)


class CorrectionsRequest(Request):
    """Up to 500 corrections of bill lines."""

    corrections = _many(ToldCorrection)


class OutcomeView(View):
    """What became of a line, payment or correction."""

    status = ma.fields.String(
        metadata={
            "enum": list(STATUS.values()),
            "description": "posted, there (it came before, just so), or refused",
        }
    )
    points = ma.fields.Integer(
        metadata={"description": "that it brought now; negative: that a correction took back; else 0"}
    )
    name = ma.fields.String(
        allow_none=True, metadata={"description": "the line's type, of what was posted; else null"}
    )
    reason = ma.fields.String(
        allow_none=True,
        metadata={"description": "why it was refused: the field and what is wrong; else null"},
    )


class OutcomesView(View):
    """An answer for each, in the order sent."""

    answers = ma.fields.List(ma.fields.Nested(OutcomeView))


def outcome_view(outcome: Outcome) -> dict[str, Any]:
    """The outcome as OutcomeView."""
    return {
        "status": STATUS[outcome.what],
        "points": outcome.points,
        "name": outcome.name or None,
        "reason": outcome.reason or None,
    }


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
