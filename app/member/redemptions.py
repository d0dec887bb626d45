"""From the quote to its redemption: the sheet to confirm, confirming, the result, the list, cancelling."""

import uuid
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member import choices, ratings, sharing
from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position, spender
from app.member.offers import url_of as url_of_offer
from base import channels, clock, database, idempotency, ids
from base.auth.guard import needs, signed_in_with
from base.http.settings import config
from catalog.bundles import bundles, parts
from catalog.disputes import disputing
from catalog.events import seats
from catalog.gifts import giving
from catalog.gifts.greetings import GREETINGS
from catalog.goods import addresses, goods, orders
from catalog.offers import offers
from catalog.offers.models import BUNDLE, EVENT, GIFT, GOODS
from catalog.perks import uses as perk_uses
from catalog.redemptions import confirming, course, day_limit, quotes, redemptions
from catalog.redemptions.confirming import Asker, Proof
from catalog.redemptions.course import By
from catalog.redemptions.day_limit import CodeNeeded, Most
from catalog.redemptions.models import Redemption
from catalog.vouchers import shelf
from catalog.vouchers.life import of_redemption
from catalog.vouchers.models import ISSUED
from merchants import acceptances
from points import lots, programmes
from points.groups import spending
from points.groups.models import Group
from points.wallets import wallets

LOOKS_S = (2, 3, 5, 8, 13, 20, 30, 40)  # an open page asks so often how it goes, for two minutes


@blueprint.route("/quotes/<quote>")
@needs("redemptions:own")
def one_quote(quote: str) -> ResponseReturnValue:
    """The sheet: exact price, points left, the very lots; a used quote shows what it bought."""
    member_id, quote_id = ids.parse("quo", quote)
    with database.begin() as session:
        group = _group(session, member_id)
        offer_id = quotes.find(session, member_id, quote_id, spender(member_id)).offer_id
        used = redemptions.of_quote(session, member_id, quote_id)
        if used is not None:
            return redirect(_url(member_id, used), 303)
        back_to(url_of_offer(offer_id), _("Get a fresh quote"))
        return _sheet(session, member_id, quote_id, uuid.uuid4(), group, dict.fromkeys(addresses.FIELDS, ""))


def _sheet(
    session: Session,
    member_id: int,
    quote_id: int,
    key: object,
    group: Group | None,
    address: dict[str, str],
    faults: dict[str, str] | None = None,
) -> str:
    """The sheet with what was typed as the address, where one is needed, and what is wrong with it."""
    at = clock.now()
    priced = quotes.shown(session, member_id, quote_id, at, spender(member_id))
    return render_template(
        "member/quote.html",
        priced=priced,
        group=group,
        quote_id=ids.public("quo", member_id, quote_id),
        key=key,
        no_end=lots.NO_END,
        programme=programmes.by_id(session, me().programme_id),
        back_url=url_of_offer(priced.offer.offer_id),
        services=parts.services_in(session, priced.offer, at),
        receiver=confirming.receiver(session, config(), priced.quote),
        greeting=GREETINGS.get(priced.quote.details.get("message", "")),
        full=seats.is_full(session, priced.offer),
        why=confirming.why(session, config(), priced.quote, _asker(), at),
        code_is_out=confirming.is_out(session, priced.quote, at),
        address=address if goods.needs_address(priced.offer) else None,
        faults=faults or {},
    )


@blueprint.route("/redemptions", methods=["POST"])
@needs("redemptions:own")
def redeem() -> ResponseReturnValue:
    """Confirm a quote, once: a second tap, or the page sent again, leads to the same redemption."""
    quote = request.form.get("quote", "")
    member_id, quote_id = ids.parse("quo", quote)
    key = idempotency.checked(request.form.get("key"))
    with database.begin() as session:
        found = quotes.find(session, member_id, quote_id, spender(member_id))
        used = redemptions.of_quote(session, member_id, quote_id)
        if used is not None:
            return redirect(_url(member_id, used), 303)
        back_to(url_of_offer(found.offer_id), _("Back to the offer"))
        address = None
        if goods.needs_address(offers.version(session, found.version_id)):
            address = {name: request.form.get(name, "") for name in addresses.FIELDS}
            if faults := addresses.faults(address):
                group = _group(session, member_id)
                return _sheet(session, member_id, quote_id, key, group, address, faults), 422
        code = request.form.get("code", "").strip() or None
        proof = confirming.proof(session, config(), found, code, _asker(), clock.now())
        if proof is Proof.WRONG:
            group = _group(session, member_id)
            return _sheet(session, member_id, quote_id, key, group, address or {}, {"code": "wrong"}), 422
        most = day_limit.of(config()) if proof is Proof.NOT_ASKED else None
        asked = {"page": "redeem", "quote": quote}
        answer = idempotency.once(
            session,
            member_id,
            me().actor,
            key,
            asked,
            lambda: (303, _redeem(session, member_id, quote_id, address, most)),
        )
    return redirect(url_for("member_pages.one_redemption", redemption=answer.body), 303)


@blueprint.route("/quotes/<quote>/code", methods=["POST"])
@needs("redemptions:own")
def send_step_up_code(quote: str) -> ResponseReturnValue:
    """The code that this quote needs goes to the member's number; the sheet comes back with what was typed."""
    member_id, quote_id = ids.parse("quo", quote)
    at = clock.now()
    with database.begin() as session:
        found = quotes.find(session, member_id, quote_id, spender(member_id))
        back_to(url_of_offer(found.offer_id), _("Back to the offer"))
        if redemptions.of_quote(session, member_id, quote_id) is None:
            quotes.usable(session, member_id, quote_id, at, spender(member_id))
            confirming.send_again(session, config(), found, _asker(), at)
            address = {name: request.form.get(name, "") for name in addresses.FIELDS}
            if any(address.values()):
                key = idempotency.checked(request.form.get("key"))
                return _sheet(session, member_id, quote_id, key, _group(session, member_id), address)
    return redirect(url_for("member_pages.one_quote", quote=quote), 303)


@blueprint.errorhandler(CodeNeeded)
def code_needed(problem: CodeNeeded) -> ResponseReturnValue:
    """Back to the sheet, which says why a code is asked and has the button to get it; nothing was redeemed."""
    return redirect(url_for("member_pages.one_quote", quote=request.form["quote"]), 303)


@blueprint.route("/redemptions")
@needs("redemptions:own")
def list_redemptions() -> ResponseReturnValue:
    """The member's redemptions, newest first."""
    place = position()
    with database.begin() as session:
        rows = redemptions.all_of(session, me().member_id, before=place[0] if place else None, limit=PAGE + 1)
    return render_template(
        "member/redemptions.html",
        rows=rows[:PAGE],
        next_cursor=cursor(rows[PAGE - 1][0].redemption_id) if len(rows) > PAGE else None,
    )


@blueprint.route("/redemptions/<redemption>")
@needs("redemptions:own")
def one_redemption(redemption: str) -> ResponseReturnValue:
    """Where a redemption stands, what it bought, and cancelling while that is possible."""
    member_id, redemption_id = ids.parse("red", redemption)
    at = clock.now()
    with database.begin() as session:
        row = redemptions.seen_by(session, me().member_id, member_id, redemption_id)
        offer = offers.version(session, row.version_id)
        issued = of_redemption(session, member_id, redemption_id)
        voucher = shelf.find(session, member_id, issued.voucher_id, at) if issued else None
        unused = perk_uses.of(session, row) is None and (
            voucher is None
            or (voucher.state == ISSUED and voucher.voucher.units_left == voucher.voucher.units)
        )
        order = orders.of(session, member_id, redemption_id) if row.kind in (GOODS, BUNDLE) else None
        seat = seats.of_redemption(session, member_id, redemption_id) if row.kind == EVENT else None
        cancellable = unused and not _has_begun(session, row, at) and redemptions.cancellable(row, offer, at)
        return render_template(
            "member/redemption.html",
            row=row,
            seen=_seen(row),
            steps=course.timeline(session, member_id, redemption_id),
            looks=LOOKS_S if row.state in course.OPEN and row.kind != EVENT else (),
            place=choices.place_of(session, seat) if seat else None,
            gift=giving.of(session, member_id, redemption_id) if row.kind == GIFT else None,
            order=order,
            codes=orders.codes(session, config().seal_key, order) if order else [],
            goods_steps=orders.steps(session, member_id, redemption_id) if order else [],
            parts=[
                (part, offers.version(session, part.version_id))
                for part in (bundles.of(session, row) if row.kind == BUNDLE else [])
            ],
            group=_group(session, member_id),
            offer=offer,
            voucher=voucher,
            uses=acceptances.of_voucher(session, member_id, issued.voucher_id) if issued else [],
            disputes=disputing.of_member(session, member_id, issued.voucher_id) if issued else {},
            programme=programmes.by_id(session, me().programme_id),
            spendable=wallets.show(session, member_id, at).spendable,
            cancellable=cancellable,
            rating=ratings.of(session, (member_id, redemption_id), at),
            key=uuid.uuid4(),
        )


@blueprint.route("/redemptions/<redemption>/changed")
@needs("redemptions:own")
def redemption_changed(redemption: str) -> ResponseReturnValue:
    """An open page asks whether it has gone on: then it loads itself again, else it asks later, and at last no more."""
    with database.begin() as session:
        row = redemptions.seen_by(session, me().member_id, *ids.parse("red", redemption))
        if request.args.get("seen") != _seen(row):
            return "", 204, {"HX-Refresh": "true"}
    said = request.args.get("look", "")
    look = int(said) + 1 if said.isascii() and said.isdigit() and len(said) < 3 else len(LOOKS_S)
    return render_template("member/_waiting.html", row=row, seen=_seen(row), looks=LOOKS_S, look=look)


@blueprint.route("/redemptions/<redemption>/seat", methods=["POST"])
@needs("redemptions:own")
def take_seat(redemption: str) -> ResponseReturnValue:
    """Confirm the place at an event that was offered, once: now its points are spent."""
    member_id, redemption_id = ids.parse("red", redemption)
    key = idempotency.checked(request.form.get("key"))
    back_to(_url(member_id, redemption_id), _("Back to your place"))
    asked = {"page": "seat", "redemption": redemption}
    with database.begin() as session:
        redemptions.seen_by(session, me().member_id, member_id, redemption_id)
        idempotency.once(
            session,
            member_id,
            me().actor,
            key,
            asked,
            lambda: (303, seats.confirm(session, member_id, redemption_id, _by(), clock.now()).state),
        )
    return redirect(_url(member_id, redemption_id), 303)


@blueprint.route("/redemptions/<redemption>/cancel", methods=["POST"])
@needs("redemptions:own")
def cancel(redemption: str) -> ResponseReturnValue:
    """Hand it back, once: the points return to the lots they came from."""
    member_id, redemption_id = ids.parse("red", redemption)
    key = idempotency.checked(request.form.get("key"))
    back_to(_url(member_id, redemption_id), _("Back to the redemption"))
    asked = {"page": "cancel", "redemption": redemption}
    with database.begin() as session:
        redemptions.seen_by(session, me().member_id, member_id, redemption_id)
        idempotency.once(
            session,
            member_id,
            me().actor,
            key,
            asked,
            lambda: (303, redemptions.cancel(session, member_id, redemption_id, _by(), clock.now()).state),
        )
    return redirect(_url(member_id, redemption_id), 303)


def _seen(row: Redemption) -> str:
    return f"{row.state}-{row.steps}"


def _has_begun(session: Session, row: Redemption, at: datetime) -> bool:
    """Whether it is a place at an event that has begun, as the event is now."""
    begins_at = offers.by_id(session, row.offer_id, at).event_at if row.kind == EVENT else None
    return begins_at is not None and begins_at <= at


def _redeem(
    session: Session, member_id: int, quote_id: int, address: dict[str, str] | None, most: Most | None
) -> str:
    row = redemptions.redeem(
        session,
        member_id,
        quote_id,
        _by(),
        clock.now(),
        spender_id=spender(member_id),
        details={"confirmed": True} | ({"address": address} if address else {}),
        most=most,
    )
    sharing.count_part(session, row)
    return ids.public("red", member_id, row.redemption_id)


def _asker() -> Asker:
    return Asker(signed_in_with(), request.remote_addr or "")


def _by() -> By:
    return By(me().actor, channels.MEMBER_WEB)


def _group(session: Session, member_id: int) -> Group | None:
    """The group whose points are meant, as its contact sees it; None for the member's own."""
    return None if member_id == me().member_id else spending.visible(session, member_id, me().member_id)


def _url(member_id: int, redemption_id: int) -> str:
    return url_for("member_pages.one_redemption", redemption=ids.public("red", member_id, redemption_id))
