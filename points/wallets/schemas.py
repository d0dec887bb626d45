"""JSON of wallets and postings."""

from typing import Any

import marshmallow as ma

from base.http.api import QueryNumber, Request, View
from points import lots, postings
from points.kinds import Kind
from points.models import PostingRow
from points.wallets.wallets import Shown


class LotView(View):
    """Points that lapse after the same day; `last_day` null: they do not lapse."""

    last_day = ma.fields.Date(allow_none=True)
    points = ma.fields.Integer()


class WalletView(View):
    """A wallet."""

    programme = ma.fields.String()
    state = ma.fields.String()
    spendable = ma.fields.Integer(metadata={"description": "live points"})
    pending = ma.fields.Integer(
        metadata={"description": "of bills that are not paid yet; they can be spent once they are"}
    )
    held = ma.fields.Integer(metadata={"description": "set aside for redemptions under way"})
    debt = ma.fields.Integer(
        metadata={"description": "owed after a bill correction, repaid by the next earnings"}
    )
    lots = ma.fields.List(ma.fields.Nested(LotView))
    lapsing = ma.fields.List(ma.fields.Nested(LotView), metadata={"description": "within 90 days"})


class PostingView(View):
    """One movement of points."""

    seq = ma.fields.Integer()
    kind = ma.fields.String()
    points = ma.fields.Integer(metadata={"description": "positive: to the member; negative: from the member"})
    balance_after = ma.fields.Integer()
    at = ma.fields.AwareDateTime()
    ref = ma.fields.String(allow_none=True)
    explanation = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        metadata={"description": "one sentence in zh-CN and en, reckoned again from what is stored"},
    )


class PostingsView(View):
    """A page of postings."""

    data = ma.fields.List(ma.fields.Nested(PostingView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class PageQuery(Request):
    """Which page of a list."""

    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class PostingsQuery(PageQuery):
    """Which postings: of a kind, from a day until a day (both included, in the programme's zone)."""

    kind = ma.fields.String(
        load_default=None, validate=ma.validate.OneOf([kind.name.lower() for kind in Kind])
    )
    from_day = ma.fields.Date(load_default=None)
    until_day = ma.fields.Date(load_default=None)


def wallet_view(shown: Shown) -> dict[str, Any]:
    """The wallet as WalletView."""
    return {
        "programme": shown.programme.code,
        "state": shown.wallet.state.name.lower(),
        "spendable": shown.spendable,
        "pending": shown.pending,
        "held": shown.wallet.held,
        "debt": shown.wallet.debt,
        "lots": [lot_view(*lot) for lot in shown.lots],
        "lapsing": [lot_view(*lot) for lot in shown.lapsing],
    }


def lot_view(last_day: Any, points: int) -> dict[str, Any]:
    return {"last_day": None if last_day == lots.NO_END else last_day, "points": points}


def posting_view(row: PostingRow) -> dict[str, Any]:
    """The posting as PostingView; the sign says which way the points went for the member."""
    kind = Kind(row.kind)
    return {
        "seq": row.seq,
        "kind": kind.name.lower(),
        "points": postings.EFFECT[kind][0] * row.amount,
        "balance_after": row.balance_after,
        "at": row.at,
        "ref": row.ref,
    }
