"""What figures and reports are due, and taking them: each topic of each day once, whoever asks and however often.

Liability and premium of yesterday, the mix of the weeks that are over, reports of the last ten days and month. Every
step keeps its own row, so that whoever was cut off goes on with what is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.analytics import liability, mix, period_reports, premium, sums
from admin.analytics.models import FiguresRun
from base import clock, database, locks
from points import programmes
from points.members.models import Member
from points.models import Programme

LOCK = "figures"
EVERY_S = 1800
PREMIUM_DAYS = timedelta(days=30)
WEEKS = 13


@dataclass(frozen=True)
class Due:
    """Something to be taken: what, of which days, in words, and how."""

    topic: str
    of: str
    take: Callable[[], object]


def due(session: Session, programme: Programme, today: date) -> list[Due]:
    """What is not there yet; nothing of a time before the programme had a member."""
    first = session.scalar(
        select(func.min(Member.joined_on)).where(Member.programme_id == programme.programme_id)
    )
    yesterday = today - sums.DAY
    if first is None or first > yesterday:
        return []
    return [
        *_of_yesterday(session, programme, yesterday),
        *_weeks(session, programme, today, first),
        *_reports(session, programme, today, first),
    ]


def _of_yesterday(session: Session, programme: Programme, yesterday: date) -> Iterator[Due]:
    since = yesterday - PREMIUM_DAYS + sums.DAY
    if not _there(session, programme, sums.LIABILITY, yesterday, yesterday):
        yield Due(sums.LIABILITY, str(yesterday), partial(liability.take, programme, yesterday))
    if not _there(session, programme, sums.PREMIUM, since, yesterday):
        yield Due(sums.PREMIUM, str(yesterday), partial(premium.take, programme, since, yesterday))


def _weeks(session: Session, programme: Programme, today: date, first: date) -> Iterator[Due]:
    for back in range(WEEKS, 0, -1):
        week = mix.week_of(programme, today - back * mix.WEEK)
        if week.last >= first and not _there(session, programme, sums.MIX, week.first, week.last):
            yield Due(sums.MIX, str(week.first), partial(mix.take, programme, week.first))


def _reports(session: Session, programme: Programme, today: date, first: date) -> Iterator[Due]:
    for period in period_reports.ended_before(today):
        if period_reports.days_of(programme, period).last < first:
            continue
        if period_reports.find(session, programme.programme_id, period) is None:
            yield Due("report", period, partial(period_reports.make, programme, period))


def _there(session: Session, programme: Programme, topic: str, first: date, last: date) -> bool:
    asked = select(FiguresRun.run_id).where(
        FiguresRun.programme_id == programme.programme_id,
        FiguresRun.topic == topic,
        FiguresRun.from_day == first,
        FiguresRun.until_day == last,
    )
    return session.scalar(asked.limit(1)) is not None


def all_due() -> list[Due]:
    """Of every programme."""
    with database.begin() as session:
        return [
            one
            for programme in programmes.every(session)
            for one in due(session, programme, clock.day(clock.now(), programme.zone))
        ]


def step() -> bool:
    """Take the next one that is due, for the worker; whether there is more. Somebody else at it: nothing, not now."""
    with locks.held(LOCK) as mine:
        waiting = all_due() if mine else []
        if waiting:
            waiting[0].take()
    return len(waiting) > 1
