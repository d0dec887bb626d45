"""Staff sign in with mail address and password; wrong tries are counted even though they are refused."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth import guesses, passwords, sign_ins
from base.auth.guesses import Limit
from base.auth.permissions import STAFF_ROLES
from base.auth.principals import Staff
from base.errors import Invalid, NotSignedIn
from points.care.care import Person
from points.members import areas

LIMIT = Limit(tries=5, window=timedelta(minutes=15))


class StaffSignInRefused(NotSignedIn):
    """Mail address or password is not right."""

    zh = "邮箱或密码不正确。"
    next_en, next_zh = "Check them and try again.", "请核对后重试。"


def add(session: Session, email: str, name: str, password: str, roles: list[str], area: str = "") -> StaffRow:
    """A person more, for the members of an area; the one with that address when there is one.

    Unknown roles are Invalid; BadArea.
    """
    if area:
        areas.checked(area)
    unknown = sorted(set(roles) - STAFF_ROLES.keys())
    if unknown:
        raise Invalid(f"unknown roles: {', '.join(unknown)}; known: {', '.join(sorted(STAFF_ROLES))}")
    found = session.scalar(select(StaffRow).where(StaffRow.email == email.lower()))
    if found is None:
        found = StaffRow(
            staff_id=ids.new_id(),
            ended_at=None,
            email=email.lower(),
            name=name,
            password_hash=passwords.hashed(password),
            roles=sorted(set(roles)),
            area=area,
        )
        session.add(found)
        session.flush()
    return found


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


def sign_in(email: str, password: str) -> str:
    """The token of a right sign-in; StaffSignInRefused, TooManyGuesses."""
    at, scope = clock.now(), f"staff:{email.lower()[:100]}"
    with database.begin() as session:
        guesses.check(session, scope, LIMIT, at)
        row = session.scalar(
            select(StaffRow).where(StaffRow.email == email.lower(), StaffRow.ended_at.is_(None))
        )
        if passwords.matches(row.password_hash if row else None, password) and row is not None:
            guesses.forget(session, scope)
            return sign_ins.begin(session, "staff", row.staff_id, at)
        guesses.wrong(session, scope, at)
    raise StaffSignInRefused()


def holder(session: Session, staff_id: int, place_id: int) -> Staff | None:
    """The principal behind a sign-in; None for a leaver."""
    row = session.get(StaffRow, staff_id)
    return principal(row) if row and row.ended_at is None else None


def principal(row: StaffRow) -> Staff:
    """The person as who acts."""
    return Staff(row.staff_id, frozenset(row.roles), row.area)
