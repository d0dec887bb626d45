"""Extensions by two persons: what may be proposed, and what an approval announces.

A proposal is checked when it is made and again, by points/extensions.py, when it is approved: another extension may have
come in between. The row names the approval; its days count from the moment of the approval on.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from points import extensions, lots, programmes
from points.adjustments.adjustments import MOST_TEXT, said_plainly
from points.extensions import BadExtension
from points.lots import Extension
from points.models import ExtensionRow, Programme

KIND = "extension"
READS, PROPOSES, APPROVES = "proposals:read", "extensions:propose", "extensions:approve"
NO_MEMBER = 0


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: points of a class lapsing from a day to a day last until `last_day`; without both, those
    that do not lapse get that day as their first end.
    """

    programme: str
    lot_class: int
    from_day: date | None
    until_day: date | None
    last_day: date
    reason: str


def checked(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> Extension:
    """The extension as it would count if it was announced now; BadExtension, ShorterLife."""
    from_day, until_day = _days(wanted)
    return extensions.proposed(session, programme, wanted.lot_class, from_day, until_day, wanted.last_day, at)


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose an extension. BadExtension, ShorterLife, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.by_code(session, wanted.programme)
    checked(session, programmes.open_one(session, programme.programme_id), wanted, at)
    if not said_plainly(wanted.reason.strip(), MOST_TEXT):
        raise BadExtension(field="reason")
    return approvals.propose(session, person, KIND, _content(wanted), member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Announce what was approved, at the present moment; BadExtension, ShorterLife, ProgrammeClosed."""
    wanted = wanted_of(proposal)
    programme = programmes.by_code(session, wanted.programme)
    from_day, until_day = _days(wanted)
    extensions.announce(
        session,
        programmes.open_one(session, programme.programme_id),
        wanted.lot_class,
        from_day,
        until_day,
        wanted.last_day,
        reason=wanted.reason,
        by=maker_of(proposal),
        approval=approvals.reference(proposal.proposal_id),
        at=clock.now(),
    )


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said = proposal.said
    return Wanted(
        programme=said["programme"],
        lot_class=said["class"],
        from_day=_day(said["from"]),
        until_day=_day(said["until"]),
        last_day=date.fromisoformat(said["last_day"]),
        reason=said["reason"],
    )


def maker_of(proposal: Proposal) -> str:
    """Who announces what was approved: who proposed it."""
    return f"staff:{proposal.maker_id}"


def said_by(row: ExtensionRow, programme: Programme) -> Wanted:
    """What a row of the table announces, in the words of a proposal."""
    without_end = row.from_day == lots.NO_END
    return Wanted(
        programme=programme.code,
        lot_class=row.lot_class,
        from_day=None if without_end else row.from_day,
        until_day=None if without_end else row.until_day,
        last_day=row.last_day,
        reason=row.reason,
    )


def announced(session: Session, proposal: Proposal) -> ExtensionRow | None:
    """The row that an approval made."""
    named = approvals.reference(proposal.proposal_id)
    return session.scalar(select(ExtensionRow).where(ExtensionRow.approval == named))


def _days(wanted: Wanted) -> tuple[date, date]:
    if wanted.from_day is None and wanted.until_day is None:
        return lots.NO_END, lots.NO_END
    if wanted.from_day is None or wanted.until_day is None:
        raise BadExtension(field="from" if wanted.from_day is None else "until")
    if wanted.from_day >= lots.NO_END:
        raise BadExtension(field="from")
    return wanted.from_day, wanted.until_day


def _content(wanted: Wanted) -> dict[str, Any]:
    return {
        "programme": wanted.programme,
        "class": wanted.lot_class,
        "from": wanted.from_day and wanted.from_day.isoformat(),
        "until": wanted.until_day and wanted.until_day.isoformat(),
        "last_day": wanted.last_day.isoformat(),
        "reason": wanted.reason.strip(),
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
