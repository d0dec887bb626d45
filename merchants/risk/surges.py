"""An outlet that takes far more vouchers than it usually does: today's count against the days before, every six hours.

"Far more" is three standard deviations above the mean of the 28 days before, reckoned in whole numbers. Below twenty uses, and for
an outlet of fewer than seven days, nothing is said: there the figure would tell of chance alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Integer, cast, func, literal, select
from sqlalchemy.orm import Session

from base import ids
from merchants.models import Acceptance
from merchants.risk import alerts
from merchants.risk.alerts import About

DAY = timedelta(days=1)
DAYS_BEFORE, FEWEST_DAYS, FEWEST_USES = 28, 7, 20
EVERY_S = 21_600
MERCHANTS_AT_ONCE = 100


def walk(session: Session, at: datetime) -> int:
    """Look at the outlets of all merchants that accepted something within a day; how many outlets stood out."""
    asked = select(Acceptance.merchant_id).where(Acceptance.recorded_at > at - DAY).distinct()
    merchants = session.scalars(asked.order_by(Acceptance.merchant_id)).all()
    found = 0
    for start in range(0, len(merchants), MERCHANTS_AT_ONCE):
        found += _look(session, merchants[start : start + MERCHANTS_AT_ONCE], at)
    return found


def is_far_above(today: int, before: Sequence[int]) -> bool:
    """Whether a day's count is more than three standard deviations above the mean of the days before."""
    days, total = len(before), sum(before)
    above = days * today - total
    return above > 0 and above * above > 9 * (days * sum(count * count for count in before) - total * total)


def _look(session: Session, merchants: Sequence[int], at: datetime) -> int:
    found = 0
    for (merchant_id, outlet_id), counts in _by_day(session, merchants, at).items():
        today, known = counts.get(0, 0), max(counts)
        before = [counts.get(day, 0) for day in range(1, known + 1)]
        if today >= FEWEST_USES and known >= FEWEST_DAYS and is_far_above(today, before):
            about = About(merchant_id, f"outlet {outlet_id}", outlet_id=outlet_id)
            facts = {"outlet": ids.public("out", outlet_id), "accepted": today, "usual": sum(before) // known}
            alerts.put(session, alerts.OUTLET_SURGE, about, facts, at)
            found += 1
    return found


def _by_day(
    session: Session, merchants: Sequence[int], at: datetime
) -> dict[tuple[int, int], dict[int, int]]:
    """What each outlet accepted, by how many times 24 hours ago."""
    ago = cast(func.floor(func.extract("epoch", literal(at) - Acceptance.recorded_at) / 86_400), Integer)
    key = (Acceptance.merchant_id, Acceptance.outlet_id, ago)
    rows = session.execute(
        select(*key, func.count())
        .where(
            Acceptance.merchant_id.in_(merchants),
            Acceptance.recorded_at > at - (DAYS_BEFORE + 1) * DAY,
            Acceptance.recorded_at <= at,
        )
        .group_by(*key)
    )
    counts: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for merchant_id, outlet_id, days, count in rows:
        counts[merchant_id, outlet_id][days] = count
    return counts
