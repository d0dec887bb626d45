"""JSON of a merchant's tills."""

from typing import Any

import marshmallow as ma

from base.http.api import Request, Text, View
from merchants.outlets import outlets
from merchants.schemas import PageView
from merchants.terminals.models import BROWSER, POS
from merchants.tills import tills
from merchants.tills.tills import PairingCode, Till


class TillRequest(Request):
    """A till more: at which outlet, and whether it is a browser or a cash-desk system."""

    outlet = Text(required=True, most=40)
    kind = ma.fields.String(load_default=BROWSER, validate=ma.validate.OneOf((BROWSER, POS)))


class TillView(View):
    """A till and whether it may act."""

    id = ma.fields.String()
    code = ma.fields.String()
    kind = ma.fields.String()
    outlet = ma.fields.String()
    state = ma.fields.String(
        metadata={
            "description": "waiting (not paired yet), paired, frozen (its key seemed copied; pair it anew), revoked"
        }
    )


class TillsView(PageView):
    """A page of tills."""

    data = ma.fields.List(ma.fields.Nested(TillView))


class PairingCodeView(View):
    """What is typed at the till, once, until it ends; shown in this answer alone."""

    terminal = ma.fields.String()
    code = ma.fields.String(metadata={"description": "six digits; absent where the request was repeated"})
    ends_at = ma.fields.String()


def till_view(one: Till) -> dict[str, Any]:
    """A till as TillView."""
    return {
        "id": tills.public_id(one.terminal),
        "code": one.terminal.code,
        "kind": one.terminal.kind,
        "outlet": outlets.public_id(one.outlet),
        "state": one.state,
    }


def code_view(made: PairingCode) -> dict[str, Any]:
    """A pairing code without its digits, for it is stored with the idempotency key."""
    return {"terminal": made.terminal.code, "ends_at": made.ends_at.isoformat()}
