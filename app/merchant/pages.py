"""The merchant's pages: sign in, joining with documents, outlets, terms."""

from datetime import date

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant.frame import PAGE, cut, errors_on, page, position, reach, text
from base import clock, database, idempotency
from base.approvals.approvals import NO_MEMBER
from base.auth import cookies
from base.auth.guard import current, needs, open_to_all
from base.errors import field_errors
from base.http.settings import config
from base.web.i18n import gettext as _
from catalog.ratings import outlets as ratings
from merchants import merchants, scope
from merchants.agreements import proposals
from merchants.models import ACTIVE, JOINING, Outlet
from merchants.onboarding import checklist, documents, joining, stages
from merchants.onboarding.documents import SEALED, Paper
from merchants.onboarding.models import REGIMES, ROUTES
from merchants.outlets import outlets
from merchants.outlets.outlets import Wanted
from merchants.people import sign_in
from merchants.people.choosing import MOST_PASSWORD
from merchants.scope import Reach
from merchants.terminals.models import OWNER
from points.members import areas

PAPER = {
    "licence_number": 40,
    "legal_name": 120,
    "tax_number": 40,
    "contact_name": 60,
    "contact_phone": 30,
    "contact_email": 120,
    "payout_account": 80,
}

blueprint = Blueprint("merchant_pages", __name__, template_folder="templates", url_prefix="/merchant")
errors_on(blueprint)


@blueprint.route("/sign-in")
@open_to_all
def sign_in_form() -> ResponseReturnValue:
    """Merchant code, number, password or PIN."""
    return page("merchant/sign_in.html", problem=None)


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def begin() -> ResponseReturnValue:
    """Sign in and go to the day's acceptances."""
    secret = request.form.get("secret", "")
    if len(secret) > MOST_PASSWORD:
        raise sign_in.MerchantSignInRefused()
    token = sign_in.begin(text("merchant", 64), text("number", 40), secret)
    return cookies.signed_in(redirect("/merchant", 303), token, "merchant", secure=config().in_production)


@blueprint.route("/sign-out", methods=["POST"])
@open_to_all
def end() -> ResponseReturnValue:
    """End the sign-in."""
    return cookies.signed_out(redirect(url_for(".sign_in_form"), 303))


@blueprint.route("/joining")
@needs("merchant:read")
def join() -> ResponseReturnValue:
    """Where the merchant stands, what the next step needs, and the documents."""
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        merchant = scope.merchant_of(session, mine)
        ahead = stages.AHEAD.get(merchant.state)
        points = checklist.of(session, merchant, ahead, at) if ahead else []
        steps = stages.history(session, merchant.merchant_id)
        row = documents.latest(session, merchant.merchant_id)
        shown = documents.masked(documents.opened(config().seal_key, row))
    return page(
        "merchant/joining.html",
        merchant=merchant,
        ahead=ahead,
        points=points,
        steps=steps,
        paper=shown,
        at=at,
        order=(*JOINING, ACTIVE),
        routes=ROUTES,
        regimes=REGIMES,
        may_hand_in="documents:manage" in current().permissions,
    )


@blueprint.route("/documents", methods=["POST"])
@needs("documents:manage")
def hand_in() -> ResponseReturnValue:
    """Hand in the documents as they stand in the form."""
    said = {name: text(name, most, needed=False) for name, most in PAPER.items()}
    said |= {
        "payout_route": _one_of("payout_route", ROUTES),
        "invoice_regime": _one_of("invoice_regime", REGIMES),
    }
    with database.begin() as session:
        mine = reach(session)
        merchant = scope.merchant_of(session, mine)
        kept = vars(documents.opened(config().seal_key, documents.latest(session, merchant.merchant_id)))
        said |= {name: kept[name] for name in SEALED if not said[name]}  # shown masked, so left as it is
        joining.hand_in(session, config().seal_key, merchant, Paper(**said), mine.actor, clock.now())
    return redirect(url_for(".join"), 303)


@blueprint.route("/outlets")
@needs("merchant:read")
def outlet_list() -> ResponseReturnValue:
    """The outlets in reach."""
    place = position()
    with database.begin() as session:
        mine = reach(session)
        found = outlets.listed(session, mine, after=int(place[0]) if place else 0, limit=PAGE + 1)
        rows, after = cut(found, lambda one: [one.outlet_id])
        shown = [(one, outlets.public_id(one), areas.full_name(session, one.area)) for one in rows]
        rated = _ratings(session, mine) if "ratings:merchant" in current().permissions else None
    may = "outlets:manage" in current().permissions
    return page(
        "merchant/outlets.html",
        rows=shown,
        after=after,
        written=outlets.written_hours,
        may_change=may,
        rated=rated,
        fewest=ratings.FEWEST,
    )


def _ratings(session: Session, mine: Reach) -> dict[int, tuple[str, int]]:
    """Average of the stars and how many rated, by outlet that was rated often enough."""
    found = ratings.sums(session, mine, clock.now())
    return {one.outlet.outlet_id: (f"{one.average_tenths / 10:.1f}", one.number) for one in found}


@blueprint.route("/outlets/new")
@needs("outlets:manage")
def outlet_form() -> ResponseReturnValue:
    """An outlet more."""
    return page("merchant/outlet.html", outlet=None, id=None, hours="")


@blueprint.route("/outlets", methods=["POST"])
@needs("outlets:manage")
def add_outlet() -> ResponseReturnValue:
    """Add it, once for the form's key."""
    wanted, key = _outlet(), idempotency.checked(request.form.get("key"))
    with database.begin() as session:
        mine = reach(session)
        merchant = scope.merchant_of(session, mine)

        def effect() -> tuple[int, str]:
            return 303, outlets.public_id(outlets.add(session, merchant, wanted, mine.actor))

        idempotency.once(session, NO_MEMBER, current().actor, key, [request.path, vars(wanted)], effect)
    return redirect(url_for(".outlet_list"), 303)


@blueprint.route("/outlets/<outlet>")
@needs("outlets:manage")
def one_outlet(outlet: str) -> ResponseReturnValue:
    """An outlet, to change it."""
    with database.begin() as session:
        found = scope.outlet(session, reach(session), outlet)
    return page("merchant/outlet.html", outlet=found, id=outlet, hours=outlets.written_hours(found.hours))


@blueprint.route("/outlets/<outlet>", methods=["POST"])
@needs("outlets:manage")
def change_outlet(outlet: str) -> ResponseReturnValue:
    """Change it as a whole."""
    wanted = _outlet()
    with database.begin() as session:
        mine = reach(session)
        found: Outlet = scope.outlet(session, mine, outlet)
        outlets.change(session, found, wanted, mine.actor)
    return redirect(url_for(".outlet_list"), 303)


@blueprint.route("/terms")
@needs("merchant:read")
def terms_list() -> ResponseReturnValue:
    """Every version of the terms, the latest day first."""
    place = position()
    with database.begin() as session:
        mine = reach(session)
        before = date.fromisoformat(place[0]) if place else None
        found = proposals.listed(session, mine.merchant_id, before=before, limit=PAGE + 1)
        today = clock.day(clock.now(), merchants.zone_of(session, mine.merchant_id))
        rows, after = cut(found, lambda one: [one.from_day.isoformat()])
        shown = [
            (one, proposals.public_id(one), proposals.standing(session, one, today), proposals.prices_of(one))
            for one in rows
        ]
    return page("merchant/terms.html", rows=shown, after=after, may_confirm=mine.role == OWNER)


@blueprint.route("/terms/<terms>/confirm", methods=["POST"])
@needs("terms:confirm")
def confirm_terms(terms: str) -> ResponseReturnValue:
    """The owner agrees; a second time changes nothing."""
    with database.begin() as session:
        proposals.agree(session, reach(session), terms, clock.now())
    return redirect(url_for(".terms_list"), 303)


def _outlet() -> Wanted:
    return Wanted(
        {"zh-CN": text("name_zh", 120), "en": text("name_en", 120)},
        {"zh-CN": text("address_zh", 120), "en": text("address_en", 120)},
        text("area", 6),
        outlets.read_hours(text("hours", 300, needed=False)),
    )


def _one_of(name: str, choices: tuple[str, ...]) -> str:
    value = request.form.get(name, "")
    if value and value not in choices:
        raise field_errors({name: _("not one of the choices")})
    return value
