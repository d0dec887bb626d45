"""Budgets by two persons: a new one, or another amount for one that is there. Nothing is edited: an amount is a further row."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, NotAllowed, field_errors
from catalog.budgets import budgets
from catalog.budgets.models import PERIODS, Budget, BudgetAmount
from points import programmes
from points.adjustments.adjustments import said_plainly
from points.members import areas
from points.models import Programme

KIND = "budget"
READS, PROPOSES, APPROVES = "budgets:read", "budgets:propose", budgets.APPROVES
NEW, AMOUNT = "new", "amount"
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
MOST_FEN, MOST_NAME, MOST_REASON = 10**13, 60, 200
LANGUAGES = ("zh-CN", "en")
FARTHEST = timedelta(days=3660)


class BadBudget(Invalid):
    """This cannot be a budget."""

    zh = "预算内容不正确。"


class BudgetExists(Conflict):
    """There is a budget of this code already."""

    zh = "已有相同代码的预算。"
    next_en, next_zh = (
        "Propose another amount for it, or choose another code.",
        "请为其申请新的金额，或更换代码。",
    )


class OwnBudget(NotAllowed):
    """Nobody approves a budget of their own."""

    zh = "不能审批本人名下的预算。"
    next_en, next_zh = "Ask another person.", "请由他人审批。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: a new budget; days in the programme's zone, the last one included; `owner`: staff:NUMBER."""

    programme: str
    code: str
    names: dict[str, str]
    cap_fen: int
    period: str
    from_day: date
    until_day: date | None
    area: str | None
    owner: str | None
    reason: str


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a budget. BadBudget, BudgetExists, BadArea, ProgrammeUnknown, ProgrammeClosed."""
    programme = programmes.by_code(session, wanted.programme)
    _check(session, programmes.open_one(session, programme.programme_id), wanted, at)
    days = {
        "from_day": str(wanted.from_day),
        "until_day": str(wanted.until_day) if wanted.until_day else None,
    }
    content = {**vars(wanted), **days, "what": NEW}
    return approvals.propose(session, person, KIND, content, member_id=approvals.NO_MEMBER, at=at)


def propose_amount(
    session: Session, person: Principal, budget_id: int, cap_fen: int, reason: str, at: datetime
) -> Case:
    """Propose that a budget may spend so much in a period, from the approval on. BadBudget, BudgetUnknown."""
    budget = budgets.by_id(session, budget_id)
    programme = programmes.open_one(session, budget.programme_id)
    _refuse(_wrong_amount(cap_fen, reason))
    content = {
        "programme": programme.code,
        "code": budget.code,
        "cap_fen": cap_fen,
        "reason": reason,
        "what": AMOUNT,
    }
    return approvals.propose(session, person, KIND, content, member_id=approvals.NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Make the budget, or let the amount count; BudgetExists, OwnBudget, ProgrammeClosed."""
    said = proposal.said
    programme = programmes.open_one(session, programmes.by_code(session, said["programme"]).programme_id)
    reference = approvals.reference(proposal.proposal_id)
    if said["what"] == NEW:
        budget = _enter(session, programme, wanted_of(proposal), at, reference)
    else:
        budget = named(session, programme.programme_id, said["code"])
    decision = session.get_one(Decision, proposal.proposal_id)
    if budget.owner_id == decision.person_id:
        raise OwnBudget()
    session.add(
        BudgetAmount(
            budget_id=budget.budget_id,
            amount_id=ids.new_id(),
            cap_fen=said["cap_fen"],
            from_at=at,
            approval=reference,
        )
    )
    session.flush()


def named(session: Session, programme_id: int, code: str) -> Budget:
    """The budget of a code; BudgetUnknown."""
    asked = select(Budget).where(Budget.programme_id == programme_id, Budget.code == code)
    found = session.scalar(asked)
    if found is None:
        raise budgets.BudgetUnknown()
    return found


def wanted_of(proposal: Proposal) -> Wanted:
    """What the proposal of a new budget asks for."""
    said = {name: value for name, value in proposal.said.items() if name not in ("kind", "what")}
    until = said["until_day"]
    days = {
        "from_day": date.fromisoformat(said["from_day"]),
        "until_day": until and date.fromisoformat(until),
    }
    return Wanted(**said | days)


def owner_of(proposal: Proposal) -> int | None:
    """The one of the staff who would spend a proposed budget; None: nobody, or it is no new budget."""
    said = proposal.said if proposal.kind == KIND else {}
    return int(said["owner"].removeprefix("staff:")) if said.get("owner") else None


def says(budget: Budget, programme: Programme, wanted: Wanted) -> bool:
    """Whether a row is the budget that was asked for."""
    made = {name: getattr(budget, name) for name in _values(programme, wanted)}
    return made == _values(programme, wanted)


def _enter(session: Session, programme: Programme, wanted: Wanted, at: datetime, approval: str) -> Budget:
    values = {"budget_id": ids.new_id(), "entered_at": at, "approval": approval, **_values(programme, wanted)}
    made: Budget | None = session.scalar(
        insert(Budget).values(values).on_conflict_do_nothing().returning(Budget)
    )
    if made is None:
        raise BudgetExists(code=wanted.code)
    return made


def _values(programme: Programme, wanted: Wanted) -> dict[str, Any]:
    after = wanted.until_day and wanted.until_day + timedelta(days=1)
    return {
        "programme_id": programme.programme_id,
        "owner_id": int(wanted.owner.removeprefix("staff:")) if wanted.owner else None,
        "from_at": clock.start_of(wanted.from_day, programme.zone),
        "until_at": clock.start_of(after, programme.zone) if after else None,
        "code": wanted.code,
        "period": wanted.period,
        "area": wanted.area,
        "names": wanted.names,
    }


def _check(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> None:
    wrong = _wrong_amount(wanted.cap_fen, wanted.reason)
    today = clock.day(at, programme.zone)
    if not CODE.fullmatch(wanted.code):
        wrong["code"] = "must be 1 to 32 small letters, digits and dashes"
    if set(wanted.names) != set(LANGUAGES) or not all(
        said_plainly(name, MOST_NAME) for name in wanted.names.values()
    ):
        wrong["names"] = f"needs zh-CN and en, each 1 to {MOST_NAME} characters"
    if wanted.period not in PERIODS:
        wrong["period"] = f"is one of {', '.join(PERIODS)}"
    if not today <= wanted.from_day <= today + FARTHEST:
        wrong["from_day"] = "must be today or later, within ten years"
    if wanted.until_day is not None and not wanted.from_day <= wanted.until_day <= today + 2 * FARTHEST:
        wrong["until_day"] = "must not come before the first day, nor lie twenty years ahead"
    _refuse(wrong)
    if wanted.area is not None:
        areas.checked(wanted.area)
    if session.scalar(
        select(Budget.budget_id).where(
            Budget.programme_id == programme.programme_id, Budget.code == wanted.code
        )
    ):
        raise BudgetExists(code=wanted.code)


def _wrong_amount(cap_fen: int, reason: str) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 0 <= cap_fen <= MOST_FEN:
        wrong["cap_fen"] = f"must be from 0 to {MOST_FEN}"
    if not said_plainly(reason, MOST_REASON):
        wrong["reason"] = f"must be 1 to {MOST_REASON} characters without control characters"
    return wrong


def _refuse(wrong: dict[str, str]) -> None:
    if wrong:
        problem = field_errors(wrong)
        raise BadBudget(problem.detail, **problem.facts)
