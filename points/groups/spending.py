"""Who may spend a group's points, up to which cap in a calendar month of its programme, and what is left of it.

The cap itself is kept by the ledger (points/caps.py, points/spenders.py) in the write that spends; what stands here
appoints spenders, shows them, and refuses early.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import Conflict
from points import ledger, programmes
from points.caps import Allowance, month, next_month
from points.groups import groups
from points.groups.groups import ContactUnknown, GroupUnknown
from points.groups.models import Contact, Group, Spender, Spent
from points.kinds import State
from points.members import members
from points.members.models import Member
from points.models import HoldRow, PostingRow, Programme
from points.refusals import MemberClosed, MemberFrozen, MemberMerged, OverCap, SpendingNotAllowed

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
    barred, and SpendingNotAllowed.
    """
    group = visible(session, group_id, spender_id)
    member, state = members.by_id(session, spender_id), ledger.read(session, spender_id).state
    if member.left_on is not None or state in BARRED:
        raise BARRED.get(state, MemberClosed)(line="your own")
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
    ours = Spender.member_id == group.member_id
    found = _spendings(session, programme, at, ours, Spender.spender_id == contact_id)
    return found[0][1] if found else None


def mine(session: Session, member_id: int, at: datetime) -> list[tuple[Group, Spending]]:
    """The groups that a member may spend for, by name."""
    programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
    of_group = {
        spender.member_id: spending
        for spender, spending in _spendings(session, programme, at, Spender.spender_id == member_id)
    }
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
    ours, listed = Spender.member_id == group.member_id, [contact.contact_id for contact, _ in rows]
    found = _spendings(session, programme, at, ours, Spender.spender_id.in_(listed))
    spendings = {spender.spender_id: spending for spender, spending in found}
    return [
        ListedContact(contact, customer_id, spendings.get(contact.contact_id))
        for contact, customer_id in rows
    ]


def _spendings(
    session: Session, programme: Programme, at: datetime, *whose: ColumnElement[bool]
) -> list[tuple[Spender, Spending]]:
    """Present spenders with what they took this month; what was held and has run out counts as given back."""
    on = clock.day(at, programme.zone)
    run_out = (
        select(func.coalesce(func.sum(HoldRow.open_points), 0))
        .join(PostingRow, and_(PostingRow.member_id == HoldRow.member_id, PostingRow.seq == HoldRow.seq))
        .where(
            HoldRow.member_id == Spender.member_id,
            HoldRow.ends_at <= at,
            PostingRow.spender_id == Spender.spender_id,
            PostingRow.effective_on >= month(on),
            PostingRow.effective_on < next_month(on),
        )
        .correlate(Spender)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Spender, func.coalesce(Spent.points, 0) - run_out)
        .outerjoin(
            Spent,
            and_(
                Spent.member_id == Spender.member_id,
                Spent.spender_id == Spender.spender_id,
                Spent.month == month(on),
            ),
        )
        .where(*whose, Spender.until.is_(None))
        .execution_options(populate_existing=True)
    )
    return [
        (spender, Spending(spender.cap_points, int(spent), next_month(on), spender.cost_centre))
        for spender, spent in rows
    ]


def present_spender(session: Session, group_id: int, spender_id: int) -> Spender | None:
    """The row by which a contact may spend now; None: he or she may not."""
    return session.scalar(
        select(Spender)
        .where(Spender.member_id == group_id, Spender.spender_id == spender_id, Spender.until.is_(None))
        .execution_options(populate_existing=True)
    )
