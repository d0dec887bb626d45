"""Staff of the operator: who there is, and who stands behind a sign-in."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff.models import NO_PASSWORD, StaffRow
from base import clock, ids
from base.auth import passwords, roles
from base.auth.principals import Staff
from points.care.care import Person
from points.members import areas


def add(
    session: Session, email: str, name: str, password: str | None, wanted: list[str], area: str = ""
) -> StaffRow:
    """A person more, for the members of an area; the one with that address when there is one.

    Without a password the person signs in elsewhere, or sets one by a link. BadArea, UnknownRoles, RolesInConflict,
    RoleNotGivenThere.
    """
    held = checked(wanted, area)
    found = session.scalar(select(StaffRow).where(StaffRow.email == email.lower()))
    if found is None:
        found = StaffRow(
            staff_id=ids.new_id(),
            ended_at=None,
            email=email.lower(),
            name=name,
            password_hash=passwords.hashed(password) if password is not None else NO_PASSWORD,
            roles=held,
            area=area,
            roles_at=clock.now(),
            password_at=clock.now() if password is not None else None,
        )
        session.add(found)
        session.flush()
    return found


def checked(wanted: list[str], area: str) -> list[str]:
    """The roles in order, as somebody in this area may hold them; BadArea and what `roles.checked` says."""
    if area:
        areas.checked(area)
    return roles.checked(wanted, area)


def is_there(session: Session, email: str) -> bool:
    """Whether somebody has this mail address."""
    return session.scalar(select(StaffRow.staff_id).where(StaffRow.email == email.lower())) is not None


def person(session: Session, text: str) -> Person | None:
    """Somebody of the staff by mail address, or by "staff:NUMBER", which leavers have as well."""
    kind, _, number = text.partition(":")
    if kind == "staff" and number.isascii() and number.isdigit() and len(number) < 19:
        row = session.get(StaffRow, int(number))
    else:
        row = session.scalar(
            select(StaffRow).where(StaffRow.email == text.lower(), StaffRow.ended_at.is_(None))
        )
    return Person(row.staff_id, row.name) if row else None


def holder(session: Session, staff_id: int, place_id: int) -> Staff | None:
    """The principal behind a sign-in; None for a leaver."""
    row = session.get(StaffRow, staff_id)
    return principal(row) if row and row.ended_at is None else None


def principal(row: StaffRow) -> Staff:
    """The person as who acts."""
    return Staff(row.staff_id, frozenset(row.roles), row.area)
