"""The review of access: who may do what since when, who has not been seen for long, whose sign-in may be shared.

A person signs once a month for the whole list as it is then; that list is kept, hashed, for good. Two sign-ins of one person
that were used in the same time from networks far apart (IPv4 /16, IPv6 /32) are shown: nobody is in two places.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.staff.models import AccessReview, StaffRow, StaffSignIn
from base import audit, clock
from base.approvals.approvals import ForHeadquarters
from base.auth.principals import Staff
from base.errors import Conflict, field_errors
from points.adjustments.adjustments import said_plainly

STALE_AFTER, LOOKED_BACK = timedelta(days=90), timedelta(days=31)
MOST_NOTE, BATCH = 500, 500
_SHARED = text("""
select distinct a.staff_id from staff_sign_in a join staff_sign_in b on b.staff_id = a.staff_id and b.entry_id > a.entry_id
where a.staff_id = any(:persons) and a.seen_at > :since and b.seen_at > :since
  and a.began_at <= b.seen_at and b.began_at <= a.seen_at and a.network <> b.network
  and case when a.network = '' or b.network = '' then false
      else network(set_masklen(a.network::inet, case family(a.network::inet) when 4 then 16 else 32 end))
        <> network(set_masklen(b.network::inet, case family(b.network::inet) when 4 then 16 else 32 end)) end
""")


class SignedAlready(Conflict):
    """This month's review was signed."""

    zh = "本月的权限复核已签字。"


@dataclass(frozen=True)
class Line:
    """A person in the review. `last_used`: when a sign-in of theirs was used last; `stale`: not for 90 days."""

    row: StaffRow
    last_used: datetime | None
    stale: bool
    shared: bool

    @property
    def said(self) -> dict[str, Any]:
        """What is kept of the line; no name."""
        return {
            "staff_id": self.row.staff_id,
            "roles": self.row.roles,
            "area": self.row.area,
            "since": _text(self.row.roles_at),
            "last_used": _text(self.last_used),
            "second_factor": self.row.factor_at is not None,
            "stale": self.stale,
            "shared": self.shared,
        }


def listed(
    session: Session, person: Staff, at: datetime, *, after: int = 0, limit: int, gone: bool = False
) -> list[Line]:
    """Persons within the reader's area, in the order in which they came; `gone`: those whose access ended."""
    ended = StaffRow.ended_at.is_not(None) if gone else StaffRow.ended_at.is_(None)
    asked = select(StaffRow).where(
        ended, StaffRow.staff_id > after, StaffRow.area.startswith(person.area, autoescape=True)
    )
    rows = list(session.scalars(asked.order_by(StaffRow.staff_id).limit(limit)))
    return _lines(session, rows, at)


def every(session: Session, person: Staff, at: datetime) -> Iterable[Line]:
    """All of them, in steps."""
    after = 0
    while found := listed(session, person, at, after=after, limit=BATCH):
        yield from found
        after = found[-1].row.staff_id


def sign(session: Session, person: Staff, note: str, at: datetime, zone: str) -> AccessReview:
    """Sign for this month's list as it is now; SignedAlready, ForHeadquarters."""
    if person.area:
        raise ForHeadquarters()
    if not said_plainly(note, MOST_NOTE):
        raise field_errors({"note": f"must be 1 to {MOST_NOTE} characters without control characters"})
    lines = list(every(session, person, at))
    content = json.dumps([one.said for one in lines], sort_keys=True, separators=(",", ":"))
    values = {
        "month": month_of(at, zone),
        "staff_id": person.staff_id,
        "at": at,
        "persons": len(lines),
        "stale": sum(one.stale for one in lines),
        "shared": sum(one.shared for one in lines),
        "content_hash": hashlib.sha256(content.encode()).digest(),
        "note": note,
        "content": content,
    }
    made: AccessReview | None = session.scalar(
        insert(AccessReview).values(values).on_conflict_do_nothing().returning(AccessReview)
    )
    if made is None:
        raise SignedAlready()
    audit.write(
        session, person.actor, "access.reviewed", made.month.isoformat(), content_hash=made.content_hash.hex()
    )
    return made


def signed(session: Session, *, limit: int) -> list[AccessReview]:
    """The newest reviews."""
    return list(session.scalars(select(AccessReview).order_by(AccessReview.month.desc()).limit(limit)))


def month_of(at: datetime, zone: str) -> date:
    """The month that a review signed now is of: its first day."""
    return clock.day(at, zone).replace(day=1)


def _lines(session: Session, rows: list[StaffRow], at: datetime) -> list[Line]:
    persons = [row.staff_id for row in rows]
    used = select(StaffSignIn.staff_id, func.max(StaffSignIn.seen_at)).where(
        StaffSignIn.staff_id.in_(persons)
    )
    last: dict[int, datetime] = dict(session.execute(used.group_by(StaffSignIn.staff_id)).all())
    shared = set(session.scalars(_SHARED, {"persons": persons, "since": at - LOOKED_BACK}))
    return [
        Line(row, last.get(row.staff_id), _is_stale(row, last.get(row.staff_id), at), row.staff_id in shared)
        for row in rows
    ]


def _is_stale(row: StaffRow, last: datetime | None, at: datetime) -> bool:
    newest = max((moment for moment in (last, row.roles_at) if moment is not None), default=None)
    return newest is None or newest < at - STALE_AFTER


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
