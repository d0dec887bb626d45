"""HTTP: a member's statement of points for a month."""

from typing import Any

from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import Blueprint
from points.members import members
from points.members.members import MemberUnknown
from points.statements import statements
from points.statements.schemas import StatementOfPointsView, statement_view

blueprint = Blueprint("points-statements", __name__, description="Statements of points, by month")


@blueprint.route("/members/me/statements/<month>")
@blueprint.response(200, StatementOfPointsView)
@needs("wallet:own")
def my_statement(month: str) -> dict[str, Any]:
    """The caller's month, YYYY-MM: opening, what moved and why, closing."""
    principal = current()
    assert isinstance(principal, Member)
    return _statement(principal.member_id, month)


@blueprint.route("/members/<member>/statements/<month>")
@blueprint.response(200, StatementOfPointsView)
@needs("wallet:any")
def statement(member: str, month: str) -> dict[str, Any]:
    """A member's month, for the operator's systems."""
    (member_id,) = ids.parse("mbr", member, parts=1)
    with database.begin() as session:
        programme_id = members.by_id(session, member_id).programme_id
    if programme_id != getattr(current(), "programme_id", None):
        raise MemberUnknown()
    return _statement(member_id, month)


def _statement(member_id: int, month: str) -> dict[str, Any]:
    asked = statements.month_of(month)
    with database.begin() as session:
        return statement_view(statements.of_month(session, member_id, asked, clock.now()))
