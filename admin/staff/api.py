"""HTTP: staff sign in."""

from typing import Any

from admin.staff import staff
from admin.staff.schemas import StaffSignInRequest
from base.auth.guard import open_to_all
from base.http.api import NO_SIGN_IN, Blueprint
from points.members.schemas import TokenView

blueprint = Blueprint("staff", __name__, description="Staff sign in")


@blueprint.route("/staff/sign-ins", methods=["POST"])
@blueprint.arguments(StaffSignInRequest)
@blueprint.response(201, TokenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def begin(asked: dict[str, str]) -> dict[str, Any]:
    """Sign in with mail address and password."""
    return {"token": staff.sign_in(asked["email"], asked["password"]), "kind": "staff"}
