"""JSON of groups, contacts and spenders."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from points.groups.groups import reference
from points.groups.models import CLASSES, RANKS, Contact, Group
from points.groups.spending import MOST_COST_CENTRE, ListedContact, Spending
from points.kinds import MOST_POINTS
from points.wallets.schemas import WalletView


class GroupRequest(Request):
    """A group: a member of the programme, by customer id, with a name and a class."""

    customer_id = Text(required=True, most=64)
    name = Text(required=True, most=200)
    group_class = ma.fields.String(
        data_key="class",
        required=True,
        validate=ma.validate.OneOf(CLASSES),
        metadata={"description": "top (百强), a, b or c"},
    )


class ContactRequest(Request):
    """A contact: a member of the programme, by customer id, with a rank."""

    customer_id = Text(required=True, most=64)
    rank = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(RANKS),
        metadata={"description": "senior (高层领导), middle (中层领导) or ordinary (普通成员)"},
    )


class SpenderRequest(Request):
    """A contact who may spend, and how many points in a calendar month."""

    customer_id = Text(required=True, most=64)
    cap_points = WholeNumber(most=MOST_POINTS, required=True)
    cost_centre = Text(
        load_default=None,
        allow_none=True,
        most=MOST_COST_CENTRE,
        metadata={"description": "where the group books it; left out: as before"},
    )


class GroupView(View):
    """A group."""

    id = ma.fields.String()
    member = ma.fields.String(metadata={"description": "the group as a member"})
    name = ma.fields.String()
    group_class = ma.fields.String(data_key="class", attribute="class")


class GroupsView(View):
    """A page of groups."""

    data = ma.fields.List(ma.fields.Nested(GroupView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class AllowanceView(View):
    """What a spender may take in this month."""

    cap_points = ma.fields.Integer()
    spent_points = ma.fields.Integer(metadata={"description": "taken this month and not given back"})
    left_points = ma.fields.Integer()
    resets_on = ma.fields.String(
        metadata={"description": "the day on which the whole cap is there again, in the programme's zone"}
    )


class ContactView(View):
    """A contact; `allowance` is null where he or she may not spend."""

    member = ma.fields.String()
    customer_id = ma.fields.String()
    rank = ma.fields.String()
    since = ma.fields.String()
    allowance = ma.fields.Nested(AllowanceView, allow_none=True)
    cost_centre = ma.fields.String(allow_none=True, metadata={"description": "of one who may spend"})


class ContactsView(View):
    """A page of contacts."""

    data = ma.fields.List(ma.fields.Nested(ContactView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class MyGroupView(View):
    """A group that the member may spend for."""

    id = ma.fields.String()
    name = ma.fields.String()
    allowance = ma.fields.Nested(AllowanceView)


class GroupWalletView(WalletView):
    """A group's wallet as one of its spenders sees it."""

    allowance = ma.fields.Nested(AllowanceView)


class EndedView(View):
    """What ended."""

    member = ma.fields.String()
    state = ma.fields.String()


def group_view(group: Group) -> dict[str, Any]:
    """The group as GroupView; plain JSON, for it is stored with the idempotency key (so are the next ones)."""
    return {
        "id": reference(group.member_id),
        "member": ids.public("mbr", group.member_id),
        "name": group.name,
        "class": group.group_class,
    }


def contact_view(contact: Contact, customer_id: str, spending: Spending | None) -> dict[str, Any]:
    """The contact as ContactView."""
    return {
        "member": ids.public("mbr", contact.contact_id),
        "customer_id": customer_id,
        "rank": contact.rank,
        "since": contact.since.isoformat(),
        "allowance": allowance_view(spending) if spending else None,
        "cost_centre": spending.cost_centre if spending else None,
    }


def listed_view(one: ListedContact) -> dict[str, Any]:
    return contact_view(one.contact, one.customer_id, one.spending)


def allowance_view(spending: Spending) -> dict[str, Any]:
    """The spending as AllowanceView."""
    return {
        "cap_points": spending.cap_points,
        "spent_points": spending.spent,
        "left_points": spending.left,
        "resets_on": str(spending.resets_on),
    }
