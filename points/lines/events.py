"""Taking an event of a line down, and what it does to the wallet, in one transaction.

The customer's memberships are locked first, then gifts, then the wallet, so that two events of one customer happen one
after the other. An event counts once by its id, for good; it belongs to the membership that its day lies in.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.config import Config
from base.errors import Invalid
from points import ledger, programmes
from points.kinds import State
from points.lines import effects, log, standing
from points.lines.log import Told
from points.lines.models import LineEvent
from points.lines.states import REPORTED, Line, LineState
from points.members import members
from points.members.members import CUSTOMER_ID, PHONE, BadCustomerId, BadPhone, Enrolment
from points.members.models import Member
from points.members.sign_in import secrets_of
from points.models import Programme
from points.refusals import MemberClosed, MemberMerged

NOTICE = timedelta(days=30)  # from the day a cancellation becomes known to the day its points are cleared


class LineEventChanged(Invalid):
    """An event with this id was told before with other contents."""

    zh = "该事件编号已用于内容不同的事件。"
    next_en, next_zh = "An event is never edited; send another one.", "事件不可修改，请另发一条。"


class LineEventImpossible(Invalid):
    """Such an event cannot have happened."""

    zh = "该事件不可能发生。"


@dataclass(frozen=True, slots=True)
class Taken:
    """The event as kept, the line as it is now, and whether the event was there before."""

    event: LineEvent
    line: Line
    repeated: bool


def take(session: Session, config: Config, member_id: int, told: Told, actor: str, at: datetime) -> Taken:
    """Keep an event and do what it means; a repeat changes nothing.

    Raises MemberUnknown, LineEventChanged, LineEventImpossible, MemberMerged, and MemberClosed for what cannot follow a
    cancellation.
    """
    member = members.by_id(session, member_id)
    programme = programmes.open_one(session, member.programme_id)
    every = _locked(session, member)
    known = _known(session, every, told)
    if known is not None:
        return Taken(known, _line(session, known.member_id, programme, at), repeated=True)
    _check(told, every[0], clock.day(at, programme.zone))
    target = next(one for one in reversed(every) if one.joined_on <= told.since)
    ended = target.left_on is not None and told.since >= target.left_on
    if ended and told.state is LineState.ACTIVE and target is every[-1]:
        return _join_again(session, config, programme, target, told, actor, at)
    before = _line(session, target.member_id, programme, at)
    if ended and told.state not in (LineState.ACTIVE, LineState.CANCELLED):
        raise MemberClosed(since=str(target.left_on))
    if ledger.read(session, target.member_id).state is State.MERGED:
        raise MemberMerged()
    return _follow(session, config, programme, target, before, told, actor, at)


def _follow(
    session: Session,
    config: Config,
    programme: Programme,
    member: Member,
    before: Line,
    told: Told,
    actor: str,
    at: datetime,
) -> Taken:
    """An event of a membership that goes on or ends: it counts when no later day is known."""
    earlier = standing.events_of(session, member.member_id)
    latest = max((event.since for event in earlier), default=date.min)
    counts = before.state is not LineState.CANCELLED and told.since >= latest
    ends = counts and told.state is LineState.CANCELLED
    successor = (
        effects.successor(session, config, programme, told, actor, at) if ends and told.to_customer else None
    )
    event = log.keep(
        session, earlier, member.member_id, told, actor, at,
        state=told.state,
        applied=counts and _differs(before, told.state),
        clearing_day=(told.clearing_day or clock.day(at, programme.zone) + NOTICE) if ends else None,
        successor_id=successor,
    )  # fmt: skip
    if ends:
        effects.close(session, config, member, programme, event, at)
    elif counts:
        effects.follow(session, programme, member.member_id, before, told.state, at)
    return Taken(event, _line(session, member.member_id, programme, at), repeated=False)


def _join_again(
    session: Session,
    config: Config,
    programme: Programme,
    left: Member,
    told: Told,
    actor: str,
    at: datetime,
) -> Taken:
    """The customer is back: a membership of its own with an empty wallet; the one before stays closed."""
    enrolment = Enrolment(left.customer_id, told.since, told.phone)
    member_id, _ = members.join_again(session, programme, secrets_of(config), enrolment)
    event = log.keep(session, [], member_id, told, actor, at, state=LineState.REJOINED, applied=True)
    return Taken(event, _line(session, member_id, programme, at), repeated=False)


def _locked(session: Session, member: Member) -> list[Member]:
    """All memberships of the customer, in the order of joining, nobody else's to change until the commit."""
    asked = (
        select(Member)
        .where(Member.programme_id == member.programme_id, Member.customer_id == member.customer_id)
        .order_by(Member.member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    session.scalars(
        asked
    ).all()  # whoever waits here does not see in this statement the member that was made meanwhile
    return sorted(session.scalars(asked), key=lambda one: (one.joined_on, one.member_id))


def _known(session: Session, every: list[Member], told: Told) -> LineEvent | None:
    """The event of this id, whichever membership it was kept under; LineEventChanged."""
    mine = LineEvent.member_id.in_([one.member_id for one in every])
    found = session.scalar(select(LineEvent).where(mine, LineEvent.event_id == told.event_id))
    if found is not None and found.digest != told.digest:
        raise LineEventChanged(event=told.event_id)
    return found


def _check(told: Told, first: Member, today: date) -> None:
    if told.state not in REPORTED:
        raise LineEventImpossible(
            "state: is not one that can be told", choices=[str(one) for one in REPORTED]
        )
    if told.since > today:
        raise LineEventImpossible("since: lies in the future; tell it when it has happened")
    if told.since < first.joined_on:
        raise LineEventImpossible(f"since: the customer joined on {first.joined_on}")
    ends = told.state is LineState.CANCELLED
    if not ends and (told.clearing_day or told.to_customer):
        raise LineEventImpossible("clearing_day, to_customer: belong to a cancellation")
    if told.clearing_day and told.clearing_day <= today:
        raise LineEventImpossible("clearing_day: members are told before; it must lie in the future")
    if told.to_customer is not None and not CUSTOMER_ID.fullmatch(told.to_customer):
        raise BadCustomerId(customer_id=told.to_customer[:64])
    if told.to_customer == first.customer_id:
        raise LineEventImpossible("to_customer: is the customer who leaves")
    if told.phone is not None and not PHONE.fullmatch(told.phone):
        raise BadPhone()


def _differs(before: Line, state: LineState) -> bool:
    return state != (before.state if before.state in REPORTED else LineState.ACTIVE)


def _line(session: Session, member_id: int, programme: Programme, at: datetime) -> Line:
    wallet = ledger.read(session, member_id).state
    on = clock.day(at, programme.zone)
    return standing.of(session, members.by_id(session, member_id), wallet, programme, on)
