"""Satisfaction (满意度): the share of ratings of four and five stars, with how many there were and its interval.

Counted are the ratings that members first gave over some days, each as it stood when those were over. Below a number of
ratings there is no share, only the reason why. What is kept are counts by area, so that parts add up to their whole.
The interval is Wilson's: it stays within 0 and 1 and keeps its promise for shares near them.
"""

from math import sqrt
from typing import Any

from sqlalchemy.orm import Session

from admin.analytics import costs
from admin.analytics.refusals import Reason
from admin.analytics.sums import Days, Sums
from base import database
from base.money import BASIS_POINTS
from points.care import care

FEWEST_RATINGS = 30
LEAST_STARS = 4
VIP_TARGET_BP = 9_500  # the operator's own goal for important cards
Z = 1.959963984540054  # 95 percent
COUNTED = ("rated", "satisfied", "vip_rated", "vip_satisfied")
Block = dict[str, Any]

# The ratings of a part of the members over some days: x, the latest entry of each by then, and f, the member's facts.
_LATEST = """
from (select distinct on (y.member_id, y.redemption_id) y.* from rating y
  where y.member_id > %(low)s and y.member_id <= %(high)s
    and y.first_at >= %(since)s and y.first_at < %(until)s and y.at < %(until)s
  order by y.member_id, y.redemption_id, y.no desc) x
join member_facts f on f.member_id = x.member_id and f.programme_id = %(programme)s
"""
_BY_AREA = f"""
select x.area, count(*), count(*) filter (where x.stars >= {LEAST_STARS}),
  count(*) filter (where f.tiers && %(vip)s::text[]),
  count(*) filter (where f.tiers && %(vip)s::text[] and x.stars >= {LEAST_STARS})
{_LATEST} group by x.area
"""
_BY_OFFER = f"""
select x.area, x.offer_id::text || '/' || coalesce(o.merchant_id::text, '') || '/rating', count(*),
  count(*) filter (where x.stars >= {LEAST_STARS}), 0, 0
{_LATEST} join redemption r on r.member_id = x.member_id and r.redemption_id = x.redemption_id
join offer o on o.version_id = r.version_id
group by 1, 2
"""


def by_area(session: Session, days: Days, part: tuple[int, int]) -> dict[tuple[str, str], Sums]:
    """The counts of COUNTED by area, of a part of the members."""
    asked = costs.asked(days, part) | {"vip": list(care.IMPORTANT)}
    found: dict[tuple[str, str], Sums] = {}
    for area, *counts in database.driver(session).execute(_BY_AREA, asked):
        found |= {(area, name): Sums(count) for name, count in zip(COUNTED, counts, strict=True)}
    return found


def by_offer(session: Session, days: Days, part: tuple[int, int]) -> list[tuple[Any, ...]]:
    """Rows of area and "offer/merchant/rating": how many ratings, and as points how many of them were satisfied."""
    return database.driver(session).execute(_BY_OFFER, costs.asked(days, part)).fetchall()


def block(rated: int, satisfied: int) -> Block:
    """The share in basis points, rounded down, with its interval; refused below FEWEST_RATINGS. Pure."""
    found: Block = {"rated": rated, "satisfied": satisfied, "share_bp": None, "interval_bp": None}
    if rated < FEWEST_RATINGS:
        code = "few_ratings" if rated else "no_rating"
        return found | {"status": "refused", "reasons": [Reason(code, rated, FEWEST_RATINGS).block()]}
    return found | {
        "status": "ok",
        "reasons": [],
        "share_bp": satisfied * BASIS_POINTS // rated,
        "interval_bp": list(interval_bp(satisfied, rated)),
    }


def interval_bp(satisfied: int, rated: int) -> tuple[int, int]:
    """Wilson's 95-percent interval of a share, in basis points. Pure; E. B. Wilson, J Am Stat Assoc 22 (1927) 209."""
    share, extra = satisfied / rated, Z * Z / rated
    middle = (share + extra / 2) / (1 + extra)
    half = Z * sqrt(share * (1 - share) / rated + extra / (4 * rated)) / (1 + extra)
    return round(max(0.0, middle - half) * BASIS_POINTS), round(min(1.0, middle + half) * BASIS_POINTS)


def falls_short(mine: Block, all_together: Block) -> bool | None:
    """Whether even the best end of the interval lies below the share of all together; None where either is refused. Pure."""
    if mine["interval_bp"] is None or all_together["share_bp"] is None:
        return None
    return bool(mine["interval_bp"][1] < all_together["share_bp"])
