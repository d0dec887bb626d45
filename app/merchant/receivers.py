"""The developer's pages about webhooks: receivers of the merchant's events, what was sent, and sending it again."""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant import forms
from app.merchant.forms import page, person
from app.merchant.words import STATES, TONES
from base import clock, database, pages
from base.auth.guard import needs
from base.errors import NotFound, Problem, field_errors
from base.http.settings import config
from base.web.i18n import gettext as _
from base.webhooks import addresses, endpoints, history, replays
from base.webhooks.addresses import LONGEST_URL
from base.webhooks.endpoints import Wanted
from base.webhooks.history import Sent
from base.webhooks.models import DELIVERED, REMOVED, Endpoint
from base.webhooks.schemas import delivery_view, try_view
from catalog.vouchers.events import ACCEPTED, VOIDED
from merchants import merchants
from merchants.terminals.keys import FROZEN

PERMISSION = "webhooks:manage"
TYPES = (ACCEPTED, VOIDED, FROZEN)
SHOWN, PER_PAGE = 200, 30

blueprint = Blueprint("receivers", __name__, template_folder="templates")


class DeedUnknown(NotFound):
    """A receiver takes no such deed."""

    zh = "接收端没有这种操作。"


@blueprint.route("/webhooks")
@needs(PERMISSION)
def overview() -> ResponseReturnValue:
    """The merchant's receivers, and the form for one more."""
    return _overview()


@blueprint.route("/webhooks", methods=["POST"])
@needs(PERMISSION)
def add() -> ResponseReturnValue:
    """Register a receiver; its secret is on the page that follows, and nowhere else."""
    url, types = request.form.get("url", "").strip(), request.form.getlist("types")
    about = request.form.get("description", "").strip() or "-"
    fresh: list[str] = []

    def effect(session: Session) -> dict[str, Any]:
        made, secret = endpoints.create(
            session, config().seal_key, person(), None, Wanted(url, tuple(types), about), clock.now()
        )
        fresh.append(secret)
        return {"receiver": endpoints.reference(made)}

    try:
        if len(about) > 200 or not about.isprintable():
            raise field_errors({"description": _("at most 200 printable characters")})
        if not types:
            raise field_errors({"types": _("choose at least one event")})
        addresses.resolved(url[: LONGEST_URL + 1], own_machine=not config().in_production)
        done = forms.once({"url": url, "types": types, "description": about}, effect)
    except Problem as problem:
        return forms.refused(problem, _overview)
    return _after(done["receiver"], fresh)


@blueprint.route("/webhooks/<receiver>")
@needs(PERMISSION)
def one(receiver: str) -> ResponseReturnValue:
    """A receiver, how it does, and what was sent to it."""
    return _endpoint(receiver)


@blueprint.route("/webhooks/<receiver>/<deed>", methods=["POST"])
@needs(PERMISSION)
def change(receiver: str, deed: str) -> ResponseReturnValue:
    """rotate, pause, resume, end or test; DeedUnknown."""
    fresh: list[str] = []

    def effect(session: Session) -> dict[str, Any]:
        row = endpoints.find(session, person(), receiver, lock=True)
        _do(session, row, deed, fresh)
        return {"receiver": receiver}

    try:
        forms.once({}, effect)
    except Problem as problem:
        return forms.refused(problem, lambda **more: _endpoint(receiver, **more))
    return _after(receiver, fresh)


@blueprint.route("/deliveries/<delivery>")
@needs(PERMISSION)
def sent(delivery: str) -> ResponseReturnValue:
    """One event on its way, with each try."""
    return _delivery(delivery)


@blueprint.route("/deliveries/<delivery>/resend", methods=["POST"])
@needs(PERMISSION)
def resend(delivery: str) -> ResponseReturnValue:
    """Send an event again; the receiver knows it by its id."""

    def effect(session: Session) -> dict[str, Any]:
        found = history.find(session, person(), delivery)
        replays.resend(session, person(), found.delivery, clock.now())
        return {"delivery": delivery}

    try:
        forms.once({}, effect)
    except Problem as problem:
        return forms.refused(problem, lambda **more: _delivery(delivery, **more))
    return redirect(url_for(".sent", delivery=delivery), 303)


def shown(row: Endpoint) -> dict[str, Any]:
    """A receiver as the pages show it."""
    return {
        "id": endpoints.reference(row),
        "url": row.url,
        "description": "" if row.description == "-" else row.description,
        "types": row.types,
        "state": row.state,
        "label": STATES[row.state],
        "tone": TONES.get(row.state, "quiet"),
        "is_removed": row.state == REMOVED,
        "reason": row.reason,
        "failing_since": row.failing_since,
        "old_secret_until": row.old_secret_until,
    }


def _do(session: Session, row: Endpoint, deed: str, fresh: list[str]) -> None:
    at = clock.now()
    if deed == "rotate":
        fresh.append(endpoints.rotate(session, config().seal_key, person(), row, at)[1])
    elif deed == "pause":
        endpoints.pause(session, person(), row, str(_("paused on the developer's page")), at)
    elif deed == "resume":
        endpoints.resume(session, person(), row, at)
    elif deed == "end":
        endpoints.remove(session, person(), row, at)
    elif deed == "test":
        replays.ping(session, person(), row, at)
    else:
        raise DeedUnknown(deed=deed[:40])


def _overview(**more: Any) -> str:
    with database.begin() as session:
        rows = endpoints.listed(session, person(), limit=SHOWN)
        return page(
            "merchant/developers/receivers.html",
            endpoints=[shown(row) for row in rows],
            types=TYPES,
            form=request.form,
            **more,
        )


def _after(receiver: str, fresh: list[str]) -> ResponseReturnValue:
    if not fresh:
        return redirect(url_for(".one", receiver=receiver), 303)
    answer = Response(_endpoint(receiver, secret=fresh[0]))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _endpoint(receiver: str, **more: Any) -> str:
    key = f"receiver:{receiver}:{config().secret_key}"
    place = pages.position(key, request.args.get("after"))
    before = (place[0], place[1], place[2]) if place else None
    with database.begin() as session:
        row = endpoints.find(session, person(), receiver)
        found = history.listed(session, person(), endpoint=receiver, before=before, limit=PER_PAGE + 1)
        last = found[PER_PAGE - 1].delivery if len(found) > PER_PAGE else None
        return page(
            "merchant/developers/receiver.html",
            endpoint=shown(row),
            sent=[_sent(each) for each in found[:PER_PAGE]],
            next_cursor=pages.cursor(key, last.event_id, last.member_id, last.endpoint_id) if last else None,
            zone=merchants.by_id(session, person().merchant_id).zone,
            at=clock.now(),
            **more,
        )


def _delivery(delivery: str, **more: Any) -> str:
    with database.begin() as session:
        found = history.find(session, person(), delivery)
        return page(
            "merchant/developers/delivery.html",
            sent=_sent(found),
            endpoint=shown(session.get_one(Endpoint, found.delivery.endpoint_id)),
            log=[try_view(row) for row in history.tries_of(session, found.delivery)],
            zone=merchants.by_id(session, person().merchant_id).zone,
            **more,
        )


def _sent(found: Sent) -> dict[str, Any]:
    state = found.delivery.state
    words = {"label": STATES[state], "tone": TONES.get(state, "quiet"), "is_there": state == DELIVERED}
    return delivery_view(found) | words | {"data": found.event.data}
