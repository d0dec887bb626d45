"""JSON of members as people, of reveals, and of the view log."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from base import channels, ids, vault
from base.http.api import QueryNumber, Request, Text, View
from base.models import AuditRow
from points.people import looking
from points.people.looking import FIELDS, REASONS, Masked


class EnrolRequest(Request):
    """A customer who is to be a member; all but the customer id may be left out."""

    customer_id = Text(required=True, most=64)
    joined_on = ma.fields.Date(load_default=None, metadata={"description": "left out: today"})
    phone = Text(load_default=None, most=20)
    name = Text(load_default=None, most=100)
    second_phone = Text(load_default=None, most=20)
    email = Text(load_default=None, most=120)
    address = Text(load_default=None, most=300)
    id_number = Text(load_default=None, most=40)
    area = Text(load_default=None, most=6, metadata={"description": "code of province, city or county"})
    birthday = Text(load_default=None, most=5, metadata={"description": "MM-DD, without the year"})
    channel = Text(load_default=channels.API, most=40, metadata={"description": ", ".join(channels.CHANNELS)})


class EnrolledView(View):
    """The member; `fresh` false: was there before and stays as it was."""

    id = ma.fields.String()
    joined_on = ma.fields.String()
    fresh = ma.fields.Boolean()


class PersonalView(View):
    """Personal data, masked; null: nothing is known."""

    phone = ma.fields.String(allow_none=True)
    name = ma.fields.String(allow_none=True)
    second_phone = ma.fields.String(allow_none=True)
    email = ma.fields.String(allow_none=True)
    address = ma.fields.String(allow_none=True)
    id_number = ma.fields.String(allow_none=True)


class PersonView(View):
    """A member, masked."""

    id = ma.fields.String()
    customer_id = ma.fields.String()
    joined_on = ma.fields.String()
    left_on = ma.fields.String(allow_none=True)
    area = ma.fields.String(metadata={"description": "empty: none is known"})
    erased = ma.fields.Boolean()
    personal = ma.fields.Nested(PersonalView)


class SearchRequest(Request):
    """By customer id or by phone number, one of them; a number stands in the body alone, never in an address."""

    customer_id = Text(load_default=None, most=64)
    phone = Text(load_default=None, most=20)

    @ma.validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("customer_id") is None) == (data.get("phone") is None):
            raise ma.ValidationError("one of customer_id and phone", "customer_id")


class FoundView(View):
    """Who was found: for a person of the staff one in each programme at most."""

    data = ma.fields.List(ma.fields.Nested(PersonView))


class NumberRequest(Request):
    """A change of number as the operator tells it; null: the member has none from then on."""

    event_id = Text(required=True, most=64, metadata={"description": "of the operator's system; counts once"})
    phone = Text(required=True, allow_none=True, most=20)
    since = ma.fields.AwareDateTime(
        required=True, metadata={"description": "the moment from which it holds, with its zone"}
    )


class NumberView(View):
    """Whether the member has a number now."""

    member = ma.fields.String()
    has_number = ma.fields.Boolean()


class RevealRequest(Request):
    """What to see in clear, why, and for which case."""

    fields_ = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(FIELDS)),
        required=True,
        data_key="fields",
        validate=ma.validate.Length(1, len(FIELDS)),
    )
    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REASONS))
    case = Text(required=True, most=64, metadata={"description": "its number, which begins with a letter"})


class RevealView(View):
    """Values in clear, for this once; null: nothing is known."""

    member = ma.fields.String()
    values = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(allow_none=True))


class LogQuery(Request):
    """Which looks: at one member, by one person (staff:7, service:k1), since a moment."""

    member = ma.fields.String(load_default=None)
    person = Text(load_default=None, most=60)
    since = ma.fields.AwareDateTime(load_default=None)
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class LookView(View):
    """One look, or an alarm; never what was seen."""

    at = ma.fields.String()
    person = ma.fields.String()
    what = ma.fields.String(metadata={"description": ", ".join((*looking.LOOKS, looking.ALARM))})
    member = ma.fields.String(allow_none=True)
    fields_ = ma.fields.List(ma.fields.String(), data_key="fields", attribute="fields")
    reason = ma.fields.String(allow_none=True)
    case = ma.fields.String(allow_none=True)


class LogView(View):
    """A page of the view log."""

    data = ma.fields.List(ma.fields.Nested(LookView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def personal_of(asked: dict[str, Any]) -> dict[str, str]:
    """What of a request goes to the vault."""
    return {name: asked[name] for name in vault.ITEMS if asked.get(name)}


def person_view(found: Masked) -> dict[str, Any]:
    """A member as PersonView."""
    member = found.member
    return {
        "id": ids.public("mbr", member.member_id),
        "customer_id": member.customer_id,
        "joined_on": str(member.joined_on),
        "left_on": str(member.left_on) if member.left_on else None,
        "area": found.area,
        "erased": found.erased,
        "personal": {"phone": found.phone, **found.personal},
    }


def look_view(row: AuditRow) -> dict[str, Any]:
    """A row of the view log as LookView."""
    facts = row.facts
    fields: Sequence[str] = facts.get("fields", ())
    return {
        "at": row.at.isoformat(),
        "person": row.actor,
        "what": row.action,
        "member": row.subject if row.subject.startswith("mbr_") else None,
        "fields": list(fields),
        "reason": facts.get("reason"),
        "case": facts.get("case"),
    }
