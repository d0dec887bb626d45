"""JSON of stock."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import MOST, Request, Text, View, WholeNumber
from catalog.stock.models import GOODS, StockMove
from catalog.stock.moves import BY_ONE, BY_TWO, MOST_REASON, MOST_UNITS
from catalog.stock.standing import Shown
from points.wallets.schemas import PageQuery


class StocksQuery(PageQuery):
    """Whose stock."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})


class StockView(View):
    """What is left of a limited offer, and what is wanted to be."""

    offer = ma.fields.String()
    code = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    goods = ma.fields.String(allow_none=True, metadata={"description": f"one of {', '.join(GOODS)}"})
    total = ma.fields.Integer(metadata={"description": "the sum of its moves"})
    taken = ma.fields.Integer(metadata={"description": "redeemed and not given back"})
    set_aside = ma.fields.Integer(metadata={"description": "lies in areas"})
    left_over = ma.fields.Integer()
    alert_below = ma.fields.Integer(allow_none=True)
    low_since = ma.fields.String(allow_none=True)


class OneStockView(StockView):
    """The same, with what lies in which area."""

    areas = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())


class StocksView(View):
    """A page of stocks."""

    data = ma.fields.List(ma.fields.Nested(StockView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class MoveRequest(Request):
    """What one person does to a stock, and why."""

    what = ma.fields.String(required=True, validate=ma.validate.OneOf((*BY_ONE, *BY_TWO)))
    units = WholeNumber(least=1, most=MOST_UNITS, required=True)
    reason = Text(required=True, most=MOST_REASON)
    area = Text(
        load_default=None, allow_none=True, most=6, metadata={"description": "two, four or six digits"}
    )


class MoveView(View):
    """A change of a stock that no redemption made."""

    id = ma.fields.String()
    what = ma.fields.String()
    total_units = ma.fields.Integer(metadata={"description": "more, or less, in all"})
    aside_units = ma.fields.Integer(metadata={"description": "more, or less, set aside for the area"})
    area = ma.fields.String(allow_none=True)
    reason = ma.fields.String()
    actor = ma.fields.String()
    approval = ma.fields.String(allow_none=True)
    at = ma.fields.String()


class MovesView(View):
    """A page of moves, newest first."""

    data = ma.fields.List(ma.fields.Nested(MoveView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class WatchRequest(Request):
    """From which number on staff are told, and which goods it is about; both as they shall be from now on."""

    alert_below = WholeNumber(least=1, most=MOST, required=True, allow_none=True)
    goods = ma.fields.String(required=True, allow_none=True, validate=ma.validate.OneOf(GOODS))


class CorrectionRequest(Request):
    """A count that was wrong, or what is gone."""

    offer = Text(required=True, most=40)
    what = ma.fields.String(required=True, validate=ma.validate.OneOf(BY_TWO))
    units = WholeNumber(
        least=-MOST_UNITS,
        most=MOST_UNITS,
        required=True,
        metadata={"description": "so many more; below 0: less"},
    )
    reason = Text(required=True, most=MOST_REASON)


class CorrectionView(CaseView):
    """A proposal of a correction."""

    programme = ma.fields.String()
    code = ma.fields.String()
    offer = ma.fields.String()
    what = ma.fields.String()
    units = ma.fields.Integer()
    reason = ma.fields.String()


class CorrectionsView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(CorrectionView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def stock_view(shown: Shown) -> dict[str, Any]:
    """The stock as StockView."""
    offer, row = shown.offer, shown.stock
    return {
        "offer": ids.public("off", offer.offer_id),
        "code": offer.code,
        "names": shown.names,
        "goods": row.goods,
        "total": row.total,
        "taken": row.total - row.set_aside - row.left_over,
        "set_aside": row.set_aside,
        "left_over": row.left_over,
        "alert_below": row.alert_below,
        "low_since": row.low_since.isoformat() if row.low_since else None,
    }


def move_view(row: StockMove) -> dict[str, Any]:
    """The move as MoveView."""
    return {
        "id": ids.public("mov", row.offer_id, row.move_id),
        "what": row.what,
        "total_units": row.total_units,
        "aside_units": row.aside_units,
        "area": row.area,
        "reason": row.reason,
        "actor": row.actor,
        "approval": row.approval,
        "at": row.at.isoformat(),
    }


def correction_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as CorrectionView."""
    return case_view(case, at) | {name: value for name, value in case.proposal.said.items() if name != "kind"}
