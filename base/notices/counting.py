"""How many messages of a kind written on a day are in a state: counted again and again until nothing changes any more, and kept.

Whoever asks for the messages of a month would else count millions of them. A day that is over is counted once an hour until
SETTLED has gone by; from then on it stands. Tests of texts are left out.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database
from base.notices.models import TEST, Notice, NoticeCount

EVERY_S = 300
AGAIN_AFTER = timedelta(hours=1)
SETTLED = timedelta(days=4)
MOST_DAYS = 92
COUNTED = ""  # the row that says that a day was counted, also one without a message


def step(zone: str) -> bool:
    """For the worker: count the newest day that is to be counted; whether there may be more."""
    with database.begin() as session:
        return keep_one(session, zone, clock.now())


def keep_one(session: Session, zone: str, at: datetime) -> bool:
    """Count one day and keep it; False: none is to be counted now."""
    today = clock.day(at, zone)
    asked = select(NoticeCount.day, NoticeCount.counted_at).where(
        NoticeCount.zone == zone,
        NoticeCount.template == COUNTED,
        NoticeCount.day >= today - timedelta(days=MOST_DAYS),
    )
    known = {row.day: row.counted_at for row in session.execute(asked)}
    for day in (today - timedelta(days=n) for n in range(1, MOST_DAYS + 1)):
        before = known.get(day)
        if before is None or (at - before >= AGAIN_AFTER and before < clock.start_of(day, zone) + SETTLED):
            _keep(session, day, zone, at)
            return True
    return False


def count(
    session: Session, since: datetime, until: datetime, zone: str
) -> Sequence[tuple[date, str, str, int]]:
    """Day, kind, state, how many of those written from one moment to another."""
    day = func.date(func.timezone(zone, Notice.at))
    rows = session.execute(
        select(day, Notice.template, Notice.state, func.count())
        .where(Notice.at >= since, Notice.at < until, Notice.subject.is_distinct_from(TEST))
        .group_by(day, Notice.template, Notice.state)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def spans(first: date, last: date, known: Collection[date]) -> Iterator[tuple[date, date]]:
    """Days one after another that are not known, from the first of them to the day behind the last."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    open_ones = [day for day in days if day not in known]
    for _, together in groupby(enumerate(open_ones), lambda one: one[1] - timedelta(days=one[0])):
        some = [day for _, day in together]
        yield some[0], some[-1] + timedelta(days=1)


def kept(session: Session, first: date, last: date, zone: str) -> Sequence[tuple[date, str, str, int]]:
    """Day, kind, state, how many of the days that were counted; of each at least the row that says so, with nothing in it."""
    rows = session.execute(
        select(NoticeCount.day, NoticeCount.template, NoticeCount.state, NoticeCount.count).where(
            NoticeCount.zone == zone, NoticeCount.day >= first, NoticeCount.day <= last
        )
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _keep(session: Session, day: date, zone: str, at: datetime) -> None:
    begins, ends = clock.start_of(day, zone), clock.start_of(day + timedelta(days=1), zone)
    found = [*count(session, begins, ends, zone), (day, COUNTED, "", 0)]
    session.execute(
        update(NoticeCount).where(NoticeCount.zone == zone, NoticeCount.day == day).values(count=0)
    )
    values: list[dict[str, Any]] = [
        {"day": day, "zone": zone, "template": template, "state": state, "count": number, "counted_at": at}
        for _day, template, state, number in found
    ]
    written = insert(NoticeCount).values(values)
    session.execute(
        written.on_conflict_do_update(
            index_elements=["zone", "day", "template", "state"],
            set_={"count": written.excluded.count, "counted_at": written.excluded.counted_at},
        )
    )
