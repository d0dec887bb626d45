"""What a member's line allows today: every action asks here, and a refusal says which state, since when, what ends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database
from base.errors import NotAllowed
from points import ledger, programmes
from points.kinds import State
from points.lines import matrix, states, words
from points.lines.matrix import Action, Answer
from points.lines.models import LineEvent
from points.lines.states import Line, LineState, Membership
from points.members import members
from points.members.models import Member
from points.models import Programme
from points.postings import Wallet
from points.refusals import (
    LineForbids,
    MemberClosed,
    MemberFrozen,
    MemberMerged,
    MemberTooNew,
    PointsFrozen,
)

_FORBIDS = frozenset({Answer.NO})
_TOO_NEW = frozenset({LineState.NEW, LineState.REJOINED})
SPENDS = frozenset({Action.REDEEM, Action.GIFT_OUT})


def ask(
    session: Session, member: Member, wallet: State, programme: Programme, on: date, action: Action
) -> None:
    """MemberClosed, MemberMerged, MemberFrozen, MemberTooNew or LineForbids where the line does not allow the action;
    PointsFrozen where the wallet is frozen by hand and points would leave it.

    `wallet` is the state as just read; the ledger compares it again when it writes.
    """
    if wallet is State.MERGED:
        raise MemberMerged()
    line = of(session, member, wallet, programme, on)
    if not _permits(session, programme, line, action, on):
        raise refusal(line, action)
    if action in SPENDS and is_stopped(session, member.member_id):
        raise PointsFrozen()


def why_not(
    session: Session, wallet: Wallet, line: Line, programme: Programme, on: date, action: Action
) -> NotAllowed | None:
    """What `ask` would raise for a wallet and a line that were just read; None where the action is allowed."""
    if wallet.state is State.MERGED:
        return MemberMerged()
    if not _permits(session, programme, line, action, on):
        return refusal(line, action)
    return PointsFrozen() if action in SPENDS and wallet.stopped else None


def is_stopped(session: Session, member_id: int) -> bool:
    """Whether the member's points are frozen by hand."""
    return any(row.stopped for row in database.rows(session, _STOPPED, (member_id,)))


_STOPPED = "select stopped from wallet where member_id = %s"


def ask_now(session: Session, member: Member, programme: Programme, on: date, action: Action) -> None:
    """The same with the wallet as it is at this moment, all in one statement; WalletUnknown."""
    values = {"member": member.member_id, "programme": programme.programme_id, "action": str(action)}
    for row in database.rows(session, _ALL, values):
        wallet = State(row.wallet)
        if wallet is State.MERGED:
            raise MemberMerged()
        line = states.line(_rows(_Event, row.events), _membership(member, wallet, programme), on)
        changes = _rows(_Change, row.changes)
        if matrix.answer(changes, line.state, action, on) in _FORBIDS:
            raise refusal(line, action)
        if row.stopped and action in SPENDS:
            raise PointsFrozen()
        return
    raise ledger.WalletUnknown(member=member.member_id)


class _Event(NamedTuple):
    nth: int
    since: date
    state: str
    reason: str
    clearing_day: date | None


class _Change(NamedTuple):
    line_state: str
    action: str
    answer: str
    from_day: date


Row = TypeVar("Row", _Event, _Change)


def _rows(kind: Callable[..., Row], found: list[tuple[Any, ...]] | None) -> list[Row]:
    return [kind(*row) for row in found or ()]


_ALL = """
select w.state wallet, w.stopped,
  (select array_agg((nth, since, state, reason, clearing_day)) from line_event where member_id = w.member_id) events,
  (select array_agg((line_state, action, answer, from_day)) from line_policy
    where programme_id = %(programme)s and action = %(action)s) changes
from wallet w where w.member_id = %(member)s
"""


@contextmanager
def explaining(
    session: Session, member: Member, programme: Programme, on: date, action: Action
) -> Iterator[None]:
    """Around the deed: a line that was barred after it was asked is refused with the same facts as before it."""
    try:
        yield
    except (MemberFrozen, MemberClosed):
        ask(session, member, ledger.read(session, member.member_id).state, programme, on, action)
        raise


def allows(session: Session, member_id: int, action: Action, at: datetime) -> bool:
    """Whether the line allows an action at a moment; WalletUnknown, MemberUnknown."""
    member, wallet = members.by_id(session, member_id), ledger.read(session, member_id).state
    if wallet is State.MERGED or (action in SPENDS and is_stopped(session, member_id)):
        return False
    programme = programmes.by_id(session, member.programme_id)
    on = clock.day(at, programme.zone)
    return _permits(session, programme, of(session, member, wallet, programme, on), action, on)


def takes_vouchers(session: Session, member_id: int, at: datetime) -> bool:
    """Whether a voucher issued to this member may be used: one look while no programme forbids it anywhere."""
    if not database.rows(session, _FORBIDDEN, (member_id, str(Action.VOUCHER))):
        return True
    return allows(session, member_id, Action.VOUCHER, at)


_FORBIDDEN = "select 1 one from line_policy p join member m using (programme_id) where m.member_id = %s and p.action = %s limit 1"


def of(session: Session, member: Member, wallet: State, programme: Programme, on: date) -> Line:
    """The member's line on a day."""
    events = database.rows(session, _EVENTS, (member.member_id,))
    return states.line(events, _membership(member, wallet, programme), on)


# Asked with every action of a member, so in words that need no compiling.
_EVENTS = "select nth, since, state, reason, clearing_day from line_event where member_id = %s order by nth"


def events_of(session: Session, member_id: int) -> list[LineEvent]:
    """What was told about a line, in the order of arrival."""
    asked = select(LineEvent).where(LineEvent.member_id == member_id).order_by(LineEvent.nth)
    return list(session.scalars(asked))


def refusal(line: Line, action: Action) -> NotAllowed:
    """Why the line does not allow it, with the facts that a person needs."""
    facts: dict[str, Any] = {
        "line": str(line.state),
        "since": str(line.since) if line.since else None,
        "explanation": words.explained(line),
    }
    if line.reason:
        facts["reason"] = line.reason
    until = words.ends(line)
    if until:
        facts["ends"] = until
    if line.state is LineState.CANCELLED:
        return MemberClosed(**facts)
    if line.is_frozen:
        return MemberFrozen(**facts)
    if line.state in _TOO_NEW and action in (Action.REDEEM, Action.GIFT_OUT):
        return MemberTooNew(from_day=str(line.from_day), **facts)
    return LineForbids(**facts)


def _permits(session: Session, programme: Programme, line: Line, action: Action, on: date) -> bool:
    changes = matrix.load(session, programme.programme_id)
    return matrix.answer(changes, line.state, action, on) not in _FORBIDS


def _membership(member: Member, wallet: State, programme: Programme) -> Membership:
    from_day = member.joined_on + timedelta(days=programme.minimum_tenure_days)
    return Membership(member.joined_on, member.left_on, wallet, from_day)
