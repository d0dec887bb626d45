"""HTTP: terms proposed by one person, approved by another, confirmed by the merchant's owner; every version to read."""

from datetime import date
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import merchants, scope
from merchants.agreements import proposals
from merchants.agreements.schemas import (
    TermsProposalsView,
    TermsProposalView,
    TermsRequest,
    TermsVersionsView,
    TermsView,
    proposal_view,
    terms_view,
    wanted,
)
from merchants.schemas import PageQuery

blueprint = Blueprint("terms", __name__, description="What operator and merchant owe each other, by date")


@blueprint.route("/merchant/terms")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, TermsVersionsView)
@needs("merchant:read")
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """Every version of the caller's merchant, the latest day first."""
    with database.begin() as session:
        return _page(session, scope.reach_of(session, current()).merchant_id, query)


@blueprint.route("/merchant/terms/<terms>/confirm", methods=["POST"])
@blueprint.response(200, TermsView)
@blueprint.doc(**IDEMPOTENT)
@needs("terms:confirm")
def confirm(terms: str) -> Response:
    """The owner agrees to a version before its day comes; it counts from that day on. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        reach, at = scope.reach_of(session, current()), clock.now()
        found = proposals.agree(session, reach, terms, at)
        return terms_view(session, found, clock.day(at, merchants.zone_of(session, reach.merchant_id)))

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, None, lambda: (200, effect(session)))


@blueprint.route("/merchants/<merchant>/terms")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, TermsVersionsView)
@needs("merchants:read")
def list_versions(query: dict[str, Any], merchant: str) -> dict[str, Any]:
    """Every version of a merchant within the caller's area, the latest day first."""
    with database.begin() as session:
        return _page(session, scope.merchant(session, current(), merchant).merchant_id, query)


@blueprint.route("/terms-proposals", methods=["POST"])
@blueprint.arguments(TermsRequest)
@blueprint.response(201, TermsProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a version, which another person approves and the merchant's owner confirms. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at = clock.now()
        found = scope.merchant(session, current(), asked["merchant"])
        case = proposals.propose(session, current(), found, wanted(asked), asked["reason"], at)
        return proposal_view(session, case, at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "terms-proposals", proposals, proposal_view, TermsProposalView, TermsProposalsView)


def _page(session: Session, merchant_id: int, query: dict[str, Any]) -> dict[str, Any]:
    key = f"terms:{merchant_id}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    before = date.fromisoformat(place[0]) if place else None
    rows = proposals.listed(session, merchant_id, before=before, limit=query["limit"] + 1)
    today = clock.day(clock.now(), merchants.zone_of(session, merchant_id))
    return pages.page(
        key,
        rows,
        query["limit"],
        lambda one: [one.from_day.isoformat()],
        lambda one: terms_view(session, one, today),
    )
