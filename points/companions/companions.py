"""Companions ("1+1"): a member invites another one of the programme, who confirms; either leaves whenever it likes.

Whoever changes a link holds the rows of both members, locked in the order of their ids: invitations that cross become
one link, and of two answers for the last place one comes first. Nothing of an invitation tells who else is a member: a
number or customer id that leads to nobody who can be invited is one answer, and counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from base import audit, clock, database, ids
from base.auth import guesses
from base.auth.guesses import Limit
from base.config import Config
from base.errors import Conflict, NotFound, OverLimit
from points import ledger, programmes
from points.companions.models import DECLINED, ENDED, WITHDRAWN, CompanionLink
from points.lines import standing
from points.lines.matrix import Action
from points.members import members
from points.members.members import PHONE
from points.members.models import Member
from points.members.sign_in import secrets_of
from points.notices import telling

MOST_COMPANIONS = 1  # 1+1
MOST_INVITATIONS = 5
ANSWER_WITHIN = timedelta(days=7)
WRONG = Limit(tries=10, window=timedelta(hours=24))
INVITED, CONFIRMED, EXPIRED = "invited", "confirmed", "expired"
STATES = (INVITED, CONFIRMED, DECLINED, WITHDRAWN, ENDED, EXPIRED)
ASKS = Action.GIFT_IN  # what a line must allow: not that of a frozen or cancelled line


class CompanionUnknown(NotFound):
    """Nobody who can be a companion was found by that."""

    zh = "没有找到可邀请的会员。"
    next_en, next_zh = "Check the number with your companion.", "请与对方核对号码。"


class LinkUnknown(NotFound):
    """There is no such link."""

    zh = "没有该联属关系。"


class CompanionOneself(Conflict):
    """Nobody is a companion of their own."""

    zh = "不能邀请自己。"


class NoPlaceLeft(OverLimit):
    """There is no place for another companion."""

    zh = "联属名额已满。"
    next_en, next_zh = "End the present link first.", "请先结束现有的联属关系。"


class TooManyInvitations(OverLimit):
    """There are too many invitations without an answer."""

    zh = "待答复的邀请过多。"
    next_en, next_zh = "Withdraw one, or wait for an answer.", "请撤回其中一个，或等待答复。"


class InvitationOver(Conflict):
    """This invitation is not open any more."""

    zh = "该邀请已失效。"


@dataclass(frozen=True)
class Link:
    """A link as one of its two members sees it; `mine`: the member is who invited."""

    row: CompanionLink
    other: Member
    mine: bool
    gone: bool

    def state(self, at: datetime) -> str:
        """One of STATES; a link with a member who left has ended."""
        if self.row.outcome is not None:
            return self.row.outcome
        if self.row.confirmed_at is not None:
            return ENDED if self.gone else CONFIRMED
        return INVITED if at < self.row.ends_at and not self.gone else EXPIRED


def of(session: Session, member_id: int) -> list[int]:
    """The member's companions now: confirmed by both, ended by neither, both still there."""
    at = clock.now()
    return [
        link.other.member_id
        for link in links(session, member_id, at, open_only=True)
        if link.state(at) == CONFIRMED
    ]


def invite(
    session: Session,
    config: Config,
    member_id: int,
    *,
    customer_id: str | None,
    phone: str | None,
    at: datetime,
) -> Link:
    """Invite another member; whose invitation to this one is open is thereby confirmed.

    CompanionUnknown (see `counting_wrong`), CompanionOneself, NoPlaceLeft, TooManyInvitations, TooManyGuesses, and what
    the member's own line refuses.
    """
    guesses.check(session, _counted(member_id), WRONG, at)
    member = members.by_id(session, member_id)
    _able(session, member, at)
    other = _sought(session, config, member, customer_id, phone, at)
    _lock(session, member_id, other.member_id)
    mine = links(session, member_id, at, open_only=True)
    between = next((link for link in mine if link.other.member_id == other.member_id), None)
    if between is not None:
        crossing = between.state(at) == INVITED and not between.mine
        return _confirmed(session, config, between, at) if crossing else between
    _place(session, member_id, at)
    if sum(link.mine and link.state(at) == INVITED for link in mine) >= MOST_INVITATIONS:
        raise TooManyInvitations(most=MOST_INVITATIONS)
    row = CompanionLink(
        member_id=member_id,
        link_id=ids.new_id(),
        companion_id=other.member_id,
        invited_at=at,
        ends_at=at + ANSWER_WITHIN,
        confirmed_at=None,
        ended_at=None,
        outcome=None,
    )
    session.add(row)
    session.flush()
    _note(session, member_id, INVITED, row)
    telling.tell(session, config, other.member_id, "companion-invited", {})
    return Link(row, other, mine=True, gone=False)


def confirm(session: Session, config: Config, member_id: int, reference: str, at: datetime) -> Link:
    """The invited member says yes; to repeat it is harmless. LinkUnknown, InvitationOver, NoPlaceLeft."""
    link = _find(session, member_id, reference, at)
    if link.mine:
        raise LinkUnknown()
    if link.state(at) == CONFIRMED:
        return link
    if link.state(at) != INVITED:
        raise InvitationOver(state=link.state(at))
    return _confirmed(session, config, link, at)


def end(session: Session, member_id: int, reference: str, at: datetime) -> Link:
    """Decline, withdraw or leave, whichever it is now; to repeat it is harmless. LinkUnknown."""
    link = _find(session, member_id, reference, at)
    if link.state(at) in (INVITED, CONFIRMED):
        never = WITHDRAWN if link.mine else DECLINED
        link.row.outcome = ENDED if link.row.confirmed_at is not None else never
        link.row.ended_at = at
        session.flush()
        _note(session, member_id, link.row.outcome, link.row)
    return link


def links(session: Session, member_id: int, at: datetime, *, open_only: bool = False) -> list[Link]:
    """The member's links, the newest first; `open_only`: those invited or confirmed."""
    asked = (
        select(CompanionLink)
        .where(or_(CompanionLink.member_id == member_id, CompanionLink.companion_id == member_id))
        .order_by(CompanionLink.link_id.desc())
        .execution_options(populate_existing=True)
    )
    if open_only:
        asked = asked.where(CompanionLink.outcome.is_(None))
    found = [_seen(session, row, member_id) for row in session.scalars(asked)]
    return [link for link in found if not open_only or link.state(at) in (INVITED, CONFIRMED)]


def reference(row: CompanionLink) -> str:
    """A link's public id."""
    return ids.public("lnk", row.member_id, row.link_id)


@contextmanager
def counting_wrong(member_id: int) -> Iterator[None]:
    """Around the transaction of `invite`: what led to nobody is counted in a transaction of its own."""
    try:
        yield
    except CompanionUnknown:
        with database.begin() as session:
            guesses.wrong(session, _counted(member_id), clock.now())
        raise


def _confirmed(session: Session, config: Config, link: Link, at: datetime) -> Link:
    inviter, invited = link.row.member_id, link.row.companion_id
    _able(session, members.by_id(session, invited), at)
    if not standing.allows(session, inviter, ASKS, at):
        raise InvitationOver(state=EXPIRED)
    for member_id in (inviter, invited):
        _place(session, member_id, at)
    link.row.confirmed_at = at
    session.flush()
    _note(session, invited, CONFIRMED, link.row)
    telling.tell(session, config, inviter, "companion-confirmed", {})
    return link


def _place(session: Session, member_id: int, at: datetime) -> None:
    """NoPlaceLeft; the member's row is ours, so that nobody else fills the place beside us."""
    taken = [one for one in links(session, member_id, at, open_only=True) if one.state(at) == CONFIRMED]
    if len(taken) >= MOST_COMPANIONS:
        raise NoPlaceLeft(most=MOST_COMPANIONS)


def _find(session: Session, member_id: int, text: str, at: datetime) -> Link:
    """A link of the member's, for this transaction alone."""
    inviter, link_id = ids.parse("lnk", text)
    row = session.get(CompanionLink, (inviter, link_id))
    if row is None or member_id not in (row.member_id, row.companion_id):
        raise LinkUnknown()
    _lock(session, row.member_id, row.companion_id)
    session.refresh(row)
    return _seen(session, row, member_id)


def _seen(session: Session, row: CompanionLink, member_id: int) -> Link:
    mine = row.member_id == member_id
    both = [members.by_id(session, one) for one in (row.member_id, row.companion_id)]
    return Link(row, both[mine], mine, gone=any(one.left_on is not None for one in both))


def _able(session: Session, member: Member, at: datetime) -> None:
    """MemberClosed, MemberFrozen and the like where the member's own line does not allow it."""
    programme = programmes.open_one(session, member.programme_id)
    wallet = ledger.read(session, member.member_id).state
    standing.ask(session, member, wallet, programme, clock.day(at, programme.zone), ASKS)


def _sought(
    session: Session, config: Config, member: Member, customer_id: str | None, phone: str | None, at: datetime
) -> Member:
    """Somebody of the same programme whose line allows it; everybody else gives the same answer."""
    found: Member | None = None
    if phone is not None and PHONE.fullmatch(phone):
        found = members.by_phone(session, secrets_of(config), member.programme_id, phone)
    elif customer_id is not None:
        known = members.open_member(session, member.programme_id, customer_id)
        found = members.by_id(session, known) if known is not None else None
    if found is None or not standing.allows(session, found.member_id, ASKS, at):
        raise CompanionUnknown()
    if found.member_id == member.member_id:
        raise CompanionOneself()
    return found


def _lock(session: Session, *both: int) -> None:
    for member_id in sorted(both):
        session.execute(select(Member.member_id).where(Member.member_id == member_id).with_for_update())


def _counted(member_id: int) -> str:
    return f"companion:{member_id}"


def _note(session: Session, by: int, what: str, row: CompanionLink) -> None:
    audit.write(session, f"member:{by}", f"companion.{what}", reference(row))
