"""Rates in the console: every version by scope, a change typed into a table or sent as a file, its difference, a way back.

Beside them what bills earn and how long points live, to be read.
"""

import json
import tempfile
import uuid
from collections.abc import Callable, Hashable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import chosen, once, page
from admin.console.rates import grid, typed
from admin.console.rates import words as rate_words
from admin.console.rates.typed import Typed
from base import clock, database
from base.auth.guard import current, needs
from base.errors import Conflict, Invalid, Problem
from base.http import reasons
from base.http.problems import body_of, status_of
from base.web.i18n import gettext as _
from catalog.offers import offers
from catalog.rates import checking, differences, files, proposals, rates
from catalog.rates.proposals import Wanted
from catalog.rates.scopes import Scope, scope_of
from points import explain, policies, programmes, waiting
from points.adjustments.adjustments import MOST_TEXT
from points.members import areas
from points.models import Programme
from points.tiers import ladders

BYTE_ORDER_MARK = "\ufeff"  # spreadsheets read UTF-8 by it
MOST_FILE = 1_000_000
Version = TypeVar("Version")

blueprint = Blueprint("rates", __name__)


@blueprint.route("/rates")
@needs("rates:read")
def rate_list() -> ResponseReturnValue:
    """What points buy, how they arise, how long they live: every version, those in force marked."""
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/rates.html", **choice)
        today = _today(programme)
        prices = rates.versions(session, programme.programme_id)
        rules = policies.load(session, programme.programme_id)
        lines = grid.lines(prices, today)
        names, places = _names(session, [line.scope for line in lines])
        waits = waiting.counts(session, programme.programme_id)
    return page(
        "console/rates.html",
        **choice,
        lines=lines,
        reference=proposals.reference,
        may_propose=proposals.PROPOSES in current().permissions,
        earn_rules=_versions(rules.earn_rules, lambda rule: rule.line_type, today),
        factors=_versions(
            rules.factors,
            lambda one: (one.kind, one.line_type or "", one.tier or "", one.least_years or 0),
            today,
        ),
        waits=waits,
        tier_name=explain.tier_name,
        expiry=_versions(rules.expiry, lambda policy: policy.lot_class, today),
        names=names,
        places=places,
        words=words,
        today=today,
    )


@blueprint.route("/rates/file")
@needs("rates:read")
def file() -> ResponseReturnValue:
    """Every version as CSV; with lines added it can be sent back as a proposal."""
    with database.begin() as session:
        programme = chosen(session)["programme"]
        text = files.written(session, programme.programme_id) if programme else ""
    answer = Response(BYTE_ORDER_MARK + text, mimetype="text/csv")
    code = programme.code if programme else "none"
    answer.headers["Content-Disposition"] = f'attachment; filename="rates-{code}.csv"'
    return answer


@blueprint.route("/rates/change")
@needs(proposals.PROPOSES)
def change_form() -> ResponseReturnValue:
    """The table of what holds, to be changed."""
    return _form()


@blueprint.route("/rates/change", methods=["POST"])
@needs(proposals.PROPOSES)
def change() -> ResponseReturnValue:
    """What would change, scope by scope, before anything is proposed."""
    sent = request.files.get("file")
    if sent and sent.filename:
        return _of_file(sent.read(MOST_FILE + 1))
    found = typed.read(request.form)
    if found.wrong:
        return make_response(_form(wrong=found.wrong), 422)
    return _difference(found)


@blueprint.route("/rates/propose", methods=["POST"])
@needs(proposals.PROPOSES)
def propose() -> ResponseReturnValue:
    """Propose what was shown; another person decides."""
    said = _sent_rows()

    def effect(session: Session) -> str:
        programme = programmes.by_code(session, request.form.get("programme", ""))
        rows = tuple(proposals.rows_of(session, programme, said))
        wanted = Wanted(programme.code, rows, request.form.get("reason", "").strip())
        return url_of(proposals.KIND, proposals.propose(session, current(), wanted, clock.now()).proposal.proposal_id)  # fmt: skip

    return redirect(once(effect), 303)


@blueprint.route("/rates/<rate>/revert")
@needs(proposals.PROPOSES)
def revert_form(rate: str) -> ResponseReturnValue:
    """From which day on an earlier version is to hold once more, and why."""
    return _revert(rate)


@blueprint.route("/rates/<rate>/revert", methods=["POST"])
@needs(proposals.PROPOSES)
def revert(rate: str) -> ResponseReturnValue:
    """Propose a further version with its numbers."""

    def effect(session: Session) -> str:
        told = proposals.revert(
            session, current(), proposals.parse(rate), _day(), request.form.get("reason", "").strip(), clock.now()
        )  # fmt: skip
        return url_of(proposals.KIND, told.proposal.proposal_id)

    try:
        return redirect(once(effect), 303)
    except (Invalid, Conflict) as problem:
        return make_response(_revert(rate, problem), status_of(type(problem)))


def _today(programme: Programme) -> date:
    return clock.day(clock.now(), programme.zone)


def _day() -> date:
    try:
        return date.fromisoformat(request.form.get("from_day", ""))
    except ValueError:
        raise Invalid(str(rate_words.FAULTS["from_day"]), field="from_day") from None


def _names(session: Session, scopes: Iterable[Scope]) -> tuple[dict[int, Any], dict[str, Any]]:
    """What the offers and areas of scopes are called."""
    some = list(scopes)
    named = {scope.offer_id for scope in some if scope.offer_id is not None}
    places = {scope.area: areas.full_name(session, scope.area) for scope in some if scope.area}
    return offers.names_of(session, named, clock.now()), places


def _form(*, wrong: dict[str, str] | None = None, problem: Problem | None = None, rows: list[dict[str, str]] | None = None) -> str:  # fmt: skip
    """The table, as it is or as it was typed."""
    said = request.form if request.method == "POST" else request.args
    with database.begin() as session:
        choice = chosen(session) if request.method == "GET" else _programme_of_form(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/rate_change.html", **choice)
        lines = grid.lines(rates.versions(session, programme.programme_id), _today(programme))
        codes = proposals.codes_of(session, {line.scope for line in lines})
        named = {code: offer_id for offer_id, code in codes.items()}
        names, places = _names(session, [line.scope for line in lines])
        known = ladders.load(session, programme.programme_id)
        every = areas.every(session)
    return page(
        "console/rate_change.html",
        **choice,
        rows=rows or (typed.typed_rows(said) if "points.0" in said else typed.shown(lines, codes)),
        left_out=max(0, sum(line.now is not None for line in lines) - typed.MOST_SHOWN),
        names={code: names.get(offer_id or 0, {}) for code, offer_id in named.items()},
        places=places,
        areas=[(one.code, one.names) for one in every],
        tiers=[tier for name in known.names for tier in known.order(name)],
        kinds=[("", ""), *((kind, words.OFFER_KINDS[kind]) for kind in checking.KINDS)],
        typed=said,
        tomorrow=_today(programme) + timedelta(days=1),
        wrong=wrong or {},
        problem=problem and body_of(problem, status_of(type(problem))),
        tier_name=explain.tier_name,
        most_text=MOST_TEXT,
        words=words,
    )


def _programme_of_form(session: Session) -> dict[str, Any]:
    every = programmes.every(session)
    return {"programmes": every, "programme": programmes.by_code(session, request.form.get("programme", ""))}


def _of_file(content: bytes) -> ResponseReturnValue:
    """What a file wants beside what holds; its wrong lines are named."""
    with tempfile.TemporaryDirectory() as folder, database.begin() as session:
        path = Path(folder) / "rates.csv"
        path.write_bytes(content)
        programme = programmes.by_code(session, request.form.get("programme", ""))
        try:
            found = files.read(session, programme, path, _today(programme))
        except Invalid as problem:
            return make_response(_form(problem=problem), 422)
        codes = proposals.codes_of(session, {row.scope for row in found.rows})
    if len(content) > MOST_FILE or found.errors or not found.rows:
        lines = {f"file-{number}": _("Line %(number)s: %(text)s", number=number, text=text) for number, text in sorted(found.errors.items())}  # fmt: skip
        return make_response(_form(wrong=lines, problem=None if lines else files.RatesUnchanged()), 422)
    said = [
        {
            "offer": codes.get(row.scope.offer_id), "kind": row.scope.kind, "tier": row.scope.tier, "area": row.scope.area,
            "from_day": str(row.from_day), "until_day": str(row.until_day) if row.until_day else None,
            "points": row.points, "per_fen": row.per_fen,
        }
        for row in found.rows
    ]  # fmt: skip
    return _difference(Typed(said, list(range(len(said)))), from_file=True)


def _difference(found: Typed, *, from_file: bool = False) -> ResponseReturnValue:
    """The rows beside what holds without them, and the button that proposes exactly these."""
    with database.begin() as session:
        programme = programmes.by_code(session, request.form.get("programme", ""))
        rows = proposals.rows_of(session, programme, found.rows)
        versions = rates.versions(session, programme.programme_id)
        try:
            checking.check(session, programme, versions, rows, _today(programme))
        except (Invalid, Conflict) as problem:
            wrong = _of_fields(problem, found)
            return make_response(
                _form(wrong=wrong, problem=None if wrong else problem), status_of(type(problem))
            )
        lines = differences.lines(versions, rows, differences.kinds_of(session, [row.scope for row in rows]))
        names, places = _names(session, [one for line in lines for one in _scopes(line)])
    return page(
        "console/rate_difference.html",
        programme=programme,
        lines=lines,
        rows=json.dumps(found.rows, ensure_ascii=False),
        reason=request.form.get("reason", "").strip(),
        from_file=from_file,
        names=names,
        places=places,
        tier_name=explain.tier_name,
        most_text=MOST_TEXT,
        key=uuid.uuid4(),
        words=words,
    )


def _scopes(line: differences.Line) -> list[Scope]:
    return [line.row.scope, *(terms.of for terms in (line.before, line.after) if terms)]


def _of_fields(problem: Problem, found: Typed) -> dict[str, str]:
    """The faults that the rules name, by field of the form."""
    wrong = {}
    for error in problem.facts.get("errors") or []:
        where, *rest = error["pointer"].strip("/").split("/")
        if where != "rows" or len(rest) != 2:
            wrong[where] = str(rate_words.FAULTS.get(where) or reasons.here(error["detail"]))
            continue
        number, name = found.numbers[int(rest[0])], rest[1]
        told = str(rate_words.FAULTS.get(name) or reasons.here(error["detail"]))
        wrong[name if name in ("from_day", "until_day") else f"{'per' if name == 'per_fen' else name}.{number}"] = told  # fmt: skip
    return wrong


def _sent_rows() -> list[dict[str, Any]]:
    """The rows that the page of the difference carries; Invalid where they are none of ours."""
    try:
        said = json.loads(request.form.get("rows", ""))
        names = {*typed.OF_ROW, "from_day", "until_day"}
        if not all(isinstance(one, dict) and one.keys() == names for one in said):
            raise ValueError
        return list(said)
    except (ValueError, TypeError):
        raise Invalid(field="rows") from None


def _revert(rate: str, problem: Problem | None = None) -> str:
    with database.begin() as session:
        row = rates.by_id(session, proposals.parse(rate))
        programme = programmes.by_id(session, row.programme_id)
        scope = scope_of(row)
        now = next(
            (one.now for one in grid.lines(rates.versions(session, row.programme_id), _today(programme)) if one.scope == scope),
            None,
        )  # fmt: skip
        names, places = _names(session, [scope])
    return page(
        "console/rate_revert.html",
        programme=programme,
        rate=row,
        id=rate,
        scope=scope,
        now_there=now,
        names=names,
        places=places,
        tomorrow=_today(programme) + timedelta(days=1),
        typed=request.form,
        problem=problem and body_of(problem, status_of(type(problem))),
        wrong=_of_fields(problem, Typed(numbers=[0])) if problem else {},
        tier_name=explain.tier_name,
        most_text=MOST_TEXT,
        key=uuid.uuid4(),
        words=words,
    )


def _versions(
    rows: Iterable[Version], scope: Callable[[Version], Hashable], today: date
) -> list[dict[str, Any]]:
    """The versions by scope, newest first, each "now", "later" or "before"."""
    found: list[dict[str, Any]] = []
    in_force: set[Hashable] = set()
    for row in sorted(rows, key=lambda row: row.from_day, reverse=True):  # type: ignore[attr-defined]
        begun = row.from_day <= today  # type: ignore[attr-defined]
        when = "later" if not begun else "before" if scope(row) in in_force else "now"
        if begun:
            in_force.add(scope(row))
        found.append({"row": row, "when": when})
    return sorted(found, key=lambda one: str(scope(one["row"])))
