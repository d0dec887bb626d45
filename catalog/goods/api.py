"""HTTP: staff see where goods are, and record that they came back or were lost; the points go back with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import marshmallow as ma
from flask import Response
from sqlalchemy.orm import Session

from base import audit, channels, clock, database, ids
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.goods import goods, orders
from catalog.goods.schemas import EndedRequest, GoodsOrderView, order_view
from catalog.redemptions.course import By
from catalog.redemptions.schemas import StepView, step_view
from points.members import scope

blueprint = Blueprint("goods", __name__, description="Goods on their way, back or lost, for staff")


class GoodsCourseView(GoodsOrderView):
    """An order of goods with the whole timeline of its redemption, as the member sees it too."""

    timeline = ma.fields.List(ma.fields.Nested(StepView))


@blueprint.route("/goods-orders/<redemption>")
@blueprint.response(200, GoodsCourseView)
@needs("members:read")
def one(redemption: str) -> dict[str, Any]:
    """Where the goods of a redemption are and how they came there; neither address nor code is told."""
    member_id, redemption_id = ids.parse("red", redemption)
    with database.begin() as session:
        scope.check(session, current(), member_id)
        order = orders.find(session, member_id, redemption_id)
        steps = orders.timeline(session, member_id, redemption_id)
        return order_view(order, []) | {"timeline": [step_view(step) for step in steps]}


@blueprint.route("/goods-orders/<redemption>/returned", methods=["POST"])
@blueprint.arguments(EndedRequest)
@blueprint.response(200, GoodsOrderView)
@blueprint.doc(**IDEMPOTENT)
@needs("goods:write")
def returned(asked: dict[str, Any], redemption: str) -> Response:
    """The goods of a redemption came back: its points return to their lots. Needs Idempotency-Key."""
    with database.begin() as session:
        place = _place(session, redemption)
        return answer_once(
            session, place[0], asked, lambda: _ended(session, place, asked, "goods.returned", orders.returned)
        )


@blueprint.route("/goods-orders/<redemption>/lost", methods=["POST"])
@blueprint.arguments(EndedRequest)
@blueprint.response(200, GoodsOrderView)
@blueprint.doc(**IDEMPOTENT)
@needs("goods:write")
def lost(asked: dict[str, Any], redemption: str) -> Response:
    """The goods of a redemption were lost on their way: its points return to their lots. Needs Idempotency-Key."""
    with database.begin() as session:
        place = _place(session, redemption)
        return answer_once(
            session, place[0], asked, lambda: _ended(session, place, asked, "goods.lost", orders.lost)
        )


def _place(session: Session, redemption: str) -> tuple[int, int]:
    """Member and redemption, of those whom the caller may see; NotFound."""
    member_id, redemption_id = ids.parse("red", redemption)
    scope.check(session, current(), member_id)
    return member_id, redemption_id


def _ended(
    session: Session,
    place: tuple[int, int],
    asked: dict[str, Any],
    action: str,
    end: Callable[[Session, int, int, By, datetime, str], bool],
) -> tuple[int, dict[str, Any]]:
    by = By(current().actor, channels.CONSOLE)
    changed = end(session, *place, by, clock.now(), asked["reason"])
    order = orders.find(session, *place)
    if changed:
        audit.write(session, by.actor, action, ids.public("red", *place))
        goods.tell_back(session, config(), order)
    return 200, order_view(order, [])
