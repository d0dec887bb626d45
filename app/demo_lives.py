"""What happens to a few of the demo's members: lines that are barred and come back, companions, a tier given by hand."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.auth.principals import Staff
from base.config import Config
from points.companions import companions
from points.lines import events
from points.lines.log import Told
from points.lines.states import LineState
from points.members.models import Member, MemberFacts
from points.tiers import grants

ACTOR = "job:demo"
COMPANIONS, GRANTED, BARRED = 24, 6, 30
WEEK = timedelta(days=7)
# What became of a barred line, in turn: the states that were told, and how many weeks ago.
STORIES: tuple[tuple[tuple[LineState, int], ...], ...] = (
    ((LineState.SUSPENDED, 6), (LineState.ACTIVE, 4)),
    ((LineState.SUSPENDED, 2),),
    ((LineState.SUSPENDED, 5), (LineState.PRE_CANCELLED, 1)),
    ((LineState.TRANSFER, 1),),
)


def make(session: Session, config: Config, maker: Staff, checker: Staff, today: date, at: datetime) -> None:
    """Members of the first programme, each for one thing only, the longest there first."""
    asked = (
        select(Member)
        .join(MemberFacts, MemberFacts.member_id == Member.member_id)
        .where(Member.left_on.is_(None), Member.joined_on < today - 8 * WEEK, MemberFacts.kind == "person")
        .order_by(Member.programme_id, Member.member_id.desc())
        .limit(COMPANIONS + GRANTED + BARRED)
    )
    found = list(session.scalars(asked))
    _companions(session, config, found[:COMPANIONS], at)
    _grants(session, found[COMPANIONS : COMPANIONS + GRANTED], maker, checker, today, at)
    for number, member in enumerate(found[COMPANIONS + GRANTED :]):
        for state, weeks in STORIES[number % len(STORIES)]:
            told = Told(f"demo-{number}-{weeks}", state, today - weeks * WEEK, "unpaid")
            events.take(session, config, member.member_id, told, ACTOR, at)


def _companions(session: Session, config: Config, members: list[Member], at: datetime) -> None:
    """Pairs: two of three have agreed, the third waits for an answer."""
    for number, (one, other) in enumerate(zip(members[::2], members[1::2], strict=False)):
        link = companions.invite(
            session, config, one.member_id, customer_id=other.customer_id, phone=None, at=at
        )
        if number % 3:
            companions.confirm(session, config, other.member_id, companions.reference(link.row), at)


def _grants(
    session: Session, members: list[Member], maker: Staff, checker: Staff, today: date, at: datetime
) -> None:
    """A gold card for a quarter, proposed by one person and approved by another."""
    for member in members:
        wanted = grants.Wanted("gold", today + 13 * WEEK, "moved here from another operator's gold card")
        proposal = grants.propose(session, maker, member.member_id, wanted, at).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
