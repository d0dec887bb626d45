"""HTTP: every version of rates, as JSON and CSV; what changes; grids that one person proposes and another approves."""

from datetime import date
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.approvals import approvals
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.rates import differences, files, listing, proposals
from catalog.rates.listing import Asked
from catalog.rates.proposals import Wanted
from catalog.rates.schemas import (
    DifferencesView,
    RatesBetweenQuery,
    RatesFileQuery,
    RatesProposalsView,
    RatesProposalView,
    RatesQuery,
    RatesRequest,
    RatesView,
    RevertRequest,
    difference_views,
    proposal_view,
    rate_views,
)
from points import programmes

blueprint = Blueprint("rates", __name__, description="What points buy, from which day on")


@blueprint.route("/rates")
@blueprint.arguments(RatesQuery, location="query")
@blueprint.response(200, RatesView)
@needs("rates:read")
def list_rates(query: dict[str, Any]) -> dict[str, Any]:
    """Every version of a programme's rates, the latest begun first; maybe those of a state, or of a scope."""
    code, limit = query.pop("programme"), query.pop("limit")
    with database.begin() as session:
        programme = programmes.by_code(session, code)
        key = f"rates:{programme.programme_id}:{config().secret_key}"
        place = pages.position(key, query.pop("cursor"))
        on = query.pop("on") or clock.day(clock.now(), programme.zone)
        after = (date.fromisoformat(place[0]), int(place[1])) if place else None
        found = listing.listed(
            session, programme.programme_id, Asked(on, **query), after=after, limit=limit + 1
        )
        data = rate_views(session, found[:limit], on)
    more = len(found) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, *listing.place(found[limit - 1])) if more else None,
    }


@blueprint.route("/rates.csv")
@blueprint.arguments(RatesFileQuery, location="query")
@blueprint.response(200, content_type="text/csv", description="every version, a line each")
@needs("rates:read")
def rates_file(query: dict[str, Any]) -> Response:
    """Every version as CSV, which `jifen rates propose` takes back with new lines."""
    with database.begin() as session:
        text = files.written(session, programmes.by_code(session, query["programme"]).programme_id)
    return Response(text, mimetype="text/csv")


@blueprint.route("/rates/difference")
@blueprint.arguments(RatesBetweenQuery, location="query")
@blueprint.response(200, DifferencesView)
@needs("rates:read")
def difference(query: dict[str, Any]) -> dict[str, Any]:
    """The scopes whose price is another on a day than on an earlier one."""
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        found = differences.between(session, programme.programme_id, query["before"], query["after"])
        return {"data": difference_views(session, found)}


@blueprint.route("/rates/proposals", methods=["POST"])
@blueprint.arguments(RatesRequest)
@blueprint.response(201, RatesProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose versions, which another person approves all together or not. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, _plain(asked), lambda: (201, _propose(session, asked)))


@blueprint.route("/rates/<rate>/revert", methods=["POST"])
@blueprint.arguments(RevertRequest)
@blueprint.response(201, RatesProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def revert(asked: dict[str, Any], rate: str) -> Response:
    """Propose that a version comes back, as a further one with its numbers. Needs Idempotency-Key."""
    rate_id = proposals.parse(rate)
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, _plain(asked), lambda: (201, _revert(session, rate_id, asked)))


@blueprint.route("/rates/proposals/<proposal>/difference")
@blueprint.response(200, DifferencesView)
@needs(proposals.READS)
def difference_of(proposal: str) -> dict[str, Any]:
    """What a proposal changes: each row beside what holds without it."""
    with database.begin() as session:
        case = approvals.by_id(session, approvals.parse(proposal), proposals.KIND, current())
        return {"data": difference_views(session, differences.of_proposal(session, case.proposal))}


deciding(blueprint, "rates/proposals", proposals, proposal_view, RatesProposalView, RatesProposalsView)


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at, programme = clock.now(), programmes.by_code(session, asked["programme"])
    said = [
        {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
        for row in asked["rows"]
    ]
    wanted = Wanted(programme.code, tuple(proposals.rows_of(session, programme, said)), asked["reason"])
    return proposal_view(session, proposals.propose(session, current(), wanted, at), at)


def _revert(session: Session, rate_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    case = proposals.revert(session, current(), rate_id, asked["from_day"], asked["reason"], at)
    return proposal_view(session, case, at)


def _plain(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked in values that a hash can be made of."""
    return {name: str(value) for name, value in asked.items()}
