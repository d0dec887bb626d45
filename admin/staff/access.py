"""Who may do what: given, changed and set up anew by two persons; taken away at once by one.

Nobody takes part in a decision about the own access. A change of roles or area signs the person out everywhere.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.staff import entries, own_access, second_factor, staff
from admin.staff.models import NO_PASSWORD, StaffRow
from base import audit
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid, NotAllowed, NotFound, field_errors
from points.adjustments.adjustments import said_plainly

KIND = "staff-access"
READS, PROPOSES, APPROVES = "staff:read", "staff:propose", "staff:approve"
MOST_NAME, MOST_MAIL, MOST_REASON = 60, 120, 200
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+", re.ASCII)


class PersonUnknown(NotFound):
    """There is no such person on the staff."""

    zh = "没有该员工。"


class PersonThere(Conflict):
    """There is a person with that mail address already."""

    zh = "该邮箱对应的员工已存在。"


class OwnAccess(NotAllowed):
    """Nobody takes part in a decision about the own access."""

    zh = "不能参与决定本人的权限。"
    next_en, next_zh = "Ask two other persons.", "请由另外两人处理。"


class BadAccess(Invalid):
    """This cannot be somebody's access."""

    zh = "权限申请的内容不正确。"


class AccessElsewhere(Conflict):
    """This person's access was changed since this was proposed."""

    zh = "提出申请后，该员工的权限已被更改。"
    next_en, next_zh = "Propose it again.", "请重新提出申请。"


class NoLinkNeeded(Conflict):
    """This person has a password; a link is only for whoever has none."""

    zh = "该员工已有密码，无需链接。"
    next_en, next_zh = "Propose that the sign-in is set up anew.", "如需重设，请提出重新设置登录的申请。"


class PersonEnded(Conflict):
    """This person's access has ended."""

    zh = "该员工的权限已停用。"


@dataclass(frozen=True)
class Wanted:
    """What a person is to have: roles in an area ("": everywhere), maybe who this is at the issuer of single sign-on.

    `sets_up_anew`: password and second factor are forgotten, so that the person sets up both again.
    """

    email: str
    name: str
    roles: tuple[str, ...]
    area: str
    reason: str
    subject: str = ""
    sets_up_anew: bool = False


def propose(
    session: Session, person: Principal, wanted: Wanted, at: datetime, *, of: StaffRow | None = None
) -> Case:
    """Propose access for somebody new, or (`of`) another one for who is there.

    OwnAccess, PersonThere, BadAccess, BadArea, UnknownRoles, RolesInConflict, RoleNotGivenThere.
    """
    if of is not None and isinstance(person, Staff) and person.staff_id == of.staff_id:
        raise OwnAccess()
    if of is None and staff.is_there(session, wanted.email):
        raise PersonThere()
    _check(wanted)
    content = {
        "staff_id": of.staff_id if of else None,
        "email": wanted.email.lower(),
        "name": wanted.name,
        "roles": staff.checked(list(wanted.roles), wanted.area),
        "area": wanted.area,
        "subject": wanted.subject,
        "sets_up_anew": wanted.sets_up_anew,
        "reason": wanted.reason,
        "before": _as_it_is(of),
    }
    return approvals.propose(session, person, KIND, content, member_id=approvals.NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Let the person have what was approved; OwnAccess, PersonThere, AccessElsewhere and what `propose` refuses."""
    said = proposal.said
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    checker_id = session.scalar(asked)
    if checker_id == said["staff_id"]:
        raise OwnAccess()
    held = staff.checked(said["roles"], said["area"])
    row = _new(session, said) if said["staff_id"] is None else _there(session, said)
    row.roles, row.area, row.subject, row.name = held, said["area"], said["subject"] or None, said["name"]
    row.roles_at, row.ended_at = at, None
    if said["sets_up_anew"]:
        row.password_hash, row.password_at = NO_PASSWORD, None
        second_factor.forget(session, row, at)
    entries.end_all(session, row.staff_id, at)
    reference = approvals.reference(proposal.proposal_id)
    audit.write(
        session, f"staff:{checker_id}", "staff.access", f"staff:{row.staff_id}",
        roles=held, area=row.area, before=said["before"], approval=reference,
    )  # fmt: skip


def end(session: Session, person: Staff, row: StaffRow, reason: str, at: datetime) -> None:
    """Take all access away at once; giving it back takes two. OwnAccess, PersonEnded."""
    if person.staff_id == row.staff_id:
        raise OwnAccess()
    if row.ended_at is not None:
        raise PersonEnded()
    if not said_plainly(reason, MOST_REASON):
        raise field_errors({"reason": f"must be 1 to {MOST_REASON} characters without control characters"})
    row.ended_at = at
    entries.end_all(session, row.staff_id, at)
    audit.write(session, person.actor, "staff.ended", f"staff:{row.staff_id}", reason=reason)


def make_link(session: Session, person: Staff, row: StaffRow, at: datetime) -> str:
    """A link for who has no password yet, to set one; OwnAccess, NoLinkNeeded, PersonEnded."""
    if person.staff_id == row.staff_id:
        raise OwnAccess()
    if row.ended_at is not None:
        raise PersonEnded()
    if row.password_hash != NO_PASSWORD:
        raise NoLinkNeeded()
    return own_access.make_link(session, row, person.actor, at)


def find(session: Session, staff_id: int) -> StaffRow:
    """Somebody of the staff, leavers too; PersonUnknown."""
    row = session.get(StaffRow, staff_id, with_for_update=True)
    if row is None:
        raise PersonUnknown()
    return row


def _new(session: Session, said: dict[str, Any]) -> StaffRow:
    if staff.is_there(session, said["email"]):
        raise PersonThere()
    return staff.add(session, said["email"], said["name"], None, said["roles"], said["area"])


def _there(session: Session, said: dict[str, Any]) -> StaffRow:
    row = find(session, said["staff_id"])
    if _as_it_is(row) != said["before"]:
        raise AccessElsewhere()
    return row


def _as_it_is(row: StaffRow | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {
        "roles": row.roles,
        "area": row.area,
        "subject": row.subject or "",
        "ended": row.ended_at is not None,
    }


def _check(wanted: Wanted) -> None:
    wrong: dict[str, str] = {}
    if not (_MAIL.fullmatch(wanted.email) and len(wanted.email) <= MOST_MAIL):
        wrong["email"] = f"must be a mail address of at most {MOST_MAIL} characters"
    if not said_plainly(wanted.name, MOST_NAME):
        wrong["name"] = f"must be 1 to {MOST_NAME} characters without control characters"
    if not wanted.roles:
        wrong["roles"] = "at least one"
    if not said_plainly(wanted.reason, MOST_REASON):
        wrong["reason"] = f"must be 1 to {MOST_REASON} characters without control characters"
    if wanted.subject and not said_plainly(wanted.subject, 200):
        wrong["subject"] = "at most 200 characters without control characters"
    if wrong:
        problem = field_errors(wrong)
        raise BadAccess(problem.detail, **problem.facts)
