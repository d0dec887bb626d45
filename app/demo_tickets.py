"""What a few of the demo's members asked or complained of, at every stage, and some contacts with them."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.contacts import contacts
from admin.contacts.contacts import Told
from admin.tickets import climbing, tickets
from admin.tickets.models import Ticket
from base import clock
from base.auth import principals
from base.auth.principals import Staff
from base.config import Config
from points.members import members
from points.members.models import Member, MemberFacts

HOUR = timedelta(hours=1)
TAKE, START, ANSWER, MISS, REACH, CLOSE, REOPEN = (
    "take",
    "start",
    "answer",
    "miss",
    "reach",
    "close",
    "reopen",
)
# Subject, what the member wrote, hours ago, the deeds that followed with hours after the opening.
STORIES: tuple[tuple[str, str, int, tuple[tuple[str, int], ...]], ...] = (
    (
        "merchant",
        "滨江店说积分兑换的券不能和会员价同享，券面上没有写。",
        190,
        ((TAKE, 1), (START, 2), (ANSWER, 20), (MISS, 21), (MISS, 24), (MISS, 44)),
    ),
    (
        "points",
        "九月账单的积分比平时少，请帮我核对。",
        120,
        ((TAKE, 1), (START, 1), (ANSWER, 5), (REACH, 8), (CLOSE, 8)),
    ),
    ("event", "周末的亲子活动改了时间，我没有收到通知。", 75, ()),
    (
        "redemption",
        "话费兑换显示完成，账单上还没有看到。",
        60,
        ((TAKE, 1), (START, 2), (ANSWER, 26), (REOPEN, 30)),
    ),
    (
        "voucher",
        "收银台提示券码无效，可我还没有用过。",
        30,
        ((TAKE, 2), (START, 3), (ANSWER, 20), (MISS, 24)),
    ),
    ("privacy", "请告诉我谁查看过我的资料。", 6, ((TAKE, 1), (START, 1))),
    ("points", "为什么这笔积分年底就到期？", 2, ()),
)
ANSWERED = "您好，已为您核实并处理，详情见积分明细；如仍有疑问，请再次提出。"
AGAIN = "账单上仍然没有，请再查一次。"
TOUCHES: tuple[Told, ...] = (
    Told("telephone_manager", contacts.OUT, "care", contacts.REACHED, "客户对服务满意，希望多些健康讲座。"),
    Told("hotline", contacts.OUT, "expiry", contacts.LATER, "正在开会", "下周再联系"),
)


def make(session: Session, config: Config, first_id: int | None, support: Staff, at: datetime) -> None:
    """A ticket each for some members, `first_id` with the latest and an earlier one; then what is overdue climbs."""
    people = _people(session, first_id)
    for number, (subject, said, hours, deeds) in enumerate(STORIES):
        began = at - hours * HOUR
        with clock.stopped(began):
            row = _opened(session, config, people[number % len(people)], subject, said, began)
        for deed, after in deeds:
            with clock.stopped(began + after * HOUR):
                _done(session, config, row, support, deed, began + after * HOUR)
    for member, told in zip(people, TOUCHES, strict=False):
        contacts.record(session, config, support, member.member_id, told, at)
    climbing.walk(session, at)


def _people(session: Session, first_id: int | None) -> list[Member]:
    """Six members of the first programme, the shown one last, so that the newest ticket and the first are theirs."""
    asked = (
        select(Member)
        .join(MemberFacts, MemberFacts.member_id == Member.member_id)
        .where(Member.left_on.is_(None), Member.member_id != first_id, MemberFacts.kind == "person")
        .order_by(Member.programme_id, Member.member_id)
        .limit(5)
    )
    shown = [members.by_id(session, first_id)] if first_id is not None else []
    return [*shown, *session.scalars(asked)]


def _opened(
    session: Session, config: Config, member: Member, subject: str, said: str, at: datetime
) -> Ticket:
    by = principals.Member(member.member_id, member.programme_id)
    return tickets.open_one(session, config, member, subject, said, by=by, at=at)


def _done(session: Session, config: Config, row: Ticket, person: Staff, deed: str, at: datetime) -> None:
    key = (row.member_id, row.ticket_id)
    if deed == TAKE:
        tickets.take(session, config, person, key, at)
    elif deed == START:
        tickets.start(session, config, person, key, at)
    elif deed == ANSWER:
        tickets.answer(session, config, person, key, ANSWERED, at)
    elif deed == CLOSE:
        tickets.close(session, config, person, key, "", at)
    elif deed == REOPEN:
        member = members.by_id(session, row.member_id)
        tickets.reopen(session, config, member, row.ticket_id, AGAIN, at)
    else:
        tickets.call_back(session, config, person, key, reached=deed == REACH, at=at)
