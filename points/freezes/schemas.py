"""JSON of freezes."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View
from points.freezes.freezes import STAFF_REASONS
from points.freezes.models import WalletFreeze


class ThawRequest(Request):
    """The code that was sent to the member."""

    code = Text(required=True, most=12)


class StaffFreezeRequest(Request):
    """Why a person of the staff freezes, and for which case."""

    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(STAFF_REASONS))
    case = Text(required=True, most=64, metadata={"description": "its number; it begins with a letter"})


class StaffThawRequest(Request):
    """For which case a person of the staff thaws."""

    case = Text(required=True, most=64, metadata={"description": "its number; it begins with a letter"})


class FrozenView(View):
    """Whether points are frozen: since when, by which side (member, staff), and until when where that is known."""

    frozen = ma.fields.Boolean()
    since = ma.fields.String(allow_none=True)
    sides = ma.fields.List(ma.fields.String())
    thaws_at = ma.fields.String(allow_none=True)


def frozen_view(standing: Sequence[WalletFreeze]) -> dict[str, Any]:
    """The freezes that are open as FrozenView; plain JSON."""
    thaw_at = next((one.thaw_at for one in standing if one.thaw_at), None)
    return {
        "frozen": bool(standing),
        "since": standing[0].at.isoformat() if standing else None,
        "sides": sorted({one.side for one in standing}),
        "thaws_at": thaw_at.isoformat() if thaw_at and len(standing) == 1 else None,
    }
