"""Offers with what they cost today, and every version of rates, earn rules and expiry policies."""

from collections.abc import Callable, Hashable, Iterable
from datetime import date
from typing import Any, TypeVar

from flask import Blueprint
from flask.typing import ResponseReturnValue

from admin.console import words
from admin.console.http import PAGE, chosen, cut, page, position
from base import clock, database
from base.auth.guard import needs
from base.money import BASIS_POINTS
from catalog.offers import offers
from catalog.offers.offers import Listed
from catalog.rates import listing, rates
from catalog.rates.rates import NoRateInForce
from catalog.rates.scopes import Book, scope_of
from points import explain, policies, waiting
from points.members import areas

WHEN = {listing.CURRENT: "now", listing.FUTURE: "later", listing.PAST: "before", listing.WITHDRAWN: "never"}
Version = TypeVar("Version")

blueprint = Blueprint("offers", __name__)


@blueprint.route("/offers")
@needs("offers:read")
def offer_list() -> ResponseReturnValue:
    """All offers: price today, what it is worth against bill credit, what is left."""
    place, at = position("offers"), clock.now()
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/offers.html", **choice)
        begun = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
        after = (str(place[0]), int(place[1])) if place else None
        listed = offers.of_every_state(session, programme.programme_id, at, after=after, limit=PAGE + 1)
    rows, after_this = cut("offers", listed, lambda one: [one.offer.kind, one.offer.offer_id])
    return page(
        "console/offers.html",
        **choice,
        rows=[_priced(one, begun) for one in rows],
        after=after_this,
        words=words,
        at=at,
    )


@blueprint.route("/rates")
@needs("rates:read")
def rate_list() -> ResponseReturnValue:
    """What points buy, how they arise, how long they live: every version, those in force marked."""
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/rates.html", **choice)
        today = clock.day(clock.now(), programme.zone)
        prices = rates.versions(session, programme.programme_id)
        rules = policies.load(session, programme.programme_id)
        newest_first = sorted(prices, key=lambda rate: rate.from_day, reverse=True)
        newest_first.sort(key=lambda rate: scope_of(rate).place)
        named = {rate.offer_id for rate in prices if rate.offer_id is not None}
        names = offers.names_of(session, named, clock.now())
        places = {rate.area: areas.full_name(session, rate.area) for rate in prices if rate.area}
        waits = waiting.counts(session, programme.programme_id)
    return page(
        "console/rates.html",
        **choice,
        rates=[{"row": rate, "when": WHEN[listing.state(rate, today)]} for rate in newest_first],
        earn_rules=_versions(rules.earn_rules, lambda rule: rule.line_type, today),
        factors=_versions(
            rules.factors,
            lambda one: (one.kind, one.line_type or "", one.tier or "", one.least_years or 0),
            today,
        ),
        waits=waits,
        tier_name=explain.tier_name,
        expiry=_versions(rules.expiry, lambda policy: policy.lot_class, today),
        names=names,
        places=places,
        words=words,
        today=today,
    )


def _priced(one: Listed, begun: Book) -> dict[str, Any]:
    """The offer with its points and its premium: worth against the same points as bill credit, basis points more."""
    offer = one.offer
    try:
        price_points = rates.price(rates.resolve(begun, offer), offer.value_fen)
    except NoRateInForce:
        return {
            "offer": offer,
            "state": one.state,
            "left_over": one.left_over,
            "price_points": None,
            "premium_bp": None,
        }
    as_credit = rates.worth(begun, price_points)
    premium = offer.value_fen * BASIS_POINTS // as_credit - BASIS_POINTS if as_credit else None
    return {
        "offer": offer,
        "state": one.state,
        "left_over": one.left_over,
        "price_points": price_points,
        "premium_bp": premium,
    }


def _versions(
    rows: Iterable[Version], scope: Callable[[Version], Hashable], today: date
) -> list[dict[str, Any]]:
    """The versions by scope, newest first, each "now", "later" or "before"."""
    found: list[dict[str, Any]] = []
    in_force: set[Hashable] = set()
    for row in sorted(rows, key=lambda row: row.from_day, reverse=True):  # type: ignore[attr-defined]
        begun = row.from_day <= today  # type: ignore[attr-defined]
        when = "later" if not begun else "before" if scope(row) in in_force else "now"
        if begun:
            in_force.add(scope(row))
        found.append({"row": row, "when": when})
    return sorted(found, key=lambda one: str(scope(one["row"])))
