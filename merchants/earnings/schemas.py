"""JSON of points that members earn at a merchant."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from merchants.earnings import earnings
from merchants.earnings.earnings import MOST_FEN, Given
from merchants.earnings.listing import Listed
from merchants.earnings.models import EarningReversal
from merchants.schemas import PageView

CLERK = "the clerk's number, from a cash-desk system; a till where a clerk is signed in leaves it out"
PACKS_USED_UP = "packs-used-up"


class EarningRequest(Request):
    """A purchase for which a member earns points."""

    phone = Text(required=True, most=20, metadata={"description": "the member's number"})
    amount_fen = WholeNumber(required=True, least=1, most=MOST_FEN)
    programme = Text(
        load_default=None, most=64, metadata={"description": "its code, where there are several"}
    )
    clerk = Text(most=40, metadata={"description": CLERK})


class EarningView(View):
    """Points that were given, and what the merchant owes for those that no pack paid."""

    id = ma.fields.String()
    amount_fen = ma.fields.Integer()
    points = ma.fields.Integer()
    postpaid_points = ma.fields.Integer(metadata={"description": "came out of no pack"})
    price_fen = ma.fields.Integer(metadata={"description": "owed for these, on the next statement"})
    recorded_at = ma.fields.String()
    warning = ma.fields.String(
        allow_none=True,
        metadata={
            "enum": [PACKS_USED_UP],
            "description": "the packs did not suffice, and the terms want it told",
        },
    )


class EarningReversalRequest(Request):
    """Why the points are taken back."""

    reason = Text(required=True, most=200)
    clerk = Text(most=40, metadata={"description": CLERK})


class EarningReversalView(View):
    """The undoing of an earning."""

    id = ma.fields.String()
    earning = ma.fields.String()
    recorded_at = ma.fields.String()


class ListedView(View):
    """An earning as the merchant sees it; nothing of the member."""

    id = ma.fields.String()
    outlet = ma.fields.String()
    terminal = ma.fields.String()
    amount_fen = ma.fields.Integer()
    points = ma.fields.Integer()
    postpaid_points = ma.fields.Integer()
    price_fen = ma.fields.Integer()
    recorded_at = ma.fields.AwareDateTime()
    reversed_at = ma.fields.AwareDateTime(allow_none=True)


class EarningsView(PageView):
    """A page of earnings, the newest first."""

    data = ma.fields.List(ma.fields.Nested(ListedView))


def earning_view(given: Given) -> dict[str, Any]:
    """The earning as EarningView; plain JSON, for it is stored with the idempotency key."""
    row = given.earning
    return {
        "id": earnings.public_id(row),
        "amount_fen": row.amount_fen,
        "points": row.points,
        "postpaid_points": row.postpaid_points,
        "price_fen": row.price_fen,
        "recorded_at": row.recorded_at.isoformat(),
        "warning": PACKS_USED_UP if given.warns else None,
    }


def reversal_view(row: EarningReversal) -> dict[str, Any]:
    """The reversal as EarningReversalView."""
    return {
        "id": ids.public("erv", row.member_id, row.reversal_id),
        "earning": ids.public("ern", row.member_id, row.earning_id),
        "recorded_at": row.recorded_at.isoformat(),
    }


def listed_view(one: Listed) -> dict[str, Any]:
    """The earning as ListedView."""
    row = one.earning
    return {
        "id": earnings.public_id(row),
        "outlet": ids.public("out", row.outlet_id),
        "terminal": ids.public("trm", row.terminal_id),
        "amount_fen": row.amount_fen,
        "points": row.points,
        "postpaid_points": row.postpaid_points,
        "price_fen": row.price_fen,
        "recorded_at": row.recorded_at,
        "reversed_at": one.reversed_at,
    }
