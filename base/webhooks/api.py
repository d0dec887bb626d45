"""HTTP: endpoints are made, changed, paused and tried by staff, the operator's systems and a merchant's owner, each their own.

What was sent is shown, and sent again.
"""

from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, View, answer_once
from base.http.settings import config
from base.webhooks import addresses, endpoints, history, replays
from base.webhooks.endpoints import Wanted
from base.webhooks.history import Sent
from base.webhooks.models import Delivery, Endpoint, Event
from base.webhooks.schemas import (
    DeliveriesQuery,
    DeliveriesView,
    DeliveryView,
    EndpointChangeRequest,
    EndpointRequest,
    EndpointsView,
    EndpointView,
    OneDeliveryView,
    OneEndpointView,
    PageQuery,
    PauseRequest,
    ReplayRequest,
    ReplayView,
    SecretView,
    delivery_view,
    endpoint_view,
    replay_view,
    try_view,
)

PERMISSION = "webhooks:manage"
NO_MEMBER = 0

blueprint = Blueprint("webhooks", __name__, description="Webhooks: endpoints, deliveries, replays")


@blueprint.route("/webhooks/endpoints", methods=["POST"])
@blueprint.arguments(EndpointRequest)
@blueprint.response(201, SecretView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def create(asked: dict[str, Any]) -> Response:
    """Register an endpoint. Its secret is shown in this answer alone. Needs Idempotency-Key."""
    _look_up(asked["url"])
    wanted = Wanted(asked["url"], tuple(asked["types"]), asked["description"])
    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            made = endpoints.create(
                session, config().seal_key, current(), asked["programme"], wanted, clock.now()
            )
            return 201, _without_secret(session, made, fresh)

        answer = answer_once(session, NO_MEMBER, asked, effect)
    return _with_secret(answer, fresh)


@blueprint.route("/webhooks/endpoints")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, EndpointsView)
@needs(PERMISSION)
def list_endpoints(query: dict[str, Any]) -> dict[str, Any]:
    """Endpoints, newest first, those that were removed too."""
    key, limit = f"webhook-endpoints:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        rows = endpoints.listed(session, current(), before=place[0] if place else None, limit=limit + 1)
        data = [endpoint_view(session, row) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].endpoint_id) if more else None,
    }


@blueprint.route("/webhooks/endpoints/<endpoint>")
@blueprint.response(200, OneEndpointView)
@needs(PERMISSION)
def one_endpoint(endpoint: str) -> dict[str, Any]:
    """An endpoint, how it does, and how far its newest replay is."""
    with database.begin() as session:
        row = endpoints.find(session, current(), endpoint)
        replay = replays.of_endpoint(session, row.endpoint_id)
        return endpoint_view(session, row) | {"replay": replay_view(replay) if replay else None}


@blueprint.route("/webhooks/endpoints/<endpoint>", methods=["POST"])
@blueprint.arguments(EndpointChangeRequest)
@blueprint.response(200, EndpointView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def change(asked: dict[str, Any], endpoint: str) -> Response:
    """Another url, other types or words. What waits goes to the new url. Needs Idempotency-Key."""
    if "url" in asked:
        _look_up(asked["url"])
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint, lock=True)
            return 200, _endpoint(session, endpoints.change(session, current(), row, clock.now(), **asked))

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/webhooks/endpoints/<endpoint>/rotate", methods=["POST"])
@blueprint.response(200, SecretView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def rotate(endpoint: str) -> Response:
    """A new secret, shown in this answer alone; for a day the one before signs as well. Needs Idempotency-Key."""
    fresh: list[str] = []
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint, lock=True)
            made = endpoints.rotate(session, config().seal_key, current(), row, clock.now())
            return 200, _without_secret(session, made, fresh)

        answer = answer_once(session, NO_MEMBER, None, effect)
    return _with_secret(answer, fresh)


@blueprint.route("/webhooks/endpoints/<endpoint>/pause", methods=["POST"])
@blueprint.arguments(PauseRequest)
@blueprint.response(200, EndpointView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def pause(asked: dict[str, Any], endpoint: str) -> Response:
    """Send nothing for now; events wait. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint, lock=True)
            return 200, _endpoint(
                session, endpoints.pause(session, current(), row, asked["reason"], clock.now())
            )

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/webhooks/endpoints/<endpoint>/resume", methods=["POST"])
@blueprint.response(200, EndpointView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def resume(endpoint: str) -> Response:
    """Send again, first what has waited, in its order. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint, lock=True)
            return 200, _endpoint(session, endpoints.resume(session, current(), row, clock.now()))

        return answer_once(session, NO_MEMBER, None, effect)


@blueprint.route("/webhooks/endpoints/<endpoint>/end", methods=["POST"])
@blueprint.response(200, EndpointView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def end(endpoint: str) -> Response:
    """Send nothing any more, for good; what was sent stays on record. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint, lock=True)
            return 200, _endpoint(session, endpoints.remove(session, current(), row, clock.now()))

        return answer_once(session, NO_MEMBER, None, effect)


@blueprint.route("/webhooks/endpoints/<endpoint>/test", methods=["POST"])
@blueprint.response(201, DeliveryView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def test(endpoint: str) -> Response:
    """Send a jifen.ping, which is tried once; look at the delivery for what came of it. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint)
            return 201, _shown(session, replays.ping(session, current(), row, clock.now()))

        return answer_once(session, NO_MEMBER, None, effect)


@blueprint.route("/webhooks/endpoints/<endpoint>/replay", methods=["POST"])
@blueprint.arguments(ReplayRequest)
@blueprint.response(201, ReplayView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def replay(asked: dict[str, Any], endpoint: str) -> Response:
    """Send every event from a day on again that the endpoint wants, in its order. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            row = endpoints.find(session, current(), endpoint)
            begun = replays.start(session, current(), row, asked["from_day"], config().zone, clock.now())
            return 201, _dumped(ReplayView, replay_view(begun))

        return answer_once(session, NO_MEMBER, {"from": str(asked["from_day"])}, effect)


@blueprint.route("/webhooks/deliveries")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveriesView)
@needs(PERMISSION)
def list_deliveries(query: dict[str, Any]) -> dict[str, Any]:
    """What was sent, what waits and what failed, newest event first."""
    key, limit = f"webhook-deliveries:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    member_id = ids.parse("mbr", query["member"], parts=1)[0] if query["member"] else None
    with database.begin() as session:
        rows = history.listed(
            session,
            current(),
            endpoint=query["endpoint"],
            state=query["state"],
            type=query["type"],
            member_id=member_id,
            before=(place[0], place[1], place[2]) if place else None,
            limit=limit + 1,
        )
    more = len(rows) > limit
    last = rows[limit - 1].delivery if more else None
    return {
        "data": [delivery_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, last.event_id, last.member_id, last.endpoint_id) if last else None,
    }


@blueprint.route("/webhooks/deliveries/<delivery>")
@blueprint.response(200, OneDeliveryView)
@needs(PERMISSION)
def one_delivery(delivery: str) -> dict[str, Any]:
    """A delivery with each of its tries, the latest first."""
    with database.begin() as session:
        sent = history.find(session, current(), delivery)
        return delivery_view(sent) | {
            "log": [try_view(row) for row in history.tries_of(session, sent.delivery)]
        }


@blueprint.route("/webhooks/deliveries/<delivery>/resend", methods=["POST"])
@blueprint.response(200, DeliveryView)
@blueprint.doc(**IDEMPOTENT)
@needs(PERMISSION)
def resend(delivery: str) -> Response:
    """Send an event again, or at once if it waits for its next try. Needs Idempotency-Key."""
    with database.begin() as session:
        sent = history.find(session, current(), delivery)

        def effect() -> tuple[int, Any]:
            return 200, _shown(session, replays.resend(session, current(), sent.delivery, clock.now()))

        return answer_once(session, sent.delivery.member_id, None, effect)


def _look_up(url: str) -> None:
    """AddressRefused before anything is written; and without a transaction, for name servers may be slow."""
    addresses.resolved(url, own_machine=not config().in_production)


def _endpoint(session: Session, row: Endpoint) -> dict[str, Any]:
    return _dumped(EndpointView, endpoint_view(session, row))


def _without_secret(session: Session, made: tuple[Endpoint, str], fresh: list[str]) -> dict[str, Any]:
    """What is kept for a repeated request, and answers it; the secret goes to `fresh` alone."""
    row, secret = made
    fresh.append(secret)
    return _dumped(SecretView, endpoint_view(session, row) | {"secret": None})


def _with_secret(answer: Response, fresh: list[str]) -> Response:
    """The first answer, which shows the secret; a repeated one stays as it is."""
    if fresh:
        shown = jsonify(answer.get_json() | {"secret": fresh[0]})
        shown.status_code, shown.headers["Cache-Control"] = answer.status_code, "no-store"
        return shown
    return answer


def _shown(session: Session, delivery: Delivery) -> dict[str, Any]:
    event = session.get_one(Event, (delivery.member_id, delivery.event_id))
    return _dumped(DeliveryView, delivery_view(Sent(delivery, event)))


def _dumped(view: type[View], found: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = view().dump(found)
    return shown
