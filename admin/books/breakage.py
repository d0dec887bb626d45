"""Expected breakage by earn cohort (IFRS 15, B44-B47): estimates that are kept, journalled on top of what really lapses.

An estimate is what the liability of a day (admin/analytics/liability.py) expects to lapse, at the general rate of that day. What
changed since the estimate before is recognised. Where a policy or an extension is another one than then, two are written: as if
nothing had changed, and as it is; the difference is the restatement, and the rows before stay as they are.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.analytics import liability, sums
from admin.analytics.models import FiguresRun
from admin.books.models import POLICY, TIME, BreakageEstimate, BreakageRun
from base import clock, database, locks
from base.errors import Conflict
from points import programmes
from points.models import Programme

LOCK = "books.breakage"
_OF = {"policies": "policy", "extensions": "extension"}


class EstimateBefore(Conflict):
    """There is an estimate of a later day already."""

    zh = "已有更晚日期的估计。"
    next_en, next_zh = "Choose a later day; estimates are never changed.", "请选择更晚的日期；估计不可修改。"


def take(programme: Programme, on: date) -> BreakageRun:
    """The estimate as of the end of a day, from its figures; twice the same one. DayNotOver, EstimateBefore."""
    figures = liability.take(programme, on)
    with database.begin() as session:
        name = f"{LOCK}:{programme.programme_id}"
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        before = latest(session, programme.programme_id)
        if before is not None and before.figures_run_id == figures.run_id:
            return before
        if before is not None and before.on_day > on:
            raise EstimateBefore(on=str(before.on_day))
        changed = _changes(session, before, figures)
        number = before.estimate_no + 1 if before else 1
        if before is None or not changed:
            return _write(session, number, figures, TIME, [], figures.facts["whole"]["cohorts"])
        then = session.get_one(FiguresRun, before.figures_run_id)
        by_key = sums.within(session, figures.run_id, "")
        as_then = liability.evaluated(by_key, figures.facts | {"extensions": then.facts["extensions"]}, on)
        _write(session, number, figures, TIME, [], as_then["cohorts"])
        return _write(session, number + 1, figures, POLICY, changed, figures.facts["whole"]["cohorts"])


def latest(session: Session, programme_id: int) -> BreakageRun | None:
    """The estimate that counts."""
    asked = select(BreakageRun).where(BreakageRun.programme_id == programme_id)
    return session.scalar(asked.order_by(BreakageRun.estimate_no.desc()).limit(1))


def listed(session: Session, programme_id: int, limit: int = 24) -> list[BreakageRun]:
    """Estimates, the newest first."""
    asked = select(BreakageRun).where(BreakageRun.programme_id == programme_id)
    return list(session.scalars(asked.order_by(BreakageRun.estimate_no.desc()).limit(limit)))


def cohorts(session: Session, run: BreakageRun) -> list[BreakageEstimate]:
    """The rows of an estimate, by month and class."""
    return list(
        session.scalars(
            select(BreakageEstimate)
            .where(
                BreakageEstimate.programme_id == run.programme_id,
                BreakageEstimate.estimate_no == run.estimate_no,
            )
            .order_by(BreakageEstimate.issued, BreakageEstimate.lot_class)
        )
    )


def nightly() -> bool:
    """For the worker: each programme's estimate as of the end of the last month, once its figures are there; never more at once."""
    with locks.held(LOCK) as mine:
        if mine:
            with database.begin() as session:
                due = [one for one in programmes.every(session) if _is_due(session, one)]
            for programme in due:
                take(programme, _month_end(programme))
    return False


def _is_due(session: Session, programme: Programme) -> bool:
    before = latest(session, programme.programme_id)
    figures = sums.latest(session, programme.programme_id, sums.LIABILITY)
    end = _month_end(programme)
    return figures is not None and figures.until_day >= end and (before is None or before.on_day < end)


def _month_end(programme: Programme) -> date:
    return clock.day(clock.now(), programme.zone).replace(day=1) - timedelta(days=1)


def _changes(session: Session, before: BreakageRun | None, figures: FiguresRun) -> list[dict[str, Any]]:
    """Policies and extensions that count now and did not at the estimate before, or the other way round."""
    if before is None:
        return []
    then = session.get_one(FiguresRun, before.figures_run_id).facts
    found = []
    for name, what in _OF.items():
        found += [{"what": what, "gone": False} | one for one in figures.facts[name] if one not in then[name]]
        found += [{"what": what, "gone": True} | one for one in then[name] if one not in figures.facts[name]]
    return found


def _write(
    session: Session,
    number: int,
    figures: FiguresRun,
    cause: str,
    changes: list[dict[str, Any]],
    rows: Iterable[dict[str, Any]],
) -> BreakageRun:
    place = {"programme_id": figures.programme_id, "estimate_no": number}
    run = BreakageRun(
        **place, on_day=figures.until_day, taken_at=clock.now(), cause=cause, figures_run_id=figures.run_id, changes=changes
    )  # fmt: skip
    session.add(run)
    session.add_all(
        BreakageEstimate(
            **place,
            issued=row["issued"],
            lot_class=row["class"],
            points=row["points"],
            expected_points=row["expected_to_lapse"],
            value_fen=row["upper_fen"],
            breakage_fen=row["upper_fen"] - row["upper_liability_fen"],
        )
        for row in rows
    )
    session.flush()
    return run
