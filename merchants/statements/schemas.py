"""JSON of statements."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Text, View
from merchants.models import Merchant
from merchants.statements.models import Statement, StatementLine
from points.wallets.schemas import PageQuery


class StatementsQuery(PageQuery):
    """Whose statements."""

    merchant = Text(required=True, most=64, metadata={"description": "the merchant's code"})


class StatementLineView(View):
    """One acceptance or void; a void's amounts are negative."""

    line_no = ma.fields.Integer()
    kind = ma.fields.String()
    acceptance = ma.fields.String(metadata={"description": "id of the acceptance or void"})
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()


class StatementView(View):
    """A sealed period; `hash` covers its lines and the statement before."""

    id = ma.fields.String()
    merchant = ma.fields.String()
    number = ma.fields.Integer()
    from_at = ma.fields.AwareDateTime()
    to_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    net_fen = ma.fields.Integer()
    currency = ma.fields.String()
    line_count = ma.fields.Integer()
    hash = ma.fields.String()
    previous_hash = ma.fields.String()
    lines = ma.fields.List(ma.fields.Nested(StatementLineView))


class StatementsView(View):
    """A page of statements, newest first, without lines."""

    data = ma.fields.List(ma.fields.Nested(StatementView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def statement_view(
    row: Statement, merchant: Merchant, lines: list[StatementLine] | None = None
) -> dict[str, Any]:
    """The statement as StatementView."""
    names = ("from_at", "to_at", "owed_fen", "fee_fen", "vat_fen", "net_fen", "currency", "line_count")
    view: dict[str, Any] = {name: getattr(row, name) for name in names}
    view |= {
        "id": ids.public("stm", row.merchant_id, row.statement_no),
        "merchant": merchant.code,
        "number": row.statement_no,
        "hash": row.hash.hex(),
        "previous_hash": row.previous_hash.hex(),
    }
    if lines is not None:
        view["lines"] = [
            {
                "line_no": line.line_no,
                "kind": line.kind,
                "acceptance": ids.public(
                    "acc" if line.kind == "acceptance" else "voi", line.member_id, line.source_id
                ),
                "recorded_at": line.recorded_at,
                "owed_fen": line.owed_fen,
                "fee_fen": line.fee_fen,
                "vat_fen": line.vat_fen,
            }
            for line in lines
        ]
    return view
