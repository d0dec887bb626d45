"""Care of the demo's important members: visits made and missed, who is back from roaming, a birthday, and a service to prove."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.care import occasions, opening, tasks
from admin.care.models import CareTask
from admin.care.occasions import Rule
from admin.contacts import contacts
from admin.contacts.contacts import Told
from admin.proofs import proofs
from base import clock
from base.auth.principals import Staff
from base.config import Config
from points import programmes
from points.care import care
from points.members.models import Member, MemberFacts
from points.models import Programme

FESTIVALS = ("2027-02-06", "2027-04-05", "2027-06-09", "2027-09-15")  # by the moon, decreed each year
VISITED = (9, 20, 45, 130)  # days ago; of the others nobody knows of a visit
RETURNED = (0, 1, 2, 9)  # days ago; the last one is overdue
SAID = "客户满意，希望了解机场贵宾厅权益。"
DONE, MISSED = ("reached", "not-reached")
SAMPLE, SEED = 20, 20_260_901


def make(session: Session, config: Config, support: Staff, checker: Staff, at: datetime) -> None:
    """Visits, tasks of some occasions and what came of them, then a night's walk over everybody."""
    programme = programmes.every(session)[0]
    today = clock.day(at, programme.zone)
    people = _people(session, programme)
    holidays = Rule(tiers=care.IMPORTANT, days_ahead=3, holidays=(*occasions.EVERY_YEAR, *FESTIVALS))
    occasions.add_rule(session, programme, occasions.HOLIDAY, today, holidays, checker.actor)
    for member_id, days in zip(people, VISITED, strict=False):
        moment = at - timedelta(days=days)
        with clock.stopped(moment):
            visit = Told("account_manager", contacts.OUT, "visit", contacts.REACHED, SAID)
            contacts.record(session, config, support, member_id, visit, moment)
    day = opening.day_of(session, programme, today)
    for member_id, days in zip(people, RETURNED, strict=False):
        on = today - timedelta(days=days)
        opening.told(session, day, member_id, occasions.ROAMING, on, "demo", at)
    _come_of(session, config, support, people[:2], at)
    while opening.walk(session, at):
        pass
    month = today.replace(day=1)
    proofs.ask(session, checker, programme, f"care:{occasions.ROAMING}", month, "", SAMPLE, at, SEED)


def _people(session: Session, programme: Programme) -> list[int]:
    """Members with a high tier who are there, by id."""
    asked = (
        select(MemberFacts.member_id)
        .join(Member, Member.member_id == MemberFacts.member_id)
        .where(
            MemberFacts.programme_id == programme.programme_id,
            MemberFacts.tiers.op("&&")(list(occasions.HIGH)),
            Member.left_on.is_(None),
        )
        .order_by(MemberFacts.member_id)
        .limit(8)
    )
    return list(session.scalars(asked))


def _come_of(session: Session, config: Config, person: Staff, people: list[int], at: datetime) -> None:
    """The first was reached, the second was not, where they want to be called at all."""
    for member_id, result in zip(people, (DONE, MISSED), strict=False):
        asked = select(CareTask).where(CareTask.member_id == member_id, CareTask.state == opening.OPEN)
        ways = tasks.ways(session, config, member_id)
        row = session.scalar(asked.limit(1))
        if row is not None and ways:
            key = (row.member_id, row.task_id)
            tasks.do(session, config, person, key, channel=ways[0], result=result, words=SAID, at=at)
