"""JSON of a merchant's people, their invitations and their sign-in."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from merchants.models import Merchant
from merchants.people import choosing, invitations, people
from merchants.people.choosing import MOST_PASSWORD
from merchants.people.models import Invitation
from merchants.schemas import PageView
from merchants.terminals.models import ROLES, ClerkRow

Role = ma.validate.OneOf(ROLES)


class MerchantSignInRequest(Request):
    """Merchant code, own number, and password (managers: PIN)."""

    merchant = Text(required=True, most=64)
    number = Text(required=True, most=40)
    secret = Text(required=True, most=MOST_PASSWORD)


class InvitationRequest(Request):
    """Who is let in."""

    number = Text(required=True, most=20, metadata={"description": "within the merchant, for example 07"})
    role = ma.fields.String(required=True, validate=Role)
    outlet = Text(
        load_default=None,
        allow_none=True,
        most=40,
        metadata={"description": "clerks and managers need one; finance and owners may be of all"},
    )


class RoleRequest(Request):
    """What a person is from now on, and at which outlet."""

    role = ma.fields.String(required=True, validate=Role)
    outlet = Text(load_default=None, allow_none=True, most=40)


class TokenRequest(Request):
    """The token of an invitation; it stands in bodies only, never in an address."""

    token = Text(required=True, most=100)


class TakeUpRequest(TokenRequest):
    """The token, and what the person chose."""

    secret = Text(
        required=True,
        most=MOST_PASSWORD,
        metadata={
            "description": "PIN of six digits; finance and owners: a password of ten characters or more"
        },
    )


class ColleagueView(View):
    """A person of the merchant, by number."""

    id = ma.fields.String()
    number = ma.fields.String()
    role = ma.fields.String()
    outlet = ma.fields.String(allow_none=True)
    ended_at = ma.fields.String(allow_none=True)
    must_choose = ma.fields.Boolean(metadata={"description": "signs in only after taking up an invitation"})


class PeopleView(PageView):
    """A page of people."""

    data = ma.fields.List(ma.fields.Nested(ColleagueView))


class InvitationView(View):
    """An invitation; the token is in the answer that made it alone."""

    id = ma.fields.String()
    number = ma.fields.String()
    role = ma.fields.String()
    outlet = ma.fields.String(allow_none=True)
    ends_at = ma.fields.String()
    path = ma.fields.String(
        metadata={
            "description": "where it is taken up, with the token behind #; absent where the request was repeated"
        }
    )


class InvitationsView(PageView):
    """A page of open invitations."""

    data = ma.fields.List(ma.fields.Nested(InvitationView))


class InvitedView(View):
    """What a token invites to."""

    merchant = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    number = ma.fields.String()
    role = ma.fields.String()
    chooses = ma.fields.String(metadata={"description": "pin or password"})
    ends_at = ma.fields.String()


def person_view(person: ClerkRow) -> dict[str, Any]:
    """A person as ColleagueView."""
    return {
        "id": people.public_id(person),
        "number": person.number,
        "role": person.role,
        "outlet": _outlet(person.outlet_id),
        "ended_at": person.ended_at.isoformat() if person.ended_at else None,
        "must_choose": person.ended_at is None and not person.pin_hash,
    }


def invitation_view(one: Invitation) -> dict[str, Any]:
    """An invitation as InvitationView, without its token."""
    return {
        "id": invitations.reference(one),
        "number": one.number,
        "role": one.role,
        "outlet": _outlet(one.outlet_id),
        "ends_at": one.ends_at.isoformat(),
    }


def invited_view(one: Invitation, merchant: Merchant) -> dict[str, Any]:
    """What somebody is invited to, as InvitedView."""
    return {
        "merchant": merchant.code,
        "names": merchant.names,
        "number": one.number,
        "role": one.role,
        "chooses": "password" if choosing.takes_password(one.role) else "pin",
        "ends_at": one.ends_at.isoformat(),
    }


def _outlet(outlet_id: int | None) -> str | None:
    return ids.public("out", outlet_id) if outlet_id else None
