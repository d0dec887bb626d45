"""The member's vouchers: the list, and one with its picture and code while it can be used."""

from datetime import date, datetime

import segno
from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import needs
from base.http.settings import config
from catalog.vouchers import codes, shelf
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import HELD, ISSUED
from catalog.vouchers.refusals import VoucherUnknown
from catalog.vouchers.shelf import HEAPS, USABLE, Kept
from merchants import acceptances, merchants
from points.groups import spending


@blueprint.route("/vouchers")
@needs("vouchers:own")
def list_vouchers() -> ResponseReturnValue:
    """One heap: usable (soonest-lapsing first), used, or past."""
    heap, place = request.args.get("heap", USABLE), position()
    heap = heap if heap in HEAPS else USABLE
    after = (date.fromisoformat(place[0]), int(place[1])) if place else None
    with database.begin() as session:
        rows = shelf.listed(session, me().member_id, clock.now(), heap, after=after, limit=PAGE + 1)
    last = rows[PAGE - 1].voucher if len(rows) > PAGE else None
    return render_template(
        "member/vouchers.html",
        rows=rows[:PAGE],
        heap=heap,
        next_cursor=cursor(last.last_day.isoformat(), last.voucher_id) if last else None,
    )


@blueprint.route("/vouchers/<voucher>")
@needs("vouchers:own")
def one_voucher(voucher: str) -> ResponseReturnValue:
    """The picture for the till; once it was used, when and where."""
    member_id, voucher_id = ids.parse("vch", voucher)
    at = clock.now()
    with database.begin() as session:
        kept = _mine(session, member_id, voucher_id)
        code, picture = _code(kept, at)
        return render_template(
            "member/voucher.html",
            kept=kept,
            voucher_id=voucher,
            code=code,
            picture=picture,
            seen=_seen(kept),
            days=(kept.voucher.last_day - clock.day(at, kept.merchant.zone)).days,
            uses=acceptances.of_voucher(session, member_id, voucher_id),
            outlets=merchants.outlets_of(session, kept.voucher.merchant_id),
        )


@blueprint.route("/vouchers/<voucher>/changed")
@needs("vouchers:own")
def voucher_changed(voucher: str) -> ResponseReturnValue:
    """An open page asks whether the till did something; then it is told to load itself again."""
    member_id, voucher_id = ids.parse("vch", voucher)
    with database.begin() as session:
        seen = _seen(_mine(session, member_id, voucher_id))
    answer = make_response("", 204)
    if request.args.get("seen") != seen:
        answer.headers["HX-Refresh"] = "true"
    return answer


def _mine(session: Session, member_id: int, voucher_id: int) -> Kept:
    """The member's own voucher, or one redeemed for a group; VoucherUnknown."""
    kept = shelf.find(session, member_id, voucher_id, clock.now())
    if not spending.belongs(session, me().member_id, member_id, kept.voucher.spender_id):
        raise VoucherUnknown()
    return kept


def _seen(kept: Kept) -> str:
    return f"{kept.state}-{kept.voucher.units_left}"


def _code(kept: Kept, at: datetime) -> tuple[str | None, str | None]:
    """The code as people read it and as a picture (a data URI); neither once it cannot be used."""
    if kept.state not in (ISSUED, HELD):
        return None, None
    keys, voucher = Keys.of(config()), kept.voucher
    symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
    picture = segno.make(codes.pictures(keys, voucher, symbols, at, steps=1)[0].text, error="m", micro=False)
    return codes.shown(symbols), str(picture.svg_data_uri(border=2, omitsize=True))
