"""Sharing an offer: the member's link with its picture and its reach; the page that anybody sees who opens it."""

import segno
from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, _, back_to, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import current, needs, open_to_all
from base.auth.principals import Member
from base.channels import MEMBER_WEB
from base.http.settings import config
from catalog.offers import listing, offers
from catalog.offers.listing import Shown
from catalog.offers.models import Offer
from catalog.rates.rates import NoRateInForce
from catalog.redemptions.models import Redemption
from catalog.sharing import sharing
from catalog.sharing.models import ShareLink
from catalog.sharing.sharing import Reach, ShareUnknown
from merchants import merchants
from points import programmes

CAME_BY = "came_by"  # of the browser's session: the link by which somebody came
GO_ON = "go_on"  # and that the sign-in is to lead on to it, once


@blueprint.route("/offers/<offer>/share", methods=["POST"])
@needs("offers:read")
def share_offer(offer: str) -> ResponseReturnValue:
    """Make the member's link; it is the same whenever it is asked for, so this needs no key."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    back_to(url_for("member_pages.one_offer", offer=offer), _("Back to the offer"))
    with database.begin() as db:
        at = clock.now()
        listing.one(db, listing.reader(db, me().programme_id, me().member_id, at, MEMBER_WEB), offer_id)
        sharing.share(db, config(), me().member_id, offers.by_id(db, offer_id, at), at)
    return redirect(url_for("member_pages.shared_offer", offer=offer), 303)


@blueprint.route("/offers/<offer>/share")
@needs("offers:read")
def shared_offer(offer: str) -> ResponseReturnValue:
    """The link to copy, to send or to show, and how far it has reached."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    with database.begin() as db:
        link = sharing.mine(db, me().member_id, offer_id)
        if link is None:
            return redirect(url_for("member_pages.one_offer", offer=offer), 303)
        reach = sharing.reach_of_links(db, [link.code])[link.code]
        shared = offers.by_id(db, offer_id, clock.now())
    url = url_for("member_pages.open_link", code=link.code, _external=True)
    drawn = segno.make(url, error="m", micro=False, boost_error=False)
    picture = str(drawn.svg_data_uri(border=2, omitsize=True))
    return render_template(
        "member/share.html", offer=shared, offer_id=offer, url=url, picture=picture, reach=reach
    )


@blueprint.route("/shares")
@needs("offers:read")
def list_shares() -> ResponseReturnValue:
    """What the member shares, each with how often it was opened and how many took part."""
    place = position()
    with database.begin() as db:
        links = sharing.of_member(db, me().member_id, after=int(place[0]) if place else None, limit=PAGE + 1)
        reach = sharing.reach_of_links(db, [link.code for link in links])
        names = offers.names_of(db, {link.offer_id for link in links}, clock.now())
    rows: list[tuple[ShareLink, dict[str, str], Reach]] = [
        (link, names.get(link.offer_id, {}), reach[link.code]) for link in links[:PAGE]
    ]
    return render_template(
        "member/shares.html",
        rows=rows,
        next_cursor=cursor(links[PAGE - 1].offer_id) if len(links) > PAGE else None,
    )


@blueprint.route("/s/<code>")
@open_to_all
def open_link(code: str) -> ResponseReturnValue:
    """What is shared, for anybody: title, price, merchant; who shares it is not told. Opened counts once a day."""
    at = clock.now()
    with database.begin() as db:
        link = sharing.find(db, code)
        offer = _shared(db, link)
        programme = programmes.by_id(db, offer.programme_id)
        shown = _for_anybody(db, offer, link)
        merchant = merchants.by_id(db, offer.merchant_id) if offer.merchant_id else None
        if request.method == "GET" and "Sec-Purpose" not in request.headers and not _is_own(link):
            visitor = f"{request.remote_addr} {request.user_agent.string}"
            sharing.opened(db, config(), link, visitor, clock.day(at, programme.zone))
        return render_template(
            "member/shared.html",
            offer=offer,
            shown=shown,
            merchant=merchant,
            programme=programme,
            code=link.code,
        )


@blueprint.route("/s/<code>/open")
@open_to_all
def follow_link(code: str) -> ResponseReturnValue:
    """On to the offer itself, over the sign-in if need be; by which link is remembered in the browser's session alone."""
    with database.begin() as db:
        link = sharing.find(db, code)
        _shared(db, link)
    if not _is_own(link):
        session[CAME_BY], session[GO_ON] = link.code, not isinstance(current(), Member)
    return redirect(url_for("member_pages.one_offer", offer=ids.public("off", link.offer_id)), 303)


def came() -> str | None:
    """The offer to go to after a sign-in to which a link led; None: none did."""
    if not session.pop(GO_ON, False):
        return None
    with database.begin() as db:
        try:
            offer_id = sharing.find(db, session[CAME_BY]).offer_id
        except ShareUnknown:
            return None
    return url_for("member_pages.one_offer", offer=ids.public("off", offer_id))


def count_part(db: Session, redemption: Redemption) -> None:
    """Who came by a link and redeemed what it leads to is counted with the redemption."""
    code = session.get(CAME_BY)
    if code is not None:
        zone = programmes.by_id(db, me().programme_id).zone
        sharing.took_part(db, config(), code, redemption, clock.day(redemption.at, zone))


def _shared(db: Session, link: ShareLink) -> Offer:
    """The offer as it is now; ShareUnknown for one that has become somebody's own."""
    offer = offers.by_id(db, link.offer_id, clock.now())
    if not sharing.may_be_shared(db, offer):
        raise ShareUnknown()
    return offer


def _for_anybody(db: Session, offer: Offer, link: ShareLink) -> Shown | None:
    """Price and state for nobody in particular; None: it has no price."""
    try:
        reader = listing.reader(db, offer.programme_id, None, clock.now(), MEMBER_WEB)
        return listing.one(db, reader, link.offer_id)
    except NoRateInForce:
        return None


def _is_own(link: ShareLink) -> bool:
    who = current()
    return isinstance(who, Member) and who.member_id == link.member_id
