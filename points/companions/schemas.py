"""JSON of companions."""

from datetime import datetime
from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View
from points.companions import companions
from points.companions.companions import Link


class InviteRequest(Request):
    """Whom to invite: by customer id or by phone number, one of them."""

    customer_id = Text(load_default=None, most=64)
    phone = Text(load_default=None, most=20)

    @ma.validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("customer_id") is None) == (data.get("phone") is None):
            raise ma.ValidationError("one of customer_id and phone", "customer_id")


class LinkView(View):
    """A link with another member; nothing personal of the other one."""

    id = ma.fields.String()
    state = ma.fields.String(metadata={"description": ", ".join(companions.STATES)})
    by_me = ma.fields.Boolean(metadata={"description": "whether the caller invited"})
    member = ma.fields.String(metadata={"description": "the other one"})
    invited_at = ma.fields.String()
    ends_at = ma.fields.String(metadata={"description": "unanswered until then, it expires"})
    confirmed_at = ma.fields.String(allow_none=True)
    ended_at = ma.fields.String(allow_none=True)


class LinksView(View):
    """Links, the newest first, and how many companions one may have."""

    data = ma.fields.List(ma.fields.Nested(LinkView))
    most = ma.fields.Integer()


def link_view(link: Link, at: datetime) -> dict[str, Any]:
    """The link as LinkView."""
    row = link.row
    return {
        "id": companions.reference(row),
        "state": link.state(at),
        "by_me": link.mine,
        "member": ids.public("mbr", link.other.member_id),
        "invited_at": row.invited_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "confirmed_at": row.confirmed_at.isoformat() if row.confirmed_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
    }
