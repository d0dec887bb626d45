"""Runs: from members and redemptions in the database to a stored report. A job or a command; never a web request."""

import hashlib
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics import histories, report
from admin.analytics.histories import NEVER, Histories
from admin.analytics.models import AnalysisRun
from base import clock, ids
from base.errors import Conflict
from base.version import VERSION
from points.models import Programme

SEED = 1


class NothingToCompare(Conflict):
    """This programme has no members or no redemptions yet."""

    zh = "该积分计划还没有可比较的会员或兑换。"
    next_en, next_zh = "Import members and redemptions first.", "请先导入会员和兑换记录。"


def take(session: Session, programme: Programme, at: datetime) -> AnalysisRun:
    """Analyse a programme as it stands and store the result; the same input gives the row that is there already."""
    found = of_programme(session, programme, clock.day(at, programme.zone))
    input_hash = hashlib.sha256(
        b"".join(column.tobytes() for column in (found.start, found.stop, found.event, found.exposed))
    ).digest()
    same = (
        AnalysisRun.programme_id == programme.programme_id,
        AnalysisRun.input_hash == input_hash,
        AnalysisRun.code_version == VERSION,
        AnalysisRun.seed == SEED,
    )
    if session.scalar(select(AnalysisRun.run_id).where(*same)) is None:
        run = {
            "as_of": at.isoformat(),
            "code_version": VERSION,
            "input_sha256": input_hash.hex(),
            "seed": SEED,
        }
        session.execute(
            insert(AnalysisRun)
            .values(
                run_id=ids.new_id(),
                programme_id=programme.programme_id,
                at=at,
                seed=SEED,
                code_version=VERSION,
                input_hash=input_hash,
                report=report.retention_report(found, run=run),
            )
            .on_conflict_do_nothing()
        )
    return session.scalars(select(AnalysisRun).where(*same)).one()


def latest(session: Session, programme_id: int) -> AnalysisRun | None:
    """The newest stored run of a programme."""
    return session.scalar(
        select(AnalysisRun)
        .where(AnalysisRun.programme_id == programme_id)
        .order_by(AnalysisRun.at.desc(), AnalysisRun.run_id.desc())
        .limit(1)
    )


def of_programme(session: Session, programme: Programme, on: date) -> Histories:
    """Months since joining: entry at the first month seen, exit, and the first redemption that was not undone.

    Observation lasts from the first posting of the programme to its last one (at most to the day given): who left
    before is not seen, who is there at its end is still there. A redemption dated before joining counts from joining.
    """
    first_day, last_day = _observed(session, programme)
    began, last = _month(first_day or on), _month(min(last_day or on, on))
    joined, left, redeemed, names = [], [], [], []
    for customer_id, joined_on, left_on, involuntary, first in session.connection().exec_driver_sql(
        "select m.customer_id, m.joined_on, m.left_on, m.involuntary, min(r.at at time zone %s)::date from member m "
        "left join redemption r on r.member_id = m.member_id and r.state in ('fulfilled', 'pending', 'unknown') "
        "where m.programme_id = %s group by m.member_id order by m.customer_id, m.member_id",
        (programme.zone, programme.programme_id),
    ):
        start = _month(joined_on)
        if start > last or (left_on is not None and _month(left_on) < began):
            continue
        names.append(customer_id)
        joined.append(start)
        seen_leaving = left_on is not None and _month(left_on) <= last
        left.append((NEVER if involuntary else 1, _month(left_on)) if seen_leaving else (0, last))
        redeemed.append(NEVER if first is None else max(_month(first), start))
    if not names or not any(month != NEVER for month in redeemed):
        raise NothingToCompare(programme=programme.code)
    base = np.array(joined)
    leave = np.array(left)
    ends = np.maximum(leave[:, 1] - base, 0)
    first_redeemed = np.array(redeemed)
    months = np.where(first_redeemed == NEVER, NEVER, np.minimum(first_redeemed - base, ends))
    entry = np.maximum(began - base, 0)
    return histories.from_members(entry, ends, leave[:, 0] == 1, months, ids=names)


def _observed(session: Session, programme: Programme) -> tuple[date | None, date | None]:
    """The days of the programme's first and last posting."""
    row: Any = (
        session.connection()
        .exec_driver_sql(
            "select min(p.effective_on), max(p.effective_on) from posting p join member m using (member_id) "
            "where m.programme_id = %s",
            (programme.programme_id,),
        )
        .one()
    )
    return row[0], row[1]


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
