"""The second step of a merge: what left the merged member arrives at the survivor.

One transaction that holds the merge's row: of two workers the second finds it done, and one that dies in it leaves all
as it was, the points in TRANSIT and the promise with the queue. A survivor that cannot take it (its wallet is full of
lots) is asked again in an hour, for good; one that was merged itself meanwhile is followed.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.approvals import approvals
from points import ledger, programmes
from points.deeds import Request
from points.kinds import Kind
from points.lots import Interval
from points.members import members
from points.merges import merges, redirects
from points.merges.models import MemberMerge
from points.models import PostingRow
from points.refusals import LotsFull, MemberMerged

LOOK_AGAIN = timedelta(hours=1)
log = structlog.get_logger()


def run(member_id: int) -> None:
    """Bring a merge to its end; safe to run twice and at any time."""
    try:
        with database.begin() as session:
            arrive(session, member_id, clock.now())
    except (LotsFull, MemberMerged) as refusal:  # MemberMerged: the survivor was merged at this very moment
        log.warning("merge waits", reason=type(refusal).__name__)
        with database.begin() as session:
            again(
                session,
                member_id,
                clock.now() + (LOOK_AGAIN if isinstance(refusal, LotsFull) else timedelta()),
            )


def arrive(session: Session, member_id: int, at: datetime) -> None:
    """Points first, then the debt, which is repaid from what is there; LotsFull, MemberMerged."""
    merge = session.get_one(MemberMerge, member_id, populate_existing=True, with_for_update=True)
    if merge.arrived_at is not None:
        return
    landed_id = redirects.survivor_of(session, member_id) or merge.survivor_id
    zone = programmes.by_id(session, members.by_id(session, landed_id).programme_id).zone
    if merge.points:
        asked = merges.arrival(merge, landed_id, _sent(session, merge), zone, at)
        merge.in_seq = ledger.post(session, asked).seq
    if merge.debt:
        owed = Request(
            member_id=landed_id,
            idem=merges.key(merge.merge_id, "debt in"),
            kind=Kind.MERGE_DEBT_IN,
            points=merge.debt,
            at=at,
            zone=zone,
            contra=member_id,
            ref=approvals.reference(merge.merge_id),
        )
        merge.debt_in_seq = ledger.post(session, owed).seq
    merge.landed_id, merge.arrived_at = landed_id, at


def again(session: Session, member_id: int, due_at: datetime) -> None:
    """Promise another try, once."""
    merge = session.get_one(MemberMerge, member_id, populate_existing=True, with_for_update=True)
    if merge.arrived_at is None and not outbox.promised_later(session, **merges.promise(member_id)):
        outbox.put(session, **merges.promise(member_id), due_at=due_at)


def _sent(session: Session, merge: MemberMerge) -> tuple[Interval, ...]:
    flat = session.get_one(PostingRow, (merge.member_id, merge.out_seq)).lots
    return tuple(Interval(key, 0, count) for key, count in zip(flat[0::3], flat[2::3], strict=True))
