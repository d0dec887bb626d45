"""Forms of views: save the filter of a list, share it, take it away; each leads back to its list."""

from collections.abc import Callable

from flask import Blueprint, current_app, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.http import once
from admin.console.views import views
from admin.console.views.models import SavedView
from base import clock, ids
from base.auth import guard
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import NotAllowed

blueprint = Blueprint("views", __name__)


@blueprint.route("/views", methods=["POST"])
@needs("console")
def save() -> ResponseReturnValue:
    """Keep a filter of a list that the person may open."""
    form = request.form
    place, query, name = form.get("place", ""), form.get("query", ""), form.get("view_name", "").strip()
    _check_open(place)
    return _done(
        lambda session, person: views.save(
            session, person, place, query, name, clock.now(), shared=form.get("view_shared") == "1"
        )
    )


@blueprint.route("/views/<view>/share", methods=["POST"])
@needs("console")
def share(view: str) -> ResponseReturnValue:
    """Show it to everybody who may open its list, or (shared=0) no longer."""
    view_id, shared = _id(view), request.form.get("shared") == "1"
    return _done(lambda session, person: views.share(session, person, view_id, clock.now(), shared=shared))


@blueprint.route("/views/<view>/archive", methods=["POST"])
@needs("console")
def archive(view: str) -> ResponseReturnValue:
    """Take it away."""
    view_id = _id(view)
    return _done(lambda session, person: views.archive(session, person, view_id, clock.now()))


def _done(deed: Callable[[Session, Staff], SavedView]) -> ResponseReturnValue:
    person = current()
    assert isinstance(person, Staff)
    return redirect(once(lambda session: views.address(deed(session, person))), 303)


def _check_open(place: str) -> None:
    """ViewUnknown where there is no such list, NotAllowed where the person may not open it."""
    if place not in views.PLACES:
        raise views.ViewUnknown()
    endpoint, _values = current_app.url_map.bind("").match(place, method="GET")
    permission = guard.permission_of(current_app, endpoint)
    if permission not in current().permissions:
        raise NotAllowed(needs=permission)


def _id(view: str) -> int:
    (view_id,) = ids.parse("vue", view, parts=1, unknown=views.ViewUnknown)
    return view_id
