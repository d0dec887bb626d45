"""JSON of statements, sealed ones and drafts."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import QueryNumber, Request, Text, View
from merchants.models import Merchant
from merchants.statements import lines
from merchants.statements.draft import Draft
from merchants.statements.files import LANGUAGES
from merchants.statements.models import KINDS, Statement
from points.wallets.schemas import PageQuery

FEN = {"description": "signed fen"}
_ROUND = ("owed_fen", "fee_fen", "vat_fen", "net_fen")
_REST = ("opening_fen", "payable_fen", "carried_fen")


class StatementsQuery(PageQuery):
    """Whose statements."""

    merchant = Text(required=True, most=64, metadata={"description": "the merchant's code"})


class StatementLinesQuery(Request):
    """Which of its lines."""

    limit = QueryNumber(least=1, most=1_000, load_default=200)
    cursor = ma.fields.String(load_default=None)


class DraftsQuery(Request):
    """Whose drafts."""

    merchant = Text(required=True, most=64, metadata={"description": "the merchant's code"})


class DraftLinesQuery(DraftsQuery, StatementLinesQuery):
    """Whose draft, and which of its lines."""


class StatementFileQuery(Request):
    """In which language; a CSV file has none."""

    language = ma.fields.String(load_default=LANGUAGES[0], validate=ma.validate.OneOf(LANGUAGES))


class KindSumView(View):
    """What the lines of a kind add up to."""

    lines = ma.fields.Integer()
    owed_fen = ma.fields.Integer(metadata=FEN)
    fee_fen = ma.fields.Integer(metadata=FEN)
    vat_fen = ma.fields.Integer(metadata=FEN)


class StatementLineView(View):
    """One thing on a statement; what is taken off is negative."""

    line_no = ma.fields.Integer(allow_none=True, metadata={"description": "null in a draft"})
    kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    acceptance = ma.fields.String(
        allow_none=True, metadata={"description": "id of the acceptance or void; null for other kinds"}
    )
    about = ma.fields.String(
        metadata={
            "description": "id of the acceptance, void, earning, its reversal, item, or statement before"
        }
    )
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer(metadata=FEN)
    fee_fen = ma.fields.Integer(metadata=FEN)
    vat_fen = ma.fields.Integer(metadata=FEN)


class _SumsView(View):
    """What a statement comes to: `net_fen` over all lines, and what of it is paid or carried to the next one."""

    merchant = ma.fields.String()
    from_at = ma.fields.AwareDateTime()
    to_at = ma.fields.AwareDateTime(metadata={"description": "the cut-off; not of the period any more"})
    owed_fen = ma.fields.Integer(metadata=FEN)
    fee_fen = ma.fields.Integer(metadata=FEN)
    vat_fen = ma.fields.Integer(metadata=FEN)
    net_fen = ma.fields.Integer(metadata=FEN)
    opening_fen = ma.fields.Integer(metadata={"description": "what the statement before carried, signed fen"})
    payable_fen = ma.fields.Integer(metadata={"description": "to be paid on the due day"})
    carried_fen = ma.fields.Integer(
        metadata={"description": "to the next statement: below zero, or below the minimum of the terms"}
    )
    due_day = ma.fields.Date(allow_none=True)
    currency = ma.fields.String()
    line_count = ma.fields.Integer()
    sums = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(KindSumView))
    lines = ma.fields.List(ma.fields.Nested(StatementLineView))
    next_cursor = ma.fields.String(allow_none=True, metadata={"description": "to further lines"})
    has_more = ma.fields.Boolean()


class StatementView(_SumsView):
    """A sealed period; `hash` covers header, lines and the statement before, as `form` says."""

    id = ma.fields.String()
    number = ma.fields.Integer()
    sealed_at = ma.fields.AwareDateTime()
    reserve_fen = ma.fields.Integer(metadata={"description": "in reserve after it"})
    terms = ma.fields.List(ma.fields.String(), metadata={"description": "versions that its lines name"})
    form = ma.fields.Integer()
    hash = ma.fields.String()
    previous_hash = ma.fields.String()


class StatementsView(View):
    """A page of statements, newest first, without lines."""

    data = ma.fields.List(ma.fields.Nested(StatementView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class StatementDraftView(_SumsView):
    """A statement as it would be now."""

    last_day = ma.fields.Date(
        metadata={"description": "the last day of its period, by which it is asked for"}
    )
    state = ma.fields.String(validate=ma.validate.OneOf(["open", "draft"]))
    looks_until = ma.fields.AwareDateTime(
        metadata={"description": "until then the merchant looks and disputes; then it is sealed"}
    )
    reserve_in_fen = ma.fields.Integer(metadata={"description": "what of it would go into reserve"})


class StatementDraftsView(View):
    """Periods that are not sealed, the earliest first; the last one goes on."""

    data = ma.fields.List(ma.fields.Nested(StatementDraftView))


def statement_view(row: Statement, merchant: Merchant, found: list[Any] | None = None) -> dict[str, Any]:
    """The statement as StatementView, maybe with lines."""
    names = (
        "from_at", "to_at", "sealed_at", "currency", "line_count", "due_day", "reserve_fen", "sums", "terms", "form",
        *_ROUND, *_REST,
    )  # fmt: skip
    view: dict[str, Any] = {name: getattr(row, name) for name in names}
    view |= {
        "id": ids.public("stm", row.merchant_id, row.statement_no),
        "merchant": merchant.code,
        "number": row.statement_no,
        "hash": row.hash.hex(),
        "previous_hash": row.previous_hash.hex(),
    }
    if found is not None:
        view["lines"] = [line_view(row.merchant_id, line) for line in found]
    return view


def line_view(merchant_id: int, line: Any) -> dict[str, Any]:
    """A line, stored or of a draft, as StatementLineView."""
    about = lines.public_id(merchant_id, line.kind, line.member_id, line.source_id)
    names = ("kind", "recorded_at", "owed_fen", "fee_fen", "vat_fen")
    view = {name: getattr(line, name) for name in names}
    view |= {"about": about, "acceptance": about if line.kind in ("acceptance", "void") else None}
    return view | {"line_no": getattr(line, "line_no", None)}


def draft_view(draft: Draft, merchant: Merchant, found: list[Any] | None = None) -> dict[str, Any]:
    """A draft as StatementDraftView, maybe with lines."""
    outcome, whole = draft.outcome, draft.outcome.whole
    view = {name: getattr(whole, name) for name in _ROUND} | {name: getattr(outcome, name) for name in _REST}
    view |= {
        "merchant": merchant.code,
        "from_at": draft.period.from_at,
        "to_at": draft.period.to_at,
        "last_day": draft.period.last,
        "state": draft.state,
        "looks_until": draft.until,
        "due_day": draft.due_day if outcome.payable_fen else None,
        "reserve_in_fen": outcome.reserve_in_fen,
        "currency": merchant.currency,
        "line_count": whole.lines,
        "sums": lines.shown(outcome.sums),
    }
    if found is not None:
        view["lines"] = [line_view(merchant.merchant_id, line) for line in found]
    return view
