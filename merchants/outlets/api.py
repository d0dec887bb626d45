"""HTTP: outlets, for the merchant's own people and for the operator's within their area."""

from typing import Any

from flask import Response

from base import database, pages
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.outlets import outlets
from merchants.outlets.schemas import OutletRequest, OutletsView, OutletView, outlet_view, wanted
from merchants.schemas import PageQuery

blueprint = Blueprint("outlets", __name__, description="A merchant's outlets")


@blueprint.route("/merchant/outlets")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, OutletsView)
@needs("merchant:read")
def list_own(query: dict[str, Any]) -> dict[str, Any]:
    """The caller's outlets: a manager's own, else all of the merchant."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        key = f"outlets:{reach.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        rows = outlets.listed(session, reach, after=int(place[0]) if place else 0, limit=query["limit"] + 1)
    return pages.page(key, rows, query["limit"], lambda one: [one.outlet_id], outlet_view)


@blueprint.route("/merchant/outlets", methods=["POST"])
@blueprint.arguments(OutletRequest)
@blueprint.response(201, OutletView)
@blueprint.doc(**IDEMPOTENT)
@needs("outlets:manage")
def add_own(asked: dict[str, Any]) -> Response:
    """A shop more. Needs Idempotency-Key."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        merchant = scope.merchant_of(session, reach)
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (201, outlet_view(outlets.add(session, merchant, wanted(asked), reach.actor))),
        )


@blueprint.route("/merchant/outlets/<outlet>", methods=["POST"])
@blueprint.arguments(OutletRequest)
@blueprint.response(200, OutletView)
@blueprint.doc(**IDEMPOTENT)
@needs("outlets:manage")
def change_own(asked: dict[str, Any], outlet: str) -> Response:
    """Names, address, area and hours from now on. Needs Idempotency-Key."""
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        found = scope.outlet(session, reach, outlet)
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (200, outlet_view(outlets.change(session, found, wanted(asked), reach.actor))),
        )


@blueprint.route("/merchants/<merchant>/outlets")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, OutletsView)
@needs("merchants:read")
def list_within(query: dict[str, Any], merchant: str) -> dict[str, Any]:
    """A merchant's outlets within the caller's area."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        key = f"outlets:{found.merchant_id}:{config().secret_key}"
        place = pages.position(key, query["cursor"])
        rows = scope.outlets_of(
            session,
            current(),
            found.merchant_id,
            after=int(place[0]) if place else 0,
            limit=query["limit"] + 1,
        )
    return pages.page(key, rows, query["limit"], lambda one: [one.outlet_id], outlet_view)


@blueprint.route("/merchants/<merchant>/outlets", methods=["POST"])
@blueprint.arguments(OutletRequest)
@blueprint.response(201, OutletView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def add_within(asked: dict[str, Any], merchant: str) -> Response:
    """A shop more, by the operator, within the caller's area. Needs Idempotency-Key."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        scope.check_area(current(), asked["area"])
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (201, outlet_view(outlets.add(session, found, wanted(asked), current().actor))),
        )


@blueprint.route("/outlets/<outlet>", methods=["POST"])
@blueprint.arguments(OutletRequest)
@blueprint.response(200, OutletView)
@blueprint.doc(**IDEMPOTENT)
@needs("merchants:manage")
def change_within(asked: dict[str, Any], outlet: str) -> Response:
    """Names, address, area and hours from now on, by the operator, within the caller's area. Needs Idempotency-Key."""
    with database.begin() as session:
        found = scope.outlet_within(session, current(), outlet)
        scope.check_area(current(), asked["area"])
        return answer_once(
            session,
            NO_MEMBER,
            asked,
            lambda: (200, outlet_view(outlets.change(session, found, wanted(asked), current().actor))),
        )
