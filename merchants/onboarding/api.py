"""HTTP: merchants join and leave, step by step; the operator's people within their area, the merchant for itself."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once, shown_once
from base.http.settings import config
from merchants import scope
from merchants.models import Merchant
from merchants.onboarding import joining, reviews, stages
from merchants.onboarding.models import OPERATOR
from merchants.onboarding.schemas import (
    DocumentsRequest,
    HandOverRequest,
    JoinRequest,
    MerchantsQuery,
    MerchantStepRequest,
    MerchantsView,
    OneMerchantView,
    OwnerRequest,
    ReviewRequest,
    ReviewsView,
    ReviewView,
    merchant_view,
    one_view,
    paper,
    review_view,
)
from merchants.onboarding.stages import Ticket
from merchants.people import invitations
from merchants.people.schemas import InvitationView, invitation_view
from merchants.schemas import both

blueprint = Blueprint("merchants", __name__, description="Merchants: joining, stages, documents, reviews")


@blueprint.route("/merchants")
@blueprint.arguments(MerchantsQuery, location="query")
@blueprint.response(200, MerchantsView)
@needs("merchants:read")
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """Merchants within the caller's area, by deadline: what is overdue comes first."""
    key, limit, at = f"merchants:{query['stage']}:{config().secret_key}", query["limit"], clock.now()
    after = stages.after(pages.position(key, query["cursor"]))
    with database.begin() as session:
        rows = stages.listed(session, current(), stage=query["stage"], after=after, limit=limit + 1)
    return pages.page(key, rows, limit, stages.position, lambda one: merchant_view(one, at))


@blueprint.route("/merchants", methods=["POST"])
@blueprint.arguments(JoinRequest)
@blueprint.response(201, OneMerchantView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def join(asked: dict[str, Any]) -> Response:
    """Invite a merchant: its ticket begins. Needs Idempotency-Key."""

    def effect(session: Session) -> tuple[int, Any]:
        area = asked["area"] or ""
        scope.check_area(current(), area)
        wanted = asked | {"names": both(asked["names"]), "area": area}
        made = joining.invite(session, current(), wanted, clock.now())
        return 201, _shown(session, made)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: effect(session))


@blueprint.route("/merchants/<merchant>")
@blueprint.response(200, OneMerchantView)
@needs("merchants:read")
def one(merchant: str) -> dict[str, Any]:
    """A merchant with the steps that it took and what the next one needs."""
    with database.begin() as session:
        return _shown(session, scope.merchant(session, current(), merchant))


@blueprint.route("/merchants/<merchant>/steps", methods=["POST"])
@blueprint.arguments(MerchantStepRequest)
@blueprint.response(201, OneMerchantView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def step(asked: dict[str, Any], merchant: str) -> Response:
    """Take a step whose conditions are met; reviewed is taken by two persons instead. Needs Idempotency-Key."""

    def effect(session: Session) -> tuple[int, Any]:
        found = scope.merchant(session, current(), merchant)
        stages.step(
            session,
            found,
            asked["to"],
            current().actor,
            clock.now(),
            note=asked["note"] or "",
            confirmed=asked["confirmed"],
            staff_id=_person(),
        )
        return 201, _shown(session, found)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: effect(session))


@blueprint.route("/merchants/<merchant>/hand-over", methods=["POST"])
@blueprint.arguments(HandOverRequest)
@blueprint.response(201, OneMerchantView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def hand_over(asked: dict[str, Any], merchant: str) -> Response:
    """Somebody else has the ticket, or has it for longer. Needs Idempotency-Key."""

    def effect(session: Session) -> tuple[int, Any]:
        found = scope.merchant(session, current(), merchant)
        mine = _person() if asked["mine"] and asked["owner"] == OPERATOR else None
        stages.hand_over(
            session,
            found,
            asked["owner"],
            asked["until_at"],
            current().actor,
            clock.now(),
            staff_id=mine,
            note=asked["note"] or "",
        )
        return 201, _shown(session, found)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: effect(session))


@blueprint.route("/merchants/<merchant>/documents", methods=["POST"])
@blueprint.arguments(DocumentsRequest)
@blueprint.response(201, OneMerchantView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def hand_in_for(asked: dict[str, Any], merchant: str) -> Response:
    """Hand in documents that came on paper; those before stay. Needs Idempotency-Key."""

    def effect(session: Session) -> tuple[int, Any]:
        found = scope.merchant(session, current(), merchant)
        joining.hand_in(session, config().seal_key, found, paper(asked), current().actor, clock.now())
        return 201, _shown(session, found)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: effect(session))


@blueprint.route("/merchants/<merchant>/owner-invitations", methods=["POST"])
@blueprint.arguments(OwnerRequest)
@blueprint.response(201, InvitationView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def invite_owner(asked: dict[str, Any], merchant: str) -> Response:
    """Let in an owner, who lets in the others; the path is in this answer alone. Needs Idempotency-Key."""
    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            found = scope.merchant(session, current(), merchant)
            made = invitations.invite_owner(session, found, asked["number"], current().actor, clock.now())
            fresh.append(made.path)
            return 201, invitation_view(made.invitation)

        answer = answer_once(session, NO_MEMBER, asked, effect)
    return shown_once(answer, "path", fresh)


@blueprint.route("/merchants/<merchant>/reviews", methods=["POST"])
@blueprint.arguments(ReviewRequest)
@blueprint.response(201, ReviewView)
@blueprint.doc(**IDEMPOTENT)
@needs(reviews.PROPOSES)
def review(asked: dict[str, Any], merchant: str) -> Response:
    """Propose that the documents as they are now are right; another person approves. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at = clock.now()
        found = scope.merchant(session, current(), merchant)
        return review_view(session, reviews.propose(session, current(), found, asked["reason"], at), at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "merchant-reviews", reviews, review_view, ReviewView, ReviewsView)


@blueprint.route("/merchant")
@blueprint.response(200, OneMerchantView)
@needs("merchant:read")
def own() -> dict[str, Any]:
    """The caller's merchant, where it stands, and what the next step needs."""
    with database.begin() as session:
        return _shown(session, scope.merchant_of(session, scope.reach_of(session, current())))


@blueprint.route("/merchant/documents", methods=["POST"])
@blueprint.arguments(DocumentsRequest)
@blueprint.response(201, OneMerchantView)
@blueprint.doc(**IDEMPOTENT)
@needs("documents:manage")
def hand_in(asked: dict[str, Any]) -> Response:
    """Hand in documents; complete ones go to the operator's review by themselves. Needs Idempotency-Key."""

    def effect(session: Session) -> tuple[int, Any]:
        reach = scope.reach_of(session, current())
        merchant = scope.merchant_of(session, reach)
        joining.hand_in(session, config().seal_key, merchant, paper(asked), reach.actor, clock.now())
        return 201, _shown(session, merchant)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: effect(session))


def _shown(session: Session, merchant: Merchant) -> dict[str, Any]:
    ticket = Ticket(merchant, stages.latest(session, merchant.merchant_id))
    return one_view(session, config().seal_key, ticket, clock.now())


def _person() -> int | None:
    person = current()
    return person.staff_id if isinstance(person, Staff) else None
