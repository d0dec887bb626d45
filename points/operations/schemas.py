"""JSON of operations."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from base.idempotency import LONGEST_KEY
from points import lots, policies, postings
from points.kinds import MOST_POINTS
from points.ledger import Answer
from points.operations.operations import KINDS, MOST, Operation
from points.wallets.schemas import LotView, lot_view


class OperationRequest(Request):
    """What to do with a wallet. `of`: the key of your own earlier operation that this one follows."""

    operation = ma.fields.String(required=True, validate=ma.validate.OneOf(list(KINDS)))
    points = WholeNumber(
        least=0, most=MOST_POINTS, load_default=0,
        metadata={"description": "0 with an operation that follows another: all that is left of it"},
    )  # fmt: skip
    of = Text(
        most=LONGEST_KEY, load_default=None, metadata={"description": "for unearn, capture, release, reverse"}
    )
    on = ma.fields.Date(load_default=None, metadata={"description": "business day; needed to earn"})
    lot_class = WholeNumber(
        least=1, most=32767, load_default=policies.PROMOTION_POINTS, data_key="class",
        metadata={"description": "class of earned points: 1 bill, 2 promotion, or one of your own policies"},
    )  # fmt: skip
    ends_at = ma.fields.AwareDateTime(
        load_default=None, metadata={"description": "end of a hold; none: only capture or release ends it"}
    )
    value_fen = WholeNumber(metadata={"description": "what the points were worth, in whole fen"})
    ref = Text(
        most=200, load_default=None, metadata={"description": "your reference, which the member may read"}
    )


class OperationInBatch(OperationRequest):
    """An operation of a batch: its own key, and whose wallet."""

    key = Text(required=True, most=LONGEST_KEY)
    member = Text(required=True, most=64)


class OperationsRequest(Request):
    """Up to 500 operations; one that is refused harms no other."""

    operations = ma.fields.List(
        ma.fields.Nested(OperationInBatch), required=True, validate=ma.validate.Length(1, MOST)
    )


class BesideView(View):
    """What fell due with an operation."""

    operation = ma.fields.String()
    points = ma.fields.Integer()


class OperationView(View):
    """What was posted; a repeat of the key answers the same."""

    operation = ma.fields.String()
    seq = ma.fields.Integer(allow_none=True, metadata={"description": "null: nothing was left to post"})
    points = ma.fields.Integer(metadata={"description": "positive: to the member; negative: from the member"})
    balance = ma.fields.Integer()
    held = ma.fields.Integer()
    debt = ma.fields.Integer()
    at = ma.fields.String()
    lots = ma.fields.List(ma.fields.Nested(LotView))
    beside = ma.fields.List(ma.fields.Nested(BesideView))


class OneOfBatchView(View):
    """`posted` has an operation, `refused` a problem."""

    key = ma.fields.String()
    status = ma.fields.String()
    operation = ma.fields.Nested(OperationView, allow_none=True)
    problem = ma.fields.Dict(allow_none=True)


class OperationsView(View):
    """An answer for each operation, in the order sent."""

    answers = ma.fields.List(ma.fields.Nested(OneOfBatchView))


def operation_of(asked: dict[str, Any], member_id: int, key: str) -> Operation:
    """What was asked, as a value."""
    rest = {name: value for name, value in asked.items() if name not in ("operation", "key", "member")}
    return Operation(member_id=member_id, key=key, kind=KINDS[asked["operation"]], **rest)


def operations_of(asked: list[dict[str, Any]]) -> list[Operation]:
    """What was asked of several members; Malformed for an id that cannot be one."""
    return [operation_of(each, ids.parse("mbr", each["member"], parts=1)[0], each["key"]) for each in asked]


def operation_view(answer: Answer) -> dict[str, Any]:
    """Made of the postings alone, so that it is the same for good."""
    deed, last = answer.deed, answer.postings[-1]
    assert deed is not None
    return {
        "operation": deed.kind.name.lower(),
        "seq": deed.seq,
        "points": postings.EFFECT[deed.kind][0] * deed.amount,
        "balance": last.balance_after,
        "held": last.held_after,
        "debt": last.debt_after,
        "at": deed.at.isoformat(),
        "lots": [LotView().dump(lot_view(lots.last_day(lot.key), lot.count)) for lot in deed.lots],
        "beside": [
            {"operation": posting.kind.name.lower(), "points": posting.amount}
            for posting in answer.postings
            if posting is not deed
        ],
    }
