"""What an event of a line does to the points: freeze, thaw, end. Points move only by postings."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.config import Config
from base.notices.templates import Facts
from points import ledger, lots
from points.deeds import Request
from points.gifts import job as gifts_job
from points.kinds import FOREVER, Kind
from points.lines import log, matrix
from points.lines.log import Told
from points.lines.matrix import Action, Answer
from points.lines.models import LineEvent
from points.lines.states import WALLET_OF, Line, LineState
from points.members import members
from points.members.members import Enrolment
from points.members.models import Member
from points.members.sign_in import secrets_of
from points.models import HoldRow, Programme
from points.notices import telling
from points.refusals import HoldEnded, MoreThanLeft


def follow(
    session: Session, programme: Programme, member_id: int, before: Line, state: LineState, at: datetime
) -> None:
    """The line goes on: its wallet is frozen or thawed. On return what lapsed meanwhile gets the stated grace."""
    if WALLET_OF[state] is not WALLET_OF[LineState.ACTIVE]:
        members.suspend(session, member_id)
    elif before.is_frozen:
        changes = matrix.load(session, programme.programme_id)
        kept = matrix.answer(changes, before.state, Action.LAPSE, clock.day(at, programme.zone))
        members.resume(session, programme, member_id, at, keep=kept is Answer.KEPT)


def successor(
    session: Session, config: Config, programme: Programme, told: Told, actor: str, at: datetime
) -> int:
    """Who has the line from now on: a member who starts as a new one, or the customer's own membership if there is one."""
    customer_id = told.to_customer or ""
    known = members.open_member(session, programme.programme_id, customer_id)
    if known is not None:
        return known
    member_id, fresh = members.join_again(
        session, programme, secrets_of(config), Enrolment(customer_id, told.since, told.phone)
    )
    if fresh:
        begun = replace(told, state=LineState.ACTIVE, clearing_day=None, to_customer=None)
        log.keep(session, [], member_id, begun, actor, at, state=LineState.ACTIVE, applied=True)
    return member_id


def close(
    session: Session, config: Config, member: Member, programme: Programme, event: LineEvent, at: datetime
) -> None:
    """The line has ended: gifts that wait and holds that have an end come back, the member is told what is cleared when.

    A hold without an end stays until its own job ends it; what it gives back is recorded and cleared as the rest.
    """
    gifts_job.take_back(session, config, member.member_id, "giver's line ended", at)
    members.leave(session, member.member_id, event.since)
    session.flush()
    for hold in _holds_with_an_end(session, member.member_id, at):
        _release(session, programme, hold, at)
    wallet = ledger.read(session, member.member_id)
    left = lots.live(wallet.lots, clock.day(at, programme.zone))
    if left:
        facts: Facts = {"points": left, "day": str(event.clearing_day)}
        telling.tell(session, config, member.member_id, "line-cancelled", facts)


def _holds_with_an_end(session: Session, member_id: int, at: datetime) -> list[HoldRow]:
    """Those whose end has come anyway are given back by the ledger itself."""
    asked = (
        select(HoldRow)
        .where(HoldRow.member_id == member_id, HoldRow.ends_at > at, HoldRow.ends_at < FOREVER)
        .order_by(HoldRow.seq)
    )
    return list(session.scalars(asked))


def _release(session: Session, programme: Programme, hold: HoldRow, at: datetime) -> None:
    asked = Request(
        member_id=hold.member_id,
        idem=ledger.key("line", f"release:{hold.seq}"),
        kind=Kind.RELEASE,
        points=0,
        at=at,
        zone=programme.zone,
        rev_of=hold.seq,
        ref="line closed",
    )
    with suppress(HoldEnded, MoreThanLeft):  # it ended by itself in this very moment
        ledger.post(session, asked)
