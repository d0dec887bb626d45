"""HTTP: a merchant sees and changes where it is paid, and opens its account at Stripe; staff see it, masked."""

from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.errors import NotFound
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.payout_routes import accounts, changes, routes
from merchants.payout_routes.changes import ChangeUnknown
from merchants.payout_routes.models import STRIPE
from merchants.payout_routes.schemas import (
    OnboardingLinkView,
    PayoutRoutesView,
    PayoutRouteView,
    RouteChangeRequest,
    RouteChangeView,
    RouteCodeRequest,
    StripeAccountRequest,
    StripeAccountView,
    account_view,
    change_view,
    details_of,
    route_view,
)
from merchants.payouts import payouts

MINE = "payouts:route"
blueprint = Blueprint("payout-routes", __name__, description="Where merchants are paid, and how that changes")


@blueprint.route("/merchant/payout-routes")
@blueprint.response(200, PayoutRoutesView)
@needs("statements:merchant")
def own() -> dict[str, Any]:
    """Where the caller's merchant is paid, and was before: the latest 50, masked."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        return {"data": [route_view(row) for row in routes.all_of(session, reach.merchant_id)]}


@blueprint.route("/merchants/<merchant>/payout-routes")
@blueprint.response(200, PayoutRoutesView)
@needs(payouts.READS)
def of_merchant(merchant: str) -> dict[str, Any]:
    """The same of a merchant within the caller's area."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        return {"data": [route_view(row) for row in routes.all_of(session, found.merchant_id)]}


@blueprint.route("/merchant/payout-route-changes", methods=["POST"])
@blueprint.arguments(RouteChangeRequest)
@blueprint.response(201, RouteChangeView)
@needs(MINE)
def change(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask to be paid elsewhere: the own password again, then a code goes to the old contact. Wrong passwords are counted."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        account = ""
        if asked["kind"] == STRIPE:
            account = accounts.of_merchant(session, reach.merchant_id).account or ""
    details, contact = details_of(asked, account)
    return change_view(changes.begin(config(), reach, details, contact, asked["password"]))


@blueprint.route("/merchant/payout-route-changes/<change>/confirm", methods=["POST"])
@blueprint.arguments(RouteCodeRequest)
@blueprint.response(200, PayoutRouteView)
@needs(MINE)
def confirm(asked: dict[str, Any], change: str) -> dict[str, Any]:
    """The old contact's code: the route counts from now on, and for 48 hours no payout goes. Wrong codes are counted."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
    try:
        merchant_id, number = ids.parse("prc", change)
    except NotFound:
        raise ChangeUnknown() from None
    if merchant_id != reach.merchant_id:
        raise ChangeUnknown()
    return route_view(changes.confirm(config(), reach, number, asked["code"]))


@blueprint.route("/merchant/stripe-account", methods=["POST"])
@blueprint.arguments(StripeAccountRequest)
@blueprint.response(201, StripeAccountView)
@blueprint.doc(**IDEMPOTENT)
@needs(MINE)
def ask_account(asked: dict[str, Any]) -> Response:
    """Ask for the merchant's account at Stripe; it is made after this. Twice is once. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        reach = scope.reach_of(session, current())
        merchant = scope.merchant_of(session, reach)
        return account_view(accounts.ask(session, merchant, asked["country"], reach.actor, clock.now()))

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


@blueprint.route("/merchant/stripe-account")
@blueprint.response(200, StripeAccountView)
@needs("statements:merchant")
def account() -> dict[str, Any]:
    """The merchant's account at Stripe, as Stripe told it last."""
    with database.begin() as session:
        return account_view(accounts.of_merchant(session, scope.reach_of(session, current()).merchant_id))


@blueprint.route("/merchant/stripe-account/link")
@blueprint.response(200, OnboardingLinkView)
@needs(MINE)
def link() -> dict[str, Any]:
    """Stripe's own page where the merchant fills in what is needed; asked for anew each time, good for minutes."""
    with database.begin() as session:
        found = accounts.of_merchant(session, scope.reach_of(session, current()).merchant_id).account
    return {"url": accounts.link(config(), found, request.host_url)}
