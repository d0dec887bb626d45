"""Step three, the matched resource: a merchant with terms in force, or an event; and what the kind itself asks for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock
from base.errors import NotFound, Problem
from catalog.offers import forms
from catalog.offers.models import EVENT, GIFT, TRIAL_CARD, VOUCHER, Offer
from catalog.publishing import contents
from catalog.publishing.faults import MerchantNotActive, OfferIncomplete, OtherCurrency
from merchants import merchants, terms
from points.models import Programme

OF_A_MERCHANT = frozenset({VOUCHER, TRIAL_CARD, GIFT})
ACTIVE = "active"


def values(session: Session, document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The values of a document, and what it names that is not there; without that, where it is not."""
    try:
        return contents.values_of(session, document), []
    except merchants.MerchantUnknown as unknown:
        rest, others = values(session, document | {"merchant": None})
        return rest, [merchants.MerchantUnknown(field="merchant", **unknown.facts), *others]
    except NotFound:
        return contents.values_of(session, document | {"budget": None}), [NotFound(field="budget")]


def faults(
    session: Session, programme: Programme, offer: Offer, document: dict[str, Any], starts_at: datetime
) -> list[Problem]:
    """What is missing or wrong with who gives it."""
    found: list[Problem] = []
    if offer.kind in OF_A_MERCHANT:
        found += [
            OfferIncomplete(field=field)
            for field in ("merchant", "voucher_days")
            if document.get(field) is None
        ]
    if offer.kind == EVENT and offer.event_at is None:
        found.append(OfferIncomplete(field="event_at"))
    if offer.merchant_id is not None:
        found += _of_merchant(session, programme, offer.merchant_id, starts_at)
    return found


def form_faults(offer: Offer) -> Iterator[Problem]:
    """What the kind's own form refuses."""
    try:
        forms.check(offer)
    except Problem as refused:
        yield type(refused)(refused.detail, **{"field": "form"} | refused.facts)


def _of_merchant(
    session: Session, programme: Programme, merchant_id: int, starts_at: datetime
) -> Iterator[Problem]:
    merchant = merchants.by_id(session, merchant_id)
    if merchant.state != ACTIVE:
        yield MerchantNotActive(field="merchant", state=merchant.state)
    if merchant.currency != programme.currency:
        yield OtherCurrency(field="merchant", currency=merchant.currency)
    try:
        terms.in_force(session, merchant_id, clock.day(starts_at, merchant.zone))
    except terms.NoTermsInForce as none:
        yield terms.NoTermsInForce(none.detail, field="merchant", **none.facts)
