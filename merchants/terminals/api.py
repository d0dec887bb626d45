"""HTTP: a till is paired, a clerk signs in at it, sees the shift and closes it."""

from typing import Any

from base import clock, database
from base.auth import signatures
from base.auth.guard import current, needs, open_to_all, signed_by
from base.auth.principals import Clerk
from base.auth.signatures import Key, TerminalRefused
from base.errors import field_errors
from base.http.api import NO_SIGN_IN, Blueprint
from base.http.settings import config
from merchants.terminals import pairing, shifts, sign_in
from merchants.terminals.models import Shift
from merchants.terminals.schemas import (
    PairRequest,
    ShiftView,
    TerminalView,
    TillSignInRequest,
    shift_view,
    terminal_view,
)
from points.members.schemas import TokenView

blueprint = Blueprint("till", __name__, description="The till: pairing, sign-in, shift")


@blueprint.route("/terminals/pairings", methods=["POST"])
@blueprint.arguments(PairRequest)
@blueprint.response(201, TerminalView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def pair(asked: dict[str, str]) -> dict[str, Any]:
    """Let a till in: the code from its manager, and the public half of its key."""
    try:
        key = Key(asked["algorithm"], signatures.decoded(asked["public_key"]))
        proof = signatures.decoded(asked["proof"])
    except ValueError:
        raise field_errors({"public_key": "base64url", "proof": "base64url"}) from None
    return terminal_view(pairing.pair(config().secret_key, asked["terminal"], asked["code"], key, proof))


@blueprint.route("/till/sign-ins", methods=["POST"])
@blueprint.arguments(TillSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with clerk number and PIN at the till that signs this request; the shift begins."""
    terminal_id = signed_by()
    if terminal_id is None:
        raise TerminalRefused("this request must be signed with the till's key")
    return {"token": sign_in.begin(terminal_id, asked["clerk"], asked["pin"]), "kind": "clerk"}


@blueprint.route("/till/shift")
@blueprint.response(200, ShiftView)
@needs("shifts:own")
def shift() -> dict[str, Any]:
    """The present shift and its count so far."""
    with database.begin() as session:
        found = _mine(session)
        return shift_view(found, shifts.count(session, found))


@blueprint.route("/till/shift/close", methods=["POST"])
@blueprint.response(200, ShiftView)
@needs("shifts:own")
def close() -> dict[str, Any]:
    """Close the shift with its count; the sign-in ends with it."""
    with database.begin() as session:
        closed = shifts.close(session, _mine(session), clock.now())
        return shift_view(closed, (closed.accepted or 0, closed.voided or 0, closed.net_fen or 0))


def _mine(session: Any) -> Shift:
    clerk = current()
    assert isinstance(clerk, Clerk)
    found: Shift = session.get_one(Shift, (clerk.terminal_id, clerk.shift_id))
    return found
