"""The member's pages as an app on a device: manifest, service worker, and what stands there without a network.

The worker keeps one page of a member, the open vouchers as of a moment, under the mark of whose they are: signing out, the sign-in
page and another member's pages wipe it.
"""

import hashlib
import hmac

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member import hours
from app.member.frame import blueprint, me
from base import clock, database
from base.auth.guard import needs, open_to_all
from base.http.settings import config
from base.web import shell
from base.web.i18n import OWN_NAMES
from base.web.i18n import gettext as _
from catalog.vouchers import codes, conditions, shelf
from catalog.vouchers.codes import Keys
from catalog.vouchers.shelf import USABLE, Kept

FILES = (
    "vendor/bootstrap.min.css",
    "vendor/htmx.min.js",
    "jifen.css",
    "theme.js",
    "jifen.js",
    "member.js",
    "pictures.js",
    "favicon.svg",
    "member-icon-192.png",
)
AFTER_SIGN_OUT = "sign-out"
APP = shell.Shell(
    "member",
    "/",
    "member/worker.js",
    FILES,
    {tag: f"/offline?lang={tag}" for tag in OWN_NAMES}
    | {f"{tag} {AFTER_SIGN_OUT}": f"/offline?lang={tag}&after={AFTER_SIGN_OUT}" for tag in OWN_NAMES},
)
MOST_KEPT = 10


@blueprint.route("/manifest.webmanifest")
@open_to_all
def manifest() -> Response:
    """How the member's pages are installed, in the reader's language."""
    return shell.manifest(APP, _("jifen"), _("jifen"))


@blueprint.route("/worker.js")
@open_to_all
def worker() -> Response:
    """The service worker of the member's pages."""
    return shell.worker(APP)


@blueprint.route("/offline")
@open_to_all
def offline() -> ResponseReturnValue:
    """What a device says that reaches no server and keeps nobody's vouchers; kept by the worker in both languages."""
    return render_template("member/offline.html", signing_out=request.args.get("after") == AFTER_SIGN_OUT)


@blueprint.route("/vouchers/offline")
@needs("vouchers:own")
def kept_vouchers() -> ResponseReturnValue:
    """The open vouchers that lapse soonest, with code and outlets, as of now: what the member's device keeps."""
    at = clock.now()
    with database.begin() as session:
        rows = shelf.listed(session, me().member_id, at, USABLE, limit=MOST_KEPT + 1)
        page = render_template(
            "member/kept.html",
            at=at,
            vouchers=[(kept, _code(kept), *_places(session, kept)) for kept in rows[:MOST_KEPT]],
            some_more=len(rows) > MOST_KEPT,
        )
    answer = make_response(page)
    answer.headers["Jifen-Kept-For"] = mark()
    return answer


def mark() -> str:
    """Whose pages these are, for the worker to tell members apart; it says nothing else about them."""
    key = config().secret_key.encode()
    return hmac.new(key, f"kept for {me().member_id}".encode(), hashlib.sha256).hexdigest()[:16]


@blueprint.context_processor
def _marked() -> dict[str, object]:
    return {"mark": mark, "said_hours": hours.said}


def _code(kept: Kept) -> str:
    voucher = kept.voucher
    return codes.shown(codes.opened(Keys.of(config()), voucher.voucher_id, voucher.code_sealed))


def _places(session: Session, kept: Kept) -> tuple[object, object]:
    return conditions.said(session, kept.offer), conditions.outlets(session, kept.offer)
