"""HTTP: premium, mix, liability and roll-up, from figures that were taken. Nothing slow is reckoned here.

Staff see the members of their own area, a system those of its programme; an area outside is not there.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from admin.analytics import liability, mix, mix_targets, period_reports, premium, roll_up, satisfaction, sums
from admin.analytics.figures.schemas import (
    BY_MERCHANT,
    LISTED,
    FiguresQuery,
    LiabilityView,
    MixQuery,
    MixTargetProposalsView,
    MixTargetProposalView,
    MixTargetRequest,
    MixView,
    PremiumQuery,
    PremiumView,
    RollUpQuery,
    RollUpView,
    proposal_view,
)
from admin.analytics.mix_targets import Wanted
from admin.analytics.models import FiguresRun
from base import clock, database, ids, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Service, Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points import programmes
from points.members import areas
from points.models import Programme
from points.programmes import ProgrammeUnknown

blueprint = Blueprint("figures", __name__, description="What points cost and are worth, by area")


@blueprint.route("/analytics/premium")
@blueprint.arguments(PremiumQuery, location="query")
@blueprint.response(200, PremiumView)
@needs("figures:read")
def premium_of_a_point(query: dict[str, Any]) -> dict[str, Any]:
    """What a point is worth in each offer beside bill credit: as listed on a day, or as it was taken up."""
    with database.begin() as session:
        programme, area = _whose(session, query)
        run = sums.latest(session, programme.programme_id, sums.PREMIUM, query["on"])
        taken = premium.of_run(session, run, area) if run else None
        if query["by"] == LISTED:
            page = _listed(session, programme, query)
        else:
            page = _of_run(
                run, taken["merchants" if query["by"] == BY_MERCHANT else "offers"] if taken else [], query
            )
    return (
        _frame(programme, area, run)
        | page
        | {
            "by": query["by"],
            "whole": taken["whole"] if taken else None,
            "rating": taken["rating"] if taken else satisfaction.block(0, 0),
        }
    )


@blueprint.route("/analytics/mix")
@blueprint.arguments(MixQuery, location="query")
@blueprint.response(200, MixView)
@needs("figures:read")
def mix_by_week(query: dict[str, Any]) -> dict[str, Any]:
    """What points were redeemed for, week by week, the newest first, beside the target of each week."""
    key, limit = _key("mix", query), query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        programme, area = _whose(session, query)
        before = date.fromisoformat(place[0]) if place else query["on"] + sums.DAY if query["on"] else None
        rows = mix.weeks(session, programme, area, before=before, limit=limit + 1)
    if not rows and place is None:
        raise sums.NoFiguresYet(topic=sums.MIX)
    more, shown = len(rows) > limit, rows[:limit]
    return {
        "programme": programme.code,
        "area": area,
        "as_of": shown[0]["as_of"] if shown else None,
        "from_day": shown[-1]["from_day"] if shown else None,
        "until_day": shown[0]["until_day"] if shown else None,
        "data": shown,
        "has_more": more,
        "next_cursor": pages.cursor(key, str(shown[-1]["from_day"])) if more else None,
    }


@blueprint.route("/analytics/liability")
@blueprint.arguments(FiguresQuery, location="query")
@blueprint.response(200, LiabilityView)
@needs("figures:read")
def liability_by_cohort(query: dict[str, Any]) -> dict[str, Any]:
    """Points that are there at the end of a day, what they are worth and how many will lapse, by issue month and class."""
    with database.begin() as session:
        programme, area = _whose(session, query)
        run = _run(session, programme, sums.LIABILITY, query)
        found = liability.of_area(session, run, area)
    return _frame(programme, area, run) | found | _of_run(run, found["cohorts"], query)


@blueprint.route("/analytics/roll-up")
@blueprint.arguments(RollUpQuery, location="query")
@blueprint.response(200, RollUpView)
@needs("figures:read")
def rolled_up(query: dict[str, Any]) -> dict[str, Any]:
    """Exit rate, loyalty and the rest of an area over the latest period, and of each of its parts, which add up to it."""
    with database.begin() as session:
        programme, area = _whose(session, query)
        run = _run(session, programme, sums.ROLL_UP, query)
        found = roll_up.of_area(session, run, area)
        page = _of_run(run, found["parts"], query)
        for part in page["data"]:
            part["names"] = areas.name(session, part["area"])
        names = areas.name(session, area) if area else None
    return (
        _frame(programme, area, run)
        | page
        | {
            "names": names,
            "whole": found["whole"],
            "definitions": found["definitions"],
        }
    )


@blueprint.route("/mix-target-proposals", methods=["POST"])
@blueprint.arguments(MixTargetRequest)
@blueprint.response(201, MixTargetProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(mix_targets.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose what the mix is to be from a day on; another person decides. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _propose(session, asked)))


deciding(
    blueprint,
    "mix-target-proposals",
    mix_targets,
    proposal_view,
    MixTargetProposalView,
    MixTargetProposalsView,
)


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    return proposal_view(session, mix_targets.propose(session, current(), Wanted(**asked), at), at)


def _whose(session: Session, query: dict[str, Any]) -> tuple[Programme, str]:
    """The programme and the area that is asked about, both the caller's own; ProgrammeUnknown, AreaUnknown, BadArea."""
    caller = current()
    assert isinstance(caller, Staff | Service)
    programme = programmes.by_code(session, query["programme"])
    if isinstance(caller, Service) and caller.programme_id != programme.programme_id:
        raise ProgrammeUnknown(programme=programme.code)
    return programme, areas.own(caller.area, query["area"])


def _run(session: Session, programme: Programme, topic: str, query: dict[str, Any]) -> FiguresRun:
    """The figures that are asked for; a further page is of the same ones. NoFiguresYet, BadPeriod."""
    place = pages.position(_key(topic, query), query["cursor"])
    if place:
        return session.get_one(FiguresRun, place[0])
    if query.get("period"):
        return sums.of_days(session, period_reports.days_of(programme, query["period"]), topic)
    return sums.there(session, programme.programme_id, topic, query["on"])


def _of_run(run: FiguresRun | None, rows: Sequence[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    """A page of rows of figures that stay as they are, so that a place in them is a number."""
    topic = run.topic if run else sums.PREMIUM
    key, limit = _key(topic, query), query["limit"]
    place = pages.position(key, query["cursor"])
    start = int(place[1]) if place else 0
    more = run is not None and len(rows) > start + limit
    return {
        "data": list(rows[start : start + limit]),
        "has_more": more,
        "next_cursor": pages.cursor(key, run.run_id, start + limit) if more and run else None,
    }


def _listed(session: Session, programme: Programme, query: dict[str, Any]) -> dict[str, Any]:
    key, limit = _key("listed", query), query["limit"]
    place = pages.position(key, query["cursor"])
    on = query["on"] or clock.day(clock.now(), programme.zone)
    after = (str(place[0]), int(place[1])) if place else None
    rows = premium.listed(session, programme, on, after=after, limit=limit + 1)
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return {
        "data": rows[:limit],
        "has_more": more,
        "next_cursor": pages.cursor(key, last["kind"], *ids.parse("off", last["offer"], parts=1))
        if last
        else None,
    }


def _frame(programme: Programme, area: str, run: FiguresRun | None) -> dict[str, Any]:
    return {
        "programme": programme.code,
        "area": area,
        "as_of": run.at if run else None,
        "from_day": run.from_day if run else None,
        "until_day": run.until_day if run else None,
    }


def _key(topic: str, query: dict[str, Any]) -> str:
    asked = (query["programme"], query["area"], query["on"], query.get("by"), query.get("period"))
    return f"figures:{topic}:{asked}:{config().secret_key}"
