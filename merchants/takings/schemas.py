"""JSON of what a merchant's outlets accepted."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, View
from merchants.schemas import PageQuery, PageView
from merchants.takings.takings import Sum, Taken


class TakingsQuery(PageQuery):
    """Which day; left out: the merchant's present one."""

    on = ma.fields.Date(load_default=None)


class DayQuery(Request):
    """Which day; left out: the merchant's present one."""

    on = ma.fields.Date(load_default=None)


class TakingView(View):
    """An acceptance: where, by whom, what is owed for it."""

    id = ma.fields.String()
    recorded_at = ma.fields.AwareDateTime()
    outlet = ma.fields.String()
    terminal = ma.fields.String(metadata={"description": "its code"})
    clerk = ma.fields.String(metadata={"description": "the number"})
    offer = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    code_ends_in = ma.fields.String()
    units = ma.fields.Integer()
    owed_fen = ma.fields.Integer()
    net_fen = ma.fields.Integer()
    currency = ma.fields.String()
    undone = ma.fields.Boolean()


class TakingsView(PageView):
    """A page of acceptances."""

    data = ma.fields.List(ma.fields.Nested(TakingView))


class SumView(View):
    """What one clerk accepted on a day."""

    clerk = ma.fields.String()
    outlet = ma.fields.String()
    accepted = ma.fields.Integer()
    undone = ma.fields.Integer()
    owed_fen = ma.fields.Integer()
    net_fen = ma.fields.Integer()


class SumsView(View):
    """A day's sums, clerk by clerk."""

    on = ma.fields.Date()
    data = ma.fields.List(ma.fields.Nested(SumView))


def taken_view(one: Taken) -> dict[str, Any]:
    """An acceptance as TakingView."""
    row = one.acceptance
    return {
        "id": ids.public("acc", row.member_id, row.acceptance_id),
        "recorded_at": row.recorded_at,
        "outlet": ids.public("out", row.outlet_id),
        "terminal": one.terminal,
        "clerk": one.clerk,
        "offer": row.offer_names,
        "code_ends_in": row.last4,
        "units": row.units,
        "owed_fen": row.owed_fen,
        "net_fen": row.owed_fen - row.fee_fen - row.vat_fen,
        "currency": row.currency,
        "undone": row.void_id is not None,
    }


def sum_view(one: Sum) -> dict[str, Any]:
    """A clerk's sums as SumView."""
    return {
        "clerk": one.clerk,
        "outlet": ids.public("out", one.outlet.outlet_id),
        "accepted": one.accepted,
        "undone": one.undone,
        "owed_fen": one.owed_fen,
        "net_fen": one.net_fen,
    }
