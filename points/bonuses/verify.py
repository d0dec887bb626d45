"""Proof of bonuses: rules are what two persons approved, each bonus is one posting, caps hold, budgets add up."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.bonuses import granting, rules
from points.bonuses.models import Bonus, BonusBudget, BonusDay, BonusRule
from points.bonuses.occasions import GOODWILL
from points.kinds import Kind
from points.models import PostingRow, Programme

RULE = "bonus"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with bonuses and their rules. Read-only; give it a REPEATABLE READ transaction."""
    known = {rule.rule_id: rule for rule in session.scalars(select(BonusRule))}
    yield from _of_rules(session, known)
    given, points = Counter[tuple[int, date]](), Counter[int]()
    yield from _of_bonuses(session, known, given, points)
    yield from _postings_without(session)
    yield from _of_shared(session, known, given, points)


def _of_rules(session: Session, known: dict[int, BonusRule]) -> Iterator[Finding]:
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    approved = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind == rules.KIND, Decision.verdict == APPROVED)
        )
    }
    named: Counter[str] = Counter(rule.approval for rule in known.values())
    for rule in known.values():
        proposal, decision = approved.get(rule.approval, (None, None))
        if proposal is None or decision is None:
            yield Finding("bonus rule", f"rule {rule.rule_id}", f"it names no approval: {rule.approval}")
        elif decision.person_id == proposal.maker_id:
            yield Finding("bonus rule", f"rule {rule.rule_id}", "its maker approved it")
        elif rules.said_by(rule, programmes[rule.programme_id]) != rules.wanted_of(proposal):
            yield Finding("bonus rule", f"rule {rule.rule_id}", "it is not the one that was approved")
    for reference in approved:
        if named[reference] != 1:
            yield Finding("bonus rule", reference, f"it was approved and made {named[reference]} times")


def _of_bonuses(
    session: Session, known: dict[int, BonusRule], given: Counter[tuple[int, date]], points: Counter[int]
) -> Iterator[Finding]:
    """Each bonus against its rule and its posting, and what the shared rows must say, counted on the way."""
    rows = session.execute(
        select(Bonus, PostingRow)
        .outerjoin(PostingRow, (PostingRow.member_id == Bonus.member_id) & (PostingRow.seq == Bonus.seq))
        .order_by(Bonus.member_id, Bonus.code, Bonus.nth)
        .execution_options(yield_per=1000)
    )
    place: tuple[int, str] | None = None
    nth, of_day = 0, Counter[date]()
    for bonus, posting in rows:
        if (bonus.member_id, bonus.code) != place:
            place, nth, of_day = (bonus.member_id, bonus.code), 0, Counter()
        nth += 1
        of_day[bonus.on_day] += 1
        given[bonus.rule_id, bonus.on_day] += 1
        points[bonus.rule_id] += bonus.points
        fault = _fault(bonus, known.get(bonus.rule_id), posting)
        if not fault and (bonus.nth, bonus.nth_of_day) != (nth, of_day[bonus.on_day]):
            fault = f"it is number {bonus.nth} and {bonus.nth_of_day} of its day, after {nth - 1}"
        if fault:
            yield Finding(RULE, f"member {bonus.member_id} bonus {bonus.code} {bonus.nth}", fault)


def _fault(bonus: Bonus, rule: BonusRule | None, posting: PostingRow | None) -> str:
    if rule is None or rule.code != bonus.code:
        return "there is no such rule"
    if not rule.from_day <= bonus.on_day <= (rule.until_day or bonus.on_day):
        return f"its rule does not count on {bonus.on_day}"
    if bonus.points > rule.points or (rule.occasion != GOODWILL and bonus.points != rule.points):
        return f"it gave {bonus.points} points, its rule {rule.points}"
    if rule.most_per_member is not None and bonus.nth > rule.most_per_member:
        return f"the member got {bonus.nth}, the cap is {rule.most_per_member}"
    if rule.most_per_member_day is not None and bonus.nth_of_day > rule.most_per_member_day:
        return f"the member got {bonus.nth_of_day} for a day, the cap is {rule.most_per_member_day}"
    if posting is None:
        return f"there is no posting {bonus.seq}"
    said = (posting.kind, posting.amount, posting.version_id, posting.idem)
    if said != (Kind.EARN, bonus.points, bonus.rule_id, granting.posting_key(bonus.code, bonus.ref)):
        return f"posting {bonus.seq} is not that of this bonus"
    return ""


def _postings_without(session: Session) -> Iterator[Finding]:
    """Postings under a bonus rule that no bonus names; the id of a rule is in nobody's hand but the product's."""
    found = session.connection().exec_driver_sql(
        "select p.member_id, p.seq from bonus_rule r join posting p on p.version_id = r.rule_id and p.kind = %s "
        "left join bonus b on b.member_id = p.member_id and b.seq = p.seq and b.rule_id = r.rule_id "
        "where b.member_id is null order by 1, 2 limit 20",
        (int(Kind.EARN),),
    )
    for member_id, seq in found:
        yield Finding(RULE, f"member {member_id} posting {seq}", "there is no bonus behind it")


def _of_shared(
    session: Session,
    known: dict[int, BonusRule],
    given: Counter[tuple[int, date]],
    points: Counter[int],
) -> Iterator[Finding]:
    left = {row.rule_id: row.left_points for row in session.scalars(select(BonusBudget))}
    days = {(row.rule_id, row.on_day): row.given for row in session.scalars(select(BonusDay))}
    for rule in known.values():
        if rule.budget_points is None:
            continue
        due = rule.budget_points - points[rule.rule_id]
        if due < 0 or left.get(rule.rule_id) != due:
            text = f"{points[rule.rule_id]} of {rule.budget_points} points were given, {left.get(rule.rule_id)} are left"
            yield Finding("bonus budget", f"rule {rule.rule_id}", text)
    for (rule_id, on), count in given.items():
        of_rule = known.get(rule_id)
        if of_rule is None or of_rule.most_per_day is None:
            continue
        said = days.get((rule_id, on), 0)
        if said != count or count > of_rule.most_per_day:
            text = f"{count} were given, {said} are counted, the cap is {of_rule.most_per_day}"
            yield Finding("bonus day", f"rule {rule_id} on {on}", text)
    for (rule_id, on), said in days.items():
        if said and not given[rule_id, on]:
            yield Finding("bonus day", f"rule {rule_id} on {on}", f"{said} are counted, none was given")
