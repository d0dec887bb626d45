"""The merchant's pages of what its outlets accepted: today at a glance, the list with its filters in the address, files, receipts."""

from datetime import date, datetime, timedelta

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant import taking_files
from app.merchant.frame import PAGE, cut, errors_on, page, position, reach
from app.merchant.taking_files import TYPES
from base import clock, database, ids
from base.auth.guard import current, needs
from base.errors import NotFound
from base.ids import ALPHABET
from merchants import scope
from merchants.models import Void
from merchants.outlets import outlets
from merchants.outlets.outlets import MOST_OUTLETS
from merchants.scope import Reach
from merchants.settled import settled
from merchants.takings import takings
from merchants.takings.takings import Wanted

READS = "acceptances:merchant"
SEARCHED = timedelta(days=30)
LATEST, LAST4 = 10, 4
STANDING, UNDONE = STATES = ("standing", "undone")

blueprint = Blueprint("merchant_takings", __name__, template_folder="templates", url_prefix="/merchant")
errors_on(blueprint)


class FileUnknown(NotFound):
    """There is no such kind of file."""

    zh = "没有这种文件。"


@blueprint.route("")
@needs(READS)
def today() -> ResponseReturnValue:
    """A day of the outlets in reach: what is owed, points given, sums by clerk, the latest; and where the money stands."""
    at = clock.now()
    with database.begin() as session:
        mine = reach(session)
        present = takings.today(session, mine, at)
        on = min(_day(request.args.get("on")) or present, present)
        wanted = Wanted(on, on)
        sums = takings.by_clerk(session, mine, on)
        latest = takings.listed(session, mine, wanted, limit=LATEST)
        given = takings.points_by_clerk(session, mine, on)
        money = None
        if settled.READS in current().permissions:
            merchant = scope.merchant_of(session, mine)
            money = settled.money(session, merchant, settled.drafts(session, merchant, at), at)
    return page(
        "merchant/today.html",
        on=on,
        present=present,
        sums=sums,
        rows=_shown(latest),
        points=given,
        money=money,
        before=on - timedelta(days=1),
        after_day=on + timedelta(days=1) if on < present else None,
    )


@blueprint.route("/acceptances")
@needs(READS)
def acceptance_list() -> ResponseReturnValue:
    """What the filter of the address finds, the newest first, with its sums; without one the last thirty days."""
    place = position()
    before = (datetime.fromisoformat(place[0]), int(place[1])) if place else None
    with database.begin() as session:
        mine = reach(session)
        wanted = _wanted(session, mine)
        found = takings.listed(session, mine, wanted, before=before, limit=PAGE + 1)
        rows, after = cut(
            found, lambda one: [one.acceptance.recorded_at.isoformat(), one.acceptance.acceptance_id]
        )
        whole = takings.together(session, mine, wanted)
        places = outlets.listed(session, mine, limit=MOST_OUTLETS)
    return page(
        "merchant/acceptances.html",
        wanted=wanted,
        outlet=ids.public("out", wanted.outlet_id) if wanted.outlet_id else "",
        state={None: "", True: UNDONE, False: STANDING}[wanted.undone],
        rows=_shown(rows),
        whole=whole,
        after=after,
        places=[(outlets.public_id(one), one.names) for one in places],
        formats=TYPES,
        filtered=bool(set(request.args) - {"after", "lang"}),
    )


@blueprint.route("/acceptances/files/<kind>")
@needs(READS)
def file(kind: str) -> ResponseReturnValue:
    """Exactly what the same filter finds on the list, as a file."""
    if kind not in TYPES:
        raise FileUnknown()
    with database.begin() as session:
        mine = reach(session)
        wanted = _wanted(session, mine)
        rows = takings.listed(session, mine, wanted, limit=taking_files.MOST_ROWS + 1)
        merchant = scope.merchant_of(session, mine)
        made = Response(taking_files.written(kind, rows, merchant.zone), content_type=TYPES[kind])
    name = f"{merchant.code}-acceptances-{wanted.first}-{wanted.last}.{kind}"
    made.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return made


@blueprint.route("/acceptances/<acceptance>/receipt")
@needs(READS)
def receipt(acceptance: str) -> ResponseReturnValue:
    """A receipt to print, again as often as it is wanted; it says that it is a copy."""
    with database.begin() as session:
        mine = reach(session)
        one = takings.find(session, mine, acceptance)
        row = one.acceptance
        void = session.get(Void, (row.member_id, row.void_id)) if row.void_id else None
        merchant = scope.merchant_of(session, mine)
    return page("merchant/receipt.html", id=acceptance, one=one, row=row, void=void, merchant=merchant)


def _shown(rows: list[takings.Taken]) -> list[tuple[takings.Taken, str, str]]:
    """Each with its id and the page that it leads to: whoever reads no statements sees its receipt."""
    last = "" if settled.READS in current().permissions else "/receipt"
    found = []
    for one in rows:
        number = ids.public("acc", one.acceptance.member_id, one.acceptance.acceptance_id)
        found.append((one, number, f"/merchant/acceptances/{number}{last}"))
    return found


def _wanted(session: Session, mine: Reach) -> Wanted:
    """The filter of the address; what cannot be read in it asks nothing."""
    present = takings.today(session, mine, clock.now())
    last = min(_day(request.args.get("to")) or present, present)
    first = min(_day(request.args.get("from")) or last - SEARCHED, last)
    outlet, clerk = request.args.get("outlet", ""), request.args.get("clerk", "").strip()
    return Wanted(
        first,
        last,
        scope.outlet(session, mine, outlet).outlet_id if outlet else None,
        clerk[:40] if clerk.isprintable() and clerk else None,
        _last4(),
        {STANDING: False, UNDONE: True}.get(request.args.get("state", "")),
    )


def _last4() -> str | None:
    """The four symbols that are searched for, as codes are written."""
    asked = request.args.get("last4", "").strip().upper().translate(str.maketrans("OIL", "011"))
    return asked if len(asked) == LAST4 and all(symbol in ALPHABET for symbol in asked) else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
