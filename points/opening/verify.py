"""Proof of opening balances: each lot is what its posting says, under an approval of another person, and no total is exceeded."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import APPROVED
from base.findings import Finding
from points.kinds import Kind
from points.lots import CLASS_BITS
from points.opening import opening

RULE = "opening balance"
MOST = 100

_OTHERWISE = f"""
select o.member_id, o.seq from opening_lot o left join posting p on p.member_id = o.member_id and p.seq = o.seq
where o.proposal_id = :proposal and (p.member_id is null or p.kind <> {int(Kind.EARN)} or p.amount <> o.points
  or p.value_fen is distinct from o.value_fen or p.ref is distinct from :named || o.source
  or (p.lots[1] & {(1 << CLASS_BITS) - 1}) <> o.lot_class
  or (p.lots[1] >> {CLASS_BITS}) < o.last_day - date '1970-01-01' or p.at < :since)
order by 1, 2 limit {MOST}"""

_ASTRAY = f"""
select p.member_id, p.seq from posting p where p.kind = {int(Kind.EARN)} and p.ref ~ '^opening apr_[0-9A-Z]{{13}} '
and not exists (select from opening_lot o where o.member_id = p.member_id and o.seq = p.seq)
order by 1, 2 limit {MOST}"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with opening balances. Read-only; give it a REPEATABLE READ transaction."""
    cases = {case.proposal.proposal_id: case for case in opening.every(session)}
    for proposal_id in session.scalars(text("select distinct proposal_id from opening_lot order by 1")):
        case = cases.get(proposal_id)
        fault = _not_approved(case)
        if fault or case is None or case.decision is None:
            yield Finding(RULE, approvals.reference(proposal_id), fault)
            continue
        asked = {
            "proposal": proposal_id,
            "named": opening.ref_of(proposal_id, ""),
            "since": case.decision.at,
        }
        for member_id, seq in session.execute(text(_OTHERWISE), asked):
            yield Finding(
                RULE,
                f"member {member_id} posting {seq}",
                "it is not the lot that was brought, or came before its approval",
            )
    for member_id, seq in session.execute(text(_ASTRAY)):
        yield Finding(
            RULE, f"member {member_id} posting {seq}", "it names an approval and no lot that was brought"
        )
    for case in cases.values():
        if case.decision is not None and case.decision.verdict == APPROVED:
            yield from _totals(session, case)


def _not_approved(case: Case | None) -> str:
    if case is None or case.decision is None or case.decision.verdict != APPROVED:
        return "lots were posted and nobody approved them"
    return "its maker approved it" if case.decision.person_id == case.proposal.maker_id else ""


def _totals(session: Session, case: Case) -> Iterator[Finding]:
    """No class and month has more than was approved; once the file is done, less only where lines were refused meanwhile."""
    said, found = case.proposal.said, opening.posted(session, case.proposal.proposal_id)
    place = approvals.reference(case.proposal.proposal_id)
    approved = {(one["class"], one["until"]): one["points"] for one in said["by_class"]}
    for one in found["by_class"]:
        most = approved.get((one["class"], one["until"]), 0)
        if one["points"] > most:
            what = opening.of_class(one["class"], one["until"])
            yield Finding(RULE, place, f"{what}: approved {most}, posted {one['points']}")
    if opening.refused(session, case) == said["refused"]:
        yield from (Finding(RULE, place, fault) for fault in opening.differences(said, found))
