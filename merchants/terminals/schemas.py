"""JSON of tills: pairing, a clerk's sign-in, shifts."""

from typing import Any

import marshmallow as ma

from base import ids
from base.auth.signatures import ALGORITHMS
from base.http.api import Request, Text, View
from merchants.terminals.models import Shift, Terminal


class PairRequest(Request):
    """A till that is let in: its terminal code, the six digits from the manager, and the key that it made."""

    terminal = Text(required=True, most=40)
    code = Text(required=True, most=20)
    algorithm = ma.fields.String(required=True, validate=ma.validate.OneOf(ALGORITHMS))
    public_key = Text(
        required=True,
        most=120,
        metadata={"description": "base64url: 32 bytes, or 65 of an uncompressed point"},
    )
    proof = Text(
        required=True,
        most=120,
        metadata={"description": "signature of the lines pair, terminal, code, algorithm, public_key"},
    )


class TerminalView(View):
    """The terminal, as it names itself from now on."""

    id = ma.fields.String(metadata={"description": "goes into Jifen-Terminal"})
    code = ma.fields.String()
    kind = ma.fields.String()


class TillSignInRequest(Request):
    """Clerk and PIN; the terminal is the one that signs the request."""

    clerk = Text(required=True, most=40)
    pin = Text(required=True, most=20)


class ShiftView(View):
    """A shift and what was done in it so far, or at its close."""

    id = ma.fields.String()
    opened_at = ma.fields.AwareDateTime()
    closed_at = ma.fields.AwareDateTime(allow_none=True)
    accepted = ma.fields.Integer()
    voided = ma.fields.Integer()
    net_fen = ma.fields.Integer()


def terminal_view(terminal: Terminal) -> dict[str, Any]:
    """The terminal as TerminalView."""
    return {"id": ids.public("trm", terminal.terminal_id), "code": terminal.code, "kind": terminal.kind}


def shift_view(shift: Shift, counted: tuple[int, int, int]) -> dict[str, Any]:
    """The shift as ShiftView, with its count."""
    accepted, voided, net_fen = counted
    return {
        "id": ids.public("shf", shift.terminal_id, shift.shift_id),
        "opened_at": shift.opened_at,
        "closed_at": shift.closed_at,
        "accepted": accepted,
        "voided": voided,
        "net_fen": net_fen,
    }
