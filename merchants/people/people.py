"""A merchant's people: who may see, change and end whom; leaving and a change of role count at once.

An owner manages everybody; an outlet's manager the clerks of the own outlet; finance nobody.
"""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth.principals import MerchantPerson
from base.errors import Conflict, NotAllowed, NotFound, field_errors
from merchants import scope
from merchants.models import CLOSED, Merchant
from merchants.people import choosing
from merchants.people.models import Invitation
from merchants.scope import Reach
from merchants.terminals import clerks
from merchants.terminals.models import CLERK, MANAGER, OWNER, ROLES, ClerkRow


class PersonUnknown(NotFound):
    """There is no such person."""

    zh = "没有该人员。"


class RoleNotYours(NotAllowed):
    """Only an owner lets in and changes managers, finance people and owners."""

    zh = "只有店主可以邀请或变更店长、财务和店主。"
    next_en, next_zh = "Ask an owner of this merchant.", "请联系本商户的店主。"


class LastOwner(Conflict):
    """A merchant keeps at least one owner."""

    zh = "商户至少要保留一位店主。"
    next_en, next_zh = "Let in another owner first.", "请先邀请另一位店主。"


class PersonEnded(Conflict):
    """This person has left already."""

    zh = "该人员已离职。"


def holder(session: Session, clerk_id: int, place_id: int) -> MerchantPerson | None:
    """The principal behind a sign-in on the merchant's pages; None once the person left or the merchant is closed."""
    row = session.execute(
        select(ClerkRow, Merchant.state)
        .join(Merchant, Merchant.merchant_id == ClerkRow.merchant_id)
        .where(ClerkRow.clerk_id == clerk_id, ClerkRow.ended_at.is_(None), ClerkRow.role != CLERK)
    ).one_or_none()
    if row is None or row.state == CLOSED:
        return None
    person = row.ClerkRow
    outlet_id = person.outlet_id if person.role == MANAGER else None
    return MerchantPerson(clerk_id, person.merchant_id, person.role, outlet_id)


def listed(session: Session, reach: Reach, *, after: int = 0, limit: int) -> list[ClerkRow]:
    """The people in reach, those who left too, in the order in which they came."""
    asked = scope.ours(reach, select(ClerkRow), ClerkRow.merchant_id, ClerkRow.outlet_id)
    return list(
        session.scalars(asked.where(ClerkRow.clerk_id > after).order_by(ClerkRow.clerk_id).limit(limit))
    )


def find(session: Session, reach: Reach, public_id: str) -> ClerkRow:
    """A person in reach, by the public id; PersonUnknown."""
    asked = scope.ours(reach, select(ClerkRow), ClerkRow.merchant_id, ClerkRow.outlet_id)
    clerk_id = scope.number_of("clk", public_id, PersonUnknown)
    found: ClerkRow | None = session.scalar(
        asked.where(ClerkRow.clerk_id == clerk_id), execution_options={"populate_existing": True}
    )
    if found is None:
        raise PersonUnknown()
    return found


def end(session: Session, reach: Reach, person: ClerkRow, at: datetime) -> None:
    """A person leaves, at once and everywhere; RoleNotYours, LastOwner. A second time changes nothing."""
    check_over(reach, person.role)
    if person.ended_at is not None:
        return
    _keep_an_owner(session, person)
    clerks.end(session, person, at)
    _withdraw(session, person, at)
    audit.write(session, reach.actor, "person.ended", public_id(person), role=person.role)


def change(
    session: Session, reach: Reach, person: ClerkRow, role: str, outlet_id: int | None, at: datetime
) -> bool:
    """Another role or outlet from now on, signed out everywhere; whether PIN or password must be chosen anew.

    RoleNotYours, LastOwner, PersonEnded, Invalid (a clerk or manager without an outlet).
    """
    check_over(reach, person.role)
    check_over(reach, role)
    if person.ended_at is not None:
        raise PersonEnded()
    check_place(role, outlet_id)
    if role != OWNER:
        _keep_an_owner(session, person)
    anew = choosing.takes_password(role) != choosing.takes_password(person.role)
    before, person.role, person.outlet_id = person.role, role, outlet_id
    if anew:
        person.pin_hash = ""
    clerks.sign_out(session, person, at)
    _withdraw(session, person, at)
    audit.write(session, reach.actor, "person.changed", public_id(person), before=before, role=role)
    return anew


def check_over(reach: Reach, role: str) -> None:
    """RoleNotYours, unless somebody of this reach manages people of a role."""
    if reach.role != OWNER and role != CLERK:
        raise RoleNotYours()


def check_place(role: str, outlet_id: int | None) -> None:
    """Invalid, unless a clerk or manager has an outlet."""
    if role not in ROLES:
        raise field_errors({"role": f"one of {', '.join(ROLES)}"})
    if role in (CLERK, MANAGER) and outlet_id is None:
        raise field_errors({"outlet": "a clerk or manager belongs to an outlet"})


def public_id(person: ClerkRow) -> str:
    return ids.public("clk", person.clerk_id)


def _withdraw(session: Session, person: ClerkRow, at: datetime) -> None:
    """What was open for the person in the role before, and what the person let others in with, opens nothing any more."""
    session.execute(
        update(Invitation)
        .where(
            Invitation.merchant_id == person.merchant_id,
            or_(Invitation.clerk_id == person.clerk_id, Invitation.made_by == f"clerk:{person.clerk_id}"),
            Invitation.used_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=at)
    )


def _keep_an_owner(session: Session, person: ClerkRow) -> None:
    if person.role != OWNER:
        return
    session.get_one(Merchant, person.merchant_id, with_for_update=True)  # of two who leave at once, one waits
    others = session.scalar(
        select(ClerkRow.clerk_id)
        .where(
            ClerkRow.merchant_id == person.merchant_id,
            ClerkRow.role == OWNER,
            ClerkRow.ended_at.is_(None),
            ClerkRow.pin_hash != "",
            ClerkRow.clerk_id != person.clerk_id,
        )
        .limit(1)
    )
    if others is None:
        raise LastOwner()
