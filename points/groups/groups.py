"""Groups and their contacts: set up by the operator, dated, never deleted; saying the same twice changes nothing.

Whoever changes a group locks its profile first, so that two changes of one group come one after the other. `by` is the
actor, who is kept in the audit log with each change.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, ids
from base.errors import Conflict, NotFound
from points import programmes
from points.groups.models import Contact, Group, Spender
from points.members import facts, members
from points.members.members import MemberUnknown
from points.members.models import Member


class GroupUnknown(NotFound):
    """There is no such group."""

    zh = "没有该集团。"


class ContactUnknown(NotFound):
    """This member is no contact of the group."""

    zh = "该会员不是集团联系人。"


class GroupItself(Conflict):
    """A group is not a contact of its own."""

    zh = "集团不能作为自己的联系人。"


def set_up(
    session: Session, programme_id: int, customer_id: str, name: str, group_class: str, at: datetime, by: str
) -> Group:
    """Make a member a group, or give a group this name and class; MemberUnknown, ProgrammeClosed."""
    member = present(session, programme_id, customer_id)
    programmes.open_one(session, programme_id)
    said = {"name": name, "group_class": group_class}
    group = session.scalars(
        insert(Group)
        .values(member_id=member.member_id, programme_id=programme_id, since=at, **said)
        .on_conflict_do_update(index_elements=["member_id"], set_=said)
        .returning(Group),
        execution_options={"populate_existing": True},
    ).one()
    facts.is_group(session, member.member_id)
    note(session, by, "group.set-up", group, group_class=group_class)
    return group


def find(session: Session, programme_id: int, group_id: int, *, change: bool = False) -> Group:
    """A group of a programme, with `change` for this transaction alone; GroupUnknown, ProgrammeClosed (to be changed)."""
    group = session.get(Group, group_id, populate_existing=True, with_for_update=change or None)
    if group is None or group.programme_id != programme_id:
        raise GroupUnknown()
    if change:
        programmes.open_one(session, programme_id)
    return group


def all_of(session: Session, programme_id: int, *, after: int | None, limit: int) -> list[tuple[Group, str]]:
    """A programme's groups with their customer ids, from after an id on."""
    rows = session.execute(
        select(Group, Member.customer_id)
        .join(Member, Member.member_id == Group.member_id)
        .where(Group.programme_id == programme_id, Group.member_id > (after or 0))
        .order_by(Group.member_id)
        .limit(limit)
    )
    return [(group, customer_id) for group, customer_id in rows]


def count(session: Session, programme_id: int) -> int:
    """How many groups a programme has."""
    return session.scalar(select(func.count()).where(Group.programme_id == programme_id)) or 0


def set_contact(
    session: Session, group: Group, customer_id: str, rank: str, at: datetime, by: str
) -> Contact:
    """Make a member of the programme a contact, or give a contact this rank; MemberUnknown, GroupItself."""
    member = present(session, group.programme_id, customer_id)
    if member.member_id == group.member_id:
        raise GroupItself()
    there = contact(session, group.member_id, member.member_id)
    if there is not None:
        if there.rank == rank:
            return there
        end(session, Contact, group.member_id, Contact.contact_id == member.member_id, at)
    made = Contact(
        member_id=group.member_id,
        contact_id=member.member_id,
        entry_id=ids.new_id(),
        since=at,
        until=None,
        rank=rank,
    )
    session.add(made)
    session.flush()
    note(session, by, "group.contact", group, contact=ids.public("mbr", made.contact_id), rank=rank)
    return made


def end_contact(session: Session, group: Group, contact_id: int, at: datetime, by: str) -> None:
    """The member no longer belongs to the group, and no longer spends for it; ContactUnknown."""
    if contact(session, group.member_id, contact_id) is None:
        raise ContactUnknown()
    end(session, Contact, group.member_id, Contact.contact_id == contact_id, at)
    end(session, Spender, group.member_id, Spender.spender_id == contact_id, at)
    note(session, by, "group.contact-ended", group, contact=ids.public("mbr", contact_id))


def contact(session: Session, group_id: int, contact_id: int) -> Contact | None:
    """A present contact of a group."""
    return session.scalar(
        select(Contact)
        .where(Contact.member_id == group_id, Contact.contact_id == contact_id, Contact.until.is_(None))
        .execution_options(populate_existing=True)
    )


def present(session: Session, programme_id: int, customer_id: str) -> Member:
    """The member of a customer id who has not left the programme; MemberUnknown."""
    found = members.find_many(session, programme_id, [customer_id]).get(customer_id)
    member = members.by_id(session, found) if found is not None else None
    if member is None or member.left_on is not None:
        raise MemberUnknown()
    return member


def reference(group_id: int) -> str:
    """A group's public id."""
    return ids.public("grp", group_id)


def note(session: Session, by: str, action: str, group: Group, **facts: object) -> None:
    """A change of a group in the audit log."""
    audit.write(session, by, action, reference(group.member_id), **facts)


def end(
    session: Session, table: type[Contact | Spender], group_id: int, whose: ColumnElement[bool], at: datetime
) -> None:
    """The present row of somebody ends; harmless where there is none."""
    session.execute(
        update(table)
        .where(table.member_id == group_id, whose, table.until.is_(None))
        .values(until=func.greatest(table.since, at))
    )
