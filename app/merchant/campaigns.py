"""The merchant's pages of its campaigns: what it proposes, where each stands, the words of a refusal, and what came of it."""

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant import campaign_form, forms
from app.merchant.frame import PAGE, cut, errors_on, page, position, reach
from base import clock, database
from base.auth.guard import current, needs
from base.errors import Problem, field_errors
from base.web.i18n import gettext as _
from catalog.campaigns import campaigns, results, stages, taking, wanted
from catalog.campaigns.models import KINDS, VOUCHER
from catalog.pictures import pictures
from merchants import merchants, scope
from merchants.models import Terms
from merchants.outlets import outlets
from merchants.outlets.outlets import MOST_OUTLETS
from merchants.terminals.models import OWNER
from points import programmes

blueprint = Blueprint(
    "merchant_campaigns", __name__, template_folder="templates", url_prefix="/merchant/campaigns"
)
errors_on(blueprint)


@blueprint.route("")
@needs(campaigns.READS)
def campaign_list() -> ResponseReturnValue:
    """Campaigns in reach, the newest first, each with where it stands."""
    place, at = position(), clock.now()
    with database.begin() as session:
        mine = reach(session)
        found = campaigns.listed(session, mine, before=int(place[0]) if place else None, limit=PAGE + 1)
        rows, after = cut(found, lambda one: [one.campaign_id])
        shown = [(one, campaigns.reference(one), stages.standing(session, one, at)) for one in rows]
        without = _without_terms(session, at)
    return page(
        "merchant/campaigns/list.html", rows=shown, after=after, without_terms=without, may_write=_may()
    )


@blueprint.route("/new")
@needs(campaigns.WRITES)
def new() -> ResponseReturnValue:
    """The form for one more; its kind by `?kind=`, its fields as in another one by `?like=`."""
    asked, like = request.args.get("kind", ""), request.args.get("like")
    values: dict[str, Any] = {"kind": asked if asked in KINDS else VOUCHER}
    if like:
        with database.begin() as session:
            values = _fields(session, like) | ({"kind": asked} if asked in KINDS else {})
    return _form(values)


@blueprint.route("", methods=["POST"])
@needs(campaigns.WRITES)
def add() -> ResponseReturnValue:
    """Write it down, once for the form's key."""
    programme = request.form.get("programme", "")

    def made(session: Session) -> dict[str, Any]:
        asked = campaign_form.read(lambda body: _kept(session, body))
        found = campaigns.begin(session, reach(session), programme, asked, clock.now())
        return {"campaign": campaigns.reference(found)}

    try:
        done = forms.once(campaign_form.typed(), made)
    except Problem as problem:
        return _wrong(problem)
    return redirect(url_for(".one", campaign=done["campaign"]), 303)


@blueprint.route("/<campaign>")
@needs(campaigns.READS)
def one(campaign: str) -> ResponseReturnValue:
    """A campaign: where it stands, what it says, what a use brings, what came of it."""
    return _one(campaign)


@blueprint.route("/<campaign>/change")
@needs(campaigns.WRITES)
def change_form(campaign: str) -> ResponseReturnValue:
    """The form with what it says now."""
    with database.begin() as session:
        values = _fields(session, campaign)
    return _form(values, campaign)


@blueprint.route("/<campaign>/change", methods=["POST"])
@needs(campaigns.WRITES)
def change(campaign: str) -> ResponseReturnValue:
    """Write other words; what was handed in has to be handed in and approved anew."""

    def changed(session: Session) -> dict[str, Any]:
        asked = campaign_form.read(lambda body: _kept(session, body))
        campaigns.change(session, reach(session), campaign, _revision(), asked, clock.now())
        return {}

    try:
        forms.once(campaign_form.typed(), changed)
    except Problem as problem:
        return _wrong(problem, campaign)
    return redirect(url_for(".one", campaign=campaign), 303)


@blueprint.route("/<campaign>/hand-in", methods=["POST"])
@needs(campaigns.HANDS_IN)
def hand_in(campaign: str) -> ResponseReturnValue:
    """It is the operator's turn."""
    return _deed(campaign, campaigns.hand_in)


@blueprint.route("/<campaign>/withdraw", methods=["POST"])
@needs(campaigns.WRITES)
def withdraw(campaign: str) -> ResponseReturnValue:
    """It is not asked for any more."""
    return _deed(campaign, campaigns.withdraw)


def _deed(campaign: str, deed: Any) -> ResponseReturnValue:
    revision = _revision()

    def effect(session: Session) -> dict[str, Any]:
        deed(session, reach(session), campaign, revision, clock.now())
        return {}

    try:
        forms.once({"revision": revision}, effect)
    except Problem as problem:
        return forms.refused(problem, lambda refusal: _one(campaign, refusal))
    return redirect(url_for(".one", campaign=campaign), 303)


def _one(campaign: str, refusal: dict[str, Any] | None = None) -> str:
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        found = campaigns.find(session, mine, campaign)
        merchant = scope.merchant_of(session, mine)
        standing = stages.standing(session, found, at)
        row = taking.Row(found, merchant, standing)
        try:
            due = taking.due_for(session, row, at)
        except campaigns.CampaignNeedsTerms:
            due = None
        came_of_it = (
            results.of_offer(session, merchant.merchant_id, standing.offer_id) if standing.offer_id else None
        )
        rules = taking.rules(session, row)
        programme = programmes.by_id(session, found.programme_id)
    asked = wanted.of(found.kind, found.content, found.wished_points, merchant.zone)
    return page(
        "merchant/campaigns/one.html",
        id=campaign,
        row=found,
        standing=standing,
        asked=asked,
        due=due,
        rules=rules,
        results=came_of_it,
        programme=programme,
        is_open=standing.stage in stages.BEFORE,
        may_write=_may(),
        may_hand_in=mine.role == OWNER,
        refusal=refusal,
    )


def _form(values: dict[str, Any], campaign: str | None = None, wrong: dict[str, str] | None = None, refusal: dict[str, Any] | None = None) -> str:  # fmt: skip
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        merchant = scope.merchant_of(session, mine)
        places = outlets.listed(session, mine, limit=MOST_OUTLETS)
        every = [one for one in programmes.every(session) if one.currency == merchant.currency]
        row = campaigns.find(session, mine, campaign) if campaign else None
        try:
            held: Terms | None = campaigns.terms_for(session, merchant, None, at)
        except campaigns.CampaignNeedsTerms:
            held = None
    return page(
        "merchant/campaigns/form.html",
        id=campaign,
        values=values,
        kinds=KINDS,
        pers=wanted.PERS,
        wrong=wrong or {},
        refusal=refusal,
        revision=values.get("revision") or (row.revision if row else 0),
        handed_in=bool(row and row.handed_in_at),
        programmes=[(one.code, one.names) for one in every],
        places=[(outlets.public_id(one), one.names) for one in places],
        terms=held,
        own_outlet=mine.outlet_id is not None,
        most_bytes=pictures.MOST_BYTES,
    )


def _wrong(problem: Problem, campaign: str | None = None) -> ResponseReturnValue:
    """The form again as it was typed; what is wrong stands at its field, or above where it is about none."""
    found = campaign_form.by_field(problem)

    return forms.refused(problem, lambda refusal: _form(campaign_form.typed(), campaign, found, refusal))


def _fields(session: Session, campaign: str) -> dict[str, Any]:
    mine = reach(session)
    row = campaigns.find(session, mine, campaign)
    zone = merchants.zone_of(session, mine.merchant_id)
    programme = programmes.by_id(session, row.programme_id)
    asked = wanted.of(row.kind, row.content, row.wished_points, zone)
    return campaign_form.shown(asked) | {"programme": programme.code}


def _kept(session: Session, body: bytes) -> str:
    return pictures.add(session, forms.person(), body).digest.hex()


def _revision() -> int:
    told = request.form.get("revision", "")
    if not (told.isascii() and told.isdigit() and len(told) <= 9):
        raise field_errors({"revision": _("must be a whole number")})
    return int(told)


def _without_terms(session: Session, at: Any) -> bool:
    try:
        campaigns.terms_for(session, scope.merchant_of(session, reach(session)), None, at)
    except campaigns.CampaignNeedsTerms:
        return True
    return False


def _may() -> bool:
    return campaigns.WRITES in current().permissions
