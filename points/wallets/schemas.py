"""JSON of wallets and postings."""

from datetime import date
from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import QueryNumber, Request, View
from points import lots, policies, postings, programmes
from points.kinds import Kind
from points.lines.schemas import LineView, line_view
from points.models import PostingRow
from points.wallets.traced import Origin, Part
from points.wallets.wallets import LOOK_AHEAD, SOON, Shown


class LotView(View):
    """Points that lapse after the same day; `last_day` null: they do not lapse."""

    last_day = ma.fields.Date(allow_none=True)
    points = ma.fields.Integer()


class ClassedLotView(LotView):
    """A lot with the class of its points: bill, promotion, or a number."""

    lot_class = ma.fields.String(data_key="class")


class BillView(View):
    """The bill line that brought points; `correction` where a later correction of the line did."""

    bill_id = ma.fields.String()
    line_no = ma.fields.Integer()
    bill_day = ma.fields.Date()
    line_type = ma.fields.String()
    correction = ma.fields.String(allow_none=True)


class BonusOriginView(View):
    """The bonus that brought points: its rule, the occasion and its day."""

    rule = ma.fields.String()
    occasion = ma.fields.String()
    on = ma.fields.Date()
    explanation = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class OriginView(View):
    """Points that came into a wallet by one posting, and the bill line or the bonus behind it if there is one."""

    seq = ma.fields.Integer()
    kind = ma.fields.String()
    points = ma.fields.Integer(metadata={"description": "as many of its points as are meant here"})
    day = ma.fields.Date()
    ref = ma.fields.String(allow_none=True)
    bill = ma.fields.Nested(BillView, allow_none=True)
    bonus = ma.fields.Nested(BonusOriginView, allow_none=True)
    member = ma.fields.String(
        allow_none=True,
        metadata={"description": "whose posting it is where a gift was followed to its giver; else null"},
    )


class TracedLotView(ClassedLotView):
    """Points of a lot and the postings that brought them; the origins' points add up to them."""

    origins = ma.fields.List(ma.fields.Nested(OriginView))


class WalletView(View):
    """A wallet."""

    programme = ma.fields.String()
    unit = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        metadata={"description": "what its points are called"},
    )
    state = ma.fields.String()
    spendable = ma.fields.Integer(metadata={"description": "live points"})
    pending = ma.fields.Integer(
        metadata={"description": "of bills that are not paid yet; they can be spent once they are"}
    )
    held = ma.fields.Integer(metadata={"description": "set aside for redemptions under way"})
    debt = ma.fields.Integer(
        metadata={"description": "owed after a bill correction, repaid by the next earnings"}
    )
    lots = ma.fields.List(ma.fields.Nested(ClassedLotView))
    lapsing = ma.fields.List(ma.fields.Nested(ClassedLotView), metadata={"description": "within 90 days"})
    lapsing_30_days = ma.fields.Integer(metadata={"description": "points whose last day is within 30 days"})
    lapsing_90_days = ma.fields.Integer(metadata={"description": "points whose last day is within 90 days"})
    line = ma.fields.Nested(LineView)
    merged_into = ma.fields.String(
        allow_none=True, metadata={"description": "the member that has the points since a merge"}
    )


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
        "unit": programmes.unit_of(shown.programme),
        "state": shown.wallet.state.name.lower(),
        "spendable": shown.spendable,
        "pending": shown.pending,
        "held": shown.wallet.held,
        "debt": shown.wallet.debt,
        "lots": (classed := [_classed(*lot, of) for lot, of in zip(shown.lots, shown.classes, strict=True)]),
        "lapsing": classed[: len(shown.lapsing)],  # the soonest-lapsing come first in both
        "lapsing_30_days": shown.lapses_within(SOON),
        "lapsing_90_days": shown.lapses_within(LOOK_AHEAD),
        "line": line_view(shown.line, shown.kept_points),
        "merged_into": ids.public("mbr", shown.merged_into) if shown.merged_into else None,
    }


def lot_view(last_day: Any, points: int) -> dict[str, Any]:
    return {"last_day": None if last_day == lots.NO_END else last_day, "points": points}


def _classed(last_day: date, points: int, lot_class: int) -> dict[str, Any]:
    return lot_view(last_day, points) | {"lot_class": policies.class_name(lot_class)}


def traced_view(part: Part, member_id: int) -> dict[str, Any]:
    """A part of a posting, or of a wallet, of a member as TracedLotView."""
    return _classed(part.last_day, part.points, part.lot_class) | {
        "origins": [_origin_view(origin, member_id) for origin in part.origins]
    }


def _origin_view(origin: Origin, member_id: int) -> dict[str, Any]:
    bill, bonus = origin.bill, origin.bonus
    return {
        "seq": origin.seq,
        "kind": origin.kind.name.lower(),
        "points": origin.points,
        "day": origin.day,
        "ref": origin.ref,
        "bill": bill
        and {
            "bill_id": bill.bill_id,
            "line_no": bill.line_no,
            "bill_day": bill.bill_day,
            "line_type": bill.line_type,
            "correction": bill.correction_id,
        },
        "bonus": bonus
        and {
            "rule": bonus.code,
            "occasion": bonus.occasion,
            "on": bonus.on,
            "explanation": bonus.origin(),
        },
        "member": None if origin.member_id == member_id else ids.public("mbr", origin.member_id),
    }


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
