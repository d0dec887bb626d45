"""Resources of service beside each other: stock, what lies in which area, uses and what one costs, and the budget's rest.

Nothing of it is kept here: stock and allocation are the catalogue's, uses and cost the figures that were taken of whole days,
what is left of a budget the budget's own. Of an area are told the allocation and the uses of its members alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.analytics import sums
from admin.analytics.models import FiguresRun
from admin.analytics.sums import NOTHING, Sums
from base.auth.principals import Principal
from catalog.budgets import standing as budgets
from catalog.budgets.standing import Standing
from catalog.offers import offers
from catalog.offers.models import ENDED, HISTORY, Offer, OfferState
from catalog.stock.models import Stock, StockMove
from points.models import Programme


@dataclass(frozen=True)
class Resource:
    """An offer as a resource. `stock` None: without a limit. `budget` None: it spends none that the person may see."""

    offer: OfferState
    names: Mapping[str, str]
    stock: Stock | None
    allocated: Mapping[str, int]
    used: Sums
    budget: Standing | None

    @property
    def cost_a_use_fen(self) -> int | None:
        """What one use cost, rounded down; None without any."""
        return self.used.cost_fen // self.used.count if self.used.count else None


def listed(
    session: Session,
    person: Principal,
    programme: Programme,
    area: str,
    at: datetime,
    *,
    after: int = 0,
    limit: int,
) -> list[Resource]:
    """The offers that have not ended, by id, from after one on."""
    asked = (
        select(OfferState, Stock)
        .outerjoin(Stock, Stock.offer_id == OfferState.offer_id)
        .where(
            OfferState.programme_id == programme.programme_id,
            OfferState.offer_id > after,
            OfferState.state != ENDED,
            OfferState.kind != HISTORY,
        )
        .order_by(OfferState.offer_id)
        .limit(limit)
    )
    rows = session.execute(asked).all()
    offer_ids = {row.OfferState.offer_id for row in rows}
    names = offers.names_of(session, offer_ids, at)
    allocated, used = in_areas(session, offer_ids, area), uses(session, run_of(session, programme), area)
    left = _budgets(session, person, offer_ids, at)
    return [
        Resource(
            row.OfferState,
            names.get(row.OfferState.offer_id)
            or offers.first_version(session, row.OfferState.offer_id).names,
            row.Stock,
            allocated.get(row.OfferState.offer_id, {}),
            used.get(row.OfferState.offer_id, NOTHING),
            left.get(row.OfferState.offer_id),
        )
        for row in rows
    ]


def run_of(session: Session, programme: Programme) -> FiguresRun | None:
    """The latest figures of uses and their cost; None: none were taken yet."""
    return sums.latest(session, programme.programme_id, sums.PREMIUM)


def uses(session: Session, run: FiguresRun | None, area: str) -> dict[int, Sums]:
    """Offer -> what was used by the members of an area over the days of the figures, and what it cost."""
    found: dict[int, Sums] = {}
    for key, numbers in (sums.within(session, run.run_id, area) if run else {}).items():
        offer, _merchant, *of_other_things = key.split("/")
        if not of_other_things:
            found[int(offer)] = found.get(int(offer), NOTHING).plus(numbers)
    return found


def in_areas(session: Session, offer_ids: set[int], area: str) -> dict[int, dict[str, int]]:
    """Offer -> area -> how many lie there, of the areas within one."""
    units = func.sum(StockMove.aside_units)
    asked = select(StockMove.offer_id, StockMove.area, units).where(
        StockMove.offer_id.in_(offer_ids),
        StockMove.area.is_not(None),
        StockMove.area.startswith(area, autoescape=True),
    )
    found: dict[int, dict[str, int]] = {}
    grouped = asked.group_by(StockMove.offer_id, StockMove.area).having(units != 0)
    for offer_id, where, count in session.execute(grouped.order_by(StockMove.area)):
        found.setdefault(offer_id, {})[str(where)] = int(count)
    return found


def by_area(session: Session, programme: Programme, area: str) -> Sequence[tuple[str, Sums]]:
    """What the members of each area within one used in all, and what it cost, the dearest first."""
    run = run_of(session, programme)
    if run is None:
        return []
    parts = sums.by_area(session, run.run_id, area, min(len(area) + 2, 6))
    whole = {
        code: sum_of(numbers for key, numbers in by_key.items() if key.count("/") == 1)
        for code, by_key in parts.items()
    }
    return sorted(whole.items(), key=lambda one: (-one[1].cost_fen, one[0]))


def sum_of(parts: Iterable[Sums]) -> Sums:
    """All of them together."""
    whole = NOTHING
    for one in parts:
        whole = whole.plus(one)
    return whole


def _budgets(session: Session, person: Principal, offer_ids: set[int], at: datetime) -> dict[int, Standing]:
    """Offer -> the budget that its version in force spends, where the person may see it."""
    asked = select(Offer.offer_id, Offer.budget_id).where(
        Offer.offer_id.in_(offer_ids), Offer.budget_id.is_not(None), offers.in_force(at)
    )
    found: dict[int, Standing] = {}
    for offer_id, budget_id in session.execute(asked):
        standing = budgets.seen(session, person, budget_id, at) if budget_id is not None else None
        if standing is not None:
            found[offer_id] = standing
    return found
