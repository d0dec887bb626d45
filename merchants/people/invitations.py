"""Invitations: a token for one person, good for 48 hours and once; who takes it up chooses PIN or password.

The token is shown to who invites, as a link and a picture; only its digest is kept. In the link it stands behind #, which
no browser sends and no server logs.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth import passwords
from base.auth.sign_ins import digest
from base.errors import Conflict, NotFound, field_errors
from merchants import merchants, scope
from merchants.models import CLOSED, Merchant
from merchants.people import choosing, people
from merchants.people.models import Invitation
from merchants.scope import Reach
from merchants.terminals import clerks
from merchants.terminals.models import OWNER, ClerkRow

LIFE = timedelta(hours=48)
NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,19}", re.ASCII)
PATH = "/merchant/invitation"


class InvitationUnknown(NotFound):
    """This invitation is not known, was used, or has run out."""

    zh = "该邀请无效、已使用或已过期。"
    next_en, next_zh = "Ask for another one.", "请让邀请人重新发送邀请。"


class NumberTaken(Conflict):
    """Somebody of this merchant has, or had, that number."""

    zh = "本商户已有人使用（或曾使用）该工号。"
    next_en, next_zh = "Choose another number.", "请换一个工号。"


@dataclass(frozen=True)
class Wanted:
    """Who is let in: number within the merchant, role, and the outlet (None: all, for finance and owners)."""

    number: str
    role: str
    outlet_id: int | None


@dataclass(frozen=True)
class Made:
    """An invitation and its token, which is shown once."""

    invitation: Invitation
    token: str

    @property
    def path(self) -> str:
        return f"{PATH}#{self.token}"


def invite(session: Session, reach: Reach, wanted: Wanted, at: datetime) -> Made:
    """Let somebody in; RoleNotYours, NumberTaken, Invalid. An open invitation of the same number ends with it."""
    people.check_over(reach, wanted.role)
    people.check_place(wanted.role, wanted.outlet_id)
    return _make(session, reach.merchant_id, wanted, reach.actor, at)


def invite_owner(session: Session, merchant: Merchant, number: str, actor: str, at: datetime) -> Made:
    """The operator lets in an owner, who then lets in the others; NumberTaken, MerchantLeft."""
    merchants.check_there(merchant)
    return _make(session, merchant.merchant_id, Wanted(number, OWNER, None), actor, at)


def renew(session: Session, reach: Reach, person: ClerkRow, at: datetime) -> Made:
    """Let somebody who is there choose PIN or password anew; until then the present one counts. RoleNotYours, PersonEnded."""
    people.check_over(reach, person.role)
    if person.ended_at is not None:
        raise people.PersonEnded()
    return _make(
        session,
        reach.merchant_id,
        Wanted(person.number, person.role, person.outlet_id),
        reach.actor,
        at,
        clerk_id=person.clerk_id,
    )


def withdraw(session: Session, reach: Reach, public_id: str, at: datetime) -> Invitation:
    """The token is worth nothing from now on; InvitationUnknown (another's as well)."""
    found = _find(session, reach, public_id)
    people.check_over(reach, found.role)
    _end(session, at, Invitation.invitation_id == found.invitation_id)
    audit.write(session, reach.actor, "invitation.withdrawn", reference(found))
    return found


def open_ones(
    session: Session, reach: Reach, at: datetime, *, after: int = 0, limit: int
) -> list[Invitation]:
    """Invitations in reach that nobody took up yet, the oldest first."""
    asked = scope.ours(reach, select(Invitation), Invitation.merchant_id, Invitation.outlet_id)
    return list(
        session.scalars(
            asked.where(*_is_open(at), Invitation.invitation_id > after)
            .order_by(Invitation.invitation_id)
            .limit(limit)
        )
    )


def look(session: Session, token: str, at: datetime) -> tuple[Invitation, Merchant]:
    """What a token invites to; InvitationUnknown."""
    row = session.execute(
        select(Invitation, Merchant)
        .join(Merchant, Merchant.merchant_id == Invitation.merchant_id)
        .where(Invitation.token_digest == digest(token), *_is_open(at), Merchant.state != CLOSED)
    ).one_or_none()
    if row is None:
        raise InvitationUnknown()
    return row.Invitation, row.Merchant


def take_up(session: Session, token: str, secret: str, at: datetime) -> ClerkRow:
    """The person chooses PIN or password and is there from now on; the token is used up.

    InvitationUnknown, BadPin, ObviousPin, ShortPassword, PersonEnded.
    """
    found, _ = look(session, token, at)
    choosing.check(found.role, found.number, secret)
    used = session.execute(
        update(Invitation)
        .where(Invitation.invitation_id == found.invitation_id, *_is_open(at))
        .values(used_at=at)
        .returning(Invitation.invitation_id)
    ).one_or_none()
    if used is None:
        raise InvitationUnknown()
    pin_hash = passwords.hashed(secret)
    if found.clerk_id is None:
        person = clerks.add_person(
            session, found.merchant_id, found.outlet_id, found.number, pin_hash, found.role
        )
    else:
        person = session.get_one(ClerkRow, found.clerk_id, with_for_update=True)
        if person.ended_at is not None:
            raise people.PersonEnded()
        person.pin_hash = pin_hash
        clerks.sign_out(session, person, at)
    audit.write(session, f"clerk:{person.clerk_id}", "invitation.taken-up", reference(found), role=found.role)
    return person


def reference(invitation: Invitation) -> str:
    """The public id of an invitation, which is not its token."""
    return ids.public("inv", invitation.invitation_id)


def _make(
    session: Session, merchant_id: int, wanted: Wanted, actor: str, at: datetime, clerk_id: int | None = None
) -> Made:
    if not NUMBER.fullmatch(wanted.number):
        raise field_errors({"number": "1 to 20 letters, digits or dashes, for example 07"})
    taken = select(ClerkRow.clerk_id).where(
        ClerkRow.merchant_id == merchant_id, ClerkRow.number == wanted.number
    )
    if clerk_id is None and session.scalar(taken) is not None:
        raise NumberTaken(number=wanted.number)
    _end(session, at, Invitation.merchant_id == merchant_id, Invitation.number == wanted.number)
    token = secrets.token_urlsafe(32)
    row = session.execute(
        insert(Invitation)
        .values(
            invitation_id=ids.new_id(),
            merchant_id=merchant_id,
            outlet_id=wanted.outlet_id,
            clerk_id=clerk_id,
            made_at=at,
            ends_at=at + LIFE,
            number=wanted.number,
            role=wanted.role,
            made_by=actor,
            token_digest=digest(token),
        )
        .returning(Invitation)
    ).scalar_one()
    audit.write(session, actor, "invitation.made", reference(row), role=wanted.role)
    return Made(row, token)


def _find(session: Session, reach: Reach, public_id: str) -> Invitation:
    asked = scope.ours(reach, select(Invitation), Invitation.merchant_id, Invitation.outlet_id)
    number = scope.number_of("inv", public_id, InvitationUnknown)
    found: Invitation | None = session.scalar(asked.where(Invitation.invitation_id == number))
    if found is None:
        raise InvitationUnknown()
    return found


def _end(session: Session, at: datetime, *which: ColumnElement[bool]) -> None:
    session.execute(update(Invitation).where(*which, *_is_open(at)).values(withdrawn_at=at))


def _is_open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Invitation.used_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.ends_at > at)
