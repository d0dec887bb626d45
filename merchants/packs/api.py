"""HTTP: packs of points, entered by two persons; the merchant and the operator see what is left of each."""

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
from merchants.packs import packs, proposals
from merchants.packs.schemas import (
    PackProposalsView,
    PackProposalView,
    PackRequest,
    PacksView,
    pack_view,
    proposal_view,
    wanted,
)
from merchants.schemas import PageQuery

blueprint = Blueprint("packs", __name__, description="Packs of points that merchants buy in advance")


@blueprint.route("/merchant/packs")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PacksView)
@needs("packs:own")
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """The packs of the caller's merchant, the newest first."""
    with database.begin() as session:
        return _page(session, scope.reach_of(session, current()).merchant_id, query)


@blueprint.route("/merchants/<merchant>/packs")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PacksView)
@needs("merchants:read")
def list_of(query: dict[str, Any], merchant: str) -> dict[str, Any]:
    """The packs of a merchant within the caller's area, the newest first."""
    with database.begin() as session:
        return _page(session, scope.merchant(session, current(), merchant).merchant_id, query)


@blueprint.route("/pack-proposals", methods=["POST"])
@blueprint.arguments(PackRequest)
@blueprint.response(201, PackProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a pack that was bought, which another person approves. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at = clock.now()
        found = scope.merchant(session, current(), asked["merchant"])
        case = proposals.propose(session, current(), found, wanted(asked), asked["reason"], at)
        return proposal_view(session, case, at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "pack-proposals", proposals, proposal_view, PackProposalView, PackProposalsView)


def _page(session: Session, merchant_id: int, query: dict[str, Any]) -> dict[str, Any]:
    key = f"packs:{merchant_id}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    before = int(place[0]) if place else None
    rows = packs.listed(session, merchant_id, before=before, limit=query["limit"] + 1)
    today = clock.day(clock.now(), merchants.zone_of(session, merchant_id))
    return pages.page(
        key, rows, query["limit"], lambda one: [one.pack.pack_id], lambda one: pack_view(one, today)
    )
