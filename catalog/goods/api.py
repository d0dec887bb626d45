"""HTTP: staff record that goods came back or were lost; the points go back with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import audit, channels, clock, database, ids
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.goods import goods, orders
from catalog.goods.schemas import EndedRequest, GoodsOrderView, order_view
from catalog.redemptions.course import By
from points.members import scope

blueprint = Blueprint("goods", __name__, description="Goods that came back or were lost")


@blueprint.route("/goods-orders/<redemption>/returned", methods=["POST"])
@blueprint.arguments(EndedRequest)
@blueprint.response(200, GoodsOrderView)
@blueprint.doc(**IDEMPOTENT)
@needs("goods:write")
def returned(asked: dict[str, Any], redemption: str) -> Response:
    """The goods of a redemption came back: its points return to their lots. Needs Idempotency-Key."""
    return _ended(asked, redemption, "goods.returned", orders.returned)


@blueprint.route("/goods-orders/<redemption>/lost", methods=["POST"])
@blueprint.arguments(EndedRequest)
@blueprint.response(200, GoodsOrderView)
@blueprint.doc(**IDEMPOTENT)
@needs("goods:write")
def lost(asked: dict[str, Any], redemption: str) -> Response:
    """The goods of a redemption were lost on their way: its points return to their lots. Needs Idempotency-Key."""
    return _ended(asked, redemption, "goods.lost", orders.lost)


def _ended(
    asked: dict[str, Any],
    redemption: str,
    action: str,
    end: Callable[[Session, int, int, By, datetime, str], bool],
) -> Response:
    member_id, redemption_id = ids.parse("red", redemption)
    with database.begin() as session:
        scope.check(session, current(), member_id)

        def effect() -> tuple[int, dict[str, Any]]:
            by = By(current().actor, channels.CONSOLE)
            changed = end(session, member_id, redemption_id, by, clock.now(), asked["reason"])
            order = orders.find(session, member_id, redemption_id)
            if changed:
                audit.write(session, by.actor, action, redemption)
                goods.tell_back(session, config(), order)
            return 200, order_view(order, [])

        return answer_once(session, member_id, asked, effect)
