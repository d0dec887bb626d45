"""JSON of traces."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import QueryNumber, Request, View
from catalog.trace.trace import Trace
from merchants.statements import lines
from points.wallets.schemas import TracedLotView, traced_view


class TraceQuery(Request):
    """Of a statement: from after which of its lines on, and how many."""

    after = QueryNumber(least=0, most=10**9, load_default=0)
    limit = QueryNumber(least=1, most=200, load_default=50)


class PayoutPlaceView(View):
    """The payout of a statement: where it stands, and what it goes by at Stripe or in a bank file."""

    state = ma.fields.String()
    amount_fen = ma.fields.Integer()
    route = ma.fields.String()
    transfer = ma.fields.String(allow_none=True)
    payment = ma.fields.String(allow_none=True)
    bank_payout = ma.fields.String(allow_none=True)


class StatementPlaceView(View):
    """A sealed statement, with its payout where there is one."""

    id = ma.fields.String()
    merchant = ma.fields.String()
    number = ma.fields.Integer()
    sealed_at = ma.fields.AwareDateTime()
    net_fen = ma.fields.Integer()
    payable_fen = ma.fields.Integer()
    carried_fen = ma.fields.Integer()
    due_day = ma.fields.Date(allow_none=True)
    currency = ma.fields.String()
    payout = ma.fields.Nested(PayoutPlaceView, allow_none=True)


class TracedMoveView(View):
    """What moved money for an acceptance: itself, its undoing, a hold, a release, a clawback, an adjustment; and its line."""

    kind = ma.fields.String()
    id = ma.fields.String()
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    line = ma.fields.String(allow_none=True)
    statement = ma.fields.Nested(StatementPlaceView, allow_none=True)


class TracedUseView(View):
    """An acceptance of the voucher, with everything that moved money for it."""

    acceptance = ma.fields.String()
    merchant = ma.fields.String()
    accepted_at = ma.fields.AwareDateTime()
    currency = ma.fields.String()
    moved = ma.fields.List(ma.fields.Nested(TracedMoveView))


class TracedLineView(View):
    """A line of a statement, led back to the redemption behind it."""

    line = ma.fields.String()
    line_no = ma.fields.Integer()
    kind = ma.fields.String()
    about = ma.fields.String()
    recorded_at = ma.fields.AwareDateTime()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    acceptance = ma.fields.String(allow_none=True)
    voucher = ma.fields.String(allow_none=True)
    last4 = ma.fields.String(allow_none=True)
    redemption = ma.fields.String(allow_none=True)


class TracedRedemptionView(View):
    """The redemption that a trace goes through."""

    id = ma.fields.String()
    member = ma.fields.String()
    kind = ma.fields.String()
    state = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    at = ma.fields.AwareDateTime()
    units = ma.fields.Integer()
    price_points = ma.fields.Integer()
    cash_fen = ma.fields.Integer()
    voucher = ma.fields.String(allow_none=True)
    last4 = ma.fields.String(allow_none=True)


class TraceView(View):
    """Forward: a redemption with its uses and the points behind it. Back: a statement with its payout and lines."""

    redemption = ma.fields.Nested(TracedRedemptionView, allow_none=True)
    uses = ma.fields.List(ma.fields.Nested(TracedUseView))
    points = ma.fields.List(ma.fields.Nested(TracedLotView))
    statement = ma.fields.Nested(StatementPlaceView, allow_none=True)
    lines = ma.fields.List(ma.fields.Nested(TracedLineView))


def trace_view(trace: Trace) -> dict[str, Any]:
    """The trace as TraceView."""
    if trace.header is not None:
        place = (trace.header.merchant_id, trace.header.statement_no)
        found = [_line(place, row) for row in trace.lines]
        return {
            "redemption": None,
            "uses": [],
            "points": [],
            "statement": _statement(trace.header),
            "lines": found,
        }
    first = trace.forward[0]
    return {
        "redemption": _redemption(first),
        "uses": list(_uses(trace.forward)),
        "points": [traced_view(part, first.member_id) for part in trace.points],
        "statement": None,
        "lines": [],
    }


def _redemption(row: Any) -> dict[str, Any]:
    return {
        "id": ids.public("red", row.member_id, row.redemption_id),
        "member": ids.public("mbr", row.member_id),
        "kind": row.offer_kind,
        "state": row.redemption_state,
        "names": row.names,
        "at": row.at,
        "units": row.units,
        "price_points": row.price_points,
        "cash_fen": row.cash_fen,
        "voucher": ids.public("vch", row.holder_id, row.voucher_id) if row.voucher_id else None,
        "last4": row.last4,
    }


def _uses(rows: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for acceptance_id, group in groupby(rows, key=lambda row: row.acceptance_id):
        if acceptance_id is None:
            continue
        moved = list(group)
        yield {
            "acceptance": ids.public("acc", moved[0].holder_id, acceptance_id),
            "merchant": moved[0].merchant,
            "accepted_at": moved[0].accepted_at,
            "currency": moved[0].currency,
            "moved": [_moved(row) for row in moved],
        }


def _moved(row: Any) -> dict[str, Any]:
    place = (row.merchant_id, row.statement_no, row.line_no)
    return {
        "kind": row.kind,
        "id": lines.public_id(row.merchant_id, row.kind, row.holder_id, row.source_id),
        "recorded_at": row.recorded_at,
        "owed_fen": row.owed_fen,
        "fee_fen": row.fee_fen,
        "vat_fen": row.vat_fen,
        "line": ids.public("stl", *place) if row.line_no else None,
        "statement": _statement(row) if row.line_no else None,
    }


def _statement(row: Any) -> dict[str, Any]:
    same = ("merchant", "sealed_at", "net_fen", "payable_fen", "carried_fen", "due_day")
    payout = ("amount_fen", "route", "transfer", "payment", "bank_payout")
    return {name: getattr(row, name) for name in same} | {
        "id": ids.public("stm", row.merchant_id, row.statement_no),
        "number": row.statement_no,
        "currency": row.sealed_in,
        "payout": {"state": row.payout_state} | {name: getattr(row, name) for name in payout}
        if row.payout_state
        else None,
    }


def _line(place: tuple[int, int], row: Any) -> dict[str, Any]:
    same = ("line_no", "kind", "recorded_at", "owed_fen", "fee_fen", "vat_fen", "last4")
    of_voucher = row.voucher_id is not None
    return {name: getattr(row, name) for name in same} | {
        "line": ids.public("stl", *place, row.line_no),
        "about": lines.public_id(place[0], row.kind, row.member_id, row.source_id),
        "acceptance": ids.public("acc", row.member_id, row.acceptance_id) if row.acceptance_id else None,
        "voucher": ids.public("vch", row.member_id, row.voucher_id) if of_voucher else None,
        "redemption": ids.public("red", row.redeemer_id, row.redemption_id) if of_voucher else None,
    }
