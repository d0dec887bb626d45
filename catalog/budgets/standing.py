"""How budgets stand: what may be spent in the present period, and what was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.auth.principals import Principal, Staff
from catalog.budgets import budgets
from catalog.budgets.models import Budget, BudgetAmount, BudgetPeriod
from points import programmes
from points.models import Programme


@dataclass(frozen=True)
class Standing:
    """A budget in the period of a moment."""

    budget: Budget
    programme: Programme
    cap_fen: int
    spent_fen: int
    period_from: date
    resets_on: date | None

    @property
    def used_percent(self) -> int:
        """How much of the cap is spent, rounded down; 100 of nothing."""
        return self.spent_fen * 100 // self.cap_fen if self.cap_fen else 100

    @property
    def alert_percent(self) -> int | None:
        """The highest line that is reached; None: none."""
        return max((line for line in budgets.ALERTS if self.used_percent >= line), default=None)


def one(session: Session, person: Principal, budget_id: int, at: datetime) -> Standing:
    """A budget that the person may see; BudgetUnknown."""
    found = seen(session, person, budget_id, at)
    if found is None:
        raise budgets.BudgetUnknown()
    return found


def seen(session: Session, person: Principal, budget_id: int, at: datetime) -> Standing | None:
    """The same; None where the person may not see it. BudgetUnknown where there is none at all."""
    budget = budgets.by_id(session, budget_id)
    if not _sees(person, budget):
        return None
    return _standing(session, budget, programmes.by_id(session, budget.programme_id), at)


def listed(
    session: Session,
    person: Principal,
    programme: Programme,
    at: datetime,
    *,
    own: bool = False,
    after: int = 0,
    limit: int = 50,
) -> list[Standing]:
    """Budgets of a programme that the person may see, the oldest first, from after one on; maybe the own ones alone."""
    asked = (
        select(Budget)
        .where(Budget.programme_id == programme.programme_id, Budget.budget_id > after)
        .order_by(Budget.budget_id)
        .limit(limit)
    )
    if isinstance(person, Staff):
        mine = Budget.owner_id == person.staff_id
        if own:
            asked = asked.where(mine)
        elif person.area:
            asked = asked.where(mine | Budget.area.startswith(person.area, autoescape=True))
    return [_standing(session, row, programme, at) for row in session.scalars(asked)]


def amounts(session: Session, budget_id: int) -> Sequence[BudgetAmount]:
    """All amounts of a budget, the oldest first."""
    asked = select(BudgetAmount).where(BudgetAmount.budget_id == budget_id)
    return session.scalars(asked.order_by(BudgetAmount.from_at, BudgetAmount.amount_id)).all()


def periods(session: Session, budget_id: int, limit: int) -> Sequence[BudgetPeriod]:
    """What was spent in which period, the newest first."""
    asked = select(BudgetPeriod).where(BudgetPeriod.budget_id == budget_id)
    return session.scalars(asked.order_by(BudgetPeriod.period_from.desc()).limit(limit)).all()


def _sees(person: Principal, budget: Budget) -> bool:
    if not isinstance(person, Staff) or not person.area:
        return True
    return budget.owner_id == person.staff_id or (budget.area or "").startswith(person.area)


def _standing(session: Session, budget: Budget, programme: Programme, at: datetime) -> Standing:
    period = budgets.period_of(budget, programme, at)
    return Standing(
        budget=budget,
        programme=programme,
        cap_fen=budgets.cap_fen(session, budget.budget_id, at),
        spent_fen=budgets.spent_fen(session, budget.budget_id, period),
        period_from=period,
        resets_on=budgets.resets_on(budget, programme, at),
    )
