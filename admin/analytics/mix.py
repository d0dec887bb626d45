"""What points are redeemed for, week by week, beside the mix that is aimed at; staff are told when it drifts.

Shares are of points, of redemptions and of what they cost, by heap; what cannot be told apart stays a slice of its own
and is never shared out. A week runs from Monday to Sunday in the programme's zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.analytics import costs, mix_targets, sums
from admin.analytics.models import FiguresRun, MixAlert, MixTarget
from admin.analytics.sums import MIX, Days, Progress, Sums
from base import audit, clock, database, ids
from base.money import BASIS_POINTS
from catalog.offers import heaps
from catalog.rates.models import Rate
from points import programmes
from points.models import Programme

SYSTEM = "system"
WEEK = timedelta(days=7)
Block = dict[str, Any]


def take(programme: Programme, week: date, progress: Progress = lambda n: None) -> FiguresRun:
    """Take the mix of the week of a day and keep it; where it drifted staff are told, once a week and heap. DayNotOver."""
    days = week_of(programme, week).check_over()
    with sums.snapshot() as session:
        rows: dict[tuple[str, str], Sums] = {}
        for part in sums.parts(session, programme.programme_id):
            found = database.driver(session).execute(_SUMS, costs.asked(days, part))
            rows = sums.merged(rows, sums.gathered(found))
            progress(1)
    with database.begin() as session:
        run = sums.keep(session, days, MIX, {}, rows)
        alert(session, run)
        return run


_SUMS = f"""
select f.area, r.kind || '/' || coalesce(r.rate_id::text, ''), count(*), sum(r.price_points)::bigint,
  sum(r.value_fen)::bigint, sum(cost.cost_fen)::bigint {costs.STANDING} group by 1, 2
"""


def week_of(programme: Programme, day: date) -> Days:
    """The week, Monday to Sunday, in which a day lies."""
    monday = day - timedelta(days=day.weekday())
    return Days(programme, monday, monday + WEEK - sums.DAY)


@dataclass(frozen=True, slots=True)
class Slice:
    """A heap of a week: how much went there, its shares (basis points, rounded down), the target of the points' share and
    how far it lies from it; None: no target.
    """

    heap: str
    count: int
    points: int
    cost_fen: int
    points_bp: int
    count_bp: int
    cost_bp: int
    target_bp: int | None
    drift_bp: int | None


def slices(by_key: Mapping[str, Sums], shares: Mapping[str, int] | None) -> list[Slice]:
    """Every heap, what is unattributed last. Pure: the parts add up to the whole, nothing is shared out or rescaled."""
    found = dict.fromkeys(heaps.HEAPS, sums.NOTHING)
    for key, numbers in by_key.items():
        heap = heaps.OF_KIND.get(key.split("/")[0], heaps.UNATTRIBUTED)
        found[heap] = found[heap].plus(numbers)
    whole = sums.NOTHING
    for numbers in found.values():
        whole = whole.plus(numbers)
    return [_slice(heap, numbers, whole, (shares or {}).get(heap)) for heap, numbers in found.items()]


def _slice(heap: str, own: Sums, whole: Sums, target: int | None) -> Slice:
    share = _share(own.points, whole.points)
    drift = share - target if target is not None and whole.points else None
    return Slice(
        heap, own.count, own.points, own.cost_fen, share, _share(own.count, whole.count),
        _share(own.cost_fen, whole.cost_fen), target, drift,
    )  # fmt: skip


def alert(session: Session, run: FiguresRun) -> list[MixAlert]:
    """Tell staff of each heap whose share of the points lies further from the target than agreed; what was told before
    is not told again.
    """
    target = mix_targets.in_force(session, run.programme_id, run.until_day)
    if target is None:
        return []
    found = slices(sums.within(session, run.run_id, ""), target.shares)
    code, told = programmes.by_id(session, run.programme_id).code, []
    for one in found:
        if one.drift_bp is None or one.target_bp is None or abs(one.drift_bp) <= target.alert_bp:
            continue
        values = {
            "programme_id": run.programme_id, "week_from": run.from_day, "heap": one.heap, "at": clock.now(),
            "run_id": run.run_id, "share_bp": one.points_bp, "target_bp": one.target_bp,
        }  # fmt: skip
        made = session.scalar(insert(MixAlert).values(values).on_conflict_do_nothing().returning(MixAlert))
        if made is not None:
            facts = {"heap": one.heap, "share_bp": one.points_bp, "target_bp": one.target_bp}
            audit.write(session, SYSTEM, "mix.alert", f"{code} {run.from_day}", **facts)
            told.append(made)
    return told


def alerts(session: Session, programme_id: int, since: date) -> list[MixAlert]:
    """What staff were told since a week began, newest first."""
    asked = select(MixAlert).where(MixAlert.programme_id == programme_id, MixAlert.week_from >= since)
    return list(session.scalars(asked.order_by(MixAlert.week_from.desc(), MixAlert.heap)))


def last_week(session: Session, programme: Programme, at: datetime) -> list[MixAlert]:
    """Of the last whole week, the heaps whose share lay too far from the target: for the overview."""
    week = week_of(programme, clock.day(at, programme.zone) - WEEK)
    return [one for one in alerts(session, programme.programme_id, week.first) if one.week_from == week.first]


def weeks(
    session: Session, programme: Programme, area: str, *, before: date | None = None, limit: int = 13
) -> list[Block]:
    """The newest weeks that were taken, newest first, as rows ready to be shown; of an area its own members alone."""
    runs = _runs(session, programme.programme_id, before, limit)
    rates = session.scalars(select(Rate).where(Rate.programme_id == programme.programme_id)).all()
    told = alerts(session, programme.programme_id, runs[-1].from_day) if runs else []
    return [_week(session, programme, area, run, rates, told) for run in runs]


def _runs(session: Session, programme_id: int, before: date | None, limit: int) -> Sequence[FiguresRun]:
    newest = (
        select(func.max(FiguresRun.run_id))
        .where(FiguresRun.programme_id == programme_id, FiguresRun.topic == MIX)
        .group_by(FiguresRun.from_day)
    )
    asked = select(FiguresRun).where(FiguresRun.run_id.in_(newest))
    if before is not None:
        asked = asked.where(FiguresRun.from_day < before)
    return session.scalars(asked.order_by(FiguresRun.from_day.desc()).limit(limit)).all()


def _week(
    session: Session,
    programme: Programme,
    area: str,
    run: FiguresRun,
    rates: Sequence[Rate],
    told: Iterable[MixAlert],
) -> Block:
    by_key = sums.within(session, run.run_id, area)
    target = mix_targets.in_force(session, programme.programme_id, run.until_day)
    mine = [one for one in told if one.week_from == run.from_day]
    return {
        "from_day": run.from_day,
        "until_day": run.until_day,
        "as_of": run.at,
        "heaps": [vars_of(one) for one in slices(by_key, target.shares if target else None)],
        "kinds": _kinds(by_key),
        "target": _target(target),
        "rates": _rates(by_key, rates, run),
        "rate_changes": [
            _rate(one) for one in rates if run.from_day <= one.from_day <= run.until_day and _begins(one)
        ],
        "alerts": [
            {"heap": one.heap, "share_bp": one.share_bp, "target_bp": one.target_bp, "at": one.at}
            for one in mine
        ],
    }


def vars_of(one: Slice) -> Block:
    """The slice as a row."""
    return {name: getattr(one, name) for name in Slice.__slots__}


def _kinds(by_key: Mapping[str, Sums]) -> list[Block]:
    found: dict[str, Sums] = {}
    for key, numbers in by_key.items():
        kind = key.split("/")[0]
        found[kind] = found.get(kind, sums.NOTHING).plus(numbers)
    return [{"kind": kind} | numbers._asdict() for kind, numbers in sorted(found.items())]


def _rates(by_key: Mapping[str, Sums], rates: Sequence[Rate], run: FiguresRun) -> list[Block]:
    """Redemptions by the version of the rate that priced them; None: none did (a tier's allowance, or before this system)."""
    known, found = {str(one.rate_id): one for one in rates}, dict[str, Sums]()
    for key, numbers in by_key.items():
        rate_id = key.split("/")[1]
        found[rate_id] = found.get(rate_id, sums.NOTHING).plus(numbers)
    rows = []
    for rate_id, numbers in sorted(found.items()):
        rate = known.get(rate_id)
        said = _rate(rate) if rate else {"rate": None}
        begins = rate is not None and run.from_day <= rate.from_day <= run.until_day
        rows.append(said | {"count": numbers.count, "points": numbers.points, "began_this_week": begins})
    return rows


def _rate(rate: Rate) -> Block:
    names = ("kind", "tier", "area", "points", "per_fen", "from_day", "until_day")
    said = {f"rate_{name}" if name == "points" else name: getattr(rate, name) for name in names}
    offer = ids.public("off", rate.offer_id) if rate.offer_id else None
    return {"rate": ids.public("rat", rate.rate_id), "offer": offer} | said


def _begins(rate: Rate) -> bool:
    """Whether it ever held; one that was taken back ends before its first day."""
    return rate.until_day is None or rate.until_day >= rate.from_day


def _target(target: MixTarget | None) -> Block | None:
    if target is None:
        return None
    return {
        "from_day": target.from_day,
        "shares": target.shares,
        "alert_bp": target.alert_bp,
        "approval": target.approval,
    }


def _share(part: int, whole: int) -> int:
    return part * BASIS_POINTS // whole if whole > 0 else 0
