"""Who may spend a group's points, up to which cap in a calendar month of its programme, and what is left of it.

The cap itself is kept by the ledger (points/caps.py, points/spenders.py) in the write that spends; what stands here
appoints spenders, shows them, and refuses early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict
from points import ledger, programmes
from points.caps import Allowance, month, next_month
from points.groups import groups
from points.groups.groups import ContactUnknown, GroupUnknown
from points.groups.models import Contact, Group, Spender
from points.kinds import State
from points.members import members
from points.members.models import Member
from points.models import Programme
from points.refusals import (
    MemberClosed,
    MemberFrozen,
    MemberMerged,
    OverCap,
    PointsFrozen,
    SpendingNotAllowed,
)

MOST_COST_CENTRE = 64
BARRED = {State.FROZEN: MemberFrozen, State.CLOSED: MemberClosed, State.MERGED: MemberMerged}


class SpenderNoContact(Conflict):
    """Only a contact of the group can spend its points."""

    zh = "只有集团联系人才能使用集团积分。"
    next_en, next_zh = "Make the member a contact first.", "请先将该会员设为集团联系人。"


@dataclass(frozen=True, slots=True)
class Spending:
    """What a spender may take of a group's points in the present month."""

    cap_points: int
    spent: int
    resets_on: date
    cost_centre: str | None = None

    @property
    def left(self) -> int:
        """What may still be taken until the day on which the whole cap is there again."""
        return Allowance(self.cap_points, self.spent).left


@dataclass(frozen=True, slots=True)
class ListedContact:
    """A contact with the customer id, and what he or she may spend, if anything."""

    contact: Contact
    customer_id: str
    spending: Spending | None


def set_spender(
    session: Session,
    group: Group,
    customer_id: str,
    cap_points: int,
    at: datetime,
    by: str,
    cost_centre: str | None = None,
) -> Spender:
    """Let a contact spend so many points in a month; the same again changes nothing, another cap counts at once.

    `cost_centre`: where the group books what is spent; None: as before.

    A redemption that is under way and has read the old cap ends first. Raises MemberUnknown, SpenderNoContact.
    """
    member = groups.present(session, group.programme_id, customer_id)
    if groups.contact(session, group.member_id, member.member_id) is None:
        raise SpenderNoContact()
    there = present_spender(session, group.member_id, member.member_id)
    if there is not None:
        cost_centre = cost_centre or there.cost_centre
        if (there.cap_points, there.cost_centre) == (cap_points, cost_centre):
            return there
    groups.end(session, Spender, group.member_id, Spender.spender_id == member.member_id, at)
    made = Spender(
        member_id=group.member_id,
        spender_id=member.member_id,
        entry_id=ids.new_id(),
        cap_points=cap_points,
        since=at,
        until=None,
        cost_centre=cost_centre,
    )
    session.add(made)
    session.flush()
    spender = ids.public("mbr", made.spender_id)
    groups.note(session, by, "group.spender", group, spender=spender, cap_points=cap_points)
    return made


def end_spender(session: Session, group: Group, spender_id: int, at: datetime, by: str) -> None:
    """The contact may not spend any more; ContactUnknown where there is no such contact, harmless to repeat."""
    if groups.contact(session, group.member_id, spender_id) is None:
        raise ContactUnknown()
    groups.end(session, Spender, group.member_id, Spender.spender_id == spender_id, at)
    groups.note(session, by, "group.spender-ended", group, spender=ids.public("mbr", spender_id))


def payer(session: Session, group_id: int, spender_id: int) -> Group:
    """The group that a spender may spend for.

    GroupUnknown for everybody who is no contact of it; then MemberFrozen and the like where the spender's own line is
    barred, PointsFrozen where the own points are frozen, and SpendingNotAllowed.
    """
    group = visible(session, group_id, spender_id)
    member, wallet = members.by_id(session, spender_id), ledger.read(session, spender_id)
    if member.left_on is not None or wallet.state in BARRED:
        raise BARRED.get(wallet.state, MemberClosed)(line="your own")
    if wallet.stopped:
        raise PointsFrozen()
    if present_spender(session, group_id, spender_id) is None:
        raise SpendingNotAllowed()
    return group


def visible(session: Session, group_id: int, contact_id: int) -> Group:
    """A group as one of its contacts sees it; nobody else learns that it is there: GroupUnknown."""
    group = session.get(Group, group_id)
    if group is None or groups.contact(session, group_id, contact_id) is None:
        raise GroupUnknown()
    return group


def belongs(session: Session, me: int, member_id: int, spender_id: int | None) -> bool:
    """Whether something that was redeemed is the caller's: the own, or redeemed for a group whose contact the caller is."""
    return member_id == me or (spender_id == me and groups.contact(session, member_id, me) is not None)


def within_cap(session: Session, group: Group, spender_id: int, points: int, at: datetime) -> None:
    """OverCap or SpendingNotAllowed, as spending so many points now would say."""
    found = of(session, group, spender_id, at)
    if points > found.left:
        raise OverCap(left=found.left, cap=found.cap_points, resets_on=str(found.resets_on))


def of(session: Session, group: Group, spender_id: int, at: datetime) -> Spending:
    """What a spender may take at this moment; SpendingNotAllowed."""
    found = maybe(session, group, spender_id, at)
    if found is None:
        raise SpendingNotAllowed()
    return found


def maybe(session: Session, group: Group, contact_id: int, at: datetime) -> Spending | None:
    """What a contact may take at this moment; None for one who may not spend."""
    programme = programmes.by_id(session, group.programme_id)
    found = _spendings(session, programme, at, _IN_GROUP, group.member_id, [contact_id])
    return found[0][2] if found else None


def mine(session: Session, member_id: int, at: datetime) -> list[tuple[Group, Spending]]:
    """The groups that a member may spend for, by name."""
    programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
    of_group = {
        group_id: spending
        for group_id, _, spending in _spendings(session, programme, at, _OF_SPENDER, member_id)
    }
    if not of_group:
        return []
    found = session.scalars(select(Group).where(Group.member_id.in_(of_group)).order_by(Group.name))
    return [(group, of_group[group.member_id]) for group in found]


def contacts(
    session: Session, group: Group, at: datetime, *, after: int | None, limit: int
) -> list[ListedContact]:
    """A group's present contacts, from after an id on, each with what he or she may spend."""
    rows = session.execute(
        select(Contact, Member.customer_id)
        .join(Member, Member.member_id == Contact.contact_id)
        .where(
            Contact.member_id == group.member_id, Contact.until.is_(None), Contact.contact_id > (after or 0)
        )
        .order_by(Contact.contact_id)
        .limit(limit)
    ).all()
    programme = programmes.by_id(session, group.programme_id)
    listed = [contact.contact_id for contact, _ in rows]
    found = _spendings(session, programme, at, _IN_GROUP, group.member_id, listed)
    spendings = {spender_id: spending for _, spender_id, spending in found}
    return [
        ListedContact(contact, customer_id, spendings.get(contact.contact_id))
        for contact, customer_id in rows
    ]


def _spendings(
    session: Session, programme: Programme, at: datetime, which: str, whose: int, who: Sequence[int] = ()
) -> list[tuple[int, int, Spending]]:
    """Groups and present spenders with what these took this month; what was held and has run out counts as given back."""
    on = clock.day(at, programme.zone)
    resets_on = next_month(on)
    values = {"whose": whose, "who": list(who), "at": at, "month": month(on), "next": resets_on}
    return [
        (row.member_id, row.spender_id, Spending(row.cap_points, row.spent, resets_on, row.cost_centre))
        for row in database.rows(session, _SPENDINGS[which], values)
    ]


# Asked with every look at the home page, so in words that need no compiling.
_OF_SPENDER, _IN_GROUP = "of a spender", "in a group"
_SPENDINGS = {
    which: f"""
select s.member_id, s.spender_id, s.cap_points, s.cost_centre, (coalesce(t.points, 0) - (
  select coalesce(sum(h.open_points), 0) from hold h join posting p on p.member_id = h.member_id and p.seq = h.seq
  where h.member_id = s.member_id and h.ends_at <= %(at)s and p.spender_id = s.spender_id
    and p.effective_on >= %(month)s and p.effective_on < %(next)s))::bigint spent
from spender s
left join spent t on t.member_id = s.member_id and t.spender_id = s.spender_id and t.month = %(month)s
where {whose} and s.until is null
"""
    for which, whose in {
        _OF_SPENDER: "s.spender_id = %(whose)s",
        _IN_GROUP: "s.member_id = %(whose)s and s.spender_id = any(%(who)s::bigint[])",
    }.items()
}


def present_spender(session: Session, group_id: int, spender_id: int) -> Spender | None:
    """The row by which a contact may spend now; None: he or she may not."""
    return session.scalar(
        select(Spender)
        .where(Spender.member_id == group_id, Spender.spender_id == spender_id, Spender.until.is_(None))
        .execution_options(populate_existing=True)
    )
