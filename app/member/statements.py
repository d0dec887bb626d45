"""Statements of points: the months, and one of them to read or to print."""

from itertools import islice

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member.frame import PAGE, _, blueprint, cursor, me, position
from base import clock, database
from base.auth.guard import needs
from base.web import formats
from points.statements import statements
from points.statements.statements import Month, Movement


@blueprint.route("/statements")
@needs("wallet:own")
def list_statements() -> ResponseReturnValue:
    """The months, the present one first."""
    place = position()
    with database.begin() as session:
        months = list(statements.months(session, me().member_id, clock.now()))
    after = [month for month in months if place is None or str(month) < place[0]]
    shown = list(islice(after, PAGE))
    return render_template(
        "member/statements.html",
        months=[(month, _name(month)) for month in shown],
        present=months[0] if months else None,
        next_cursor=cursor(str(shown[-1])) if len(after) > PAGE else None,
    )


@blueprint.route("/statements/<month>")
@needs("wallet:own")
def one_statement(month: str) -> ResponseReturnValue:
    """Opening, what moved and why, closing."""
    at, asked = clock.now(), statements.month_of(month)
    with database.begin() as session:
        found = statements.of_month(session, me().member_id, asked, at)
    return render_template(
        "member/statement.html",
        found=found,
        name=_name(asked),
        rows=[(_reason(movement), amounts) for movement, amounts in found.movements],
        at=at,
    )


def _name(month: Month) -> str:
    return formats.month(month.first)


def _reason(movement: Movement) -> str:
    """Why points moved, in the member's words."""
    return {
        Movement.EARNED: _("Collected"),
        Movement.SPENT: _("Redeemed"),
        Movement.RETURNED: _("Given back after a cancellation"),
        Movement.SET_ASIDE: _("Set aside"),
        Movement.GIVEN_BACK: _("Given back"),
        Movement.LAPSED: _("Lapsed"),
        Movement.RESTORED: _("Came back: their last day was extended"),
        Movement.CORRECTED: _("Taken back after a bill correction"),
        Movement.REPAID: _("Repaid after a bill correction"),
        Movement.ADJUSTED_UP: _("Adjusted"),
        Movement.ADJUSTED_DOWN: _("Adjusted"),
        Movement.GIFTS_OUT: _("Given to another member"),
        Movement.GIFTS_IN: _("A gift from another member"),
        Movement.GIFTS_BACK: _("A gift that came back"),
        Movement.MERGED: _("Moved from or to another membership"),
        Movement.REDATED: _("Kept over a suspension"),
    }[movement]
