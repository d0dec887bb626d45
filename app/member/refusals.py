"""Refusals in the member's words: what happened, with its numbers, and what to do now."""

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member.frame import _, blueprint
from base.database import StillRunning
from base.errors import Conflict, Invalid, NotAllowed, Problem
from base.http.problems import body_of, status_of
from base.web import formats
from base.web.i18n import both, current_language
from catalog.redemptions.quotes import TooManyUnits
from points.refusals import MemberClosed, MemberFrozen, MemberTooNew, NotEnoughPoints, OverCap, QuoteChanged


@blueprint.errorhandler(Conflict)
@blueprint.errorhandler(Invalid)
@blueprint.errorhandler(NotAllowed)
@blueprint.errorhandler(OverCap)
def refused(problem: Problem) -> ResponseReturnValue:
    """The page of a refusal; everything it undid was undone before this is shown."""
    status = status_of(type(problem))
    body = body_of(problem, status) | {"detail": detail(problem), "next": next_step(problem)}
    moved = {"moved": None} if isinstance(problem, StillRunning) else {}
    return render_template("errors/problem.html", problem=body, **moved), status


def detail(problem: Problem) -> str:
    """The numbers behind the title."""
    facts = problem.facts
    if isinstance(problem, NotEnoughPoints):
        return _(
            "This needs %(needed)s; you have %(balance)s. %(missing)s are missing.",
            needed=formats.points(facts["needed"]),
            balance=formats.points(facts["balance"]),
            missing=formats.points(facts["needed"] - facts["balance"]),
        )
    if isinstance(problem, MemberTooNew) and "from_day" in facts:
        return _("You can redeem from %(day)s on.", day=facts["from_day"])
    if isinstance(problem, OverCap):
        return _(
            "You can still spend %(left)s for the group; on %(day)s your month begins anew.",
            left=formats.points(facts["left"]),
            day=facts["resets_on"],
        )
    if "explanation" in facts:  # of a line: its state, since when, why, and what ends it
        return both(facts["explanation"])
    if isinstance(problem, TooManyUnits):
        return _("At most %(most)s at once.", most=facts["most"])
    if isinstance(problem, QuoteChanged):
        return _("Points came in, were spent or lapsed since the price was shown.")
    return problem.detail


def next_step(problem: Problem) -> str:
    """What the member can do now."""
    if isinstance(problem, MemberTooNew):
        return _("Your points are kept and you go on collecting. Come back on that day.")
    if isinstance(problem, MemberFrozen):
        return _("Your points are kept. As soon as this ends you can use them.")
    if isinstance(problem, MemberClosed):
        return _("Ask customer service if your line should still be open.")
    if isinstance(problem, TooManyUnits):
        return _("Choose a smaller number.")
    return problem.next_step(current_language())
