"""Hourly proofs: which hour is whose, what was found, and whether one has been missing for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.findings import Finding
from base.proving.models import VerifyRun

MISSED_AFTER = timedelta(hours=3)  # two whole hours without a proof
MOST_KEPT = 50


def begin(session: Session, at: datetime) -> datetime | None:
    """Take this hour: its beginning, for the one worker that is first; None for all others."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    taken: datetime | None = session.scalar(
        insert(VerifyRun)
        .values(hour=hour, began_at=at)
        .on_conflict_do_nothing(index_elements=["hour"])
        .returning(VerifyRun.hour)
    )
    return taken


def end(session: Session, hour: datetime, postings: int, found: Sequence[Finding], at: datetime) -> None:
    """Write down what the proof of an hour came to."""
    kept = [vars(one) for one in found[:MOST_KEPT]]
    session.execute(
        update(VerifyRun)
        .where(VerifyRun.hour == hour, VerifyRun.ended_at.is_(None))
        .values(ended_at=at, postings=postings, findings=len(found), found=kept)
    )


def latest(session: Session, before: datetime | None = None) -> VerifyRun | None:
    """The last proof that came to its end, maybe before an hour."""
    asked = select(VerifyRun).where(VerifyRun.ended_at.is_not(None)).order_by(VerifyRun.hour.desc()).limit(1)
    return session.scalar(asked if before is None else asked.where(VerifyRun.hour < before))


def is_missing(session: Session, at: datetime) -> bool:
    """Whether proofs were begun and none has ended for two whole hours."""
    asked = select(func.coalesce(func.max(VerifyRun.ended_at), func.min(VerifyRun.began_at)))
    last: datetime | None = session.scalar(asked)
    return last is not None and last < at - MISSED_AFTER


def fresh(found: Sequence[Finding], before: VerifyRun | None) -> list[Finding]:
    """What an earlier proof did not find."""
    known = {(one["rule"], one["place"]) for one in (before.found or [] if before else [])}
    return [one for one in found if (one.rule, one.place) not in known]
