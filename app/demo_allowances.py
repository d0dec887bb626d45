"""What tiers include in the demo, proposed and approved by its two persons, and uses of it by some members."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.auth.principals import Staff
from points import programmes
from points.entitlements import entitlements, periods, rules
from points.entitlements.rules import Wanted
from points.members.models import Member, MemberFacts
from points.models import Programme

LOUNGE = {"zh-CN": "机场贵宾厅", "en": "Airport lounge"}
CINEMA = {"zh-CN": "影院观影", "en": "Cinema"}
WASH = {"zh-CN": "免费洗车", "en": "Car wash"}
DESK, MOST_USERS = "job:demo", 60


def make(session: Session, maker: Staff, checker: Staff) -> None:
    """Three perks for each programme from the beginning of this year on, and a few uses in the present periods."""
    at = clock.now()
    for programme in programmes.every(session):
        first = periods.period(periods.YEAR, clock.day(at, programme.zone)).first
        for wanted in _wanted(programme, first):
            _enact(session, wanted, maker, checker, clock.start_of(first, programme.zone))
        _use(session, programme, at)


def _wanted(programme: Programme, first: date) -> list[Wanted]:
    new_year = (first, first.replace(month=12, day=31))
    return [
        Wanted(
            programme.code, "lounge", first, LOUNGE, periods.YEAR, {"gold": 3, "diamond": 6},
            guests=1, carry_over=2, blackout_days=new_year,
        ),
        Wanted(programme.code, "cinema", first, CINEMA, periods.MONTH, {"gold": 1, "diamond": 2}),
        Wanted(programme.code, "car-wash", first, WASH, periods.QUARTER, {"silver": 1, "gold": 2, "diamond": 3}),
    ]  # fmt: skip


def _enact(session: Session, wanted: Wanted, maker: Staff, checker: Staff, at: datetime) -> None:
    with clock.stopped(at):
        proposal = rules.propose(session, maker, wanted, at).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)


def _use(session: Session, programme: Programme, at: datetime) -> None:
    """Each of a few members with a card uses one thing more than the one before, in turn."""
    asked = (
        select(Member)
        .join(MemberFacts, MemberFacts.member_id == Member.member_id)
        .where(
            Member.programme_id == programme.programme_id,
            Member.left_on.is_(None),
            MemberFacts.tiers.overlap(["silver", "gold", "diamond"]),
        )
        .order_by(Member.member_id)
        .limit(MOST_USERS)
    )
    today = clock.day(at, programme.zone)
    for number, member in enumerate(session.scalars(asked).all()):
        for one in entitlements.of(session, member, programme, today)[: number % 4]:
            if today not in one.rule.blackout_days and one.allowance.left:
                entitlements.use(
                    session, member, one.rule.perk, 0, today, f"{one.rule.perk} {number}", DESK, at
                )
