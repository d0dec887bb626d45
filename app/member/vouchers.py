"""The member's vouchers: the list, and one with its picture and code while it can be used."""

from datetime import date, datetime, timedelta

import segno
from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member import ratings
from app.member.frame import PAGE, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import needs
from base.http.settings import config
from catalog.disputes import disputing
from catalog.vouchers import codes, conditions, shelf
from catalog.vouchers.codes import Keys, Picture
from catalog.vouchers.models import HELD, ISSUED
from catalog.vouchers.refusals import VoucherUnknown
from catalog.vouchers.shelf import HEAPS, USABLE, Kept
from merchants import acceptances
from merchants.outlets.outlets import is_open
from points.groups import spending

JUST_NOW = timedelta(minutes=10)


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
        code, pictures = _code(kept, at)
        uses = acceptances.of_voucher(session, member_id, voucher_id)
        redeemed = (member_id, kept.voucher.redemption_id)
        return render_template(
            "member/voucher.html",
            kept=kept,
            voucher_id=voucher,
            code=code,
            pictures=pictures,
            now_ms=_ms(at),
            seen=_seen(kept),
            days=(kept.voucher.last_day - clock.day(at, kept.merchant.zone)).days,
            uses=uses,
            rating=ratings.of(session, redeemed, at) if uses and code is None else None,
            ends_at=clock.start_of(kept.voucher.last_day + timedelta(days=1), kept.merchant.zone),
            open_now=lambda outlet: is_open(outlet.hours, at.astimezone(clock.zone(kept.merchant.zone))),
            just_now=at - JUST_NOW,
            outlets=conditions.outlets(session, kept.offer),
            conditions=conditions.said(session, kept.offer),
            disputes=disputing.of_member(session, member_id, voucher_id),
        )


@blueprint.route("/vouchers/<voucher>/pictures")
@needs("vouchers:own")
def voucher_pictures(voucher: str) -> ResponseReturnValue:
    """The pictures of the next five minutes for a page that stays open; a page that is behind is told to load itself again."""
    member_id, voucher_id = ids.parse("vch", voucher)
    at = clock.now()
    with database.begin() as session:
        code, pictures = _code(_mine(session, member_id, voucher_id), at)
    if code is None:
        return _load_again()
    return render_template("member/_pictures.html", voucher_id=voucher, pictures=pictures, now_ms=_ms(at))


@blueprint.route("/vouchers/<voucher>/changed")
@needs("vouchers:own")
def voucher_changed(voucher: str) -> ResponseReturnValue:
    """An open page asks whether the till did something; then it is told to load itself again."""
    member_id, voucher_id = ids.parse("vch", voucher)
    with database.begin() as session:
        seen = _seen(_mine(session, member_id, voucher_id))
    return make_response("", 204) if request.args.get("seen") == seen else _load_again()


def _load_again() -> Response:
    answer = make_response("", 204)
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


def _code(kept: Kept, at: datetime) -> tuple[str | None, list[tuple[int, str, str]]]:
    """The code as people read it, and the pictures of the next five minutes; neither once it cannot be used."""
    if kept.state not in (ISSUED, HELD):
        return None, []
    keys, voucher = Keys.of(config()), kept.voucher
    symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
    return codes.shown(symbols), [_drawn(one) for one in codes.pictures(keys, voucher, symbols, at)]


def _drawn(picture: Picture) -> tuple[int, str, str]:
    """From when on it is shown (milliseconds), the drawing as a data URI, the digits under it."""
    drawn = segno.make(picture.text, error="m", micro=False, boost_error=False)
    return _ms(picture.from_at), str(drawn.svg_data_uri(border=2, omitsize=True)), picture.digits


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
