"""HTTP: quote, redeem, look, cancel."""

from datetime import timedelta
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from base import channels, clock, database, ids, pages
from base.auth import one_time_codes
from base.auth.guard import current, needs, signed_in_with
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.bundles import bundles, parts
from catalog.gifts import giving
from catalog.goods import addresses, orders
from catalog.goods.schemas import order_view
from catalog.offers import offers
from catalog.offers.models import BUNDLE, GIFT, GOODS, TRIAL_CARD, VOUCHER, Offer
from catalog.redemptions import confirming, course, day_limit, quotes, redemptions
from catalog.redemptions.confirming import Asker, Proof
from catalog.redemptions.course import By
from catalog.redemptions.day_limit import Most
from catalog.redemptions.models import Redemption
from catalog.redemptions.schemas import (
    ASKED_BY_KIND,
    CodeSentView,
    CourseView,
    QuoteRequest,
    QuoteView,
    RedemptionRequest,
    RedemptionsQuery,
    RedemptionsView,
    RedemptionView,
    gift_view,
    quote_view,
    redemption_view,
    step_view,
)
from catalog.vouchers import life
from merchants.payouts import stripe
from points import programmes
from points.gifts import gifts
from points.groups import spending

blueprint = Blueprint("redemptions", __name__, description="Quotes and redemptions")


@blueprint.route("/quotes", methods=["POST"])
@blueprint.arguments(QuoteRequest)
@blueprint.response(201, QuoteView)
@needs("redemptions:own")
def make_quote(asked: dict[str, Any]) -> dict[str, Any]:
    """The exact price, lots and balance after; nothing is set aside. Of a gift a code goes to the giver's number."""
    me = _me()
    (offer_id,) = ids.parse("off", asked["offer"], parts=1)
    payer, spender_id = _payer(asked["group"])
    if asked["cash_fen"] and not stripe.is_on(config()):
        raise quotes.CardPaymentsOff()
    with gifts.counting_wrong_numbers(me.member_id), database.begin() as session:
        priced = quotes.make(
            session,
            payer,
            offer_id,
            asked["units"],
            clock.now(),
            config().quote_life_s,
            spender_id=spender_id,
            cash_fen=asked["cash_fen"],
            asked={name: asked[name] for name in ASKED_BY_KIND if name in asked},
        )
        services = parts.services_in(session, priced.offer, clock.now())
        receiver = confirming.send(session, config(), priced.quote, clock.now())
        reason = confirming.why(session, config(), priced.quote, asker(), clock.now())
        currency = programmes.by_id(session, me.programme_id).currency
        return quote_view(priced, currency, services, receiver) | {
            "needs_code": reason is not None,
            "code_because": reason,
        }


@blueprint.route("/quotes/<quote>/code", methods=["POST"])
@blueprint.response(202, CodeSentView)
@needs("redemptions:own")
def send_code(quote: str) -> dict[str, Any]:
    """Send the code that a quote needs, a first time or once more; only the latest one counts, for this quote alone."""
    member_id, quote_id = ids.parse("quo", quote)
    at = clock.now()
    with database.begin() as session:
        found = quotes.usable(session, member_id, quote_id, at, _spender(member_id))
        number = confirming.send_again(session, config(), found, asker(), at)
    return {"number": number, "minutes": one_time_codes.LIFE // timedelta(minutes=1)}


@blueprint.route("/redemptions", methods=["POST"])
@blueprint.arguments(RedemptionRequest)
@blueprint.response(201, RedemptionView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def redeem(asked: dict[str, Any]) -> Response:
    """Confirm a quote, which names who pays. Needs Idempotency-Key; the same key gives the same answer for good."""
    member_id, quote_id = ids.parse("quo", asked["quote"])
    with database.begin() as session:
        quote = quotes.find(
            session, member_id, quote_id, _spender(member_id)
        )  # kept, so that it is read once
        kept = addresses.blinded(config().secret_key, asked)
        proof = confirming.proof(session, config(), quote, asked["code"], asker(), clock.now())
        if proof is not Proof.WRONG:
            details = {"confirmed": True} | ({"address": asked["address"]} if asked["address"] else {})
            most = day_limit.of(config()) if proof is Proof.NOT_ASKED else None
            return answer_once(
                session, member_id, kept, lambda: (201, _redeem(session, member_id, quote_id, details, most))
            )
    raise confirming.refusal(quote)  # the wrong try is counted by now


@blueprint.route("/redemptions")
@blueprint.arguments(RedemptionsQuery, location="query")
@blueprint.response(200, RedemptionsView)
@needs("redemptions:own")
def list_redemptions(query: dict[str, Any]) -> dict[str, Any]:
    """The member's redemptions, or those made for a group, newest first."""
    key, limit = f"redemptions:{query['group'] or ''}:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    payer, spender_id = _payer(query["group"])
    with database.begin() as session:
        if spender_id is not None:
            spending.visible(session, payer, spender_id)
        rows = redemptions.all_of(
            session, payer, before=place[0] if place else None, limit=limit + 1, spender_id=spender_id
        )
        data = [_view(session, row, offer) for row, offer in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1][0].redemption_id) if more else None,
    }


@blueprint.route("/redemptions/<redemption>")
@blueprint.response(200, CourseView)
@needs("redemptions:own")
def one_redemption(redemption: str) -> dict[str, Any]:
    """One redemption, where it stands, and how it came there."""
    with database.begin() as session:
        row = redemptions.seen_by(session, _me().member_id, *ids.parse("red", redemption))
        view = _view(session, row, offers.version(session, row.version_id))
        order = orders.of(session, row.member_id, row.redemption_id) if row.kind in (GOODS, BUNDLE) else None
        gift = giving.of(session, row.member_id, row.redemption_id) if row.kind == GIFT else None
        steps = orders.timeline if order else course.timeline
        return view | {
            "timeline": [step_view(step) for step in steps(session, row.member_id, row.redemption_id)],
            "gift": gift and gift_view(gift),
            "goods": order and order_view(order, orders.codes(session, config().seal_key, order)),
            "parts": [
                {
                    "names": offers.version(session, part.version_id).names,
                    "kind": part.kind,
                    "units": part.units,
                    "state": part.state,
                }
                for part in (bundles.of(session, row) if row.kind == BUNDLE else [])
            ],
        }


@blueprint.route("/redemptions/<redemption>/cancel", methods=["POST"])
@blueprint.response(200, RedemptionView)
@blueprint.doc(**IDEMPOTENT)
@needs("redemptions:own")
def cancel(redemption: str) -> Response:
    """Hand it back where the offer allows it: the points return to the lots they came from. Needs Idempotency-Key."""
    member_id, redemption_id = ids.parse("red", redemption)
    with database.begin() as session:
        redemptions.seen_by(session, _me().member_id, member_id, redemption_id)
        return answer_once(
            session, member_id, None, lambda: (200, _cancel(session, member_id, redemption_id))
        )


def asker() -> Asker:
    """Where the caller confirms."""
    return Asker(signed_in_with(), request.remote_addr or "")


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _payer(group: str | None) -> tuple[int, int | None]:
    """Whose points are meant, and who spends them where they are a group's."""
    me = _me().member_id
    return (me, None) if group is None else (ids.parse("grp", group, parts=1)[0], me)


def _spender(member_id: int) -> int | None:
    """The caller, where something belongs to another member: then to a group, or to nobody the caller knows."""
    return None if member_id == _me().member_id else _me().member_id


def _redeem(
    session: Session, member_id: int, quote_id: int, details: dict[str, Any], most: Most | None
) -> dict[str, Any]:
    by, spender_id = By(_me().actor, channels.MEMBER_WEB), _spender(member_id)
    row = redemptions.redeem(
        session, member_id, quote_id, by, clock.now(), spender_id=spender_id, details=details, most=most
    )
    return _view(session, row, offers.version(session, row.version_id))


def _cancel(session: Session, member_id: int, redemption_id: int) -> dict[str, Any]:
    by = By(_me().actor, channels.MEMBER_WEB)
    row = redemptions.cancel(session, member_id, redemption_id, by, clock.now())
    return _view(
        session, redemptions.find(session, member_id, redemption_id), offers.version(session, row.version_id)
    )


def _view(session: Session, row: Redemption, offer: Offer) -> dict[str, Any]:
    has_one = row.kind in (VOUCHER, TRIAL_CARD, BUNDLE)  # that of a gift is the receiver's
    voucher_id = row.issued
    if has_one and voucher_id is None:
        voucher_id = life.id_of_redemption(session, row.member_id, row.redemption_id)
    return redemption_view(row, offer, voucher_id)
