"""HTTP: staff sign in."""

from typing import Any

from admin.staff import signing_in
from admin.staff.entries import KIND
from admin.staff.http import origin
from admin.staff.schemas import StaffSignInRequest
from base.auth.guard import open_to_all
from base.http.api import NO_SIGN_IN, Blueprint
from base.http.settings import config
from points.members.schemas import TokenView

blueprint = Blueprint("staff", __name__, description="Staff sign in")


@blueprint.route("/staff/sign-ins", methods=["POST"])
@blueprint.arguments(StaffSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, Any]) -> dict[str, Any]:
    """Sign in with mail address, password and, where it is needed, the code of the authenticator."""
    token = signing_in.at_once(config(), asked["email"], asked["password"], asked["code"], origin())
    return {"token": token, "kind": KIND}
