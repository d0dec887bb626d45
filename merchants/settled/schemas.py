"""JSON of what a merchant sees of its settlement."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import View
from merchants.models import Merchant
from merchants.schemas import PageQuery, PageView
from merchants.settled import settled
from merchants.settled.settled import Money, Row, Use
from merchants.statements import lines
from merchants.statements.models import KINDS
from merchants.statements.schemas import StatementView, statement_view

_STAGES = [*dict.fromkeys([*settled.STAGES.values(), settled.CARRIED])]


class OwnLinesQuery(PageQuery):
    """Which of its lines, maybe of one kind."""

    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(KINDS))


class PaidView(View):
    """Where the money of a statement stands."""

    stage = ma.fields.String(metadata={"enum": _STAGES})
    amount_fen = ma.fields.Integer()
    due_day = ma.fields.Date(allow_none=True)
    on_hold_for = ma.fields.String(metadata={"description": "why it is on hold; empty where it is not"})


class OwnLineView(View):
    """A line; what is behind it is asked for by its acceptance."""

    id = ma.fields.String(metadata={"description": "by which a line of an acceptance can be disputed"})
    line_no = ma.fields.Integer()
    kind = ma.fields.String(metadata={"enum": list(KINDS)})
    about = ma.fields.String()
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    acceptance = ma.fields.String(allow_none=True)
    offer = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), allow_none=True)
    code_ends_in = ma.fields.String(allow_none=True)
    reason = ma.fields.String(allow_none=True, metadata={"description": "of an adjustment"})


class OwnStatementView(StatementView):
    """A sealed statement with where its money stands."""

    payout = ma.fields.Nested(PaidView)
    lines = ma.fields.List(ma.fields.Nested(OwnLineView))


class OwnStatementsView(PageView):
    """A page of statements, the newest first, without lines."""

    data = ma.fields.List(ma.fields.Nested(OwnStatementView))


class SettledMoneyView(View):
    """Where the merchant's money stands, in fen; `paid_fen` within a year."""

    unsealed_fen = ma.fields.Integer()
    expected_fen = ma.fields.Integer()
    in_transit_fen = ma.fields.Integer()
    stopped_fen = ma.fields.Integer(metadata={"description": "on hold, or looked into"})
    paid_fen = ma.fields.Integer()
    currency = ma.fields.String()


class UsePartView(View):
    """What moved money for an acceptance, and its line if it is on a statement."""

    kind = ma.fields.String(metadata={"enum": list(KINDS)})
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    statement = ma.fields.String(allow_none=True)
    line = ma.fields.String(allow_none=True)


class OwnUseView(View):
    """An acceptance of the merchant, with the end of its voucher's code."""

    id = ma.fields.String()
    recorded_at = ma.fields.AwareDateTime()
    outlet = ma.fields.String()
    terminal = ma.fields.String()
    clerk = ma.fields.String()
    offer = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    code_ends_in = ma.fields.String()
    units = ma.fields.Integer()
    currency = ma.fields.String()
    undone = ma.fields.Boolean()
    dispute = ma.fields.String(allow_none=True)
    moved = ma.fields.List(ma.fields.Nested(UsePartView))


def paid_view(row: Row) -> dict[str, Any]:
    """Where the money stands as PaidView."""
    return {
        "stage": row.stage,
        "amount_fen": row.statement.payable_fen,
        "due_day": row.statement.due_day,
        "on_hold_for": row.payout.held if row.payout else "",
    }


def own_view(row: Row, merchant: Merchant, found: list[Any] | None = None) -> dict[str, Any]:
    """The statement as OwnStatementView, maybe with lines."""
    view = statement_view(row.statement, merchant) | {"payout": paid_view(row)}
    if found is not None:
        place = (row.statement.merchant_id, row.statement.statement_no)
        view["lines"] = [_line_view(place, line) for line in found]
    return view


def money_view(money: Money, merchant: Merchant) -> dict[str, Any]:
    """The sums as SettledMoneyView."""
    return vars(money) | {"currency": merchant.currency}


def use_view(use: Use) -> dict[str, Any]:
    """The acceptance as OwnUseView."""
    row = use.acceptance
    return {
        "id": ids.public("acc", row.member_id, row.acceptance_id),
        "recorded_at": row.recorded_at,
        "outlet": ids.public("out", row.outlet_id),
        "terminal": use.terminal,
        "clerk": use.clerk,
        "offer": row.offer_names,
        "code_ends_in": row.last4,
        "units": row.units,
        "currency": row.currency,
        "undone": row.void_id is not None,
        "dispute": ids.public("dsp", row.member_id, use.dispute_id) if use.dispute_id else None,
        "moved": [_part(row.merchant_id, part) for part in use.moved],
    }


def _part(merchant_id: int, part: Any) -> dict[str, Any]:
    names = ("kind", "recorded_at", "owed_fen", "fee_fen", "vat_fen")
    place = (merchant_id, part.statement_no)
    return {name: getattr(part, name) for name in names} | {
        "statement": ids.public("stm", *place) if part.line_no else None,
        "line": ids.public("stl", *place, part.line_no) if part.line_no else None,
    }


def _line_view(place: tuple[int, int], line: Any) -> dict[str, Any]:
    names = ("line_no", "kind", "recorded_at", "owed_fen", "fee_fen", "vat_fen", "reason")
    return {name: getattr(line, name) for name in names} | {
        "id": ids.public("stl", *place, line.line_no),
        "about": lines.public_id(place[0], line.kind, line.member_id, line.source_id),
        "acceptance": ids.public("acc", line.member_id, line.acceptance_id) if line.acceptance_id else None,
        "offer": line.offer_names,
        "code_ends_in": line.last4,
    }
