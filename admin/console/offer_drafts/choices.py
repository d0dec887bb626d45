"""What can be chosen in the editor: the names of all lists that a field may take a value from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids
from base.auth.principals import Principal
from base.channels import CHANNELS
from base.web.i18n import both
from base.web.i18n import lazy_gettext as _
from catalog.budgets import standing as budgets
from catalog.goods.models import CLASSES as GOODS_CLASSES
from catalog.goods.models import CONSUMABLE, ELECTRONIC, GIFT
from catalog.offers import categories
from catalog.offers.limits import ALL, DAY, EVER, MEMBER, MONTH, YEAR
from catalog.offers.models import BUNDLE, ENDED, PERK, VOUCHER, OfferState
from catalog.perks.forms import ENTITLEMENT, GIVEN_BACK, POINTS, USED
from catalog.publishing.classes import CLASSES
from catalog.publishing.matching import ACTIVE
from catalog.vouchers.forms import FIXED_PRICE, MEMBER_DAY, PERCENT, VALUE
from merchants import merchants
from merchants.models import Merchant
from points.groups.models import CLASSES as GROUP_CLASSES
from points.groups.models import RANKS
from points.lines.words import STATES
from points.members import areas
from points.members.attributes import HIGHEST_RISK
from points.models import Programme
from points.preferences.preferences import ALL_INTERESTS
from points.segments import segments
from points.segments.words import CLASS_WORDS, RANK_WORDS

MOST = 500
NOTHING = ("", "—")
WEEKDAYS = (
    _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
    _("Sunday"),
)  # fmt: skip
VOUCHER_TYPES = {
    "": _("its face value, and nothing else is asked"),
    VALUE: _("its face value"),
    PERCENT: _("a share of the bill, up to a cap"),
    FIXED_PRICE: _("one thing at a fixed price"),
    MEMBER_DAY: _("a fixed price on member days"),
}
PER_WORDS = {
    DAY: _("a day"),
    MONTH: _("a calendar month"),
    YEAR: _("a calendar year"),
    EVER: _("all the time"),
    "days": _("the last … days"),
}
WHOSE = {MEMBER: _("each member"), ALL: _("all together")}
GOODS_WORDS = {
    GIFT: _("gift, sent by parcel"),
    ELECTRONIC: _("electronic: a code or a link"),
    CONSUMABLE: _("consumable, sent by parcel"),
}
WAYS = {POINTS: _("Points"), ENTITLEMENT: _("Allowance of the tier")}
NO_SHOWS = {"": "—", USED: _("used it"), GIVEN_BACK: _("everything back")}
AMOUNTS = {"": "—", "none": _("no limit"), "some": _("so many:")}
Choice = tuple[str, Any]


def of(session: Session, person: Principal, programme: Programme, kind: str, content: Mapping[str, Any], at: datetime) -> dict[str, list[Choice]]:  # fmt: skip
    """Every list by its name: values with their words."""
    return {
        "categories": [NOTHING, *((code, both(names)) for code, names in categories.CATEGORIES.items())],
        "areas": [(one.code, both(one.names)) for one in areas.every(session)],
        "segments": _segments(session, person, content, clock.day(at, programme.zone)),
        "channels": [(code, both(names)) for code, names in CHANNELS.items()],
        "interests": [(code, both(names)) for code, names in ALL_INTERESTS.items()],
        "classes": [NOTHING, *((one, _pair(CLASS_WORDS[one])) for one in GROUP_CLASSES)],
        "ranks": [("", _("any")), *((one, _pair(RANK_WORDS[one])) for one in RANKS)],
        "lines": [(str(state), _pair(words)) for state, words in STATES.items()],
        "grades": [(str(number), "☆" * number or "0") for number in range(HIGHEST_RISK + 1)],
        "weekdays": [(str(number), name) for number, name in enumerate(WEEKDAYS, start=1)],
        "whose": list(WHOSE.items()),
        "pers": list(PER_WORDS.items()),
        "voucher_types": list(VOUCHER_TYPES.items()) if kind == VOUCHER else [],
        "ways": list(WAYS.items()) if kind == PERK else [],
        "no_shows": list(NO_SHOWS.items()),
        "goods_classes": [NOTHING, *((one, GOODS_WORDS[one]) for one in GOODS_CLASSES)],
        "amounts": list(AMOUNTS.items()),
        "approval_classes": [(name, f"{both(one.words)} · {both(one.before)}") for name, one in CLASSES.items()],
        "merchants": [NOTHING, *_merchants(session, programme, content)],
        "outlets": _outlets(session, content),
        "budgets": [("", _("no budget")), *_budgets(session, person, programme, at)],
        "offers": _offers(session, programme) if kind == BUNDLE else [],
    }  # fmt: skip


def merchants_of(session: Session, currency: str) -> list[Choice]:
    """Merchants that take part, by code."""
    asked = select(Merchant).where(Merchant.state == ACTIVE, Merchant.currency == currency)
    return [(one.code, both(one.names)) for one in session.scalars(asked.order_by(Merchant.code).limit(MOST))]


def _merchants(session: Session, programme: Programme, content: Mapping[str, Any]) -> list[Choice]:
    found, own = merchants_of(session, programme.currency), content.get("merchant")
    return [*found, *([(own, own)] if own and own not in dict(found) else [])]


def _outlets(session: Session, content: Mapping[str, Any]) -> list[Choice]:
    merchant = session.scalar(select(Merchant).where(Merchant.code == content.get("merchant")))
    of = merchants.outlets_of(session, merchant.merchant_id) if merchant else []
    return [(ids.public("out", one.outlet_id), both(one.names)) for one in of]


def _segments(session: Session, person: Principal, content: Mapping[str, Any], today: Any) -> list[Choice]:
    """Those that the person may see, and those that are chosen already."""
    seen = (
        segments.listed(session, person, today, limit=MOST) if "segments:read" in person.permissions else []
    )
    found = [(segments.reference(one.segment), both(one.segment.names)) for one in seen if one.segment.ended_at is None]  # fmt: skip
    chosen = (content.get("eligibility") or {}).get("segments") or []
    return [*found, *((one, one) for one in chosen if one not in dict(found))]


def _budgets(session: Session, person: Principal, programme: Programme, at: datetime) -> list[Choice]:
    found = budgets.listed(session, person, programme, at, limit=MOST)
    return [(ids.public("bud", one.budget.budget_id), both(one.budget.names)) for one in found]


def _offers(session: Session, programme: Programme) -> list[Choice]:
    asked = select(OfferState.code).where(
        OfferState.programme_id == programme.programme_id, OfferState.state != ENDED
    )
    return [(code, code) for code in session.scalars(asked.order_by(OfferState.code).limit(MOST))]


def _pair(words: tuple[str, str]) -> str:
    return both({"zh-CN": words[0], "en": words[1]})
