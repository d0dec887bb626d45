"""The guard at the door: finds out who asks and lets through only what the route's permission allows.

API routes (/v1) take `Authorization: Bearer`; pages take a cookie, one for each face (member, till, staff), so that
a request of the API can never ride on a browser's cookie. A route without a permission stops the program's start.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request

from base import clock, database
from base.auth import api_keys, sign_ins
from base.auth.principals import ANONYMOUS, Principal
from base.errors import NotAllowed, NotSignedIn

View = TypeVar("View", bound=Callable[..., Any])
OPEN = "public"
FACES = {"till": "clerk", "staff": "staff", "member": "member"}


class RouteWithoutPermission(RuntimeError):
    """A route names no permission."""


class TokenRefused(NotSignedIn):
    """This sign-in has ended or is unknown."""

    zh = "登录已失效，请重新登录。"


def needs(permission: str) -> Callable[[View], View]:
    """This view needs the permission."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def open_to_all(view: View) -> View:
    """This view is for everybody."""
    return needs(OPEN)(view)


def current() -> Principal:
    """Who is asking."""
    principal: Principal = g.get("principal", ANONYMOUS)
    return principal


def face() -> str:
    """Which face of the product a page belongs to: member, till or staff."""
    first = request.path.split("/", 2)[1]
    return first if first in FACES else "member"


def cookie_name(of_face: str) -> str:
    return f"jifen_{of_face}"


def allow(app: Flask, *endpoints: str) -> None:
    """Open to all: views of libraries, which cannot carry a mark of ours."""
    app.extensions["jifen_open"] = frozenset(endpoints)


def init(app: Flask) -> None:
    """Put the guard before every request."""
    app.before_request(_admit)


def permission_of(app: Flask, endpoint: str) -> str | None:
    """The permission that a route's view names."""
    opened: frozenset[str] = app.extensions.get("jifen_open", frozenset())
    return OPEN if endpoint in opened else getattr(app.view_functions[endpoint], "permission", None)


def check_routes(app: Flask) -> None:
    """RouteWithoutPermission, naming them, when routes name none."""
    bare = sorted({r.rule for r in app.url_map.iter_rules() if permission_of(app, r.endpoint) is None})
    if bare:
        raise RouteWithoutPermission(", ".join(bare))


def _admit() -> Any:
    if request.endpoint is None or request.method == "OPTIONS":
        return None  # 404, 405 and the like are answered by the error pages
    permission = permission_of(current_app, request.endpoint)
    token = _token()
    g.principal = _find(token) if token else ANONYMOUS
    if permission in g.principal.permissions:
        return None
    if g.principal is not ANONYMOUS:
        raise NotAllowed(needs=permission)
    if request.path.startswith("/v1/"):
        raise TokenRefused() if token else NotSignedIn()
    return redirect(f"/{'' if face() == 'member' else face() + '/'}sign-in", 303)


def _token() -> str | None:
    if request.path.startswith("/v1/"):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else None
    return request.cookies.get(cookie_name(face()))


def _find(token: str) -> Principal:
    of_api = request.path.startswith("/v1/")
    with database.reading() as session:
        if of_api and token.startswith("jk_"):
            return api_keys.find(session, token, clock.now())
        found = sign_ins.find(session, token, clock.now())
    if not of_api and found.kind != FACES[face()]:
        return ANONYMOUS
    return found
