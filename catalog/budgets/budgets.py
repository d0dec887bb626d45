"""Spending a budget and giving back: one conditional UPDATE in the redemption's transaction, just before the stock's.

The cap is hard: of two for the last fen one wins. A redemption without a budget touches none of these rows. What was spent
is kept for each redemption beside its member, so that the sum can be proved.
"""

from datetime import date, datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.auth.roles import ROLES
from base.errors import Conflict, NotAllowed, NotFound
from catalog.budgets.models import MONTH, Budget, BudgetPeriod, BudgetUse
from points import programmes
from points.members import scope
from points.models import Programme

APPROVES = "budgets:approve"
ALERTS = (80, 100)  # percent of the cap, told once each time it is reached from below
SYSTEM = "system"


class BudgetUnknown(NotFound):
    """There is no such budget."""

    zh = "没有该预算。"


class BudgetNotRunning(Conflict):
    """The budget for this has not begun, or is over."""

    zh = "该预算尚未开始或已结束。"
    next_en, next_zh = "Look from when until when it runs.", "请查看预算的起止时间。"


class BudgetSpent(Conflict):
    """What was set aside for this is spent."""

    zh = "该项预算已用完。"
    next_en, next_zh = (
        "Wait for the day on which it begins anew, if one is named, or choose something else; your points were not touched.",
        "如注明了重新开始的日期，请届时再试，或选择其他权益；您的积分没有变动。",
    )


class BudgetOfSomebodyElse(NotAllowed):
    """This budget is another person's."""

    zh = "该预算属于其他人员。"
    next_en, next_zh = "Spend a budget of your own, or ask its owner.", "请使用本人的预算，或联系预算所有人。"


class BudgetOfAnotherArea(NotAllowed):
    """This budget is for members of another area."""

    zh = "该预算只用于其他地区的会员。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


_TAKE = text("""
with cap as (select cap_fen from budget_amount where budget_id = :budget and from_at <= :at
  order by from_at desc, amount_id desc limit 1)
insert into budget_period as p (budget_id, period_from, spent_fen)
  select :budget, :period, :fen from cap where cap_fen >= :fen
on conflict (budget_id, period_from) do update set spent_fen = p.spent_fen + :fen
  where p.spent_fen + :fen <= (select cap_fen from cap)
returning spent_fen, (select cap_fen from cap)
""")
_CAP = text(
    "select cap_fen from budget_amount where budget_id = :budget and from_at <= :at "
    "order by from_at desc, amount_id desc limit 1"
)


def spend(
    session: Session,
    budget_id: int,
    fen: int,
    at: datetime,
    *,
    member_id: int,
    redemption_id: int,
    person_id: int | None = None,
) -> None:
    """Spend fen on a member's redemption, once for each; 0 spends nothing. `person_id`: who of the staff spends it.

    BudgetSpent, BudgetNotRunning, BudgetOfSomebodyElse, BudgetOfAnotherArea, BudgetUnknown. Comes before the stock is taken.
    """
    if fen == 0:
        return
    budget = by_id(session, budget_id)
    programme = programmes.by_id(session, budget.programme_id)
    _ask(session, budget, member_id, person_id, at)
    period = period_of(budget, programme, at)
    use = {"budget_id": budget_id, "fen": fen, "person_id": person_id, "period_from": period}
    if not _note(session, member_id, redemption_id, at, back=False, **use):
        return
    values = {"budget": budget_id, "period": period, "fen": fen, "at": at}
    taken = session.execute(_TAKE, values).one_or_none()
    if taken is None:
        raise _spent(session, budget, programme, fen, at)
    for percent in ALERTS:
        line = taken.cap_fen * percent
        if (taken.spent_fen - fen) * 100 < line <= taken.spent_fen * 100:
            facts = {"percent": percent, "spent_fen": taken.spent_fen, "cap_fen": taken.cap_fen}
            audit.write(session, SYSTEM, "budget.alert", reference(budget_id), **facts)


def give_back(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
    """Give back what a redemption spent, to the period that it spent from; once, and nothing where it spent nothing."""
    use = session.get(BudgetUse, (member_id, redemption_id, False))
    if use is None:
        return
    same = {name: getattr(use, name) for name in ("budget_id", "fen", "person_id", "period_from")}
    if _note(session, member_id, redemption_id, at, back=True, **same):
        session.execute(
            update(BudgetPeriod)
            .where(BudgetPeriod.budget_id == use.budget_id, BudgetPeriod.period_from == use.period_from)
            .values(spent_fen=BudgetPeriod.spent_fen - use.fen)
            .execution_options(synchronize_session=False)
        )


def by_id(session: Session, budget_id: int) -> Budget:
    """A budget; BudgetUnknown."""
    found = session.get(Budget, budget_id)
    if found is None:
        raise BudgetUnknown()
    return found


def cap_fen(session: Session, budget_id: int, at: datetime) -> int:
    """How much may be spent in the period of a moment; 0 before any amount counts."""
    return session.scalar(_CAP, {"budget": budget_id, "at": at}) or 0


def spent_fen(session: Session, budget_id: int, period_from: date) -> int:
    """What was spent in a period and not given back."""
    asked = select(BudgetPeriod.spent_fen).where(BudgetPeriod.budget_id == budget_id)
    return session.scalar(asked.where(BudgetPeriod.period_from == period_from)) or 0


def period_of(budget: Budget, programme: Programme, at: datetime) -> date:
    """The first day of the period of a moment."""
    if budget.period == MONTH:
        return clock.day(at, programme.zone).replace(day=1)
    return clock.day(budget.from_at, programme.zone)


def resets_on(budget: Budget, programme: Programme, at: datetime) -> date | None:
    """The day on which it begins anew; None: never."""
    if budget.period != MONTH:
        return None
    first = period_of(budget, programme, at)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    over = budget.until_at is not None and clock.start_of(following, programme.zone) >= budget.until_at
    return None if over else following


def reference(budget_id: int) -> str:
    """The budget's public id."""
    return ids.public("bud", budget_id)


def approvers() -> list[str]:
    """Roles that approve a larger amount, the second of the two persons."""
    return sorted(role for role, permissions in ROLES.items() if APPROVES in permissions)


def _ask(session: Session, budget: Budget, member_id: int, person_id: int | None, at: datetime) -> None:
    if at < budget.from_at or (budget.until_at is not None and at >= budget.until_at):
        until = budget.until_at.isoformat() if budget.until_at else None
        raise BudgetNotRunning(from_at=budget.from_at.isoformat(), until_at=until)
    if budget.owner_id not in (None, person_id):
        raise BudgetOfSomebodyElse()
    if budget.area and not scope.area_of(session, member_id).startswith(budget.area):
        raise BudgetOfAnotherArea()


def _note(session: Session, member_id: int, redemption_id: int, at: datetime, **use: object) -> bool:
    """Write a use down; whether it was not there yet."""
    values = {"member_id": member_id, "redemption_id": redemption_id, "at": at, **use}
    written = insert(BudgetUse).values(values).on_conflict_do_nothing().returning(BudgetUse.member_id)
    return session.scalar(written) is not None


def _spent(session: Session, budget: Budget, programme: Programme, fen: int, at: datetime) -> BudgetSpent:
    """The refusal in words: when it begins anew. How much is left, and who approves more, is for its owner alone."""
    anew = resets_on(budget, programme, at)
    said = f"It begins anew on {anew}." if anew else "It does not begin anew."
    day = anew.isoformat() if anew else None
    if budget.owner_id is None:
        return BudgetSpent(said, resets_on=day)
    period = period_of(budget, programme, at)
    left = max(cap_fen(session, budget.budget_id, at) - spent_fen(session, budget.budget_id, period), 0)
    who = approvers()
    said += f" {left} fen are left, {fen} are needed. Propose a larger amount: {' or '.join(who)} at headquarters approves it."
    return BudgetSpent(said, resets_on=day, left_fen=left, needs_fen=fen, approved_by=who)
