"""HTTP: segments are made, tried, given another rule, ended and looked at by staff and the operator's systems.

No member is ever told of a segment; members have no permission here.
"""

from datetime import date
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, pages
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.segments import segments
from points.segments.schemas import (
    OneSegmentView,
    PreviewRequest,
    PreviewView,
    SegmentMembersView,
    SegmentRequest,
    SegmentsView,
    SegmentView,
    VersionRequest,
    member_view,
    preview_view,
    rule_of,
    run_view,
    segment_view,
    version_view,
)
from points.segments.segments import Shown
from points.wallets.schemas import PageQuery

NO_MEMBER = 0
SHOWN_RUNS = 30

blueprint = Blueprint("segments", __name__, description="Segments of members, by dated rules")


@blueprint.route("/segments", methods=["POST"])
@blueprint.arguments(SegmentRequest)
@blueprint.response(201, SegmentView)
@blueprint.doc(**IDEMPOTENT)
@needs("segments:write")
def create(asked: dict[str, Any]) -> Response:
    """Make a segment; a rule that names no brand or area gets the asker's own. Needs Idempotency-Key."""
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            names = {"zh-CN": asked["names"]["zh"], "en": asked["names"]["en"]}
            made = segments.create(
                session, current(), asked["code"], names, rule_of(asked["rule"]), clock.now(), _today()
            )
            return 201, segment_view(session, made)

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/segments/preview", methods=["POST"])
@blueprint.arguments(PreviewRequest)
@blueprint.response(200, PreviewView)
@needs("segments:read")
def preview(asked: dict[str, Any]) -> dict[str, Any]:
    """How many members a rule would take in now, and ten of them; of the asker's own members, and nothing is kept."""
    rule = rule_of(asked["rule"])
    with database.begin() as session:
        return preview_view(session, segments.preview(session, current(), rule, _today()), rule)


@blueprint.route("/segments")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, SegmentsView)
@needs("segments:read")
def list_segments(query: dict[str, Any]) -> dict[str, Any]:
    """Segments with the rule in force and the counts of the last refresh, the oldest first."""
    after, limit = _after("segments", query), query["limit"]
    with database.begin() as session:
        rows = segments.listed(session, current(), _today(), after=after, limit=limit + 1)
        data = [segment_view(session, row) for row in rows]
    return _page("segments", query, data, [row.segment.segment_id for row in rows])


@blueprint.route("/segments/<segment>")
@blueprint.response(200, OneSegmentView)
@needs("segments:read")
def one_segment(segment: str) -> dict[str, Any]:
    """A segment with all versions of its rule, those to come included, and its last refreshes."""
    with database.begin() as session:
        shown = segments.find(session, current(), segment, _today())
        versions = segments.versions_of(session, shown.segment.segment_id)
        runs = segments.runs_of(session, shown.segment.segment_id, limit=SHOWN_RUNS)
        return segment_view(session, shown) | {
            "versions": [version_view(session, version) for version in versions],
            "refreshes": [run_view(run) for run in runs],
        }


@blueprint.route("/segments/<segment>/versions", methods=["POST"])
@blueprint.arguments(VersionRequest)
@blueprint.response(201, SegmentView)
@blueprint.doc(**IDEMPOTENT)
@needs("segments:write")
def add_version(asked: dict[str, Any], segment: str) -> Response:
    """Another rule from a day on, today at the earliest; what was before is never edited. Needs Idempotency-Key."""
    with database.begin() as session:
        shown = segments.find(session, current(), segment, _today())

        def effect() -> tuple[int, Any]:
            found = segments.add_version(
                session, current(), shown, rule_of(asked["rule"]), asked["from_day"], clock.now(), _today()
            )
            return 201, segment_view(session, found)

        return answer_once(session, NO_MEMBER, asked | {"from_day": str(asked["from_day"])}, effect)


@blueprint.route("/segments/<segment>/end", methods=["POST"])
@blueprint.response(200, SegmentView)
@blueprint.doc(**IDEMPOTENT)
@needs("segments:write")
def end(segment: str) -> Response:
    """From now on nobody is in it; what was stays on record. Needs Idempotency-Key."""
    with database.begin() as session:
        shown = segments.find(session, current(), segment, _today())
        return answer_once(session, NO_MEMBER, None, lambda: (200, _end(session, shown)))


@blueprint.route("/segments/<segment>/members")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, SegmentMembersView)
@needs("segments:read")
def list_members(query: dict[str, Any], segment: str) -> dict[str, Any]:
    """Who was in it at the last refresh, of the asker's own members; the look is on record."""
    name = f"segment-members:{segment}"
    after, limit = _after(name, query), query["limit"]
    with database.begin() as session:
        shown = segments.find(session, current(), segment, _today())
        rows = segments.members(session, current(), shown, after=after, limit=limit + 1)
    return _page(name, query, [member_view(row) for row in rows], [row.member_id for row in rows])


def _end(session: Session, shown: Shown) -> dict[str, Any]:
    return segment_view(session, segments.end(session, current(), shown, clock.now()))


def _today() -> date:
    """Segments may be of several programmes; their day is that of the installation's zone."""
    return clock.day(clock.now(), config().zone)


def _after(name: str, query: dict[str, Any]) -> int | None:
    place = pages.position(f"{name}:{config().secret_key}", query["cursor"])
    return place[0] if place else None


def _page(name: str, query: dict[str, Any], data: list[dict[str, Any]], places: list[int]) -> dict[str, Any]:
    """A page of a list of which one row more than asked was read."""
    limit, more = query["limit"], len(data) > query["limit"]
    return {
        "data": data[:limit],
        "has_more": more,
        "next_cursor": pages.cursor(f"{name}:{config().secret_key}", places[limit - 1]) if more else None,
    }
