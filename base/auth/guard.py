"""The guard at the door: finds out who asks and lets through only what the route's permission allows.

API routes (/v1) take `Authorization: Bearer` (a sign-in's token, a key, or a member's token of the operator's app); pages take a cookie, one for each face (member, till, merchant, staff), so that
a request of the API can never ride on a browser's cookie. What a till does is signed with its key besides; a cash-desk
system has its signature alone. A route without a permission stops the program's start.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, has_request_context, redirect, request
from sqlalchemy.orm import Session

from base import clock, database, walled
from base.auth import api_keys, sign_ins, signatures, wall
from base.auth.permissions import SIGNED
from base.auth.principals import ANONYMOUS, Anonymous, Clerk, Halfway, Member, Principal, Terminal
from base.auth.signatures import TerminalRefused
from base.errors import NotAllowed, NotSignedIn
from base.walled import Wall

View = TypeVar("View", bound=Callable[..., Any])
OPEN = "public"
FACES = {"till": "clerk", "merchant": "merchant", "staff": "staff", "member": "member"}


Desk = Callable[[Session, int], Terminal | None]
AppMember = Callable[[str], Member | None]
_desk: Desk
_of_app: AppMember


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


def signed_by() -> int | None:
    """The terminal that signed this request; None when none did."""
    found: int | None = g.get("signed_by")
    return found


def signed_in_with() -> bytes | None:
    """The digest of the sign-in that this request came with; None where it came with none, or with another kind of token."""
    found: bytes | None = g.get("sign_in")
    return found


def current() -> Principal:
    """Who is asking."""
    principal: Principal = g.get("principal", ANONYMOUS)
    return principal


def face() -> str:
    """Which face of the product a page belongs to: member, till, merchant or staff."""
    first = request.path.split("/", 2)[1]
    return first if first in FACES else "member"


def cookie_name(of_face: str) -> str:
    return f"jifen_{of_face}"


def desks_by(desk: Desk) -> None:
    """Tell how the cash-desk system behind a terminal is looked up; None where it is none, or was stopped."""
    global _desk
    _desk = desk


def apps_by(of_app: AppMember) -> None:
    """Tell which member a token of the operator's app stands for; None where it stands for nobody."""
    global _of_app
    _of_app = of_app


def allow(app: Flask, *endpoints: str) -> None:
    """Open to all: views of libraries, which cannot carry a mark of ours."""
    app.extensions["jifen_open"] = frozenset(endpoints)


def init(app: Flask) -> None:
    """Put the guard before every request, and each transaction behind the wall of whoever asks."""
    app.before_request(_admit)
    walled.behind(_wall)


def _wall() -> Wall | None:
    return wall.of(current()) if has_request_context() else None


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
    g.signed_by, g.principal, g.sign_in = _signature(), ANONYMOUS, None
    token = _token()
    g.principal = _find(token) if token else _cash_desk()
    if permission in g.principal.permissions:
        return _unsigned() if _is_deed_of_a_till(permission) else None
    if isinstance(g.principal, Halfway) and not request.path.startswith("/v1/"):
        return redirect(g.principal.goes_on, 303)
    if g.principal is not ANONYMOUS:
        raise NotAllowed(needs=permission)
    if request.path.startswith("/v1/"):
        raise TokenRefused() if token else NotSignedIn()
    return redirect(f"/{'' if face() == 'member' else face() + '/'}sign-in", 303)


def _signature() -> int | None:
    """Who signed the request, its nonce used up; TerminalRefused, Replayed. What a page only shows needs no signature."""
    if request.method in ("GET", "HEAD") and not request.path.startswith("/v1/"):
        return None  # a browser that is sent on from a signed form brings the form's headers along
    said = signatures.claim(dict(request.headers))
    if said is None:
        return None
    query = request.query_string.decode("latin-1")
    target = request.path + (f"?{query}" if query else "")
    at = clock.now()
    g.clock_skew_s = said.timestamp - int(at.timestamp())
    with database.reading() as session:
        return signatures.check(session, said, request.method, target, request.get_data(), at)


def _is_deed_of_a_till(permission: str | None) -> bool:
    """Whether this must be signed: what changes something from a till, also as its manager, and what SIGNED names.

    A copied cookie or token alone lets nobody in, pairs or revokes nothing, and closes no shift.
    """
    if permission in SIGNED:
        return True
    changes = permission != OPEN and request.method not in ("GET", "HEAD")
    return changes and isinstance(g.principal, Clerk | Terminal)


def _unsigned() -> None:
    """TerminalRefused, unless the till at which the clerk signed in has signed this request itself."""
    principal = g.principal
    assert isinstance(principal, Clerk | Terminal)
    if signed_by() != principal.terminal_id:
        raise TerminalRefused("this request must be signed with the till's key")


def _cash_desk() -> Terminal | Anonymous:
    """The cash-desk system that signed a request of the API without a clerk's sign-in."""
    if g.signed_by is None or not request.path.startswith("/v1/"):
        return ANONYMOUS
    with database.reading() as session:
        return _desk(session, g.signed_by) or ANONYMOUS


def _token() -> str | None:
    if request.path.startswith("/v1/"):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else None
    return request.cookies.get(cookie_name(face()))


def _find(token: str) -> Principal:
    of_api = request.path.startswith("/v1/")
    if of_api and token.count(".") == 2:  # a JWT; no token of ours has a dot
        return _of_app(token) or ANONYMOUS
    with database.reading() as session:
        if of_api and token.startswith("jk_"):
            return api_keys.find(session, token, clock.now())
        found = sign_ins.find(session, token, clock.now())
    if not of_api and found.kind != FACES[face()]:
        return ANONYMOUS
    if found is not ANONYMOUS:
        g.sign_in = sign_ins.digest(token)
    return found
