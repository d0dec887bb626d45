"""What the merchant's pages share: frame and menu, who asks, what is in reach, positions in lists, refusals."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session

from base import database, pages
from base.auth.guard import current, face
from base.auth.principals import Clerk, MerchantPerson
from base.errors import Problem, Unavailable, field_errors
from base.http.problems import PageExpired, body_of, status_of
from base.http.settings import config
from base.web.i18n import both
from base.web.i18n import gettext as _
from merchants import scope, words
from merchants.models import JOINING
from merchants.scope import Reach
from merchants.terminals import clerks
from merchants.terminals.models import ClerkRow

PAGE = 50
T = TypeVar("T")


def page(template: str, **values: Any) -> str:
    """A page in the frame of the face that it is on: the merchant's own, or the till for its manager."""
    principal = current()
    if isinstance(principal, Clerk):
        values |= _at_till(principal)
    elif isinstance(principal, MerchantPerson):
        values |= _at_desk(principal)
    values.setdefault("frame", "merchant_base.html")
    return render_template(template, words=words, key=uuid.uuid4(), **values)


def reach(session: Session) -> Reach:
    """What is in reach of who asks."""
    return scope.reach_of(session, current())


def position() -> list[Any] | None:
    """Where this page of a list begins; None at the start."""
    return pages.position(_list_key(), request.args.get("after"))


def cut(rows: list[T], place: Callable[[T], list[Any]]) -> tuple[list[T], str | None]:
    """The page's rows out of one more, and the cursor to the next page; `place` tells a row's position."""
    if len(rows) <= PAGE:
        return rows, None
    return rows[:PAGE], pages.cursor(_list_key(), *place(rows[PAGE - 1]))


def _list_key() -> str:
    """A position is one in the list of its own page alone."""
    return f"{request.path}:{config().secret_key}"


def text(name: str, most: int, *, needed: bool = True) -> str:
    """A field of the form, up to `most` printable characters; Invalid."""
    value = request.form.get(name, "").strip()
    if (needed and not value) or len(value) > most or not value.isprintable():
        raise field_errors({name: _("must be 1 to %(most)s printable characters", most=most)})
    return value


def errors_on(blueprint: Blueprint) -> None:
    """Every refusal of these pages stays in their frame."""
    blueprint.register_error_handler(Problem, refused)
    blueprint.register_error_handler(CSRFError, lambda error: refused(PageExpired()))


def refused(problem: Problem) -> Response:
    """What happened and what to do; on the sign-in page the form again."""
    status = status_of(type(problem))
    body = body_of(problem, status)
    if isinstance(problem, Unavailable):  # the frame itself asks the database
        answer = make_response(render_template("errors/503.html", problem=body), status)
    elif request.path == "/merchant/sign-in":
        answer = make_response(page("merchant/sign_in.html", problem=body), status)
    else:
        answer = make_response(page("merchant/refused.html", problem=body, home=home()), status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


def home() -> str:
    """Where these pages begin."""
    return "/till" if face() == "till" else "/merchant"


def _at_desk(person: MerchantPerson) -> dict[str, Any]:
    with database.begin() as session:
        row = session.get_one(ClerkRow, person.clerk_id)
        merchant = scope.merchant_of(session, scope.reach_of(session, person))
    menu = [
        ("acceptances:merchant", _("Today"), "/merchant", "list"),
        ("acceptances:merchant", _("Acceptances"), "/merchant/acceptances", "check"),
        ("statements:merchant", _("Statements"), "/merchant/statements", "coin"),
        ("campaigns:read", _("Campaigns"), "/merchant/campaigns", "gift"),
        ("merchant:read", _("Outlets"), "/merchant/outlets", "shop"),
        ("terminals:manage", _("Tills"), "/merchant/terminals", "scan"),
        ("clerks:manage", _("People"), "/merchant/people", "group"),
        ("acceptances:merchant", _("Points"), "/merchant/points", "coin"),
        ("merchant:read", _("Terms"), "/merchant/terms", "bill"),
        ("developer:manage", _("Developers"), "/merchant/developers", "gear"),
    ]
    nav = [
        {"label": label, "href": href, "icon": icon, "exact": href == "/merchant"}
        for permission, label, href, icon in menu
        if permission in person.permissions
    ]
    return {
        "frame": "merchant_base.html",
        "nav": nav,
        "home_url": "/merchant",
        "zone": merchant.zone,
        "currency": merchant.currency,
        "is_joining": merchant.state in JOINING,
        "who": {
            "merchant": both(merchant.names),
            "number": row.number,
            "role": words.ROLES[row.role],
            "sign_out": "/merchant/sign-out",
        },
    }


def _at_till(clerk: Clerk) -> dict[str, Any]:
    with database.begin() as session:
        place = clerks.till_of(session, clerk)
    nav = [
        {"label": _("Scan"), "href": "/till", "icon": "back", "exact": True},
        {"label": _("Tills"), "href": "/till/manage/terminals", "icon": "scan"},
        {"label": _("People"), "href": "/till/manage/people", "icon": "group"},
    ]
    return {
        "frame": "till_base.html",
        "nav": nav,
        "home_url": "/till",
        "zone": place.merchant.zone,
        "currency": place.merchant.currency,
        "till": {
            "outlet": both(place.outlet.names),
            "terminal": place.terminal.code,
            "clerk": place.clerk.number,
            "sign_out": "/till/sign-out",
        },
    }
