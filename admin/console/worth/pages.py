"""What points cost and are worth, from figures that were taken: of one's own area alone, and nothing slow is reckoned here."""

from datetime import date, datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.analytics import liability, mix, period_reports, premium, roll_up, sums
from admin.analytics.models import FiguresRun
from admin.console.charts.http import Source, answered
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.words import HEAPS, LOT_CLASSES
from admin.console.worth import rated, shown, words
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config
from base.web.i18n import both, gettext
from catalog.offers import offers
from catalog.ratings import said
from catalog.ratings import words as rating_words
from points import programmes
from points.members import areas
from points.models import Programme

WEEKS = 13
READS = "figures:read"
blueprint = Blueprint("worth", __name__)


class Asked(NamedTuple):
    """Whose figures a page is about. `frame` goes to the page as it is."""

    programme: Programme | None
    area: str
    frame: dict[str, Any]


def _asked(session: Session) -> Asked:
    """The chosen programme and the area of ?area=, within one's own. ProgrammeUnknown, AreaUnknown, BadArea."""
    person = current()
    assert isinstance(person, Staff)
    area = areas.own(person.area, request.args.get("area"))
    choice = chosen(session)
    frame = choice | {"area": area, "area_name": _name(session, area), "own_area": person.area}
    return Asked(choice["programme"], area, frame)


def _name(session: Session, area: str) -> str:
    if not area:
        return str(words.EVERYWHERE)
    return both(areas.full_name(session, area)) or area


def _source(run: FiguresRun | None) -> Source | None:
    if run is None:
        return None
    name = ids.public("fig", run.run_id)
    return Source(run.at, name, f"/staff/worth/runs/{name}")


@blueprint.route("/worth/mix")
@needs(READS)
def mix_page() -> ResponseReturnValue:
    """What points were redeemed for, beside the target, with drift and what staff were told."""
    place = position("mix")
    with database.begin() as session:
        asked = _asked(session)
        before = date.fromisoformat(place[0]) if place else None
        found = (
            mix.weeks(session, asked.programme, asked.area, before=before, limit=WEEKS + 1)
            if asked.programme
            else []
        )
        run = (
            sums.latest(session, asked.programme.programme_id, sums.MIX, found[0]["until_day"])
            if asked.programme and found
            else None
        )
    weeks, after = cut("mix", found, lambda week: [str(week["from_day"])], WEEKS)
    charts = [shown.mix_now(weeks[0]), shown.mix_weeks(weeks)] if weeks else []
    # What staff were told is about the whole programme, and so no concern of an area.
    told = [(week, one) for week in weeks for one in week["alerts"]] if not asked.area else []
    return answered(
        "console/worth/mix.html", charts, _source(run), **asked.frame, weeks=weeks, after=after, told=told, heaps=HEAPS
    )  # fmt: skip


@blueprint.route("/worth/premium")
@needs(READS)
def premium_page() -> ResponseReturnValue:
    """What a point is worth in each offer beside bill credit, as listed today and as it was taken up."""
    place = position("listed")
    with database.begin() as session:
        asked = _asked(session)
        if asked.programme is None:
            return page(
                "console/worth/premium.html", **asked.frame, charts={}, source=None, taken=None, after=None
            )
        on = clock.day(clock.now(), asked.programme.zone)
        after_row = (str(place[0]), int(place[1])) if place else None
        priced = premium.listed(session, asked.programme, on, after=after_row, limit=PAGE + 1)
        run = sums.latest(session, asked.programme.programme_id, sums.PREMIUM)
        taken = premium.of_run(session, run, asked.area) if run else None
    rows, after = cut("listed", priced, lambda row: [row["kind"], *ids.parse("off", row["offer"], parts=1)])
    charts = [shown.premium(rows, "listed", gettext("As listed today"), gettext("Offer"), listed=True)]
    if taken:
        whole = taken["whole"] | {"names": None}
        charts += [
            shown.premium([*taken["offers"], whole], "taken-up", gettext("As taken up, by offer"), gettext("Offer"), listed=False),
            rated.cost_rating(taken["offers"], whole),
            shown.premium(taken["merchants"], "merchants", gettext("As taken up, by merchant"), gettext("Merchant"), listed=False),
        ]  # fmt: skip
    source = _source(run) or Source(clock.now(), "listed", "/staff/rates")
    may_read = "ratings:read" in current().permissions
    return answered(
        "console/worth/premium.html",
        charts,
        source,
        **asked.frame,
        taken=taken,
        after=after,
        written=may_read,
    )


@blueprint.route("/worth/written")
@needs("ratings:read")
def written() -> ResponseReturnValue:
    """What members of one's own area wrote of an offer, the newest first: without who it was. OfferUnknown."""
    person, place = current(), position("written")
    assert isinstance(person, Staff)
    (offer_id,) = ids.parse("off", request.args.get("offer", ""), parts=1)
    before = (datetime.fromisoformat(place[0]), int(place[1])) if place else None
    with database.begin() as session:
        offer = offers.by_id(session, offer_id, clock.now())
        found = said.listed(session, config().seal_key, person.area, offer_id, before=before, limit=PAGE + 1)
    rows, after = cut("written", found, lambda one: [one.place[0].isoformat(), one.place[1]])
    frame = {"star_words": rating_words.STARS, "reason_words": rating_words.REASONS}
    return page("console/worth/written.html", **frame, offer=offer, rows=rows, after=after)


@blueprint.route("/worth/liability")
@needs(READS)
def liability_page() -> ResponseReturnValue:
    """The points that are there, what they are worth, and how many are expected to lapse, by cohort."""
    with database.begin() as session:
        asked = _asked(session)
        run = sums.latest(session, asked.programme.programme_id, sums.LIABILITY) if asked.programme else None
        found = liability.of_area(session, run, asked.area) if run else None
    charts = [shown.breakage(found), shown.cohorts(found), shown.soon(found)] if found else []
    return answered(
        "console/worth/liability.html", charts, _source(run), **asked.frame, found=found, run=run, classes=LOT_CLASSES
    )  # fmt: skip


@blueprint.route("/worth/areas")
@needs(READS)
def area_page() -> ResponseReturnValue:
    """Exit rate, loyalty and the rest of an area and of its parts; the reports that were made."""
    period = request.args.get("period") or None
    with database.begin() as session:
        asked = _asked(session)
        run = found = None
        called: dict[str, str] = {}
        reports = (
            period_reports.listed(session, asked.programme.programme_id, PAGE) if asked.programme else []
        )
        if asked.programme:
            run = (
                sums.of_days(session, period_reports.days_of(asked.programme, period), sums.ROLL_UP)
                if period
                else sums.latest(session, asked.programme.programme_id, sums.ROLL_UP)
            )
        if run:
            found = roll_up.of_area(session, run, asked.area)
            called = {one["area"]: _called(session, one) for one in found["parts"]}
    charts = []
    if found:
        links = {
            nth: f"?{_place(one['area'], asked.programme, period)}"
            for nth, one in enumerate(found["parts"])
            if not one["is_rest"]
        }
        charts = [
            shown.areas(found, called, asked.frame["area_name"], words.FIGURES, links),
            rated.satisfaction(found, called, asked.frame["area_name"]),
        ]
    return answered(
        "console/worth/areas.html",
        charts,
        _source(run),
        **asked.frame,
        found=found,
        run=run,
        reports=reports,
        above=asked.area[:-2] if len(asked.area) > len(asked.frame["own_area"]) else None,
        definitions=[
            (words.FIGURES[name], both({"en": one["en"], "zh-CN": one["zh"]}))
            for name, one in roll_up.DEFINITIONS.items()
        ],
    )


def _called(session: Session, part: dict[str, Any]) -> str:
    name = both(areas.name(session, part["area"])) or part["area"] or str(words.EVERYWHERE)
    return gettext("%(area)s, not known closer", area=name) if part["is_rest"] else name


def _place(area: str, programme: Programme | None, period: str | None) -> str:
    return "&".join(
        f"{name}={value}"
        for name, value in (
            ("programme", programme.code if programme else ""),
            ("area", area),
            ("period", period),
        )
        if value
    )


@blueprint.route("/worth/reports/<period>")
@needs(READS)
def report_file(period: str) -> Response:
    """A report that was made, as a file; of somebody who works for an area, its rows alone. NoFiguresYet, BadPeriod."""
    person = current()
    assert isinstance(person, Staff)
    with database.begin() as session:
        programme = programmes.by_code(session, request.args.get("programme", ""))
        period_reports.days_of(programme, period)
        found = period_reports.find(session, programme.programme_id, period)
        if found is None:
            raise sums.NoFiguresYet(period=period)
        content = period_reports.within(found, person.area)
    answer = Response(content, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{programme.code}-{period}.csv"'
    return answer


@blueprint.route("/worth/runs/<run>")
@needs(READS)
def protocol(run: str) -> ResponseReturnValue:
    """How figures came about: of which days, when, by which program, and the hash of their content."""
    with database.begin() as session:
        found = session.get(FiguresRun, ids.parse("fig", run, parts=1)[0])
        if found is None:
            raise sums.NoFiguresYet()
        programme = programmes.by_id(session, found.programme_id)
    return page(
        "console/worth/protocol.html", run=found, programme=programme, topic=words.TOPICS[found.topic]
    )
