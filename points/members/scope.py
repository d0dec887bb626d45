"""Whose members somebody of the staff, or a system, may see and change: one home for the question.

A person works for an area and sees the members in it; a system acts for one programme, maybe in one area. What lies
outside is not forbidden but not there: nobody learns that it exists.
"""

from typing import Any

from sqlalchemy import Select, and_, exists, select, true
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from base import ids
from base.auth.principals import Principal, Service, Staff
from points.members.members import MemberUnknown
from points.members.models import Member, MemberFacts


def rule(principal: Principal, member_id: Any) -> ColumnElement[bool]:
    """Whether the member that a column names is one of the principal's own.

    Asked of facts under a name of their own: else a query over the facts would take them for its own rows.
    """
    facts = aliased(MemberFacts)
    rules = _rules(principal, facts)
    return exists().where(facts.member_id == member_id, *rules) if rules else true()


def of_facts(principal: Principal) -> ColumnElement[bool]:
    """Whether a row of MemberFacts is of one of the principal's own members."""
    return and_(true(), *_rules(principal, MemberFacts))


def within(principal: Principal, asked: Select[Any], member_id: Any) -> Select[Any]:
    """The same question about the principal's own members alone; `member_id` is the column that names them."""
    return asked.where(rule(principal, member_id))


def sees(session: Session, principal: Principal, member_id: int) -> bool:
    """Whether a member is one of the principal's own."""
    rules = _rules(principal, MemberFacts)
    return not rules or bool(
        session.scalar(select(exists().where(MemberFacts.member_id == member_id, *rules)))
    )


def check(session: Session, principal: Principal, *members: int) -> None:
    """MemberUnknown, unless all of these are the principal's own."""
    if not all(sees(session, principal, member_id) for member_id in members):
        raise MemberUnknown()


def find(session: Session, principal: Principal, member: str) -> Member:
    """The member of a public id, when it is one of the principal's own; MemberUnknown."""
    (member_id,) = ids.parse("mbr", member, parts=1)
    found = session.get(Member, member_id)
    if found is None:
        raise MemberUnknown()
    check(session, principal, member_id)
    return found


def area_of(session: Session, member_id: int) -> str:
    """The code of the area that the member belongs to; empty: none is known."""
    return session.scalar(select(MemberFacts.area).where(MemberFacts.member_id == member_id)) or ""


def _rules(principal: Principal, facts: type[MemberFacts]) -> list[ColumnElement[bool]]:
    """None where the principal may see every member."""
    assert isinstance(principal, Staff | Service), "members and clerks are not asked here"
    rules: list[ColumnElement[bool]] = []
    if isinstance(principal, Service):
        rules.append(facts.programme_id == principal.programme_id)
    if principal.area:
        rules.append(facts.area.startswith(principal.area, autoescape=True))
    return rules
