"""HTTP: a member signs in with phone and code."""

from typing import Any

from base import clock, database
from base.auth.guard import open_to_all
from base.http.api import NO_SIGN_IN, Blueprint
from base.http.settings import config
from points import programmes
from points.members import sign_in
from points.members.schemas import CodeRequest, SignInRequest, TokenView

blueprint = Blueprint("sign_ins", __name__, description="Members sign in")


@blueprint.route("/sign-ins/code", methods=["POST"])
@blueprint.arguments(CodeRequest)
@blueprint.response(202)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def ask_for_code(asked: dict[str, str]) -> dict[str, str]:
    """Send a one-time code by SMS. The answer is the same whether the number is known or not."""
    with database.begin() as session:
        programme = programmes.by_code(session, asked["programme"])
        sign_in.ask_for_code(session, config(), programme, asked["phone"], clock.now())
    return {}


@blueprint.route("/sign-ins", methods=["POST"])
@blueprint.arguments(SignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with the code; five tries a code."""
    with database.begin() as session:
        programme = programmes.by_code(session, asked["programme"])
        token = sign_in.token_for_code(
            session, config(), programme, asked["phone"], asked["code"], clock.now()
        )
    if token is None:
        raise sign_in.CodeRefused()
    return {"token": token, "kind": "member"}
