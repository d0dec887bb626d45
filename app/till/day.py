"""The till's day: what was accepted with totals by clerk, search by last four, a receipt again, the shift and its close."""

from datetime import datetime, timedelta
from typing import Any

from flask import make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.till.frame import blueprint, clerk_here, page
from base import clock, database, ids, pages
from base.auth import cookies
from base.auth.guard import needs
from base.http.settings import config
from base.ids import ALPHABET
from merchants import acceptances
from merchants.models import Outlet, Terms, Void
from merchants.terminals import clerks, day, places, shifts
from merchants.terminals.day import Scope
from merchants.terminals.models import Shift, Terminal

SHOWN = 50
SEARCHED = timedelta(days=30)
LAST4 = 4


@blueprint.route("/today")
@needs("acceptances:own")
def today() -> ResponseReturnValue:
    """What this terminal accepted on the merchant's day; `q`: in the last 30 days, of codes that end so; a manager may see
    all tills of the outlet (`all`), with what is 24 hours old.
    """
    clerk, at = clerk_here(), clock.now()
    place, last4 = places.place_of(clerk), _last4()
    whole = clerk.is_manager and request.args.get("all") == "1"
    list_key = f"till:{clerk.terminal_id}:{whole}:{last4}:{config().secret_key}"
    position = pages.position(list_key, request.args.get("after"))
    before = (datetime.fromisoformat(position[0]), int(position[1])) if position else None
    with database.begin() as db:
        zone = clerks.till_of(db, clerk).merchant.zone
        on = clock.day(at, zone)
        since = clock.start_of(on, zone)
        summed = Scope(place, since, whole)
        reach = at - SEARCHED if last4 else min(since, at - timedelta(days=1)) if whole else since
        found = day.listed(db, Scope(place, reach, whole, last4), before=before, limit=SHOWN + 1)
        totals = day.totals(db, summed)
        points = day.points_by_clerk(db, summed)
        versions = {one.row.terms_id: db.get_one(Terms, one.row.terms_id) for one in found}
    shown = [
        {
            "one": one,
            "row": one.row,
            "id": ids.public("acc", one.row.member_id, one.row.acceptance_id),
            "undoable": one.row.void_id is None
            and (until := acceptances.undoable_until(one.row, versions[one.row.terms_id], zone, place))
            is not None
            and at <= until,
        }
        for one in found[:SHOWN]
    ]
    last = found[SHOWN - 1].row if len(found) > SHOWN else None
    following = pages.cursor(list_key, last.recorded_at.isoformat(), last.acceptance_id) if last else None
    return page(
        "till/today.html",
        on=on,
        shown=shown,
        totals=totals,
        points=points,
        count=sum(total.count for total in totals),
        owed_fen=sum(total.owed_fen for total in totals),
        whole=whole,
        last4=last4 or "",
        next_cursor=following,
    )


@blueprint.route("/acceptances/<acceptance>/receipt")
@needs("acceptances:own")
def receipt(acceptance: str) -> ResponseReturnValue:
    """A receipt to print, again as often as it is wanted; it says that it is a copy."""
    clerk, key = clerk_here(), ids.parse("acc", acceptance)
    with database.begin() as db:
        row = acceptances.find_at(db, key[0], key[1], clerk.outlet_id)
        facts: dict[str, Any] = {
            "row": row,
            "merchant": clerks.till_of(db, clerk).merchant,
            "place": db.get_one(Outlet, row.outlet_id),
            "terminal": db.get_one(Terminal, row.terminal_id).code,
            "by": acceptances.clerk_number(db, row),
            "void": db.get(Void, (row.member_id, row.void_id)) if row.void_id else None,
        }
    return page("till/receipt.html", id=acceptance, **facts)


@blueprint.route("/shift")
@needs("shifts:own")
def shift() -> ResponseReturnValue:
    """The present shift and its count so far, and the button that closes it."""
    with database.begin() as db:
        found = _mine(db)
        count = shifts.count(db, found)
    return page("till/shift.html", shift=found, count=count)


@blueprint.route("/shift/close", methods=["POST"])
@needs("shifts:own")
def close_shift() -> ResponseReturnValue:
    """Close the shift at this terminal with its count; the sign-in ends with it."""
    with database.begin() as db:
        closed = shifts.close(db, _mine(db), clock.now())
    count = (closed.accepted or 0, closed.voided or 0, closed.net_fen or 0)
    shown = page("till/shift.html", shift=closed, count=count)
    return cookies.signed_out(make_response(shown))


def _mine(db: Session) -> Shift:
    clerk = clerk_here()
    return db.get_one(Shift, (clerk.terminal_id, clerk.shift_id))


def _last4() -> str | None:
    """The four symbols that are searched for, as codes are written; None: none, or no such symbols."""
    asked = request.args.get("q", "").strip().upper().translate(str.maketrans("OIL", "011"))
    return asked if len(asked) == LAST4 and all(symbol in ALPHABET for symbol in asked) else None
