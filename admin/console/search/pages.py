"""The search over everything: one hit is opened at once, several are listed."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from admin.console.http import page
from admin.console.search import hits
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Staff

blueprint = Blueprint("search", __name__)


@blueprint.route("/search")
@needs("console")
def search() -> ResponseReturnValue:
    """What the typed text leads to."""
    typed, person = request.args.get("q", "").strip(), current()
    assert isinstance(person, Staff)
    with database.begin() as session:
        found = hits.found(session, person, typed, clock.now())
    if len(found) == 1:
        return redirect(found[0].href, 303)
    return page("console/search.html", found=found, typed=typed, most=hits.MOST)
