"""Words for tests of bonuses: give one, ask for many, look at what came of it."""

from datetime import date
from typing import Any

from sqlalchemy import func, select

from base import clock, database
from base.errors import Problem
from points import ledger, programmes
from points.bonuses import granting
from points.bonuses.deciding import Wanted
from points.bonuses.models import Bonus, BonusBudget
from points.members import attributes
from points.models import Programme
from tests.given import ZONE


def today() -> date:
    return clock.day(clock.now(), ZONE)


def wanted(
    member_id: int, ref: str | None = "S-1", *, code: str = "survey", on: date | None = None
) -> Wanted:
    return Wanted(member_id, code, on or today(), ref)


def give(programme: Programme, member_id: int, ref: str | None = "S-1", **more: Any) -> granting.Given:
    with database.begin() as session:
        return granting.grant(
            session,
            programmes.by_id(session, programme.programme_id),
            wanted(member_id, ref, **more),
            clock.now(),
        )


def refused(programme: Programme, member_id: int, ref: str | None = "S-1", **more: Any) -> Problem:
    """The refusal; there must be one."""
    try:
        given = give(programme, member_id, ref, **more)
    except Problem as refusal:
        return refusal
    raise AssertionError(f"it was given: {given}")


def give_many(programme: Programme, *asked: Wanted) -> list[Any]:
    with database.begin() as session:
        return granting.grant_many(
            session, programmes.by_id(session, programme.programme_id), asked, clock.now()
        )


def named(answers: list[Any]) -> list[str]:
    """Each answer in a word: points, `again`, or the refusal's type."""
    return [
        one.type_name() if isinstance(one, Problem) else "again" if one.repeated else str(one.points)
        for one in answers
    ]


def balance(member_id: int) -> int:
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def bonuses(**of: Any) -> int:
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(Bonus).filter_by(**of)) or 0


def budget_left(rule_id: int) -> int | None:
    with database.begin() as session:
        return session.scalar(select(BonusBudget.left_points).where(BonusBudget.rule_id == rule_id))


def set_birthday(member_id: int, birthday: str) -> None:
    with database.begin() as session:
        attributes.add_many(session, {(member_id, attributes.BIRTHDAY, date(2020, 1, 1)): birthday})
