"""What a member sees: balance, lots, what lapses next, and the postings behind it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.errors import NotFound
from points import expiry, extensions, ledger, line_history, lots, programmes
from points.kinds import Kind, State
from points.lines import standing
from points.lines.states import Line
from points.lots import Calendar
from points.members import members
from points.merges import redirects
from points.models import PostingRow, Programme
from points.postings import Wallet

LOOK_AHEAD = timedelta(days=90)
SOON = timedelta(days=30)


class PostingUnknown(NotFound):
    """There is no such posting."""

    zh = "没有该积分记录。"


@dataclass(frozen=True)
class Shown:
    """A wallet on a day: live points, what is set aside or owed, its lots, what lapses within 90 days, and its line.

    `classes` are those of the lots, in the same order. The last days are those that count: an extension's, where there
    is one.
    `merged_into`: the member who has the points now, when this one was merged.
    `pending`: what bill lines will bring as they are paid; not in the ledger yet, and nothing for a line that ended.
    """

    wallet: Wallet
    programme: Programme
    on: date
    spendable: int
    lots: tuple[tuple[date, int], ...]
    lapsing: tuple[tuple[date, int], ...]
    pending: int
    line: Line
    merged_into: int | None
    classes: tuple[int, ...] = ()

    def lapses_within(self, days: timedelta) -> int:
        """Points whose last day is at most so many days away."""
        return sum(points for last_day, points in self.lots if last_day <= self.on + days)

    @property
    def kept_points(self) -> int:
        """Points that reached their last day while the line was frozen; its return gives them some days more."""
        return self.wallet.balance - self.spendable if self.wallet.state is State.FROZEN else 0


def show(session: Session, member_id: int, at: datetime) -> Shown:
    """A member's wallet as of a moment; right even before the expiry run."""
    wallet = ledger.read(session, member_id)
    member = members.by_id(session, member_id)
    programme = programmes.by_id(session, member.programme_id)
    on = clock.day(at, programme.zone)
    calendar = extensions.of(session, programme.programme_id, at)
    live = tuple(expiry.lapsing(wallet, on, lots.NO_END, calendar))
    return Shown(
        wallet=wallet,
        programme=programme,
        on=on,
        spendable=lots.live(wallet.lots, on, calendar),
        lots=live,
        lapsing=tuple(lot for lot in live if lot[0] <= on + LOOK_AHEAD),
        pending=0 if wallet.state is State.CLOSED else line_history.pending(session, member_id),
        classes=_classes(wallet, on, calendar),
        merged_into=redirects.survivor_of(session, member_id) if wallet.state is State.MERGED else None,
        line=standing.of(session, member, wallet.state, programme, on),
    )


def calendar(session: Session, member_id: int, at: datetime) -> Calendar:
    """The extensions that count for a member at a moment."""
    return extensions.of(session, members.by_id(session, member_id).programme_id, at)


def _classes(wallet: Wallet, on: date, calendar: Calendar) -> tuple[int, ...]:
    return tuple(
        lots.lot_class(key)
        for at, key in lots.in_order(wallet.lots, calendar)
        if lots.last_day(key) >= on and wallet.lots.left(at)
    )


def postings(
    session: Session,
    member_id: int,
    *,
    before: int | None,
    limit: int,
    kind: Kind | None = None,
    kinds: Collection[Kind] = (),
    from_day: date | None = None,
    until_day: date | None = None,
    spender_id: int | None = None,
) -> list[PostingRow]:
    """A member's postings, newest first, from before a number on; maybe of one kind or some, or of days in the programme's zone.

    With `spender_id` what this one spent of a group's points, and what came back of it.
    """
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
    if kinds:
        asked = asked.where(PostingRow.kind.in_([int(one) for one in kinds]))
    if from_day is not None:
        asked = asked.where(PostingRow.effective_on >= from_day)
    if until_day is not None:
        asked = asked.where(PostingRow.effective_on <= until_day)
    if spender_id is not None:
        asked = asked.where(PostingRow.spender_id == spender_id)
    return list(session.scalars(asked))


def posting(session: Session, member_id: int, seq: int) -> PostingRow:
    """One posting; PostingUnknown."""
    found = session.get(PostingRow, (member_id, seq))
    if found is None:
        raise PostingUnknown()
    return found
