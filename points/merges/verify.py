"""Proof of merges: what left a merged member arrived whole at the survivor, lot by lot, and TRANSIT is what is under way."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session, aliased

from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from points.gifts.verify import same_lots
from points.kinds import Kind, State
from points.merges import merges
from points.merges.models import MemberMerge
from points.models import PostingRow, WalletRow

TRANSIT_SIGN = {Kind.MERGE_OUT: 1, Kind.MERGE_IN: -1, Kind.MERGE_DEBT_OUT: -1, Kind.MERGE_DEBT_IN: 1}


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with merges. Read-only; give it a REPEATABLE READ transaction."""
    under_way = movements = 0
    for merge, wallet, proposal, decision, *postings in _with_their_postings(session):
        under_way += 0 if merge.arrived_at else merge.points - merge.debt
        movements += sum(
            seq is not None for seq in (merge.out_seq, merge.debt_out_seq, merge.in_seq, merge.debt_in_seq)
        )
        faults = [
            *_approval(merge, proposal, decision),
            *_wallet(wallet),
            *_postings(session, merge, *postings),
        ]
        for fault in faults:
            yield Finding("merge", f"member {merge.member_id}", fault)
    yield from _totals(session, under_way, movements)
    redirected = select(MemberMerge.member_id).where(MemberMerge.member_id == WalletRow.member_id)
    lost = select(WalletRow.member_id).where(WalletRow.state == int(State.MERGED), ~redirected.exists())
    for member_id in session.scalars(lost.limit(20)):
        yield Finding("merge", f"member {member_id}", "it is merged, and nothing says into whom")


def _with_their_postings(session: Session) -> Iterable[Any]:
    """Each merge with the merged wallet, its proposal and decision, and the postings out and in, of points and of debt."""
    some = session.scalar(select(MemberMerge.member_id).limit(1))
    return (
        session.execute(_all_of_it()) if some is not None else ()
    )  # there are few, and the question is long


@cache
def _all_of_it() -> Any:
    parts = [aliased(PostingRow) for _ in range(4)]
    out, debt_out, came, debt_came = parts
    asked: Any = select(MemberMerge, WalletRow, Proposal, Decision, *parts)
    asked = asked.outerjoin(WalletRow, WalletRow.member_id == MemberMerge.member_id)
    asked = asked.outerjoin(Proposal, Proposal.proposal_id == MemberMerge.merge_id)
    asked = asked.outerjoin(Decision, Decision.proposal_id == MemberMerge.merge_id)
    for part, of, seq in (
        (out, MemberMerge.member_id, MemberMerge.out_seq),
        (debt_out, MemberMerge.member_id, MemberMerge.debt_out_seq),
        (came, MemberMerge.landed_id, MemberMerge.in_seq),
        (debt_came, MemberMerge.landed_id, MemberMerge.debt_in_seq),
    ):
        asked = asked.outerjoin(part, and_(part.member_id == of, part.seq == seq))
    return asked


def _approval(merge: MemberMerge, proposal: Any, decision: Any) -> Iterator[str]:
    if proposal is None or decision is None or (proposal.kind, decision.verdict) != (merges.KIND, APPROVED):
        yield "nobody approved it"
    elif decision.person_id == proposal.maker_id:
        yield "its maker approved it"
    elif (proposal.member_id, merges.into_of(proposal)) != (merge.member_id, merge.survivor_id):
        yield "other members were approved"


def _wallet(wallet: Any) -> Iterator[str]:
    if wallet is None or wallet.state != State.MERGED or wallet.balance or wallet.held or wallet.debt:
        yield "its wallet is not an empty one that was merged"


def _postings(
    session: Session, merge: MemberMerge, out: Any, debt_out: Any, came: Any, debt_came: Any
) -> Iterator[str]:
    for posting, kind, amount in (
        (out, Kind.MERGE_OUT, merge.points),
        (debt_out, Kind.MERGE_DEBT_OUT, merge.debt),
        (came, Kind.MERGE_IN, merge.points if merge.arrived_at else 0),
        (debt_came, Kind.MERGE_DEBT_IN, merge.debt if merge.arrived_at else 0),
    ):
        there = (posting.kind, posting.amount) if posting is not None else None
        if there != ((kind, amount) if amount else None):
            yield f"its {kind.name.lower()} is missing, of another kind or of another amount"
            return
    if came is not None and not same_lots(session, out, came, backwards=False):
        yield "other lots arrived than left"


def _totals(session: Session, under_way: int, movements: int) -> Iterator[Finding]:
    """Sums over postings: what is in TRANSIT through merges, and that nothing was merged twice or for nobody."""
    amount = case(
        *((PostingRow.kind == int(kind), sign * PostingRow.amount) for kind, sign in TRANSIT_SIGN.items())
    )
    transit, count = session.execute(
        select(func.coalesce(func.sum(amount), 0), func.count()).where(
            PostingRow.kind.in_([int(kind) for kind in TRANSIT_SIGN])
        )
    ).one()
    if transit != under_way:
        yield Finding("transit", "merges", f"postings say {transit} are under way, merges {under_way}")
    if count != movements:
        yield Finding("transit", "merges", f"{count} postings of merges, where merges tell of {movements}")
