"""Redemption and staying, from stored runs: the answer, the curves, the kinds and their cost, what to trust, the runs.

Nothing is computed here: a page reads one stored report and says it in words, tables and charts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from admin.analytics import estimate_words, runs, tasks, wording
from admin.analytics.models import AnalysisRun
from admin.console.charts.http import Source, answered
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.retention import cards, curves, kinds, parts, study, trust, words
from admin.console.sheets import http as sheets
from base import clock, database, idempotency, ids
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.web.i18n import both, current_language
from points import programmes
from points.members import areas

RECENT_TASKS = 5
COLUMNS = ("run", "as_of", "verdict", "members", "figures_missing", "code_version", "seed")
blueprint = Blueprint("retention", __name__)


class Read(NamedTuple):
    """A stored run as a page reads it; `choice` is what the page chose, `run` None while there is none."""

    choice: dict[str, Any]
    run: AnalysisRun | None
    source: Source | None
    tongue: str

    @property
    def report(self) -> dict[str, Any]:
        """Its report."""
        assert self.run is not None
        return self.run.report


def read() -> Read:
    """The run of `?run=`, else the newest of the chosen programme. RunUnknown, ProgrammeUnknown."""
    said = request.args.get("run")
    with database.begin() as session:
        choice = chosen(session)
        if said:
            run: AnalysisRun | None = runs.by_id(session, runs.parse(said))
            assert run is not None
            choice["programme"] = programmes.by_id(session, run.programme_id)
        else:
            run = runs.latest(session, choice["programme"].programme_id) if choice["programme"] else None
    if run is not None and "trials" not in run.report:
        run = None  # stored before like was compared with like: the next night's has it
    tongue = "zh" if current_language().startswith("zh") else "en"
    return Read(choice, run, source_of(run) if run else None, tongue)


def source_of(run: AnalysisRun) -> Source:
    """As of its snapshot; its protocol is a page."""
    name = runs.reference(run.run_id)
    return Source(run.snapshot_at or run.at, name, f"/staff/retention/runs/{name}")


@blueprint.route("/retention")
@needs(tasks.READS)
def retention() -> ResponseReturnValue:
    """The verdict; raw gap with its caution beside the estimate, of any redemption and of each kind; what the gap is made of."""
    found = read()
    if found.run is None:
        return page("console/retention/answer.html", **found.choice, run=None, charts={}, source=None)
    report, tongue = found.report, found.tongue
    shown = cards.cards(report, tongue)
    check = report["cox_time_varying"]
    return answered(
        "console/retention/answer.html",
        [cards.waterfall(report, tongue), cards.table(shown)],
        found.source,
        **found.choice,
        run=found.run,
        words=words,
        counts=report["input"],
        verdict=report["verdict"],
        verdict_words=report["verdict"]["text"][tongue],
        cards=shown,
        months=report["trials"]["horizon"],
        why=report["why_they_differ"]["text"][tongue],
        check=check,
        check_words=cards.sentence(
            wording.check_sentence(report, tongue)
            if check["hr"] is not None
            else estimate_words.refusal(check["reasons"], tongue)
        ),
        notes=wording.notes(report, tongue),
    )


@blueprint.route("/retention/curves")
@needs(tasks.READS)
def curve_page() -> ResponseReturnValue:
    """Who is still there, by arm of the trials; a switch leads to the naive curves."""
    found = read()
    if found.run is None:
        return page("console/retention/curves.html", **found.choice, run=None, charts={}, source=None)
    report = found.report
    sorts, (known, kind) = curves.sorts(), kind_chosen(report)
    sort = request.args.get("curves", curves.ITT)
    sort = sort if sort in sorts else curves.ITT
    return answered(
        "console/retention/curves.html",
        [curves.chart(report, sort, kind, found.tongue)],
        found.source,
        **found.choice,
        run=found.run,
        sorts=sorts,
        sort=sort,
        kinds=known,
        kind=kind,
        of_trials=sort in (curves.ITT, curves.AGAINST_NOTHING),
        naive=sort == curves.EVER,
    )


@blueprint.route("/retention/kinds")
@needs(tasks.READS)
def kind_page() -> ResponseReturnValue:
    """Every estimate and check with its interval, brand beside brand, what a member who stays costs, parts of the members."""
    found = read()
    if found.run is None:
        return page("console/retention/kinds.html", **found.choice, run=None, charts={}, source=None)
    report, tongue = found.report, found.tongue
    known, kind = kind_chosen(report)
    with database.begin() as session:
        cities = {code: both(areas.name(session, code)) or code for code in parts.cities_of(report)}
        newest = runs.newest(session)
    shown = [
        kinds.forest(report, tongue),
        parts.brands(newest, tongue),
        kinds.ratios(report, tongue),
        kinds.costs(report, tongue),
        kinds.quadrants(report, tongue),
        parts.cuts(report, kind, cities, tongue),
    ]
    return answered(
        "console/retention/kinds.html",
        [chart for chart in shown if chart is not None],
        found.source,
        **found.choice,
        run=found.run,
        kinds=known,
        kind=kind,
    )


@blueprint.route("/retention/study")
@needs(tasks.READS)
def study_page() -> ResponseReturnValue:
    """The months around a redemption: what both groups did before, as a check; who left in which month after."""
    found = read()
    if found.run is None:
        return page("console/retention/study.html", **found.choice, run=None, charts={}, source=None)
    known, kind = kind_chosen(found.report)
    return answered(
        "console/retention/study.html",
        study.charts(found.report, kind, found.tongue),
        found.source,
        **found.choice,
        run=found.run,
        kinds=known,
        kind=kind,
    )


def kind_chosen(report: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """The kinds that were compared, in words, any redemption first; and the one of ?kind=, else any."""
    known = {name: words.kind(name) for name in (words.ANY, *report["trials"]["kinds"])}
    kind = request.args.get("kind", words.ANY)
    return known, kind if kind in known else words.ANY


@blueprint.route("/retention/trust")
@needs(tasks.READS)
def trust_page() -> ResponseReturnValue:
    """Balance, weights, overlap, controls, other ways of asking, and every figure that is missing with what would supply it."""
    found = read()
    if found.run is None:
        return page("console/retention/trust.html", **found.choice, run=None, charts={}, source=None)
    charts = trust.charts(found.report, found.tongue)
    return answered("console/retention/trust.html", charts, found.source, **found.choice, run=found.run)


@blueprint.route("/retention/runs")
@needs(tasks.READS)
def run_list() -> ResponseReturnValue:
    """Stored runs, what was asked for and how far it is, and the button that asks."""
    place = position("retention-runs")
    with database.begin() as session:
        choice = chosen(session)
        programme_id = choice["programme"].programme_id if choice["programme"] else 0
        if sheets.is_asked():
            every = runs.heads(session, programme_id, before=None, limit=sheets.MOST)
            return sheets.of_list(session, "analyses", COLUMNS, map(_line, every))
        found = runs.heads(session, programme_id, before=int(place[0]) if place else None, limit=PAGE + 1)
        asked = tasks.recent(session, programme_id, RECENT_TASKS)
    rows, after = cut("retention-runs", found, lambda one: [one.run_id])
    person = current()
    return page(
        "console/retention/runs.html",
        **choice,
        rows=rows,
        after=after,
        as_file=bool(rows),
        tasks=asked,
        words=words,
        reference=runs.reference,
        may_ask=tasks.RUNS in person.permissions and isinstance(person, Staff) and not person.area,
        key=ids.new_id(),
    )


def _line(row: runs.Head) -> Sequence[Any]:
    as_of = (row.snapshot_at or row.at).isoformat()
    return (
        runs.reference(row.run_id),
        as_of,
        row.verdict,
        row.members,
        row.refused,
        row.code_version,
        row.seed,
    )


@blueprint.route("/retention/runs", methods=["POST"])
@needs(tasks.RUNS)
def ask() -> Response:
    """Have a programme analysed as it stands; twice is once. ForHeadquarters, ProgrammeUnknown."""
    key = idempotency.checked(request.form.get("key"))
    code = request.form.get("programme", "")
    said = {"page": request.path, "programme": code}
    with database.begin() as session:
        programme = programmes.by_code(session, code)
        idempotency.once(
            session,
            NO_MEMBER,
            current().actor,
            key,
            said,
            lambda: (303, tasks.reference(tasks.ask(session, current(), programme, clock.now()).task_id)),
        )
    return redirect(f"/staff/retention/runs?programme={programme.code}", 303)


@blueprint.route("/retention/runs/<run>")
@needs(tasks.READS)
def protocol(run: str) -> ResponseReturnValue:
    """How a run came about: what was compared, of how many, from which snapshot, by which program and seed."""
    with database.begin() as session:
        found = runs.by_id(session, runs.parse(run))
        programme = programmes.by_id(session, found.programme_id)
    return page(
        "console/retention/protocol.html",
        programme=programme,
        run=found,
        name=run,
        report=found.report,
        words=words,
        said=found.report["run"]["protocol"],
        asked={name: value for name, value in sorted(found.protocol.items()) if name not in ("options", "not_held")},
        options=sorted(found.protocol.get("options", {}).items()),
        not_held=found.protocol.get("not_held", ()),
    )  # fmt: skip
