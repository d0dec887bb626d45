"""What the points that are there are worth, and how many of them are expected to lapse, by issue month, class and programme.

Points, value and what is expected to lapse are kept by area as they were at the end of a day. A cohort's value is live
points x fair value x the share not expected to lapse; the total is the sum of the cohorts as they are shown, so that the
table adds up. Points set aside are shown apart, at full value; lapsed points that no sweep has posted yet too, at none.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.analytics import burning, costs, outstanding, sums
from admin.analytics.burning import Burn, Floats, month_of
from admin.analytics.models import AreaSum, FiguresRun
from admin.analytics.refusals import Reason
from admin.analytics.sums import LIABILITY, Days, Progress, Rows, Sums
from base import database
from base.findings import Finding
from catalog.rates import rates
from points import extensions, lots
from points.lots import Calendar, Extension
from points.models import ExpiryPolicy, Programme
from points.policies import month_end

SOON_MONTHS = 3
MIX_DAYS = timedelta(days=364)  # with the day itself a year
RULE = "liability"
Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Price:
    """What a point costs: fen over points of the last 12 months' redemptions, and at the bill-credit rate of the day."""

    cost_fen: int
    cost_points: int
    credit_fen: int
    credit_points: int

    @property
    def fair(self) -> Fraction:
        """Fen a point by what redemptions cost; without any by bill credit, without a rate nothing."""
        return Fraction(self.cost_fen, self.cost_points) if self.cost_points > 0 else self.upper

    @property
    def upper(self) -> Fraction:
        """Fen a point as bill credit."""
        return Fraction(self.credit_fen, self.credit_points) if self.credit_points else Fraction(0)

    @property
    def reasons(self) -> list[Reason]:
        """What is missing."""
        missing = [] if self.cost_points > 0 else [Reason("no_redemptions", 0, 1)]
        return missing if self.credit_points else [*missing, Reason("no_rate", 0, 1)]


def take(programme: Programme, on: date, progress: Progress = lambda n: None) -> FiguresRun:
    """Take the liability as of the end of a day and keep it; a second time the same row, unless something has changed.

    DayNotOver.
    """
    days = Days(programme, on, on).check_over()
    with sums.snapshot() as session:
        facts, rows = reckoned(session, days, progress)
    with database.begin() as session:
        kept = sums.before(session, days, LIABILITY)
        if kept is not None:
            facts["restated"] = restated(facts, rows, on, kept)
        return sums.keep(session, days, LIABILITY, facts, rows)


def of_day(programme: Programme, on: date, progress: Progress = lambda n: None) -> FiguresRun:
    """The liability of a day as it was taken, else taken now. DayNotOver."""
    with database.begin() as session:
        found = sums.latest(session, programme.programme_id, LIABILITY, on)
    return found if found is not None and found.until_day == on else take(programme, on, progress)


def parts(programme: Programme) -> int:
    """How many steps `take` tells its progress of."""
    with database.begin() as session:
        return 2 * len(sums.parts(session, programme.programme_id))


def reckoned(session: Session, days: Days, progress: Progress) -> tuple[Block, Rows]:
    """Everything that is kept of a day: facts, and sums by area. Give it a REPEATABLE READ transaction."""
    programme_id, month = days.programme.programme_id, month_of(days.last)
    whole_month = days.last == month_end(days.last, 0)
    end = month + 1 if whole_month else month
    found = outstanding.read(session, days, end - burning.MONTHS, progress)
    burn = burning.burn(found.flows, end)
    price = price_of(session, days, progress)
    calendar = extensions.of(session, programme_id, days.until)
    facts: Block = {
        "ledger": {"balance": found.balance, "held": found.held, "members": found.members},
        "price": [price.cost_fen, price.cost_points, price.credit_fen, price.credit_points],
        "policies": _policies(session, programme_id, days.last),
        "extensions": [_said(one) for one in calendar],
        "burn": burn.to_facts(),
        "restated": None,
    }
    facts["whole"] = evaluated(_by_key(found.rows), facts, days.last)
    return facts, found.rows


def price_of(session: Session, days: Days, progress: Progress = lambda n: None) -> Price:
    """What a point costs on the last day: the redemptions of the 12 months before, and the general rate."""
    year = Days(days.programme, days.last - MIX_DAYS, days.last)
    fen = points = 0
    for part in sums.parts(session, days.programme.programme_id):
        row = database.driver(session).execute(_COST, costs.asked(year, part)).fetchone()
        fen, points = fen + int(row[0] if row else 0), points + int(row[1] if row else 0)
        progress(1)
    general = rates.load(session, days.programme.programme_id, days.last).general
    return Price(max(fen, 0), points, general.per_fen if general else 0, general.points if general else 0)


# What was redeemed before this system began tells no cost.
_COST = f"""select coalesce(sum(cost.cost_fen), 0)::bigint, coalesce(sum(r.price_points), 0)::bigint {costs.STANDING}
and r.price_points > 0 and r.kind <> 'history'"""


def of_area(session: Session, run: FiguresRun, area: str) -> Block:
    """The block of a run for an area: read as it was kept for the whole programme, added up for a part of it."""
    facts = run.facts
    if not area:
        found = dict(facts["whole"])
    else:
        found = evaluated(sums.within(session, run.run_id, area), facts, run.until_day)
        found["set_aside"] = None  # kept for the whole programme alone
    return found | {
        "restated": facts["restated"],
        "policies": facts["policies"],
        "extensions": facts["extensions"],
    }


def evaluated(by_key: Mapping[str, Sums], facts: Mapping[str, Any], on: date) -> Block:
    """Cohorts, totals and what lapses soon, out of the sums of a day. Pure."""
    price, burn = Price(*facts["price"]), burning.from_facts(facts["burn"])
    lots_there = _lots(by_key, calendar_of(facts), on)
    live = [one for one in lots_there if one.last_day > on]
    cohorts, drawn = _cohorts(live, burn, price, on)
    unknown = sorted({one.lot_class for one in live if not burn.known(one.lot_class)})
    reasons = price.reasons + ([Reason("no_burn_history", len(unknown), 0)] if unknown else [])
    total = {name: sum(row[name] for row in cohorts) for name in _ADDED}
    held = facts["ledger"]["held"]
    return {
        "status": "caution" if reasons else "ok",
        "reasons": [reason.block() for reason in reasons],
        "fair_fen_per_1000_points": _whole(price.fair * 1000),
        "bill_credit_fen_per_1000_points": _whole(price.upper * 1000),
        "total": total | {
            "expected_to_lapse_interval": burning.interval(drawn) if live else [0, 0],
            "liability_interval_fen": _liability_interval(drawn, total["points"], price),
            "breakage_share": round(total["expected_to_lapse"] / total["points"], 6) if total["points"] else None,
        },
        "set_aside": {"points": held, "liability_fen": _whole(price.fair * held), "upper_fen": _whole(price.upper * held)},
        "lapsed_not_posted": sum(one.points for one in lots_there) - total["points"],
        "points": sum(one.points for one in lots_there),
        "cohorts": cohorts,
        "lapses_soon": _soon(live, burn, on),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lot:
    """Points of an issue month and class that lapse after the same day."""

    issued: int
    lot_class: int
    last_day: date
    points: int


_ADDED = ("points", "value_fen", "upper_fen", "expected_to_lapse", "liability_fen", "upper_liability_fen")


def _lots(by_key: Mapping[str, Sums], calendar: Calendar, on: date) -> list[_Lot]:
    found: dict[tuple[int, int, date], int] = defaultdict(int)
    for name, numbers in by_key.items():
        issued, lot_key = map(int, name.split("/"))
        until = lots.last_day(lots.lasting(lot_key, calendar))
        found[issued, lots.lot_class(lot_key), until] += numbers.points
    return [_Lot(*place, points) for place, points in sorted(found.items())]


def _cohorts(live: list[_Lot], burn: Burn, price: Price, on: date) -> tuple[list[Block], Any]:
    """A row for each issue month and class; and of each draw what all of them together are expected to let lapse."""
    draws = burning.draws_of()
    hazards = {
        lot_class: (burn.hazards(lot_class), burn.hazards(lot_class, draws))
        for lot_class in sorted({one.lot_class for one in live})
    }
    lapse: dict[tuple[int, int], list[Any]] = {}
    for one in live:
        sure, drawn = hazards[one.lot_class]
        pair = lapse.setdefault((one.issued, one.lot_class), [0, 0.0, 0.0])
        pair[0] += one.points
        pair[1] += one.points * burning.not_burnt(sure, one.issued, on, one.last_day)[0]
        pair[2] = pair[2] + one.points * burning.not_burnt(drawn, one.issued, on, one.last_day)
    rows = [
        _row(issued, lot_class, points, round(float(lapses)), burning.interval(drawn), price)
        for (issued, lot_class), (points, lapses, drawn) in sorted(lapse.items())
    ]
    return rows, sum((drawn for _, _, drawn in lapse.values()), 0.0)


def _row(issued: int, lot_class: int, points: int, lapses: int, ends: list[int], price: Price) -> Block:
    return {
        "issued": burning.month_text(issued),
        "class": lot_class,
        "points": points,
        "value_fen": _whole(price.fair * points),
        "upper_fen": _whole(price.upper * points),
        "expected_to_lapse": lapses,
        "expected_to_lapse_interval": ends,
        "liability_fen": _whole(price.fair * (points - lapses)),
        "upper_liability_fen": _whole(price.upper * (points - lapses)),
    }


def _liability_interval(drawn: Any, points: int, price: Price) -> list[int]:
    if not points:
        return [0, 0]
    low, high = burning.interval(drawn)
    return [_whole(price.fair * (points - high)), _whole(price.fair * (points - low))]


def _soon(live: list[_Lot], burn: Burn, on: date) -> list[Block]:
    """What lapses in the rest of the month and in the next three: live now, and expected to be left by then."""
    found, after = [], on
    hazards = {lot_class: burn.hazards(lot_class) for lot_class in {one.lot_class for one in live}}
    for ahead in range(SOON_MONTHS + 1):
        until = month_end(on, ahead)
        if until <= after:
            continue
        due = [one for one in live if after < one.last_day <= until]
        left = sum(_left(one, hazards[one.lot_class], on) for one in due)
        found.append({
            "from_day": str(after + sums.DAY),
            "until_day": str(until),
            "points": sum(one.points for one in due),
            "expected_to_lapse": round(left),
        })  # fmt: skip
        after = until
    return found


def _left(one: _Lot, hazards: Floats, on: date) -> float:
    return one.points * float(burning.not_burnt(hazards, one.issued, on, one.last_day)[0])


def restated(facts: Block, rows: Rows, on: date, kept: FiguresRun) -> Block | None:
    """What changed in policies and extensions since the figures before, and what is expected to lapse without that.

    None where nothing did. A policy governs what is earned from its day on, an extension what is there.
    """
    changes = [
        {"what": what} | one
        for what, name in (("policy", "policies"), ("extension", "extensions"))
        for one in facts[name]
        if one not in kept.facts[name]
    ]
    if not changes:
        again: Block | None = kept.facts["restated"] if kept.until_day == on else None
        return again
    as_before = evaluated(_by_key(rows), facts | {"extensions": kept.facts["extensions"]}, on)
    return {
        "since": str(kept.until_day),
        "changes": changes,
        "expected_to_lapse_before": as_before["total"]["expected_to_lapse"],
        "expected_to_lapse_after": facts["whole"]["total"]["expected_to_lapse"],
        "text": {
            "en": "Restated: the policies that count are others than when the figures before were taken.",
            "zh": "已重述：适用的有效期政策与上次统计时不同。",
        },
    }


def findings(session: Session) -> Iterator[Finding]:
    """Liabilities whose cohorts do not add up to what the ledger said at that moment, point by point."""
    kept = (
        select(AreaSum.run_id, func.sum(AreaSum.points).label("points")).group_by(AreaSum.run_id).subquery()
    )
    asked = select(FiguresRun, kept.c.points).outerjoin(kept, kept.c.run_id == FiguresRun.run_id)
    for run, points in session.execute(asked.where(FiguresRun.topic == LIABILITY)):
        off = difference(run.facts, int(points or 0))
        if off:
            text = f"its cohorts and the ledger differ by {off} points"
            yield Finding(RULE, f"programme {run.programme_id} {run.until_day}", text)


def difference(facts: Mapping[str, Any], points: int) -> int:
    """Points by which sums of lots are more than what the ledger says is left; 0 is right."""
    return points - int(facts["ledger"]["balance"])


def calendar_of(facts: Mapping[str, Any]) -> Calendar:
    """The extensions that counted when figures were taken."""
    return tuple(_extension(one) for one in facts["extensions"])


def _extension(said: Mapping[str, Any]) -> Extension:
    first, until, last = (date.fromisoformat(said[name]) for name in ("from_day", "until_day", "last_day"))
    return Extension(said["class"], first, until, last, datetime.fromisoformat(said["announced_at"]))


def _said(one: Extension) -> Block:
    days = {name: str(getattr(one, name)) for name in ("from_day", "until_day", "last_day")}
    return {"class": one.lot_class, "announced_at": one.announced_at.isoformat()} | days


def _policies(session: Session, programme_id: int, on: date) -> list[Block]:
    asked = select(ExpiryPolicy).where(ExpiryPolicy.programme_id == programme_id, ExpiryPolicy.from_day <= on)
    rows = session.scalars(asked.order_by(ExpiryPolicy.lot_class, ExpiryPolicy.from_day))
    return [{"class": row.lot_class, "from_day": str(row.from_day), "months": row.months} for row in rows]


def _by_key(rows: Rows) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for (_, key), numbers in rows.items():
        found[key] = found.get(key, sums.NOTHING).plus(numbers)
    return found


def _whole(value: Fraction) -> int:
    return round(value)
