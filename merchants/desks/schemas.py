"""JSON of cash desks and their keys."""

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf
from sqlalchemy.orm import Session

from base import ids
from base.http.api import QueryNumber, Request, Text, View, WholeNumber
from merchants.desks import desks
from merchants.desks.desks import LONGEST_KEY, LONGEST_OVERLAP, OVERLAP
from merchants.terminals.models import POS, SANDBOX, Terminal, TerminalKey

_KEY = {
    "description": "Ed25519, as PEM, DER in base64, or 32 bytes in base64url; without it a key is made and shown once"
}


class DesksQuery(Request):
    """Which page of the list."""

    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class DeskRequest(Request):
    """A cash desk at an outlet, or the merchant's sandbox terminal, which needs neither outlet nor name."""

    kind = ma.fields.String(load_default=POS, validate=OneOf([POS, SANDBOX]))
    outlet = Text(most=40)
    name = Text(most=30, metadata={"description": "of a-z, 0-9 and -; unique within the merchant"})
    public_key = ma.fields.String(validate=Length(max=LONGEST_KEY), metadata=_KEY)

    @ma.validates_schema
    def _of_a_cash_desk(self, told: dict[str, Any], **options: Any) -> None:
        needed = [] if told.get("kind") == SANDBOX else ["outlet", "name"]
        missing = {name: ["needed for a cash desk"] for name in needed if name not in told}
        if missing:
            raise ma.ValidationError(missing)


class RollRequest(Request):
    """A fresh key in the place of the present one."""

    public_key = ma.fields.String(validate=Length(max=LONGEST_KEY), metadata=_KEY)
    overlap_s = WholeNumber(
        load_default=int(OVERLAP.total_seconds()),
        most=int(LONGEST_OVERLAP.total_seconds()),
        metadata={"description": "so long the key before counts as well; 0: it ends at once"},
    )


class DeskKeyView(View):
    """A public key of a cash desk."""

    id = ma.fields.String()
    algorithm = ma.fields.String()
    fingerprint = ma.fields.String(
        metadata={"description": "the last four of the SHA-256 of the key, in hex"}
    )
    from_at = ma.fields.DateTime(data_key="from")
    ends_at = ma.fields.DateTime(data_key="until", allow_none=True)


class DeskView(View):
    """A cash desk with its newest keys."""

    id = ma.fields.String(metadata={"description": "goes into Jifen-Terminal"})
    code = ma.fields.String()
    kind = ma.fields.String()
    outlet = ma.fields.String()
    state = ma.fields.String(metadata={"description": "live; frozen: its key seemed copied; revoked"})
    keys = ma.fields.List(ma.fields.Nested(DeskKeyView))


class DeskSecretView(DeskView):
    """A cash desk with a fresh key; null where the developer's own was told, or when the request is repeated."""

    private_key = ma.fields.String(allow_none=True, metadata={"description": "PEM, in this answer alone"})


class DesksView(View):
    """A page of cash desks, newest first."""

    data = ma.fields.List(ma.fields.Nested(DeskView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def desk_view(session: Session, terminal: Terminal) -> dict[str, Any]:
    """The cash desk as DeskView."""
    return {
        "id": ids.public("trm", terminal.terminal_id),
        "code": terminal.code,
        "kind": terminal.kind,
        "outlet": ids.public("out", terminal.outlet_id),
        "state": desks.state_of(terminal),
        "keys": [key_view(row) for row in desks.keys_of(session, terminal)],
    }


def key_view(row: TerminalKey) -> dict[str, Any]:
    """The key as DeskKeyView."""
    return {
        "id": ids.public("key", row.key_id),
        "algorithm": row.algorithm,
        "fingerprint": desks.fingerprint(row.public_key),
        "from_at": row.from_at,
        "ends_at": row.ends_at,
    }
