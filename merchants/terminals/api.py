"""HTTP: a clerk signs in at a terminal."""

from typing import Any

from base.auth.guard import open_to_all
from base.http.api import NO_SIGN_IN, Blueprint
from merchants.terminals import sign_in
from merchants.terminals.schemas import TillSignInRequest
from points.members.schemas import TokenView

blueprint = Blueprint("till", __name__, description="The till signs in")


@blueprint.route("/till/sign-ins", methods=["POST"])
@blueprint.arguments(TillSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with terminal, clerk number and PIN."""
    return {"token": sign_in.begin(asked["terminal"], asked["clerk"], asked["pin"]), "kind": "clerk"}
