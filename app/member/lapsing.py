"""When points lapse: month by month, how many and what they are worth, and the way to use them before."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from flask import render_template
from flask.typing import ResponseReturnValue

from app.member.frame import blueprint, me
from base import clock, database
from base.auth.guard import needs
from base.web import formats
from catalog.rates import rates
from catalog.rates.scopes import Book
from points import lots
from points.notices.ahead import STAGES
from points.wallets import wallets


@dataclass(frozen=True)
class Month:
    """Points that lapse in a month; `worth_fen`: as bill credit today; `first_in`: days until the first of them."""

    name: str
    points: int
    worth_fen: int
    lots: list[tuple[date, int]]
    first_in: int


@blueprint.route("/points/lapsing")
@needs("wallet:own")
def lapsing_calendar() -> ResponseReturnValue:
    """The months ahead in which something lapses, the next one first; then what does not lapse."""
    at = clock.now()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        book = rates.load(session, shown.programme.programme_id, shown.on)
    ending = [lot for lot in shown.lots if lot[0] != lots.NO_END]
    return render_template(
        "member/lapsing.html",
        shown=shown,
        months=[
            _month(book, shown.on, list(them))
            for _, them in groupby(ending, lambda lot: (lot[0].year, lot[0].month))
        ],
        lasting=sum(points for last_day, points in shown.lots if last_day == lots.NO_END),
        stages=sorted(STAGES, reverse=True),
        soon=STAGES[-1],
    )


def _month(book: Book, on: date, them: list[tuple[date, int]]) -> Month:
    by_day = [(day, sum(count for _, count in same)) for day, same in groupby(them, lambda lot: lot[0])]
    points = sum(count for _, count in by_day)
    first = by_day[0][0]
    return Month(formats.month(first), points, rates.worth(book, points), by_day, (first - on).days)
