"""Segments: all of them with their counts, one with its rule in words, and a draft that is tried on the staff's own members."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin.console import words
from admin.console.http import PAGE, cut, page, position
from admin.console.sheets import http as sheets
from base import audit, clock, database, ids
from base.auth.guard import current, needs
from base.http.settings import config
from base.money import FEN_PER_YUAN
from base.web.i18n import both
from points import programmes
from points.groups.models import CLASSES, RANKS
from points.lines.words import STATES as LINE_WORDS
from points.lines.words import ZH
from points.members import areas
from points.members.attributes import HIGHEST_RISK
from points.segments import segments
from points.segments.models import SegmentRun
from points.segments.rules import KINDS, STATES
from points.segments.schemas import RuleRequest, rule_of, rule_words, sample_view
from points.segments.words import CLASS_WORDS, RANK_WORDS, adds_only
from points.segments.words import KINDS as KIND_WORDS

SHOWN_RUNS = 24
WIDTH, HEIGHT, GAP = 600, 120, 4
LISTS = ("kinds", "classes", "ranks", "lines")
TYPED = ("areas", "tiers", "interests")
NUMBERS = ("risk_at_least", "risk_at_most", "tenure_from_months", "tenure_below_months")
YUAN = {"arpu_from": "arpu_from_fen", "arpu_below": "arpu_below_fen"}

COLUMNS = ("segment", "name", "members", "came", "went", "as_of", "state")
blueprint = Blueprint("segments", __name__)


@blueprint.route("/segments")
@needs("segments:read")
def segment_list() -> ResponseReturnValue:
    """All segments with the counts of their last refresh."""
    place = position("segments")
    with database.begin() as session:
        if sheets.is_asked():
            return _file(session, segments.listed(session, current(), _today(), limit=sheets.MOST))
        after = int(place[0]) if place else None
        shown = segments.listed(session, current(), _today(), after=after, limit=PAGE + 1)
    rows, after_this = cut("segments", shown, lambda one: [one.segment.segment_id])
    return page(
        "console/segments.html", rows=rows, reference=segments.reference, after=after_this, as_file=bool(rows)
    )


def _file(session: Session, rows: Sequence[segments.Shown]) -> Response:
    """The segments with their counts as a file; nobody who is in one."""
    lines = []
    for one in rows:
        run = one.run
        counts = (one.members, run.came, run.went, run.as_of) if run else (None,) * 4
        lines.append(
            (one.segment.code, both(one.segment.names), *counts, "ended" if one.segment.ended_at else "live")
        )
    return sheets.of_list(session, "segments", COLUMNS, lines)


@blueprint.route("/segments/draft")
@needs("segments:read")
def draft() -> ResponseReturnValue:
    """A rule to be tried: who would be in it now, of the members that the person may see. Nothing is kept."""
    said, wrong = _said(request.args), dict[str, Any]()
    found = lines = rule = None
    if said:
        wrong = RuleRequest().validate(said)
    if said and not wrong:
        rule = rule_of(RuleRequest().load(said))
        with database.begin() as session:
            found = segments.preview(session, current(), rule, _today())
            lines = rule_words(session, rule)
            audit.write(session, current().actor, "segment.previewed", "draft", count=found.count)
    with database.begin() as session:
        brands, places = programmes.every(session), areas.every(session)
    return page(
        "console/segment_draft.html",
        typed=request.args,
        wrong=_by_field(wrong),
        brands=[(one.code, one.names) for one in brands],
        places=places,
        named={one.code: one.names for one in places},
        kinds=_choices(KINDS, KIND_WORDS),
        classes=_choices(CLASSES, CLASS_WORDS),
        ranks=_choices(RANKS, RANK_WORDS),
        lines=_choices(tuple(map(str, STATES)), LINE_WORDS),
        grades=[("", "—"), *((str(n), "☆" * n or "0") for n in range(HIGHEST_RISK + 1))],
        found=found,
        sample=[sample_view(one) for one in found.sample] if found else [],
        told=lines or [],
        caution=adds_only() if rule and rule.adds_only else None,
    )


@blueprint.route("/segments/<segment>")
@needs("segments:read")
def one_segment(segment: str) -> ResponseReturnValue:
    """A segment: its rule in words, who would be in it now, its versions and its counts over time."""
    with database.begin() as session:
        shown = segments.find(session, current(), segment, _today())
        runs = segments.runs_of(session, shown.segment.segment_id, limit=SHOWN_RUNS)
        versions = segments.versions_of(session, shown.segment.segment_id)
        told = {one.version_id: rule_words(session, segments.rule_of(one)) for one in versions}
        members = segments.members(session, current(), shown, after=None, limit=segments.SAMPLE)
    return page(
        "console/segment.html",
        shown=shown,
        segment_ref=segment,
        told=told,
        versions=versions,
        runs=runs,
        bars=bars(runs),
        frame=(WIDTH, HEIGHT),
        members=members,
        public=partial(ids.public, "mbr"),
        caution=adds_only() if shown.version.adds_only else None,
        today=_today(),
        words=words,
    )


def bars(runs: Sequence[SegmentRun]) -> list[dict[str, Any]]:
    """Places of the bars, the earliest refresh first; their feet are at zero."""
    most = max((run.came + run.stayed for run in runs), default=0) or 1
    wide = WIDTH // max(len(runs), 8)
    return [
        {
            "x": number * wide + GAP // 2,
            "y": HEIGHT - (run.came + run.stayed) * HEIGHT // most,
            "width": wide - GAP,
            "height": (run.came + run.stayed) * HEIGHT // most,
        }
        for number, run in enumerate(reversed(runs))
    ]


def _said(args: "MultiDict[str, str]") -> dict[str, Any]:
    """What was asked for in the form, as the API's rule; what cannot be read stays as it was typed."""
    said: dict[str, Any] = {name: args.getlist(name) for name in LISTS if args.getlist(name)}
    if args.getlist("brand"):
        said["programmes"] = args.getlist("brand")
    for name in TYPED:
        values = [
            value.strip() for value in args.get(name, "").replace("，", ",").split(",") if value.strip()
        ]
        if values:
            said[name] = values
    for name in NUMBERS:
        if args.get(name, "").strip():
            said[name] = _number(args[name].strip(), 1)
    for name, field in YUAN.items():
        if args.get(name, "").strip():
            said[field] = _number(args[name].strip(), FEN_PER_YUAN)
    if args.get("birthday"):
        said["birthday_this_month"] = True
    return said


def _number(text: str, times: int) -> int | str:
    return int(text) * times if text.isascii() and text.isdigit() and len(text) <= 9 else text


def _by_field(wrong: dict[str, Any]) -> set[str]:
    """Names of the form's fields that were refused."""
    of_field = {field: name for name, field in YUAN.items()} | {"programmes": "brand"}
    return {of_field.get(name, name) for name in wrong}


def _choices(names: Sequence[str], said: Any) -> list[tuple[str, dict[str, str]]]:
    return [(name, {ZH: said[name][0], "en": said[name][1]}) for name in names]


def _today() -> date:
    return clock.day(clock.now(), config().zone)
