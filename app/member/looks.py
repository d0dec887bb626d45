"""Who looked at a member's data, in words for the member: which kind of person, at what, and why; never a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console.words import PERSONAL, REVEAL_REASONS
from admin.staff.models import StaffRow
from app.member.frame import _
from base.models import AuditRow
from points.people.looking import FOUND, REVEALED


@dataclass(frozen=True)
class Look:
    """One look."""

    at: datetime
    who: str
    what: str
    why: str


def told_of(session: Session, rows: Sequence[AuditRow]) -> list[Look]:
    """Rows of the view log in words."""
    numbers = {int(row.actor.removeprefix("staff:")) for row in rows if row.actor.startswith("staff:")}
    asked = select(StaffRow.staff_id, StaffRow.roles).where(StaffRow.staff_id.in_(numbers))
    roles = {f"staff:{row.staff_id}": row.roles for row in session.execute(asked)}
    return [Look(row.at, _who(row, roles.get(row.actor, [])), _what(row), _why(row)) for row in rows]


def _who(row: AuditRow, roles: Sequence[str]) -> str:
    known = {
        "support": _("customer service"),
        "security": _("security"),
        "checker": _("a second person, who checks"),
        "auditor": _("auditing"),
        "editor": _("offers and marketing"),
        "finance": _("finance"),
        "analyst": _("analysis"),
    }
    if row.actor.startswith("service:"):
        return _("one of the operator's systems")
    named = [known[role] for role in roles if role in known]
    return ", ".join(named) or _("a person of the operator")


def _what(row: AuditRow) -> str:
    if row.action == REVEALED:
        fields = ", ".join(str(PERSONAL.get(name, name)) for name in row.facts.get("fields", []))
        return _("saw in clear: %(fields)s", fields=fields)
    if row.action == FOUND:
        return _("looked you up")
    return _("saw your record with hidden numbers")


def _why(row: AuditRow) -> str:
    reason = row.facts.get("reason")
    return str(REVEAL_REASONS.get(reason, reason)) if reason else ""
