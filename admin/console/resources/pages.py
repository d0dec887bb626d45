"""Resources: stock, allocation, uses, cost of one and the budget's rest of each offer; and what the areas used."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.analytics.models import FiguresRun
from admin.console import words
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.sheets import http as sheets
from admin.resources import resources
from admin.resources.resources import Resource
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.web.i18n import both
from points.members import areas

READS = "stock:read"
COLUMNS = (
    "offer", "kind", "left", "total", "set_aside", "area_units", "uses", "cost_fen", "cost_a_use_fen", "budget",
    "budget_left_fen", "figures_from", "figures_until",
)  # fmt: skip
blueprint = Blueprint("resources", __name__)


@blueprint.route("/resources")
@needs(READS)
def resource_page() -> ResponseReturnValue:
    """The offers of the chosen programme as resources, for an area within one's own; with ?csv=1 as a file."""
    person, at = current(), clock.now()
    assert isinstance(person, Staff)
    area = areas.own(person.area, request.args.get("area"))
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/resources.html", rows=[], parts=[], words=words, **choice)
        run = resources.run_of(session, programme)
        if sheets.is_asked():
            every = resources.listed(session, person, programme, area, at, limit=sheets.MOST)
            return sheets.of_list(
                session, f"{programme.code}-resources", COLUMNS, [_line(row, run) for row in every]
            )
        place = position("resources")
        found = resources.listed(
            session, person, programme, area, at, after=int(place[0]) if place else 0, limit=PAGE + 1
        )
        rows, after = cut("resources", found, lambda row: [row.offer.offer_id])
        return page(
            "console/resources.html",
            rows=[
                (row, [(_called(session, code), units) for code, units in row.allocated.items()])
                for row in rows
            ],
            parts=[
                (code, _called(session, code), sums)
                for code, sums in resources.by_area(session, programme, area)
            ],
            run=run,
            area=area,
            area_name=_called(session, area) if area else "",
            after=after,
            as_file=bool(rows),
            words=words,
            **choice,
        )


def _called(session: Session, code: str) -> str:
    return both(areas.full_name(session, code)) or code


def _line(row: Resource, run: FiguresRun | None) -> list[Any]:
    stock, budget = row.stock, row.budget
    return [
        row.offer.code,
        row.offer.kind,
        stock.left_over if stock else None,
        stock.total if stock else None,
        stock.set_aside if stock else None,
        " ".join(f"{code}:{units}" for code, units in row.allocated.items()),
        row.used.count,
        row.used.cost_fen,
        row.cost_a_use_fen,
        budget.budget.code if budget else None,
        budget.cap_fen - budget.spent_fen if budget else None,
        run.from_day if run else None,
        run.until_day if run else None,
    ]
