"""Offers in the console: a list with filters that is a file as well, and one offer with its versions, figures and life."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.offers import compared
from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, chosen, cut, once, page, position
from admin.console.offer_drafts.choices import merchants_of
from admin.console.offers import prices
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, NotAllowed, Problem
from base.http.problems import body_of, status_of
from base.web.i18n import both
from catalog.offers import categories, offers
from catalog.offers.models import HISTORY, PAUSED, OfferState
from catalog.offers.offers import OfferUnknown
from catalog.offers.search import MOST_QUERY
from catalog.publishing import contents, drafts, life, listing, proposals
from catalog.publishing.listing import Row, Wanted
from catalog.rates import rates
from catalog.rates.scopes import Book
from catalog.ratings import offers as ratings
from catalog.sharing import sharing
from catalog.stock import standing
from catalog.stock.models import Stock
from merchants import merchants
from merchants.models import Merchant
from points import programmes

PAUSES = "offers:pause"
COLUMNS = ("id", "code", "kind", "category", "name", "state", "merchant", "worth_fen", "cost_fen", "points", "premium_bp", "in_stock", "from", "until")  # fmt: skip
Deed = Callable[[Session, Principal, int, str, datetime], OfferState]

blueprint = Blueprint("offers", __name__)


@blueprint.route("/offers")
@needs("offers:read")
def offer_list() -> ResponseReturnValue:
    """Offers of a programme, of those kinds and states that the address says; with ?csv=1 all of them as a file."""
    place, at = position("offers"), clock.now()
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/offers.html", **choice)
        wanted, as_file = _wanted(session), sheets.is_asked()
        book = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
        after = (str(place[0]), int(place[1])) if place and not as_file else None
        most = sheets.MOST if as_file else PAGE + 1
        found = listing.listed(session, programme.programme_id, wanted, at, after=after, limit=most)
        named = select(Merchant).where(Merchant.merchant_id.in_({one.offer.merchant_id for one in found}))
        partners = {one.merchant_id: one for one in session.scalars(named)}
        if as_file:
            lines = (_cells(one, book, partners, at) for one in found)
            return sheets.of_list(session, "offers", COLUMNS, lines)
        rows, after_this = cut("offers", found, lambda one: [one.offer.kind, one.offer.offer_id])
        reach = sharing.reach_of_offers(session, {one.offer.offer_id for one in rows})
        partners_there = merchants_of(session, programme.currency)
    person = current()
    return page(
        "console/offers.html",
        **choice,
        rows=[{"row": one, "state": one.life(at), "priced": prices.of(one.offer, book)} for one in rows],
        partners=partners,
        reach=reach,
        after=after_this,
        as_file=bool(rows),
        filters={name: request.args.get(name, "") for name in ("kind", "state", "category", "merchant", "q")},
        kinds=[("", ""), *((kind, words.OFFER_KINDS[kind]) for kind in words.OFFER_KINDS if kind != HISTORY)],
        states=[("", ""), *((state, words.OFFER_STATES[state][0]) for state in life.OF_OFFERS)],
        categories=[("", ""), *((code, both(names)) for code, names in categories.CATEGORIES.items())],
        merchants=[("", ""), *partners_there],
        most_query=MOST_QUERY,
        may_read=proposals.READS in person.permissions,
        may_write=proposals.PROPOSES in person.permissions,
        words=words,
        at=at,
    )


@blueprint.route("/offers/<offer>")
@needs(proposals.READS)
def one_offer(offer: str) -> ResponseReturnValue:
    """One offer: what it is now, what it costs and is worth, every version, what became of shares, how it is rated."""
    return _one(offer)


def _wanted(session: Session) -> Wanted:
    """What the address asks for; what it says wrongly narrows nothing, but for a merchant that is not there."""
    said = {name: request.args.get(name, "").strip() for name in ("kind", "state", "category", "merchant")}
    q = request.args.get("q", "")[:MOST_QUERY].strip()
    return Wanted(
        said["kind"] if said["kind"] in words.OFFER_KINDS else None,
        said["state"] if said["state"] in life.OF_OFFERS else None,
        said["category"] if said["category"] in categories.CATEGORIES else None,
        q or None,
        merchants.by_code(session, said["merchant"]).merchant_id if said["merchant"] else None,
    )


def _cells(one: Row, book: Book, partners: dict[int, Merchant], at: datetime) -> Sequence[Any]:
    offer, priced = one.offer, prices.of(one.offer, book)
    merchant = partners.get(offer.merchant_id or 0)
    return (
        ids.public("off", offer.offer_id), offer.code, offer.kind, offer.category, both(offer.names), one.life(at),
        merchant.code if merchant else None, offer.value_fen, offer.cost_fen, priced.price_points, priced.premium_bp,
        one.left_over, offer.from_at.isoformat(), offer.until_at.isoformat() if offer.until_at else None,
    )  # fmt: skip


def _one(offer: str, problem: Problem | None = None) -> str:
    (offer_id,) = ids.parse("off", offer, parts=1)
    at, person = clock.now(), current()
    with database.begin() as session:
        state = session.get(OfferState, offer_id)
        if state is None or state.kind == HISTORY:
            raise OfferUnknown()
        programme = programmes.by_id(session, state.programme_id)
        found = offers.find(session, offer_id, state.programme_id, at)
        row = Row(found.offer, state, found.left_over)
        book = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
        merchant = merchants.by_id(session, found.offer.merchant_id) if found.offer.merchant_id else None
        versions = drafts.versions_of(session, offer_id)
        texts = [contents.document_of(session, one, programme) for one in versions]
        paused = session.get(StaffRow, state.paused_by) if state.paused_by else None
        stock = session.get(Stock, offer_id)
        in_areas = standing.in_areas(session, offer_id) if stock else {}
        reach = sharing.reach_of_offers(session, [offer_id]).get(offer_id)
        rated = ratings.of_offer(session, offer_id, programme.zone, at)
    begun = [one.version_id for one in versions if one.from_at <= at]
    told = [
        {
            "row": one,
            "id": ids.public("ofv", one.version_id),
            "when": "now" if begun and one.version_id == begun[-1] else "later" if one.from_at > at else "before",
            "changes": [line for line in compared(texts[number - 1], texts[number]) if line.differs and number] if number else [],
            "proposal": url_of(proposals.KIND, one.proposal_id) if one.proposal_id else None,
        }
        for number, one in enumerate(versions)
    ]  # fmt: skip
    return page(
        "console/offer.html",
        programme=programme,
        id=offer,
        offer=found.offer,
        state=row.life(at),
        row=state,
        paused_by=paused.name if paused else None,
        may_end=state.state == PAUSED and state.paused_by != getattr(person, "staff_id", None),
        priced=prices.of(found.offer, book),
        credit_per_100=rates.worth(book, 100),
        merchant=merchant,
        lines=compared(None, texts[[one.version_id for one in versions].index(found.offer.version_id)]),
        versions=list(reversed(told)),
        left_over=found.left_over,
        stock=stock,
        in_areas=in_areas,
        reach=reach,
        rated=rated,
        may_pause=PAUSES in person.permissions,
        may_write=proposals.PROPOSES in person.permissions,
        problem=problem and body_of(problem, status_of(type(problem))),
        key=uuid.uuid4(),
        words=words,
        at=at,
    )


def _life(verb: str, deed: Deed) -> None:
    """One way of changing whether an offer is open: its reason is asked, and for the last one its code."""

    def view(offer: str) -> ResponseReturnValue:
        (offer_id,) = ids.parse("off", offer, parts=1)

        def effect(session: Session) -> str:
            state = session.get(OfferState, offer_id)
            if verb == "end" and state is not None and request.form.get("code", "").strip() != state.code:
                raise OtherCode(field="code")
            return deed(
                session, current(), offer_id, request.form.get("reason", "").strip(), clock.now()
            ).state

        try:
            once(effect)
        except (Conflict, Invalid, NotAllowed) as problem:
            return make_response(_one(offer, problem), status_of(type(problem)))
        return redirect(f"/staff/offers/{offer}", 303)

    blueprint.add_url_rule(f"/offers/<offer>/{verb}", verb, needs(PAUSES)(view), methods=["POST"])


class OtherCode(Invalid):
    """What ends for good is named by its code."""

    zh = "永久终止前请输入该权益的代码。"
    next_en, next_zh = (
        "Type the code of this offer, exactly as it is shown.",
        "请准确输入页面上显示的权益代码。",
    )


for _verb, _deed in (("pause", life.pause), ("resume", life.resume), ("end", life.end)):
    _life(_verb, _deed)
