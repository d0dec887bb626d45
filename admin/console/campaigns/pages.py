"""Campaigns of merchants in the console: what waits, each with what it would cost, completed into a draft of one's own, sent back."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, cut, once, page, position
from admin.console.sheets import http as sheets
from base import clock, database
from base.auth.guard import current, needs
from base.errors import Problem, Unavailable, every_problem
from base.http.problems import body_of, status_of
from base.money import parse_yuan, yuan_text
from base.web.i18n import both, current_language
from catalog.budgets import budgets, standing
from catalog.campaigns import campaigns, stages, taking, wanted
from catalog.campaigns.taking import Completed, Row
from catalog.offers import categories
from catalog.offers.models import BASIC, VALUE_ADDED, VOUCHER, Offer
from catalog.publishing import matching, proposals, showing, steps
from catalog.publishing.classes import CLASSES
from merchants import words as partner_words
from points import programmes

MOST_CODE, MOST_BUDGETS = 60, 50
COLUMNS = ("campaign", "name", "stage", "merchant", "kind", "face_value_fen", "currency", "handed_in_at")
blueprint = Blueprint("campaigns", __name__)


@blueprint.route("/campaigns")
@needs(taking.READS)
def campaign_list() -> ResponseReturnValue:
    """What merchants handed in, the newest first."""
    place, at = position("campaigns"), clock.now()
    with database.begin() as session:
        if sheets.is_asked():
            every = taking.listed(session, current(), at, limit=sheets.MOST)
            return sheets.of_list(session, "campaigns", COLUMNS, map(_line, every))
        before = int(place[0]) if place else None
        found = taking.listed(session, current(), at, before=before, limit=PAGE + 1)
    rows, after = cut("campaigns", found, lambda row: [row.campaign.campaign_id])
    return page(
        "console/campaigns.html",
        rows=[(row, campaigns.reference(row.campaign)) for row in rows],
        after=after,
        as_file=bool(rows),
        partner_words=partner_words,
        at=at,
    )


def _line(row: Row) -> Sequence[Any]:
    campaign, merchant = row.campaign, row.merchant
    assert campaign.handed_in_at is not None  # what was not is in nobody's list
    return (
        campaigns.reference(campaign), both(campaign.content["names"]), row.standing.stage, merchant.code, campaign.kind,
        campaign.content["value_fen"], merchant.currency, campaign.handed_in_at.isoformat(),
    )  # fmt: skip


@blueprint.route("/campaigns/<campaign>")
@needs(taking.READS)
def one(campaign: str) -> ResponseReturnValue:
    """A campaign with what the merchant gives, what it would take in points, and the form to complete it."""
    return _one(campaign)


@blueprint.route("/campaigns/<campaign>/take", methods=["POST"])
@needs(taking.TAKES)
def take(campaign: str) -> ResponseReturnValue:
    """Complete it into a draft of one's own, and maybe propose it at once."""
    straight = request.form.get("deed") == "propose"

    def effect(session: Session) -> str | None:
        told = (session, current(), campaign, _revision(), _completed(), clock.now())
        if not straight:
            taking.take(*told)
            return None
        return url_of(proposals.KIND, taking.take_and_propose(*told).proposal.proposal_id)

    try:
        place = once(effect)
    except Problem as problem:
        return _refused(campaign, problem)
    return redirect(place or url_for(".one", campaign=campaign), 303)


@blueprint.route("/campaigns/<campaign>/send-back", methods=["POST"])
@needs(taking.TAKES)
def send_back(campaign: str) -> ResponseReturnValue:
    """Back to the merchant, with the words of what has to change."""
    said = request.form.get("words", "").replace("\r\n", "\n").strip()

    def effect(session: Session) -> None:
        taking.send_back(session, current(), campaign, _revision(), said, clock.now())

    try:
        once(effect)
    except Problem as problem:
        return _refused(campaign, problem)
    return redirect(url_for(".one", campaign=campaign), 303)


def _one(campaign: str, problem: Problem | None = None) -> str:
    at = clock.now()
    with database.begin() as session:
        row = taking.find(session, current(), campaign, at)
        programme = programmes.by_id(session, row.campaign.programme_id)
        try:
            due = taking.due_for(session, row, at)
        except campaigns.CampaignNeedsTerms:
            due = None
        draft = showing.shown(session, row.standing.draft, at) if row.standing.draft else None
        price, credit = _price(session, row, at)
        rules = taking.rules(session, row)
        money = standing.listed(session, current(), programme, at, limit=MOST_BUDGETS)
    asked = wanted.of(row.campaign.kind, row.campaign.content, row.campaign.wished_points, row.merchant.zone)
    values = request.form.to_dict() or _values(row, due.owed_fen - due.brand_fen if due else None)
    turn = row.standing.stage in stages.TO_TAKE
    proposal_id = row.standing.proposal_id
    return page(
        "console/campaign.html",
        id=campaign,
        row=row,
        asked=asked,
        programme=programme,
        due=due,
        draft=draft,
        step_names=steps.NAMES,
        price_points=price,
        rules=rules,
        credit_fen=credit,
        values=values,
        categories=[(code, names) for code, names in categories.CATEGORIES.items()],
        classes=[(code, CLASSES[code].words) for code in (VALUE_ADDED, BASIC)],
        budgets=[
            (budgets.reference(row.budget.budget_id), row.budget.names)
            for row in money
            if row.budget.owner_id is None
        ],
        proposal=url_of(proposals.KIND, proposal_id) if proposal_id else None,
        may_take=turn and taking.TAKES in current().permissions,
        problem=body_of(problem, status_of(type(problem))) if problem else None,
        faults=_faults(problem) if problem else [],
        key=uuid.uuid4(),
        words=words,
        partner_words=partner_words,
        at=at,
    )


def _refused(campaign: str, problem: Problem) -> ResponseReturnValue:
    """The page again with what was wrong above it; while the database is away it is not asked."""
    if isinstance(problem, Unavailable):
        raise problem
    return make_response(_one(campaign, problem), status_of(type(problem)))


def _faults(problem: Problem) -> list[str]:
    """Each thing that is missing or wrong, in the reader's language, with its field."""
    titles = {f"/problems/{one.type_name()}": one.title(current_language()) for one in every_problem()}
    return [
        f"{one['pointer'].lstrip('/')}: {titles.get(one.get('type', ''), one['detail'])}"
        for one in problem.facts.get("errors", ())
    ]


def _price(session: Session, row: Row, at: datetime) -> tuple[int | None, int | None]:
    """The points that it would take today, and what those are worth as bill credit (fen)."""
    values, _ = matching.values(session, row.campaign.content)
    offer = Offer(kind=VOUCHER, programme_id=row.campaign.programme_id, offer_id=0, **values)
    programme = programmes.by_id(session, row.campaign.programme_id)
    return showing.price_and_credit(session, programme, offer, at)


def _values(row: Row, cost_fen: int | None) -> dict[str, Any]:
    """What the form begins with: as it was completed before, or what can be told of it."""
    content = row.standing.draft.content if row.standing.draft else {}
    cost = content.get("cost_fen", cost_fen)
    number = campaigns.reference(row.campaign)[-5:].lower()
    code = f"{row.merchant.code}-{row.campaign.kind.replace('_', '-')}-{number}"[-MOST_CODE:].lstrip("-")
    return {
        "code": row.standing.draft.code if row.standing.draft else code,
        "category": content.get("category", "dining"),
        "approval_class": content.get("approval_class", VALUE_ADDED),
        "cost": yuan_text(cost) if cost is not None else "",
        "budget": content.get("budget") or "",
    }


def _completed() -> Completed:
    told = {
        name: request.form.get(name, "").strip() for name in ("code", "category", "approval_class", "budget")
    }
    try:
        cost: int | None = parse_yuan(request.form.get("cost", ""))
    except ValueError:
        cost = None  # said as missing by the step of costs
    return Completed(**told | {"budget": told["budget"] or None}, cost_fen=cost)  # type: ignore[arg-type]


def _revision() -> int:
    told = request.form.get("revision", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 9 else 0
