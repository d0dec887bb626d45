"""A page with charts, or one of its charts as a file: the same address with ?csv=, so that the rows are the same."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import Response, request
from flask.typing import ResponseReturnValue

from admin.console.charts.charts import Chart, as_csv
from admin.console.http import page
from base.errors import NotFound

BYTE_ORDER_MARK = "\ufeff"  # spreadsheets read UTF-8 by it


class ChartUnknown(NotFound):
    """There is no such chart on this page."""

    zh = "本页没有该图表。"


class Source(NamedTuple):
    """Where figures are from: as of when, the run's public id, and the page that says how they came about."""

    at: Any
    run: str
    href: str


def answered(
    template: str, charts: Iterable[Chart], source: Source | None, **values: Any
) -> ResponseReturnValue:
    """The page with its charts by name; with ?csv=NAME that chart as a file. ChartUnknown."""
    by_name = {chart.name: chart for chart in charts}
    wanted = request.args.get("csv")
    if wanted is None:
        return page(template, charts=by_name, source=source, **values)
    if wanted not in by_name or source is None:
        raise ChartUnknown(chart=wanted[:40])
    facts = {"as_of": source.at.isoformat(timespec="seconds") if source.at else "", "run": source.run}
    answer = Response(BYTE_ORDER_MARK + as_csv(by_name[wanted], facts), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{wanted}-{source.run}.csv"'
    return answer
