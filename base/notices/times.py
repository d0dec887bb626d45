"""When a message may go: over the night only what is urgent, and of reminders not more than a person wants to get."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from base import clock
from base.notices.models import SUPPRESSED
from base.notices.texts import REMINDERS

QUIET_FROM, QUIET_UNTIL = time(21), time(8)  # in the programme's zone
REMINDERS_A_DAY = 2
REMINDERS_A_MONTH = 6


@dataclass(frozen=True)
class Count:
    """A member's reminders of a day and of its month; those that were held back are none."""

    day: int = 0
    month: int = 0

    @property
    def reached(self) -> str | None:
        """The cap that keeps back a further one."""
        if self.day >= REMINDERS_A_DAY:
            return f"{REMINDERS_A_DAY} reminders a day"
        return f"{REMINDERS_A_MONTH} reminders a month" if self.month >= REMINDERS_A_MONTH else None

    def more(self) -> "Count":
        return Count(self.day + 1, self.month + 1)


def after_quiet(at: datetime, zone: str) -> datetime:
    """The moment itself, or the end of the quiet hours that it lies in."""
    local = at.astimezone(clock.zone(zone))
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    on = local.date() + timedelta(days=local.time() >= QUIET_FROM)
    hours = timedelta(hours=QUIET_UNTIL.hour, minutes=QUIET_UNTIL.minute)
    return clock.start_of(on, zone) + hours


def reminders(session: Session, members: Iterable[int], on: date, zone: str) -> dict[int, Count]:
    """How many reminders members get on a day and in its month. Nobody else adds any to theirs until the commit."""
    mine = sorted(set(members))
    session.execute(
        text(
            "select pg_advisory_xact_lock(hashint8extended(m, 23)) from "
            "(select m from unnest(cast(:members as bigint[])) m order by m) sorted"
        ),
        {"members": mine},
    )
    rows = session.execute(
        text(
            "select member_id, count(*) filter (where due_at >= :day and due_at < :day_end), count(*) from notice "
            "where member_id = any(:members) and template = any(:reminders) and state <> :suppressed "
            "and due_at >= :month and due_at < :month_end group by member_id"
        ),
        {
            "members": mine,
            "reminders": list(REMINDERS),
            "suppressed": SUPPRESSED,
            "day": clock.start_of(on, zone),
            "day_end": clock.start_of(on + timedelta(days=1), zone),
            "month": clock.start_of(on.replace(day=1), zone),
            "month_end": clock.start_of((on.replace(day=1) + timedelta(days=32)).replace(day=1), zone),
        },
    )
    counted = {row[0]: Count(row[1], row[2]) for row in rows}
    return {member_id: counted.get(member_id, Count()) for member_id in mine}
