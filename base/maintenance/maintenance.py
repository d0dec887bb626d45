"""Planned work: announcing it, ending it, and what everybody is told of it.

Every process looks at the table at most every few seconds; a database that cannot be asked changes nothing of what the
process knew.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import audit, clock, database, ids
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, NotFound, Unavailable, field_errors
from base.maintenance.models import Maintenance

READS, MANAGES = "console", "maintenance:manage"
AHEAD = timedelta(hours=72)
LONGEST = timedelta(hours=24)
LONGEST_TEXT = 300
LOOKED_EVERY_S = 3.0
LANGUAGES = ("zh-CN", "en")


class ReadOnly(Unavailable):
    """Planned work is under way; for its time nothing can be changed. Nothing of yours was."""

    zh = "系统正在进行计划内维护，期间只能查询；您的积分没有任何变动。"
    next_en, next_zh = "Try again when the work is over.", "请在维护结束后重试。"
    clerk_en, clerk_zh = (
        "The system is being maintained. Please keep the voucher; it stays valid.",
        "系统维护中，请保留券码，券仍然有效。",
    )
    then = "wait"


class MaintenanceUnknown(NotFound):
    """There is no such planned work."""

    zh = "没有该维护公告。"


class MaintenanceOver(Conflict):
    """This work is over already, or was ended before."""

    zh = "该维护已结束。"


class WorkOutOfBounds(Invalid):
    """Planned work begins in the future, ends after it begins, and lasts a day at most."""

    zh = "维护须在将来开始，结束晚于开始，最长 24 小时。"


@dataclass(frozen=True)
class Shown:
    """Planned work as people are told: its moments, its words, whether nothing can be written meanwhile."""

    maintenance_id: int
    from_at: datetime
    until_at: datetime
    texts: dict[str, str]
    read_only: bool

    def is_on(self, at: datetime) -> bool:
        return self.from_at <= at < self.until_at


def announce(
    session: Session,
    by: Principal,
    from_at: datetime,
    until_at: datetime,
    texts: dict[str, str],
    *,
    read_only: bool,
    at: datetime,
) -> Maintenance:
    """Tell everybody of planned work. WorkOutOfBounds; Invalid without words in both languages."""
    if not at <= from_at < until_at <= from_at + LONGEST:
        raise WorkOutOfBounds()
    said = {language: texts.get(language, "").strip() for language in LANGUAGES}
    wrong = {
        f"text_{language.partition('-')[0]}": "needs words, 300 characters at most"
        for language, text in said.items()
        if not text or len(text) > LONGEST_TEXT or not text.isprintable()
    }
    if wrong:
        raise field_errors(wrong)
    made = Maintenance(
        maintenance_id=ids.new_id(),
        from_at=from_at,
        until_at=until_at,
        announced_at=at,
        ended_at=None,
        read_only=read_only,
        announced_by=by.actor,
        ended_by=None,
        texts=said,
    )
    session.add(made)
    audit.write(
        session, by.actor, "maintenance.announced", reference(made),
        from_at=from_at.isoformat(), until_at=until_at.isoformat(), read_only=read_only,
    )  # fmt: skip
    return made


def end(session: Session, by: Principal, maintenance: str, at: datetime) -> None:
    """The work is over, or does not take place. MaintenanceUnknown, MaintenanceOver."""
    (number,) = ids.parse("mnt", maintenance, parts=1, unknown=MaintenanceUnknown)
    if session.get(Maintenance, number) is None:
        raise MaintenanceUnknown()
    ended = session.scalar(
        update(Maintenance)
        .where(
            Maintenance.maintenance_id == number, Maintenance.ended_at.is_(None), Maintenance.until_at > at
        )
        .values(ended_at=at, ended_by=by.actor)
        .returning(Maintenance.maintenance_id)
    )
    if ended is None:
        raise MaintenanceOver()
    audit.write(session, by.actor, "maintenance.ended", maintenance)


def listed(session: Session, *, before: int | None = None, limit: int) -> Sequence[Maintenance]:
    """All planned work, announced last first."""
    asked = select(Maintenance).order_by(Maintenance.maintenance_id.desc()).limit(limit)
    return session.scalars(
        asked.where(Maintenance.maintenance_id < before) if before is not None else asked
    ).all()


def reference(row: Maintenance | Shown) -> str:
    """The public id."""
    return ids.public("mnt", row.maintenance_id)


def shown(at: datetime) -> list[Shown]:
    """What people are told now: what is on, and what begins within AHEAD; the earliest first."""
    return [one for one in _known(at) if one.from_at - AHEAD <= at < one.until_at]


def read_only(at: datetime) -> Shown | None:
    """The work for which nothing can be written now; None: all can."""
    return next((one for one in _known(at) if one.read_only and one.is_on(at)), None)


def forget() -> None:
    """Look again at the next question: this process announced or ended something, or has another database."""
    global _looked_at
    _looked_at = float("-inf")


_rows: list[Shown] = []
_looked_at = float("-inf")


def _known(at: datetime) -> list[Shown]:
    global _rows, _looked_at
    if time.monotonic() - _looked_at >= LOOKED_EVERY_S:
        _looked_at = time.monotonic()
        try:
            with database.begin() as session:
                _rows = _read(session, at)
        except Unavailable:
            pass
    return _rows


def _read(session: Session, at: datetime) -> list[Shown]:
    asked = (
        select(Maintenance)
        .where(Maintenance.ended_at.is_(None), Maintenance.until_at > at)
        .order_by(Maintenance.from_at)
        .limit(20)
    )
    return [
        Shown(row.maintenance_id, row.from_at, row.until_at, row.texts, row.read_only)
        for row in session.scalars(asked)
    ]


def worker_rests() -> bool:
    """Whether the background work waits: nothing is written while it is read-only."""
    return read_only(clock.now()) is not None
