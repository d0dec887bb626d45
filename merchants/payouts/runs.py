"""Runs of payouts by two persons: one proposes which statements are paid, by which way, another approves exactly that.

What is approved is the list with its sum, each line by statement, version, amount and the route's number; of a bank's run
the file's SHA-256 too, so that what the bank gets is what was approved. Anything that changed meanwhile refuses the whole run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case, ForHeadquarters, Kind
from base.approvals.models import Decision, Proposal
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid, NotFound
from base.halts import halts
from merchants import scope
from merchants.models import Merchant
from merchants.payout_routes import routes
from merchants.payout_routes.models import BANK, STRIPE, PayoutRoute
from merchants.payouts import bank_files, payouts, states
from merchants.payouts.models import APPROVED, PLANNED, SENT, Payout, PayoutRun, PayoutRunRow
from merchants.payouts.sending import INSUFFICIENT

KIND = "payout-run"
READS, PROPOSES, APPROVES = "payouts:read", "payouts:propose", "payouts:approve"
MOST_LINES = 500  # that one approval takes; the next run takes the rest
_way = (
    select(PayoutRoute.kind)
    .where(PayoutRoute.merchant_id == Payout.merchant_id)
    .order_by(PayoutRoute.route_no.desc())
    .limit(1)
    .correlate(Payout)
    .scalar_subquery()
)  # by which way its merchant is paid now
ROW = tuple[str, int, int, int]  # statement, version, amount, route's number


class NothingToPay(Conflict):
    """No payout is ready for such a run."""

    zh = "没有可纳入该批次的付款。"
    next_en = "Look at what is on hold, and until which day payouts are due."
    next_zh = "请查看暂停的付款和到期日。"


class RunChanged(Conflict):
    """What this run was to pay has changed since it was proposed."""

    zh = "该批次所含付款此后已变化。"
    next_en, next_zh = "Propose the run again.", "请重新提出该批次。"


class RunUnknown(NotFound):
    """There is no such run."""

    zh = "没有该批次。"


class NotARoute(Invalid):
    """Payouts go through stripe or bank."""

    zh = "付款方式为 stripe 或 bank。"


@dataclass(frozen=True)
class Wanted:
    """Which payouts a run takes: all that are planned for this way and due by a day; a bank's with the form of its file."""

    route: str
    until: date
    template: str = bank_files.PLAIN


def propose(
    session: Session, person: Principal, seal_key: str, wanted: Wanted, reason: str, at: datetime
) -> Case:
    """Propose a run of everything that is ready, up to MOST_LINES; NothingToPay, NotARoute, TemplateUnknown."""
    if wanted.route not in (STRIPE, BANK):
        raise NotARoute()
    found = ready(session, person, wanted, at)
    if not found:
        raise NothingToPay()
    run_id = ids.new_id()
    content: dict[str, Any] = {
        "run": ids.public("pyr", run_id),
        "route": wanted.route,
        "currency": found[0].currency,
        "count": len(found),
        "sum_fen": sum(payout.amount_fen for payout in found),
        "payouts": [_said(session, payout) for payout in found],
        "reason": reason,
    }
    if wanted.route == BANK:
        rows = _rows(run_id, content)
        file = bank_files.written(session, seal_key, run_id, wanted.template, content["currency"], rows)
        content |= {"template": wanted.template, "sha256": file.sha256.hex()}
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def ready(session: Session, person: Principal, wanted: Wanted, at: datetime) -> list[Payout]:
    """Planned payouts by that way that are due by the day, of merchants in the person's area, in one currency."""
    asked = (
        select(Payout)
        .join(Merchant, Merchant.merchant_id == Payout.merchant_id)
        .where(
            Payout.state == PLANNED,
            _way == wanted.route,
            scope.rule(person),
            or_(Payout.due_day.is_(None), Payout.due_day <= wanted.until),
        )
        .order_by(Payout.merchant_id, Payout.statement_no)
        .limit(MOST_LINES)
        .execution_options(populate_existing=True)
    )
    found = [payouts.look_again(session, payout, at) for payout in session.scalars(asked)]
    fit = [one for one in found if one.state == PLANNED]
    return [one for one in fit if one.currency == fit[0].currency]


def carry_out(seal_key: str, session: Session, proposal: Proposal, at: datetime) -> None:
    """Approve every payout of the run, or none; a bank's are sent with it. RunChanged, PayoutsStopped."""
    halts.check(session, halts.PAYOUT)
    said = proposal.said
    (run_id,) = ids.parse("pyr", said["run"], parts=1)
    approval, actor = approvals.reference(proposal.proposal_id), _checker(session, proposal)
    sha256 = bytes.fromhex(said["sha256"]) if "sha256" in said else None
    rows = _rows(run_id, said)
    session.add(
        PayoutRun(
            run_id=run_id, at=at, count=len(rows), sum_fen=said["sum_fen"], currency=said["currency"],
            route=said["route"], template=said.get("template", ""), approval=approval, sha256=sha256,
        )
    )  # fmt: skip
    session.add_all(rows)
    session.flush()
    if sha256 is not None:
        file = bank_files.written(session, seal_key, run_id, said["template"], said["currency"], rows)
        if file.sha256 != sha256:
            raise RunChanged(file="its content")
    for row in rows:
        _approve(session, row, said["route"], actor, approval, at)
    if said["route"] == STRIPE:
        _try_again(session, at)


def _approve(
    session: Session, row: PayoutRunRow, route: str, actor: str, approval: str, at: datetime
) -> None:
    payout = payouts.of_statement(session, row.merchant_id, row.statement_no)
    if payout is not None:
        payout = payouts.look_again(session, payout, at)
    if payout is None or payout.state != PLANNED:
        raise RunChanged(statement=ids.public("stm", row.merchant_id, row.statement_no))
    here = _route(session, payout)
    seen = (row.version, row.amount_fen, row.route_no, route)
    if (payout.version, payout.amount_fen, here.route_no, here.kind) != seen:
        raise RunChanged(statement=payouts.reference(payout))
    payout = states.move(
        session, payout, APPROVED, actor, at, approval=approval, route=route, run_id=row.run_id,
        route_no=row.route_no, account=here.account or None,
    )  # fmt: skip
    if route == BANK:
        line = bank_files.reference(row.run_id, row.line_no)
        states.move(session, payout, SENT, actor, at, reference=line, transfer=line, approval=approval)


def _try_again(session: Session, at: datetime) -> None:
    """What the balance did not cover is tried with this run as well."""
    asked = select(Payout).where(
        Payout.state == APPROVED, Payout.route == STRIPE, Payout.reason == INSUFFICIENT
    )
    for payout in session.scalars(asked.limit(MOST_LINES)).all():
        states.note(session, payout, at, busy_until=None)


def has_all_areas(person: Principal) -> bool:
    """Whether a person works for all areas: runs and banks' files are about merchants of all."""
    return not (isinstance(person, Staff) and person.area)


def for_all_areas(person: Principal) -> None:
    """ForHeadquarters, for a person who works in one area."""
    if not has_all_areas(person):
        raise ForHeadquarters()


def find(session: Session, public_id: str) -> PayoutRun:
    """A run by its public id; RunUnknown."""
    found = session.get(PayoutRun, scope.number_of("pyr", public_id, RunUnknown))
    if found is None:
        raise RunUnknown()
    return found


def listed(session: Session, *, before: int | None = None, limit: int) -> list[PayoutRun]:
    """Runs that were approved, the newest first, from before one on."""
    asked = select(PayoutRun).order_by(PayoutRun.run_id.desc()).limit(limit)
    return list(session.scalars(asked if before is None else asked.where(PayoutRun.run_id < before)))


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether every merchant of a run's content is one of the person's own."""
    of = {ids.parse("stm", row[0])[0] for row in said["payouts"]}
    return all(scope.sees(session, person, merchant_id) for merchant_id in of)


def kind(seal_key: str) -> Kind:
    """What may be proposed."""
    return Kind(KIND, partial(carry_out, seal_key), PROPOSES, APPROVES, within=within)


def _said(session: Session, payout: Payout) -> list[Any]:
    return [payouts.reference(payout), payout.version, payout.amount_fen, _route(session, payout).route_no]


def _rows(run_id: int, said: dict[str, Any]) -> list[PayoutRunRow]:
    rows: Sequence[ROW] = said["payouts"]
    return [
        PayoutRunRow(
            run_id=run_id, line_no=line_no, merchant_id=ids.parse("stm", statement)[0],
            statement_no=ids.parse("stm", statement)[1], version=version, route_no=route_no, amount_fen=amount,
        )
        for line_no, (statement, version, amount, route_no) in enumerate(rows, start=1)
    ]  # fmt: skip


def _route(session: Session, payout: Payout) -> PayoutRoute:
    route = routes.current(session, payout.merchant_id)
    if route is None:  # a payout without a route is on hold
        raise RunChanged(statement=payouts.reference(payout))
    return route


def _checker(session: Session, proposal: Proposal) -> str:
    asked = select(Decision.person_id).where(Decision.proposal_id == proposal.proposal_id)
    return f"staff:{session.scalar(asked)}"
