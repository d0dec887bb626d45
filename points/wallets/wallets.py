"""What a member sees: balance, lots, what lapses next, and the postings behind it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.errors import NotFound
from points import expiry, ledger, line_history, lots, programmes
from points.kinds import Kind, State
from points.members import members
from points.models import PostingRow, Programme
from points.postings import Wallet

LOOK_AHEAD = timedelta(days=90)


class PostingUnknown(NotFound):
    """There is no such posting."""

    zh = "没有该积分记录。"


@dataclass(frozen=True)
class Shown:
    """A wallet on a day: live points, what is set aside or owed, its lots, and what lapses within 90 days.

    `pending`: what bill lines will bring as they are paid; not in the ledger yet, and nothing for a line that ended.
    """

    wallet: Wallet
    programme: Programme
    on: date
    spendable: int
    lots: tuple[tuple[date, int], ...]
    lapsing: tuple[tuple[date, int], ...]
    pending: int


def show(session: Session, member_id: int, at: datetime) -> Shown:
    """A member's wallet as of a moment; right even before the expiry run."""
    wallet = ledger.read(session, member_id)
    programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
    on = clock.day(at, programme.zone)
    live = tuple(expiry.lapsing(wallet, on, lots.NO_END))
    return Shown(
        wallet=wallet,
        programme=programme,
        on=on,
        spendable=lots.live(wallet.lots, on),
        lots=live,
        lapsing=tuple(lot for lot in live if lot[0] <= on + LOOK_AHEAD),
        pending=0 if wallet.state is State.CLOSED else line_history.pending(session, member_id),
    )


def postings(
    session: Session,
    member_id: int,
    *,
    before: int | None,
    limit: int,
    kind: Kind | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
) -> list[PostingRow]:
    """A member's postings, newest first, from before a number on; maybe of one kind, or of days in the programme's zone."""
    asked = (
        select(PostingRow)
        .where(PostingRow.member_id == member_id)
        .order_by(PostingRow.seq.desc())
        .limit(limit)
    )
    if before is not None:
        asked = asked.where(PostingRow.seq < before)
    if kind is not None:
        asked = asked.where(PostingRow.kind == int(kind))
    if from_day is not None:
        asked = asked.where(PostingRow.effective_on >= from_day)
    if until_day is not None:
        asked = asked.where(PostingRow.effective_on <= until_day)
    return list(session.scalars(asked))


def posting(session: Session, member_id: int, seq: int) -> PostingRow:
    """One posting; PostingUnknown."""
    found = session.get(PostingRow, (member_id, seq))
    if found is None:
        raise PostingUnknown()
    return found
