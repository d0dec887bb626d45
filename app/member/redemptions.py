"""From the quote to its redemption: the sheet to confirm, confirming, the result, the list, cancelling."""

import uuid
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position, spender
from app.member.offers import cancel_rule
from app.member.offers import url_of as url_of_offer
from base import channels, clock, database, idempotency, ids
from base.auth.guard import needs
from base.http.settings import config
from catalog.bundles import bundles, parts
from catalog.disputes import disputing
from catalog.gifts import confirming
from catalog.goods import addresses, goods, orders
from catalog.offers import offers
from catalog.offers.models import BUNDLE, EVENT, GOODS
from catalog.perks import uses as perk_uses
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.models import Redemption
from catalog.vouchers import shelf
from catalog.vouchers.life import of_redemption
from catalog.vouchers.models import ISSUED
from merchants import acceptances
from points import lots, programmes
from points.groups import spending
from points.groups.models import Group
from points.wallets import wallets


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
    priced = quotes.shown(session, member_id, quote_id, clock.now(), spender(member_id))
    return render_template(
        "member/quote.html",
        priced=priced,
        group=group,
        quote_id=ids.public("quo", member_id, quote_id),
        key=key,
        no_end=lots.NO_END,
        programme=programmes.by_id(session, me().programme_id),
        cancel_rule=cancel_rule(priced.offer),
        back_url=url_of_offer(priced.offer.offer_id),
        services=parts.services_in(session, priced.offer, clock.now()),
        receiver=confirming.receiver(session, config(), priced.quote),
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
        if not confirming.right(session, config(), found, request.form.get("code"), clock.now()):
            group = _group(session, member_id)
            return _sheet(session, member_id, quote_id, key, group, {}, {"code": "wrong"}), 422
        asked = {"page": "redeem", "quote": quote}
        answer = idempotency.once(
            session,
            member_id,
            me().actor,
            key,
            asked,
            lambda: (303, _redeem(session, member_id, quote_id, address)),
        )
    return redirect(url_for("member_pages.one_redemption", redemption=answer.body), 303)


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
        return render_template(
            "member/redemption.html",
            row=row,
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
            cancellable=unused
            and not _has_begun(session, row, at)
            and redemptions.cancellable(row, offer, at),
            key=uuid.uuid4(),
        )


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


def _has_begun(session: Session, row: Redemption, at: datetime) -> bool:
    """Whether it is a place at an event that has begun, as the event is now."""
    begins_at = offers.by_id(session, row.offer_id, at).event_at if row.kind == EVENT else None
    return begins_at is not None and begins_at <= at


def _redeem(session: Session, member_id: int, quote_id: int, address: dict[str, str] | None) -> str:
    row = redemptions.redeem(
        session,
        member_id,
        quote_id,
        _by(),
        clock.now(),
        spender_id=spender(member_id),
        details={"confirmed": True} | ({"address": address} if address else {}),
    )
    return ids.public("red", member_id, row.redemption_id)


def _by() -> By:
    return By(me().actor, channels.MEMBER_WEB)


def _group(session: Session, member_id: int) -> Group | None:
    """The group whose points are meant, as its contact sees it; None for the member's own."""
    return None if member_id == me().member_id else spending.visible(session, member_id, me().member_id)


def _url(member_id: int, redemption_id: int) -> str:
    return url_for("member_pages.one_redemption", redemption=ids.public("red", member_id, redemption_id))
