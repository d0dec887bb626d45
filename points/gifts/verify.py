"""Proof of gifts: each agrees with its postings, what was sent arrived or came back whole, and TRANSIT is what is under way."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from base.findings import Finding
from points import extensions, lots
from points.gifts.models import RECEIVED, RETURNED, SENT, WAITING, Gift
from points.kinds import Kind
from points.members import members
from points.models import PostingRow

TRANSIT_SIGN = {Kind.GIFT_OUT: 1, Kind.GIFT_IN: -1, Kind.GIFT_RETURN: -1}


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with gifts. Read-only; give it a REPEATABLE READ transaction."""
    under_way, movements = 0, 0
    for gift, held, out, ended in session.execute(_with_its_postings()):
        under_way += gift.points if gift.state == SENT else 0
        if gift.sent_seq is not None:
            movements += 1 if gift.end_seq is None else 2
        for fault in _faults(session, gift, held, out, ended):
            yield Finding("gift", f"{gift.member_id} {gift.gift_id}", fault)
    yield from _totals(session, under_way, movements)


@cache
def _with_its_postings() -> Select[Gift, PostingRow, PostingRow, PostingRow]:
    """Each gift with its hold, its sending and its end."""
    hold, sent, end = aliased(PostingRow), aliased(PostingRow), aliased(PostingRow)
    ends_with = case((Gift.state == RECEIVED, Gift.receiver_id), else_=Gift.member_id)
    return (
        select(Gift, hold, sent, end)
        .outerjoin(hold, and_(hold.member_id == Gift.member_id, hold.seq == Gift.hold_seq))
        .outerjoin(sent, and_(sent.member_id == Gift.member_id, sent.seq == Gift.sent_seq))
        .outerjoin(end, and_(end.member_id == ends_with, end.seq == Gift.end_seq))
        .execution_options(yield_per=1000)
    )


def _faults(session: Session, gift: Gift, hold: Any, sent: Any, end: Any) -> Iterator[str]:
    if not _is(hold, gift, Kind.HOLD):
        yield "its hold is missing, of another kind or of another amount"
    if (gift.sent_seq is not None) and not (_is(sent, gift, Kind.GIFT_OUT) and sent.rev_of == gift.hold_seq):
        yield "its sending is missing, of another kind or of another amount"
    if gift.state in (WAITING, SENT):
        return
    kind: Kind = Kind.RELEASE
    follows: int | None = gift.hold_seq
    if gift.state == RECEIVED:
        kind, follows = Kind.GIFT_IN, None
    elif gift.state == RETURNED and gift.sent_seq is not None:
        kind, follows = Kind.GIFT_RETURN, gift.sent_seq
    if not _is(end, gift, kind) or end.rev_of != follows:
        yield f"its state is {gift.state}, and no {kind.name.lower()} of its points says so"
    elif sent is not None and not same_lots(session, sent, end, backwards=kind is Kind.GIFT_RETURN):
        yield "other lots came to their end than were sent"


def _is(posting: Any, gift: Gift, kind: Kind) -> bool:
    return posting is not None and posting.kind == kind and posting.amount == gift.points


def same_lots(session: Session, sent: Any, came: Any, *, backwards: bool) -> bool:
    """Lot by lot the same count and class, with the same last day, or a later one where that had passed (landing rule)."""
    there, here = (
        list(zip(sent.lots[0::3], sent.lots[2::3], strict=True)),
        list(zip(came.lots[0::3], came.lots[2::3], strict=True)),
    )
    if backwards:
        here.reverse()
    return len(there) == len(here) and all(
        count == arrived
        and lots.lot_class(key) == lots.lot_class(landed)
        and (key <= landed or _first_end_had_passed(session, key, landed, came))
        for (key, count), (landed, arrived) in zip(there, here, strict=True)
    )


def _first_end_had_passed(session: Session, key: int, landed: int, came: Any) -> bool:
    """Points without an end that got one may land in a lot whose key is smaller: its day is not."""
    programme_id = members.by_id(session, came.member_id).programme_id
    calendar = extensions.of(session, programme_id, came.at)
    return lots.lasting(key, calendar) <= lots.lasting(landed, calendar)


def _totals(session: Session, under_way: int, movements: int) -> Iterator[Finding]:
    """Sums over postings: what is in TRANSIT through gifts, and that no gift was posted twice or for nobody."""
    amount = case(
        *((PostingRow.kind == kind, sign * PostingRow.amount) for kind, sign in TRANSIT_SIGN.items())
    )
    ours = PostingRow.ref.like("gft\\_%")
    transit, count = session.execute(
        select(func.coalesce(func.sum(amount), 0), func.count().filter(ours)).where(
            PostingRow.kind.in_([int(kind) for kind in TRANSIT_SIGN])
        )
    ).one()
    if transit != under_way:
        yield Finding("transit", "gifts", f"postings say {transit} are under way, gifts {under_way}")
    if count != movements:
        yield Finding("transit", "gifts", f"{count} postings of gifts, where gifts tell of {movements}")
