"""The demo operator's bonuses: a welcome and a birthday's points, small beside the bills, by two persons as anywhere."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from admin.staff import staff
from admin.staff.models import StaffRow
from base import database
from base.approvals import approvals
from base.auth.principals import Staff
from points.bonuses import due, rules
from points.bonuses.occasions import BIRTHDAY, SIGN_UP
from points.members import attributes
from points.models import Programme

MAKER, CHECKER = "campaigns@demo.example", "campaigns-checker@demo.example"
BUDGET_POINTS = 2_000_000
BEFORE = timedelta(days=92)  # everybody joined before the first month: the campaigns are older too
CAMPAIGNS = (  # code, occasion, names, points
    ("welcome", SIGN_UP, "入会礼", "Welcome gift", 20),
    ("birthday", BIRTHDAY, "生日礼", "Birthday gift", 10),
)
SOME_LEAP_YEAR, DAYS, APART = date(2000, 1, 1), 366, 173


def set_up(session: Session, programmes: Iterable[Programme], first_day: date, at: datetime) -> None:
    """The rules of both campaigns in every programme, since a while before a day, proposed and approved at a moment."""
    maker = _person(session, MAKER, "Campaigns", "editor")
    checker = _person(session, CHECKER, "Campaigns, checker", "checker")
    for programme in programmes:
        for code, occasion, name_zh, name_en, points in CAMPAIGNS:
            wanted = rules.Wanted(
                programme=programme.code,
                code=code,
                name_zh=name_zh,
                name_en=name_en,
                occasion=occasion,
                points=points,
                from_day=first_day - BEFORE,
                budget_points=BUDGET_POINTS,
            )
            proposal = rules.propose(session, maker, wanted, at).proposal
            approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)


def birthdays(session: Session, member_ids: Sequence[int], on: date) -> None:
    """Everybody's birthday, spread over the year without drawing a lot: the population's numbers stay as they are."""
    days = (SOME_LEAP_YEAR + timedelta(days=number * APART % DAYS) for number in range(len(member_ids)))
    told = {
        (member_id, attributes.BIRTHDAY, on): f"{day.month:02d}-{day.day:02d}"
        for member_id, day in zip(member_ids, days, strict=True)
    }
    attributes.add_many(session, told)


def give(programmes: Iterable[Programme], first: date, last: date, at: datetime) -> None:
    """What some days brought, both included."""
    for programme in programmes:
        with database.begin() as session:
            tasks = due.tasks(session, programme, first, last)
        for task in tasks:
            place: due.Place | None = due.START
            while place is not None:
                with database.begin() as session:
                    place = due.step(session, programme, task, place, at).next


def _person(session: Session, email: str, name: str, role: str) -> Staff:
    """A person of the demo's staff; nobody knows the password."""
    row: StaffRow = staff.add(session, email, name, secrets.token_urlsafe(16), [role])
    return Staff(row.staff_id, frozenset(row.roles))
