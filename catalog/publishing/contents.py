"""The content of an offer as a document of plain JSON, which a draft holds and a proposal hashes, and back into a version.

A key that is not there has not been filled in yet; `stock` null says "no limit", `from_at` null "from the approval on".
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import ids
from catalog.offers.models import BASIC, Offer
from merchants import merchants
from points.models import Programme

AS_THEY_ARE = (
    "category", "city", "names", "texts", "terms", "pictures", "eligibility", "limits", "most_units", "cancellable",
    "voucher_days", "form", "value_fen", "cost_fen", "cash_choices", "approval_class",
)  # fmt: skip
MOMENTS = ("event_at", "until_at")
EMPTY: dict[str, Any] = {
    "names": {},
    "texts": {},
    "terms": {},
    "pictures": [],
    "eligibility": {},
    "limits": [],
    "form": {},
    "cash_choices": [],
    "most_units": 1,
    "approval_class": BASIC,
}
IN_A_VERSION = (*AS_THEY_ARE, *MOMENTS, "from_at", "merchant", "budget", "currency")
FIELDS = (*AS_THEY_ARE, *MOMENTS, "from_at", "merchant", "budget", "stock", "currency", "case")


def values_of(session: Session, document: dict[str, Any]) -> dict[str, Any]:
    """What a version says, without its first moment; MerchantUnknown, NotFound (a budget's id that is none)."""
    merchant, budget = document.get("merchant"), document.get("budget")
    values = {name: _filled(document, name) for name in AS_THEY_ARE}
    values |= {name: moment(document.get(name)) for name in MOMENTS}
    values["merchant_id"] = merchants.by_code(session, merchant).merchant_id if merchant else None
    values["budget_id"] = ids.parse("bud", budget, parts=1)[0] if budget else None
    return values


def document_of(session: Session, offer: Offer, programme: Programme) -> dict[str, Any]:
    """What a version says, as a document; without a stock, for that belongs to the offer and not to a version."""
    document = {name: getattr(offer, name) for name in AS_THEY_ARE}
    document |= {name: _text(getattr(offer, name)) for name in (*MOMENTS, "from_at")}
    document["currency"] = programme.currency
    document["merchant"] = (
        merchants.by_id(session, offer.merchant_id).code if offer.merchant_id is not None else None
    )
    document["budget"] = ids.public("bud", offer.budget_id) if offer.budget_id is not None else None
    return document


def moment(text: str | None) -> datetime | None:
    """A moment of a document."""
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _filled(document: dict[str, Any], name: str) -> Any:
    found = document.get(name)
    return EMPTY.get(name) if found is None else found
