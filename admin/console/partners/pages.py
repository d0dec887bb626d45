"""Merchants by deadline, each with its checklist and the button of the next step; forms to invite one, to hand over."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import segno
from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, cut, page, position
from admin.console.partners.http import once, text, whole
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import field_errors
from base.http.settings import config
from base.web.i18n import gettext as _
from merchants import scope, words
from merchants.agreements import proposals
from merchants.models import ACTIVE, REVIEWED, STAGES, Merchant
from merchants.onboarding import checklist, documents, joining, reviews, stages
from merchants.onboarding.models import MERCHANT, OPERATOR
from merchants.onboarding.stages import AHEAD, TO
from merchants.outlets import outlets
from merchants.packs import packs
from merchants.packs import proposals as pack_proposals
from merchants.people import invitations
from merchants.tills import tills
from points.members import areas

MOST_NOTE = stages.MOST_NOTE
JOIN = {"code": 40, "name_zh": 120, "name_en": 120, "city": 60}

COLUMNS = ("merchant", "city", "area", "stage", "who_has_it", "person", "since", "until")
blueprint = Blueprint("partners", __name__)


@blueprint.route("/merchants")
@needs("merchants:read")
def merchant_list() -> ResponseReturnValue:
    """Merchants by their deadline: what is overdue comes first; maybe those of a stage."""
    asked = request.args.get("stage")
    stage = asked if asked in STAGES else None
    place, at = position("merchants"), clock.now()
    with database.begin() as session:
        if sheets.is_asked():
            return _file(session, stages.listed(session, current(), stage=stage, limit=sheets.MOST))
        found = stages.listed(session, current(), stage=stage, after=stages.after(place), limit=PAGE + 1)
        rows, after = cut("merchants", found, stages.position)
        people = _people(session, [one.step.staff_id for one in rows if one.step])
    return page(
        "console/merchants.html",
        rows=rows,
        after=after,
        chosen=stage,
        stages=STAGES,
        words=words,
        people=people,
        at=at,
        as_file=bool(rows),
        may_manage="merchants:manage" in current().permissions,
    )


def _file(session: Session, rows: list[stages.Ticket]) -> Response:
    """The merchants that the filter shows as a file."""
    people = _people(session, [one.step.staff_id for one in rows if one.step])
    lines = []
    for one in rows:
        merchant, step = one.merchant, one.step
        since, until = (step.at, step.until_at) if step else (None, None)
        who = people.get(step.staff_id or 0) if step else None
        moments = (moment.isoformat() if moment else None for moment in (since, until))
        lines.append(
            (
                merchant.code,
                merchant.city,
                merchant.area,
                merchant.state,
                step.owner if step else None,
                who,
                *moments,
            )
        )
    return sheets.of_list(session, "merchants", COLUMNS, lines)


@blueprint.route("/merchants/new")
@needs("merchants:manage")
def merchant_form() -> ResponseReturnValue:
    """The form to invite a merchant."""
    return page("console/merchant_new.html", key=uuid.uuid4())


@blueprint.route("/merchants", methods=["POST"])
@needs("merchants:manage")
def join() -> ResponseReturnValue:
    """Invite it: its ticket begins."""
    said = {name: text(name, most) for name, most in JOIN.items()}
    area = request.form.get("area", "").strip()
    wanted = {
        "code": said["code"],
        "names": {"zh-CN": said["name_zh"], "en": said["name_en"]},
        "city": said["city"],
        "area": area,
        "zone": text("zone", 60),
        "currency": text("currency", 3),
    }
    if not all(sign.islower() or sign.isdigit() or sign == "-" for sign in said["code"]) or not said["code"].isascii():  # fmt: skip
        raise field_errors({"code": _("small letters, digits and dashes")})

    def effect(session: Session) -> str:
        scope.check_area(current(), area)
        return joining.invite(session, current(), wanted, clock.now()).code

    return redirect(url_for(".one", merchant=once(wanted, effect)), 303)


@blueprint.route("/merchants/<merchant>")
@needs("merchants:read")
def one(merchant: str) -> ResponseReturnValue:
    """One merchant: checklist, next step, documents, outlets, tills, terms, the way so far."""
    with database.begin() as session:
        return _shown(session, scope.merchant(session, current(), merchant))


@blueprint.route("/merchants/<merchant>/steps", methods=["POST"])
@needs("merchants:manage")
def step(merchant: str) -> ResponseReturnValue:
    """Take the step that the button names."""
    to, note = request.form.get("to", ""), _note()

    def effect(session: Session, found: Merchant) -> None:
        stages.step(
            session,
            found,
            to,
            current().actor,
            clock.now(),
            note=note,
            confirmed=bool(request.form.get("confirmed")),
            staff_id=_me(),
        )

    return _done(merchant, effect)


@blueprint.route("/merchants/<merchant>/hand-over", methods=["POST"])
@needs("merchants:manage")
def hand_over(merchant: str) -> ResponseReturnValue:
    """Somebody else has the ticket, for so many days from now."""
    owner, days, note = request.form.get("owner", ""), whole("days", 1, 365), _note()
    if owner not in (MERCHANT, OPERATOR):
        raise field_errors({"owner": _("not one of the choices")})
    at = clock.now()
    return _done(
        merchant,
        lambda session, found: stages.hand_over(
            session,
            found,
            owner,
            at + timedelta(days=days),
            current().actor,
            at,
            staff_id=_me(),
            note=note,
        ),
    )


@blueprint.route("/merchants/<merchant>/tills/<till>/revoke", methods=["POST"])
@needs("merchants:manage")
def revoke(merchant: str, till: str) -> ResponseReturnValue:
    """The till can do nothing from this moment on, for good; whoever does it types its code."""
    if request.form.get("code", "").strip() != till:
        raise field_errors({"code": _("type the code of this very till: %(code)s", code=till)})

    def effect(session: Session, found: Merchant) -> None:
        terminal = tills.by_code(session, till)
        within = {one.outlet_id for one in scope.outlets_of(session, current(), found.merchant_id)}
        if terminal.outlet_id not in within:
            raise tills.TerminalUnknown(terminal=till[:40])
        tills.revoke(session, terminal, current().actor, clock.now())

    return _done(merchant, effect)


@blueprint.route("/merchants/<merchant>/reviews", methods=["POST"])
@needs(reviews.PROPOSES)
def review(merchant: str) -> ResponseReturnValue:
    """Propose that the documents are right as they are."""
    reason = text("reason", 500)

    def effect(session: Session) -> int:
        found = scope.merchant(session, current(), merchant)
        return reviews.propose(session, current(), found, reason, clock.now()).proposal.proposal_id

    return redirect(url_of(reviews.KIND, int(once([request.path, reason], effect))), 303)


@blueprint.route("/merchants/<merchant>/owner-invitations")
@needs("merchants:manage")
def invited_again(merchant: str) -> ResponseReturnValue:
    """A reload or a change of language: back to the merchant, for the invitation was shown once."""
    return redirect(url_for(".one", merchant=merchant), 303)


@blueprint.route("/merchants/<merchant>/owner-invitations", methods=["POST"])
@needs("merchants:manage")
def invite_owner(merchant: str) -> ResponseReturnValue:
    """Let in an owner: the link and its picture, shown in this answer alone."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        made = invitations.invite_owner(session, found, text("number", 20), current().actor, clock.now())
    link = request.host_url.rstrip("/") + made.path
    picture = segno.make(link, error="m", micro=False).svg_data_uri(border=2, omitsize=True)
    return page(
        "console/merchant_owner.html",
        merchant=found,
        invitation=made.invitation,
        address=link,
        picture=picture,
    )


def _shown(session: Session, merchant: Merchant) -> str:
    at, permissions = clock.now(), current().permissions
    ahead = AHEAD.get(merchant.state) or (ACTIVE if ACTIVE in TO[merchant.state] else None)
    steps = stages.history(session, merchant.merchant_id)
    row = documents.latest(session, merchant.merchant_id)
    today = clock.day(at, merchant.zone)
    versions = proposals.listed(session, merchant.merchant_id, limit=PAGE)
    places = scope.outlets_of(session, current(), merchant.merchant_id)
    within = {one.outlet_id for one in places}
    return page(
        "console/merchant.html",
        merchant=merchant,
        ahead=ahead,
        points=checklist.of(session, merchant, ahead, at) if ahead else [],
        by_two=ahead == REVIEWED,
        trial=checklist.TRIAL,
        aside=[to for to in TO[merchant.state] if to != ahead],
        order=(*AHEAD, ACTIVE),
        steps=steps,
        overdue=bool(steps and steps[0].until_at and steps[0].until_at <= at),
        people=_people(session, [one.staff_id for one in steps]),
        paper=documents.masked(documents.opened(config().seal_key, row)),
        paper_no=row.documents_no if row else 0,
        reviewed_no=stages.reviewed_no(session, merchant.merchant_id),
        outlets=[
            (one, areas.full_name(session, one.area), outlets.written_hours(one.hours)) for one in places
        ],
        tills=[
            one
            for one in tills.of_merchant(session, merchant.merchant_id, at)
            if one.outlet.outlet_id in within
        ],
        versions=[(one, proposals.standing(session, one, today)) for one in versions],
        packs=[
            (one, packs.standing(one, today))
            for one in packs.listed(session, merchant.merchant_id, limit=PAGE)
        ],
        words=words,
        key=uuid.uuid4(),
        may_manage="merchants:manage" in permissions,
        may_review=reviews.PROPOSES in permissions,
        may_propose=proposals.PROPOSES in permissions,
        may_buy=pack_proposals.PROPOSES in permissions,
        may_settle="statements:read" in permissions,
    )


def _done(merchant: str, deed: Callable[[Session, Merchant], object]) -> ResponseReturnValue:
    """Do it once for the form's key, and show the merchant."""

    def effect(session: Session) -> str:
        found = scope.merchant(session, current(), merchant)
        deed(session, found)
        return found.code

    said = {name: value for name, value in request.form.items() if name not in ("csrf_token", "key")}
    return redirect(url_for(".one", merchant=once([request.path, said], effect)), 303)


def _people(session: Session, them: list[int | None]) -> dict[int, str]:
    asked = select(StaffRow.staff_id, StaffRow.name).where(
        StaffRow.staff_id.in_({one for one in them if one})
    )
    return {row.staff_id: row.name for row in session.execute(asked)}


def _me() -> int | None:
    person = current()
    return person.staff_id if isinstance(person, Staff) else None


def _note() -> str:
    return text("note", MOST_NOTE) if request.form.get("note", "").strip() else ""
