"""The developer's page of a merchant: cash desks with their keys, the sandbox with its codes, samples; and its webhooks."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant import forms, receivers, samples
from app.merchant.forms import page, person
from app.merchant.words import DEEDS, WHEN
from base import clock, database, ids, pages
from base.auth.guard import needs
from base.errors import Problem
from base.http.settings import config
from base.web.i18n import both, current_language
from base.web.i18n import gettext as _
from catalog.sandbox.cases import AFTER, CASES, MONEY, SINGLE, TEN, Case
from merchants import merchants
from merchants.desks import desks
from merchants.desks.desks import Made
from merchants.desks.schemas import desk_view
from merchants.terminals import attempts
from merchants.terminals.models import POS, SANDBOX

PERMISSION = "developer:manage"
PER_PAGE, SHOWN_TRIES = 50, 20

blueprint = Blueprint(
    "merchant_developers", __name__, template_folder="templates", url_prefix="/merchant/developers"
)
blueprint.register_blueprint(receivers.blueprint)


@blueprint.route("")
@needs(PERMISSION)
def overview() -> ResponseReturnValue:
    """The merchant's cash desks, and its sandbox terminal."""
    return _overview()


@blueprint.route("/desks", methods=["POST"])
@needs(PERMISSION)
def add() -> ResponseReturnValue:
    """A cash desk more, or the sandbox terminal; a key made here is on the page that follows, and nowhere else."""
    kind, outlet, name = (request.form.get(field, "").strip() for field in ("kind", "outlet", "name"))
    told = request.form.get("public_key", "")[: 2 * desks.LONGEST_KEY]

    def made(session: Session) -> Made:
        key, at = desks.read_key(told), clock.now()
        if kind == SANDBOX:
            return desks.add_sandbox(session, person(), key, at)
        return desks.add(session, person(), outlet, name, key, at)

    try:
        return _keyed({"kind": kind, "outlet": outlet, "name": name, "public_key": told}, made)
    except Problem as problem:
        return forms.refused(problem, _overview)


@blueprint.route("/desks/<desk>")
@needs(PERMISSION)
def one(desk: str) -> ResponseReturnValue:
    """A cash desk: its keys, samples with its id, what was refused there lately."""
    return _desk(desk)


@blueprint.route("/desks/<desk>/keys", methods=["POST"])
@needs(PERMISSION)
def roll(desk: str) -> ResponseReturnValue:
    """A fresh key, with or without an overlap."""
    told = request.form.get("public_key", "")[: 2 * desks.LONGEST_KEY]
    overlap = timedelta(0) if request.form.get("at_once") else desks.OVERLAP

    def made(session: Session) -> Made:
        row = desks.find(session, person(), desk, lock=True)
        return desks.roll(session, person(), row, desks.read_key(told), overlap, clock.now())

    try:
        return _keyed({"public_key": told, "overlap_s": int(overlap.total_seconds())}, made)
    except Problem as problem:
        return forms.refused(problem, lambda **more: _desk(desk, **more))


@blueprint.route("/desks/<desk>/keys/<key>/end", methods=["POST"])
@needs(PERMISSION)
def end_key(desk: str, key: str) -> ResponseReturnValue:
    """A key that another one takes the place of ends now."""
    try:
        with database.begin() as session:
            row = desks.find(session, person(), desk, lock=True)
            desks.end_key(session, person(), row, key, clock.now())
    except Problem as problem:
        return forms.refused(problem, lambda **more: _desk(desk, **more))
    return redirect(url_for(".one", desk=desk), 303)


@blueprint.route("/desks/<desk>/revoke", methods=["POST"])
@needs(PERMISSION)
def revoke(desk: str) -> ResponseReturnValue:
    """The desk can do nothing any more."""
    with database.begin() as session:
        row = desks.find(session, person(), desk, lock=True)
        desks.revoke(session, person(), row, clock.now())
    return redirect(url_for(".one", desk=desk), 303)


@blueprint.route("/samples/<name>")
@needs(PERMISSION)
def sample(name: str) -> ResponseReturnValue:
    """A sample as a file, with this installation's address and the id of a desk of the merchant's in it."""
    terminal = request.args.get("desk", "")
    if terminal:
        with database.begin() as session:
            desks.find(session, person(), terminal)
    answer = Response(samples.filled(name, _base(), terminal or samples.TERMINAL), mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


def _overview(**more: Any) -> str:
    key, mine = f"desks-page:{config().secret_key}", person().merchant_id
    place = pages.position(key, request.args.get("after"))
    with database.begin() as session:
        before = place[0] if place else None
        rows = desks.listed(session, mine, kinds=(POS,), before=before, limit=PER_PAGE + 1)
        trying = desks.listed(session, mine, kinds=(SANDBOX,), limit=1)
        shops = merchants.outlets_of(session, mine)
        return page(
            "merchant/developers/overview.html",
            merchant=both(merchants.by_id(session, mine).names),
            desks=[desk_view(session, row) for row in rows[:PER_PAGE]],
            next_cursor=pages.cursor(key, rows[PER_PAGE - 1].terminal_id) if len(rows) > PER_PAGE else None,
            sandbox=next((desk_view(session, row) for row in trying if row.revoked_at is None), None),
            outlets=[(ids.public("out", shop.outlet_id), both(shop.names)) for shop in shops],
            form=request.form,
            **more,
        )


def _desk(desk: str, **more: Any) -> str:
    at = clock.now()
    with database.begin() as session:
        row = desks.find(session, person(), desk)
        return page(
            "merchant/developers/desk.html",
            desk=desk_view(session, row),
            at=at,
            ends={ids.public("key", key.key_id): desks.ended(key, at) for key in desks.keys_of(session, row)},
            tries=[]
            if row.kind == SANDBOX
            else attempts.of_terminal(session, row.terminal_id, limit=SHOWN_TRIES),
            deeds=DEEDS,
            codes=_codes() if row.kind == SANDBOX else [],
            texts={name: samples.filled(name, _base(), desk) for name in ("till.sh", "till.py")},
            base=_base(),
            try_code=SINGLE.code if row.kind == SANDBOX else "7M4P-8KQ2-XZ3T8",
            zone=merchants.by_id(session, row.merchant_id).zone,
            **more,
        )


def _codes() -> list[tuple[str, str, str]]:
    """The codes of the sandbox: code, where it answers so, and what."""
    good = {
        SINGLE.number: _("a single voucher of 30 yuan"),
        TEN.number: _("ten uses, 200 yuan together"),
        MONEY.number: _("50 yuan, to be used in parts"),
    }
    return [
        (case.code, str(WHEN[case.when]), str(good.get(case.number) or _answer_of(case))) for case in CASES
    ]


def _answer_of(case: Case) -> str:
    """What a code that is not good answers."""
    if case.when == AFTER or case.problem is None:
        return str(_("no clear answer, though it is accepted: send the same key again"))
    return case.problem.title(current_language())


def _keyed(asked: dict[str, Any], make: Any) -> Response:
    """Once for the form's key; the page with a key that was made here, which is not kept."""
    fresh: list[str] = []

    def effect(session: Session) -> dict[str, Any]:
        made: Made = make(session)
        if made.private_key:
            fresh.append(made.private_key)
        return {"desk": ids.public("trm", made.terminal.terminal_id)}

    desk = forms.once(asked, effect)["desk"]
    if not fresh:
        return redirect(url_for(".one", desk=desk), 303)  # type: ignore[return-value]
    answer = Response(_desk(desk, private_key=fresh[0]))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _base() -> str:
    return request.host_url.rstrip("/")
