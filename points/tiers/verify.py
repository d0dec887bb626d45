"""Proof of tiers: facts say what changes and grants say, each change followed a policy in force, grants had two persons."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.tiers import grants, present, proposals
from points.tiers.models import TierGrant, TierPolicy, TierRevocation

MOST, MEMBERS = 100, 10_000

_NOT_IN_FORCE = f"""
select c.member_id, c.ladder, c.from_day from tier_change c
left join tier_policy p on p.policy_id = c.policy_id left join member_facts f on f.member_id = c.member_id
where p.policy_id is null or p.ladder <> c.ladder or p.programme_id is distinct from f.programme_id
or p.from_day > c.from_day or exists (
  select from tier_policy later where later.programme_id = p.programme_id and later.ladder = p.ladder
  and later.from_day > p.from_day and later.from_day <= c.from_day)
order by 1, 2, 3 limit {MOST}"""

_NOT_EARNED = f"""
select c.member_id, c.ladder, c.from_day from tier_change c join tier_policy p on p.policy_id = c.policy_id
where c.tier is distinct from p.steps -> (c.rank - 1) ->> 'tier' and c.rank > 0
or c.reason in ('reached', 'kept') and c.earned < (p.steps -> (c.rank - 1) ->> 'points')::bigint
or c.reason = 'kept' and c.tier is distinct from c.before
order by 1, 2, 3 limit {MOST}"""

_BROKEN = f"""
select member_id, ladder, from_day from (
  select c.*, lag(tier) over (partition by member_id, ladder order by from_day) as previous from tier_change c) c
where before is distinct from previous order by 1, 2, 3 limit {MOST}"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with tiers, at most MOST of some kinds. Read-only; give it a REPEATABLE READ transaction."""
    for statement, fault in (
        (_NOT_IN_FORCE, "its policy was not in force"),
        (_NOT_EARNED, "its policy does not give this tier for what was earned"),
        (_BROKEN, "it does not follow the change before"),
    ):
        for member_id, ladder, day in session.execute(text(statement)):
            yield Finding("tier", f"member {member_id} {ladder} {day}", fault)
    yield from _approved(session)
    yield from _facts(session)


def _approved(session: Session) -> Iterator[Finding]:
    cases = {
        approvals.reference(row.Proposal.proposal_id): (row.Proposal, row.Decision)
        for row in session.execute(
            select(Proposal, Decision)
            .join(Decision, Decision.proposal_id == Proposal.proposal_id)
            .where(Proposal.kind.in_((proposals.KIND, grants.KIND)), Decision.verdict == APPROVED)
        )
    }
    done: Counter[str] = Counter()
    seen: set[tuple[int, str]] = set()
    for policy in session.scalars(select(TierPolicy).order_by(TierPolicy.from_day, TierPolicy.policy_id)):
        is_first = (policy.programme_id, policy.ladder) not in seen
        seen.add((policy.programme_id, policy.ladder))
        if policy.approval is None and is_first:
            continue
        done[policy.approval or ""] += 1
        fault = _decided(cases.get(policy.approval or ""), lambda said, row=policy: proposals.says(said, row))
        if fault:
            yield Finding("tier", f"policy {policy.policy_id}", fault)
    for row in (*session.scalars(select(TierGrant)), *session.scalars(select(TierRevocation))):
        done[row.approval] += 1
        fault = _decided(cases.get(row.approval), None, row)
        if fault:
            yield Finding("tier", f"member {row.member_id} grant {row.grant_id}", fault)
    for reference in cases:
        if done[reference] != 1:
            yield Finding("tier", reference, f"it was approved and done {done[reference]} times")


def _decided(case: tuple[Proposal, Decision] | None, same: Any, row: Any = None) -> str:
    if case is None:
        return "it names no approval"
    proposal, decision = case
    if decision.person_id == proposal.maker_id:
        return "its maker approved it"
    said = proposal.said
    if row is None:
        is_same = same(proposals.wanted_of(proposal))
    elif isinstance(row, TierGrant):
        wanted = (proposal.member_id, said["ladder"], said["tier"], said.get("until_day"), said["reason"])
        is_same = wanted == (row.member_id, row.ladder, row.tier, row.until_day.isoformat(), row.reason)
    else:
        is_same = said["action"] == grants.REVOKE and (proposal.member_id, said["reason"]) == (
            row.member_id,
            row.reason,
        )
    return "" if is_same else "it is not what was approved"


def _facts(session: Session) -> Iterator[Finding]:
    """A member's facts say what the rows say on the last day on which they are sure; one more may be there: what another
    system tells, until the run of the day on which a ladder takes its code over.
    """
    now, after = clock.now(), -1
    while True:
        found = session.execute(
            text(
                "select f.member_id, f.tiers, f.tiers_until, (select value from member_attribute a "
                "where a.member_id = f.member_id and a.name = 'tier' order by from_day desc limit 1) "
                "from member_facts f where f.member_id > :after order by f.member_id limit :most"
            ),
            {"after": after, "most": MEMBERS},
        ).all()
        if not found:
            return
        said = {one.member_id: one for one in present.said_by_rows(session, now, found[0][0], found[-1][0])}
        for member_id, tiers, until, told in found:
            rows = said.get(member_id)
            if rows is None:
                yield Finding("tier", f"member {member_id}", "its programme is unknown")
            elif set(rows.tiers) != set(tiers) and set(rows.tiers) != set(tiers) - {told}:
                yield Finding(
                    "tier", f"member {member_id}", f"facts say {tiers}, changes and grants {rows.tiers}"
                )
            elif rows.until != until:
                yield Finding(
                    "tier", f"member {member_id}", f"facts are sure until {until}, grants say {rows.until}"
                )
        after = found[-1][0]
