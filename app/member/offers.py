"""What points can buy: the list, one offer, and the way to its quote."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.member import cards, choices, refusals
from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position, whole, why_not_redeeming
from base import clock, database, ids
from base.auth.guard import needs
from base.http.settings import config
from catalog.bundles import parts
from catalog.gifts.greetings import GREETINGS
from catalog.offers import offers
from catalog.offers.cards import Card
from catalog.offers.listing import Asked
from catalog.offers.models import VOUCHER
from catalog.offers.schemas import KINDS
from catalog.offers.search import MOST_QUERY
from catalog.redemptions import confirming, quotes
from catalog.sharing import sharing
from catalog.vouchers import conditions
from merchants import merchants
from points.gifts import gifts
from points.groups import spending
from points.members.areas import AREA
from points.wallets import wallets


@blueprint.route("/offers")
@needs("offers:read")
def list_offers() -> ResponseReturnValue:
    """Live offers, cheapest first or best first, narrowed by what the address says; what it says wrongly narrows nothing."""
    place, at, asked = position(), clock.now(), _asked()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        after = (place[0], place[1]) if place else None
        shelf = cards.page(session, shown, at, asked, after=after, limit=PAGE)
    return render_template(
        "member/offers.html",
        shelf=shelf,
        asked=asked,
        narrowed=bool(asked.kind or asked.category or asked.area or asked.text or asked.affordable),
        next_cursor=cursor(*shelf.next) if shelf.next else None,
        spendable=shown.spendable,
        programme=shown.programme,
        kinds=KINDS,
        most_text=MOST_QUERY,
    )


def _asked() -> Asked:
    said = request.args
    kind, area, sort = said.get("kind"), said.get("area", ""), said.get("sort")
    return Asked(
        kind if kind in KINDS else None,
        category=said.get("category") or None,
        area=area if AREA.fullmatch(area) else None,
        text=said.get("q", "")[:MOST_QUERY].strip(),
        affordable=said.get("affordable") == "1",
        sort=sort if sort in cards.SORTS else cards.SORTS[0],
    )


@blueprint.route("/offers/<offer>")
@needs("offers:read")
def one_offer(offer: str) -> ResponseReturnValue:
    """One offer, where it can be used, and the form that asks for its price."""
    at = clock.now()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        card = cards.one(session, shown, at, _offer_id(offer))
        found = offers.find(session, _offer_id(offer), shown.programme.programme_id, at)
        refusal = why_not_redeeming(session, shown)
        merchant_id = found.offer.merchant_id
        for_groups = found.offer.kind not in quotes.FOR_ONESELF
        payers = spending.mine(session, me().member_id, at) if for_groups else []
        most_points = max([shown.spendable, *(left.left for _group, left in payers)])
        return render_template(
            "member/offer.html",
            offer=found.offer,
            card=card,
            shown=shown,
            closed=refusals.detail(card.closed) if card and card.closed else None,
            refusal=refusal and (refusal, refusals.detail(refusal), refusals.next_step(refusal)),
            most_units=_most_units(card, most_points) if card else 0,
            payers=payers,
            merchant=merchants.by_id(session, merchant_id) if merchant_id else None,
            services=parts.services_in(session, found.offer, at),
            outlets=conditions.outlets(session, found.offer) if merchant_id else [],
            conditions=conditions.said(session, found.offer) if found.offer.kind == VOUCHER else [],
            perk=choices.of_perk(session, found.offer, shown),
            place=choices.place_at(session, found.offer, me().member_id),
            greetings=GREETINGS,
            may_share=sharing.may_be_shared(session, found.offer),
        )


@blueprint.route("/quotes", methods=["POST"])
@needs("redemptions:own")
def make_quote() -> ResponseReturnValue:
    """The exact price; nothing is set aside, so asking twice is harmless and needs no key."""
    offer_id = _offer_id(request.form.get("offer", ""))
    back_to(url_of(offer_id), _("Back to the offer"))
    units = whole("units", least=1, most=10**6)
    group = request.form.get("payer")
    payer = ids.parse("grp", group, parts=1)[0] if group else me().member_id
    with gifts.counting_wrong_numbers(me().member_id), database.begin() as session:
        life_s, spender_id = config().quote_life_s, me().member_id if group else None
        found = offers.find(session, offer_id, me().programme_id, clock.now())
        priced = quotes.make(
            session,
            payer,
            offer_id,
            units,
            clock.now(),
            life_s,
            spender_id=spender_id,
            asked=choices.asked(found.offer),
        )
        confirming.send(session, config(), priced.quote, clock.now())
        quote_id = priced.quote.quote_id
    return redirect(url_for("member_pages.one_quote", quote=ids.public("quo", payer, quote_id)), 303)


def url_of(offer_id: int) -> str:
    """The page of an offer."""
    return url_for("member_pages.one_offer", offer=ids.public("off", offer_id))


def _offer_id(text: str) -> int:
    return ids.parse("off", text, parts=1)[0]


def _most_units(card: Card, spendable: int) -> int:
    """How many the form lets the member choose; the rules look again."""
    within = min(card.offer.most_units, spendable // max(1, card.price_points))
    return max(1, within if card.left_over is None else min(within, card.left_over))
