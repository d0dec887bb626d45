"""Where a new offer starts: for each kind a card that says what it is for, and a content with what most of them have."""

from dataclasses import dataclass, field
from typing import Any

from base.web.i18n import lazy_gettext as _
from catalog.goods.models import ELECTRONIC
from catalog.offers.models import (
    BASIC,
    BILL_CREDIT,
    BUNDLE,
    EVENT,
    EXTENSION,
    GIFT,
    GOODS,
    PERK,
    SERVICE,
    TRIAL_CARD,
    VALUE_ADDED,
    VOUCHER,
)
from catalog.services.orders import OPERATOR


@dataclass(frozen=True)
class Start:
    """A card: when this kind is the right one, and what a draft of it begins with."""

    text: Any
    content: dict[str, Any] = field(default_factory=dict)


STARTS: dict[str, Start] = {
    VOUCHER: Start(
        _("A merchant takes it at the till. It has a validity, and is handed back while it is unused."),
        {
            "category": "dining", "cancellable": True, "voucher_days": 90, "approval_class": VALUE_ADDED,
            "limits": [{"most": 2, "of": "member", "per": "month"}],
            "terms": {"zh-CN": "不可兑现，不找零，不与其他优惠同享。", "en": "No cash, no change, not with other reductions."},
        },
    ),
    BILL_CREDIT: Start(
        _("Points lower the next bill. The standing offer that everything else is compared with."),
        {
            "category": "bill", "cancellable": False, "most_units": 100, "stock": None, "approval_class": BASIC,
            "names": {"zh-CN": "10 元话费", "en": "10 yuan of bill credit"},
            "texts": {
                "zh-CN": "抵扣下一期账单，通常几分钟内到账。",
                "en": "Lowers your next bill; it usually arrives within minutes.",
            },
            "value_fen": 1_000, "cost_fen": 1_000,
        },
    ),
    PERK: Start(
        _("A place at a counter of the club: a lounge, a film, an hour of golf. A tier may include some."),
        {"category": "club", "cancellable": True, "approval_class": VALUE_ADDED, "form": {"pay": ["points"]}},
    ),
    EVENT: Start(
        _("It takes place on one day and has places and a waiting list."),
        {
            "category": "club", "cancellable": True, "approval_class": VALUE_ADDED, "stock": None,
            "form": {"capacity": 40, "waiting": 40, "offer_hours": 24, "check_in_minutes": 60},
        },
    ),
    GOODS: Start(
        _("Something that a provider sends, by parcel or as a code."),
        {
            "category": "goods", "cancellable": False, "approval_class": VALUE_ADDED,
            "form": {"class": ELECTRONIC, "return_days": 0},
        },
    ),
    SERVICE: Start(
        _("A data pack or a service of the operator, ordered for the member."),
        {
            "category": "data", "cancellable": False, "approval_class": BASIC, "stock": None,
            "form": {"months": 1, "monthly_fen": 0, "provider": OPERATOR},
        },
    ),
    BUNDLE: Start(
        _("Several offers under one price: at most one voucher and one thing that another system does."),
        {"category": "data", "cancellable": False, "approval_class": VALUE_ADDED, "stock": None},
    ),
    GIFT: Start(
        _("A voucher that a member gives to a friend by the phone number."),
        {"category": "dining", "cancellable": False, "voucher_days": 90, "approval_class": VALUE_ADDED},
    ),
    TRIAL_CARD: Start(
        _("Account managers hand it to named contacts; each case is approved on its own."),
        {"category": "dining", "cancellable": False, "voucher_days": 90, "approval_class": EXTENSION},
    ),
}  # fmt: skip
