"""The one course of every redemption: which state may follow which, each step on the timeline, and how points end.

requested -> pending (points and stock set aside) -> fulfilling (handed to the other side) -> fulfilled; or failed,
cancelled, unknown until somebody knows; what is given in the redemption's own transaction goes straight to fulfilled.
Every move is one conditional update: of two who move it at once one wins, the other is told that it has moved on.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import channels, database, ids
from base.errors import Conflict
from base.webhooks import webhooks
from base.webhooks.endpoints import LISTENS
from catalog.budgets import budgets
from catalog.cash import parts
from catalog.offers import counting, offers
from catalog.offers.models import Offer
from catalog.redemptions import courses
from catalog.redemptions.models import (
    CANCELLED,
    FAILED,
    FULFILLED,
    FULFILLING,
    PENDING,
    REQUESTED,
    REVERSED,
    UNKNOWN,
    Redemption,
    Step,
)
from catalog.stock import stock
from points import ledger, programmes
from points.deeds import Request
from points.kinds import Kind
from points.models import Programme

MOVES: dict[str, frozenset[str]] = {
    REQUESTED: frozenset({PENDING, FULFILLED}),
    PENDING: frozenset({FULFILLING, FULFILLED, FAILED, CANCELLED}),
    FULFILLING: frozenset({FULFILLED, UNKNOWN, FAILED, CANCELLED}),
    UNKNOWN: frozenset({FULFILLING, FULFILLED, FAILED}),
    FULFILLED: frozenset({CANCELLED, REVERSED}),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
    REVERSED: frozenset(),
}
OPEN = frozenset({PENDING, FULFILLING, UNKNOWN})  # its end is not known yet
GIVEN_BACK = frozenset({FAILED, CANCELLED, REVERSED})  # its points are in their lots again


class By(NamedTuple):
    """Who moves a redemption, and by which channel it came."""

    actor: str
    channel: str

    @property
    def person_id(self) -> int | None:
        """Who of the staff it is; None: a member, a system, a job."""
        kind, _, number = self.actor.partition(":")
        return int(number) if kind == "staff" else None


JOB = By("job", channels.JOB)


class MovedOn(Conflict):
    """This redemption has moved on meanwhile."""

    zh = "该兑换的状态已变化。"
    next_en, next_zh = "Look at it again.", "请重新查看。"


def begin(
    session: Session, redemption: Redemption, state: str, by: By, at: datetime, requested_by: By | None = None
) -> None:
    """The first two steps, with the redemption itself: requested (maybe by another one), and what follows at once."""
    first, place = requested_by or by, (redemption.member_id, redemption.redemption_id, at)
    said = ([first.actor, by.actor], [first.channel, by.channel], [REQUESTED, state])
    if database.rows(session, _BEGIN, (*place, *said))[0].listens:
        _publish(session, redemption, at)


FIRST_STEPS = 2
# Asked with every redemption, so in words that need no compiling.
_BEGIN = f"""
insert into redemption_step (member_id, redemption_id, at, no, state, actor, channel)
select m, r, at, no, state, actor, channel from (values (%s::bigint, %s::bigint, %s::timestamptz)) v(m, r, at)
cross join unnest(array[1, 2], %s::text[], %s::text[], %s::text[]) s(no, actor, channel, state)
returning no, {LISTENS} listens
"""
_STEP = f"""
insert into redemption_step (member_id, redemption_id, at, no, state, actor, channel, reason)
values (%s, %s, %s, %s, %s, %s, %s, %s) returning {LISTENS} listens
"""


def move(
    session: Session, redemption: Redemption, new: str, by: By, at: datetime, reason: str | None = None
) -> None:
    """One step further, from the state that was read; MovedOn when another was first or the course does not go there."""
    old = redemption.state
    if new not in MOVES[old]:
        raise MovedOn(state=old)
    moved = session.scalar(
        update(Redemption)
        .where(
            Redemption.member_id == redemption.member_id,
            Redemption.redemption_id == redemption.redemption_id,
            Redemption.state == old,
        )
        .values(state=new, changed_at=at, reason=reason, steps=Redemption.steps + 1)
        .returning(Redemption)
        .execution_options(populate_existing=True)
    )
    if moved is None:
        raise MovedOn(state=old)
    place = (moved.member_id, moved.redemption_id, at, moved.steps)
    if database.rows(session, _STEP, (*place, new, by.actor, by.channel, reason))[0].listens:
        _publish(session, moved, at)


def _publish(session: Session, redemption: Redemption, at: datetime) -> None:
    """Tell whoever wants to know where the redemption stands now."""
    subject = reference(redemption)
    data = {
        "redemption": subject,
        "member": ids.public("mbr", redemption.member_id),
        "offer": ids.public("off", redemption.offer_id),
        "kind": redemption.kind,
        "state": redemption.state,
        "units": redemption.units,
        "price_points": redemption.price_points,
        "value_fen": redemption.value_fen,
        "cash_fen": redemption.cash_fen,
    }
    event = f"jifen.redemption.{redemption.state}"
    webhooks.publish(session, redemption.member_id, event, subject, data, at)


def fulfil(session: Session, redemption: Redemption, by: By, at: datetime) -> int | None:
    """It was given: what was set aside is spent. The number of the posting, where there was one to make."""
    move(session, redemption, FULFILLED, by, at)
    return _post(session, redemption, Kind.CAPTURE, at) if redemption.held else None


def fail(session: Session, redemption: Redemption, by: By, at: datetime, reason: str) -> None:
    """It was certainly not given: the points go back to their lots, stock and budget are free again."""
    give_back(session, redemption, FAILED, by, at, reason)


def give_back(
    session: Session, redemption: Redemption, new: str, by: By, at: datetime, reason: str | None = None
) -> None:
    """End it with everything as before: points to the lots they came from, whatever its kind had given, stock last.

    `new`: failed, cancelled or reversed. What its kind cannot take back any more refuses, and nothing has changed.
    """
    offer, spent = offers.version(session, redemption.version_id), redemption.state == FULFILLED
    begun = not awaits_money(session, redemption, gave_up_too=True)
    if redemption.cash_fen and begun:
        parts.refund(session, redemption.member_id, redemption.redemption_id, at)
    move(session, redemption, new, by, at, reason)
    if redemption.posting_seq is not None:
        _post(session, redemption, Kind.REVERSE if spent else Kind.RELEASE, at)
    way = courses.of(redemption.kind)
    if begun:
        way.take_back(session, redemption, offer, new, at)
    else:
        way.drop(session, redemption, at)
    budgets.give_back(session, redemption.member_id, redemption.redemption_id, at)
    counting.put_back(session, offer, redemption)
    if way.counts_stock:
        for offer_id, units in sorted(way.takes(session, redemption, offer)):
            stock.put_back(session, offer_id, units)


def awaits_money(session: Session, redemption: Redemption, *, gave_up_too: bool = False) -> bool:
    """Whether its cash part is not paid yet, and its kind has not begun; its row is locked then, before all others."""
    if not redemption.cash_fen:
        return False
    part = parts.locked(session, redemption.member_id, redemption.redemption_id)
    return part.paid_at is None and (gave_up_too or part.gave_up_at is None)


def _post(session: Session, redemption: Redemption, kind: Kind, at: datetime) -> int:
    programme = programmes.by_id(session, offers.version(session, redemption.version_id).programme_id)
    return ledger.post(session, follow_up(session, redemption, kind, programme, at)).seq


def follow_up(
    session: Session, redemption: Redemption, kind: Kind, programme: Programme, at: datetime
) -> Request:
    """The ledger request that ends a redemption's hold or spend: capture, release or reverse, all of it, once."""
    original = redemption.posting_seq
    if kind is Kind.REVERSE and redemption.held:  # what was captured comes back, not what was set aside
        original = ledger.follower(session, redemption.member_id, original or 0, Kind.CAPTURE)
    return Request(
        member_id=redemption.member_id,
        idem=ledger.key("redemption", f"{redemption.redemption_id}:{kind.name}"),
        kind=kind,
        points=0,
        at=at,
        zone=programme.zone,
        rev_of=original,
        version_id=redemption.rate_id or 0,
        ref=reference(redemption),
    )


def reference(redemption: Redemption) -> str:
    """The redemption's public id: what postings, other systems and people call it."""
    return ids.public("red", redemption.member_id, redemption.redemption_id)


def timeline(session: Session, member_id: int, redemption_id: int) -> list[Step]:
    """All its steps, the first one first."""
    return list(
        session.scalars(
            select(Step)
            .where(Step.member_id == member_id, Step.redemption_id == redemption_id)
            .order_by(Step.no)
        )
    )


def may_be_cancelled(redemption: Redemption, offer: Offer, at: datetime) -> bool:
    """Whether its offer lets the member undo it at this moment; what its kind says comes on top."""
    if redemption.state == PENDING:
        return not redemption.maybe_sent
    return redemption.state == FULFILLED and offer.cancellable
