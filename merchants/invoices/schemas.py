"""JSON of tax invoices."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from merchants.invoices import invoices
from merchants.invoices.invoices import STATES, Due, Wanted
from merchants.invoices.models import ISSUERS, KINDS, TaxInvoice
from points.adjustments.adjustments import MOST_TEXT

_fen = ma.validate.Range(0, 10**15)
_hash = ma.validate.Regexp(r"\A[0-9a-f]{64}\Z", error="must be 64 small hexadecimal digits")


class InvoiceRequest(Request):
    """An invoice for a statement, as it was issued."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    code = Text(load_default=None, allow_none=True, most=20)
    number = Text(required=True, most=30)
    issued_on = ma.fields.Date(required=True)
    seller_name = Text(required=True, most=120)
    seller_tax_number = Text(required=True, most=40)
    buyer_name = Text(required=True, most=120)
    buyer_tax_number = Text(required=True, most=40)
    amount_fen = ma.fields.Integer(required=True, strict=True, validate=_fen)
    tax_bp = ma.fields.Integer(required=True, strict=True, validate=ma.validate.Range(0, 10_000))
    tax_fen = ma.fields.Integer(required=True, strict=True, validate=_fen)
    total_fen = ma.fields.Integer(required=True, strict=True, validate=_fen)
    file_sha256 = ma.fields.String(load_default=None, validate=_hash)


class RejectInvoiceRequest(Request):
    """Why it is not right."""

    reason = Text(required=True, most=MOST_TEXT)


class InvoiceView(View):
    """An invoice that was handed in."""

    id = ma.fields.String()
    statement = ma.fields.String()
    issuer = ma.fields.String(metadata={"enum": list(ISSUERS)})
    kind = ma.fields.String()
    code = ma.fields.String()
    number = ma.fields.String()
    issued_on = ma.fields.String()
    seller_name = ma.fields.String()
    seller_tax_number = ma.fields.String()
    buyer_name = ma.fields.String()
    buyer_tax_number = ma.fields.String()
    amount_fen = ma.fields.Integer()
    tax_bp = ma.fields.Integer()
    tax_fen = ma.fields.Integer()
    total_fen = ma.fields.Integer()
    file_sha256 = ma.fields.String(allow_none=True)
    state = ma.fields.String(metadata={"enum": [invoices.RECEIVED, invoices.REJECTED]})
    reason = ma.fields.String(allow_none=True)
    recorded_at = ma.fields.String()


class DueView(View):
    """What one side owes the other for a statement, and where that stands."""

    issuer = ma.fields.String(metadata={"enum": list(ISSUERS)})
    kind = ma.fields.String(metadata={"enum": list(KINDS)})
    total_fen = ma.fields.Integer()
    until = ma.fields.String()
    state = ma.fields.String(metadata={"enum": list(STATES)})
    is_missing = ma.fields.Boolean()


class InvoicesView(View):
    """The invoices of a statement: which are due, and all that were handed in, the newest first."""

    due = ma.fields.List(ma.fields.Nested(DueView))
    data = ma.fields.List(ma.fields.Nested(InvoiceView))


def wanted_of(asked: dict[str, Any]) -> Wanted:
    """The request as the rules take it."""
    said = {name: asked[name] for name in Wanted.__dataclass_fields__ if name != "file_hash"}
    digest = asked["file_sha256"]
    said["code"] = asked["code"] or ""
    return Wanted(**said, file_hash=bytes.fromhex(digest) if digest else None)


def invoice_view(row: TaxInvoice) -> dict[str, Any]:
    """The invoice as InvoiceView; plain JSON, for it is stored with the idempotency key."""
    same = (
        "issuer", "kind", "code", "number", "seller_name", "seller_tax_number", "buyer_name", "buyer_tax_number",
        "amount_fen", "tax_bp", "tax_fen", "total_fen", "reason",
    )  # fmt: skip
    return {name: getattr(row, name) for name in same} | {
        "id": invoices.public_id(row),
        "statement": ids.public("stm", row.merchant_id, row.statement_no),
        "issued_on": row.issued_on.isoformat(),
        "file_sha256": row.file_hash.hex() if row.file_hash else None,
        "state": invoices.REJECTED if row.rejected_at else invoices.RECEIVED,
        "recorded_at": row.recorded_at.isoformat(),
    }


def due_view(one: Due) -> dict[str, Any]:
    """What is due as DueView."""
    return {
        "issuer": one.issuer,
        "kind": one.kind,
        "total_fen": one.total_fen,
        "until": one.until.isoformat(),
        "state": one.state,
        "is_missing": one.is_missing,
    }
