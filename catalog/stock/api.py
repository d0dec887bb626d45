"""HTTP: staff see what is left, take down what came and where it went; corrections by two persons."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import audit, clock, database, ids, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER, ForHeadquarters
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.stock import corrections, moves, standing, stock
from catalog.stock.moves import Wanted
from catalog.stock.schemas import (
    CorrectionRequest,
    CorrectionsView,
    CorrectionView,
    MoveRequest,
    MovesView,
    MoveView,
    OneStockView,
    StocksQuery,
    StocksView,
    WatchRequest,
    correction_view,
    move_view,
    stock_view,
)
from points import programmes
from points.wallets.schemas import PageQuery

blueprint = Blueprint("stock", __name__, description="What is left of limited offers, and what changed it")


@blueprint.route("/stock")
@blueprint.arguments(StocksQuery, location="query")
@blueprint.response(200, StocksView)
@needs("stock:read")
def list_stock(query: dict[str, Any]) -> dict[str, Any]:
    """Limited offers of a programme with what is left of them."""
    return _listed(query, low=False)


@blueprint.route("/stock/alerts")
@blueprint.arguments(StocksQuery, location="query")
@blueprint.response(200, StocksView)
@needs("stock:read")
def alerts(query: dict[str, Any]) -> dict[str, Any]:
    """Those of which fewer are left than somebody wants to have, and since when."""
    return _listed(query, low=True)


@blueprint.route("/stock/<offer>")
@blueprint.response(200, OneStockView)
@needs("stock:read")
def one(offer: str) -> dict[str, Any]:
    """The stock of one offer, and what lies in which area."""
    with database.begin() as session:
        return _one(session, _number(offer))


@blueprint.route("/stock/<offer>/moves")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, MovesView)
@needs("stock:read")
def list_moves(query: dict[str, Any], offer: str) -> dict[str, Any]:
    """What changed it beside redemptions, newest first."""
    offer_id, limit = _number(offer), query["limit"]
    key = f"stock-moves:{offer_id}:{config().secret_key}"
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        moves.find(session, offer_id)
        rows = standing.moves_of(session, offer_id, before=place[0] if place else None, limit=limit + 1)
    more = len(rows) > limit
    return {
        "data": [move_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].move_id) if more else None,
    }


@blueprint.route("/stock/<offer>/moves", methods=["POST"])
@blueprint.arguments(MoveRequest)
@blueprint.response(201, MoveView)
@blueprint.doc(**IDEMPOTENT)
@needs("stock:write")
def move(asked: dict[str, Any], offer: str) -> Response:
    """Take down what came, was used by tally, set aside for an area or returned from it. Needs Idempotency-Key."""
    offer_id = _number(offer)
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            return 201, move_view(moves.record(session, current(), offer_id, Wanted(**asked), clock.now()))

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/stock/<offer>/watch", methods=["POST"])
@blueprint.arguments(WatchRequest)
@blueprint.response(200, OneStockView)
@blueprint.doc(**IDEMPOTENT)
@needs("stock:write")
def watch(asked: dict[str, Any], offer: str) -> Response:
    """Say from which number on staff are told, and which class of goods it is. Needs Idempotency-Key."""
    offer_id, me = _number(offer), current()
    if isinstance(me, Staff) and me.area:
        raise ForHeadquarters()
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            stock.watch(session, moves.find(session, offer_id), asked["alert_below"], asked["goods"])
            audit.write(session, me.actor, "stock.watched", offer, **asked)
            return 200, _one(session, offer_id)

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/stock-corrections", methods=["POST"])
@blueprint.arguments(CorrectionRequest)
@blueprint.response(201, CorrectionView)
@blueprint.doc(**IDEMPOTENT)
@needs(corrections.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a correction or a write-off; another person decides. Needs Idempotency-Key."""
    wanted = corrections.Wanted(asked["what"], asked["units"], asked["reason"])
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            at = clock.now()
            case = corrections.propose(session, current(), _number(asked["offer"]), wanted, at)
            return 201, correction_view(session, case, at)

        return answer_once(session, NO_MEMBER, asked, effect)


deciding(blueprint, "stock-corrections", corrections, correction_view, CorrectionView, CorrectionsView)


def _number(offer: str) -> int:
    return ids.parse("off", offer, parts=1)[0]


def _one(session: Session, offer_id: int) -> dict[str, Any]:
    return stock_view(standing.one(session, offer_id, clock.now())) | {
        "areas": standing.in_areas(session, offer_id)
    }


def _listed(query: dict[str, Any], *, low: bool) -> dict[str, Any]:
    key, limit = f"stock:{low}:{query['programme']}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        after = place[0] if place else 0
        rows = standing.listed(
            session, programme.programme_id, clock.now(), low=low, after=after, limit=limit + 1
        )
    more = len(rows) > limit
    return {
        "data": [stock_view(row) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].offer.offer_id) if more else None,
    }
