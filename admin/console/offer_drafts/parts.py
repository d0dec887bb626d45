"""What the editor asks for in each of its five steps, by kind of offer: the fields in their order, with their words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from base.web.i18n import lazy_gettext as _
from catalog.offers.models import BUNDLE, EVENT, GIFT, GOODS, PERK, SERVICE, TRIAL_CARD, VOUCHER
from catalog.publishing.steps import CONTENT, COST, RESOURCE, RULES, STEPS, STOCK

TEXT, LINES, WHOLE, YUAN, MOMENT, DAY, TIME, CHOICE, YES_NO, TICK = (
    "text", "lines", "whole", "yuan", "moment", "day", "time", "choice", "yes_no", "tick",
)  # fmt: skip
CODES, NUMBERS, YUANS, DAYS, TICKS, NUMBER_TICKS, ROWS, PICTURES, AMOUNT = (
    "codes", "numbers", "yuans", "days", "ticks", "number_ticks", "rows", "pictures", "amount",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A field: where in the content it is (`names.en`), what it takes, and how it is called; ROWS have `columns`."""

    path: str
    label: Any
    type: str = TEXT
    hint: Any = ""
    required: bool = False
    most: int = 60
    choices: str = ""
    columns: tuple["Part", ...] = ()
    language: str = ""

    @property
    def root(self) -> str:
        return self.path.split(".")[0]


@dataclass(frozen=True)
class Group:
    """Fields that stand together; `closed`: folded away until one of them says something."""

    title: Any
    parts: tuple[Part, ...]
    closed: bool = False


STEP_NAMES = {
    CONTENT: _("Say what it is"),
    RULES: _("Set its rules"),
    RESOURCE: _("Match who gives it"),
    STOCK: _("Manage what there is"),
    COST: _("Reckon what it costs"),
}
CONTENTS = (
    Group(
        _("In both languages"),
        (
            Part("names.zh-CN", _("Name in Chinese"), required=True, language="zh-CN"),
            Part("names.en", _("Name in English"), required=True, language="en"),
            Part(
                "texts.zh-CN", _("In words, in Chinese"), LINES, required=True, most=1_000, language="zh-CN"
            ),
            Part("texts.en", _("In words, in English"), LINES, required=True, most=1_000, language="en"),
        ),
    ),
    Group(
        _("Terms of use"),
        (
            Part("terms.zh-CN", _("Terms in Chinese"), LINES, most=5_000, language="zh-CN"),
            Part("terms.en", _("Terms in English"), LINES, most=5_000, language="en"),
        ),
        closed=True,
    ),
    Group(
        _("Where members find it"),
        (
            Part("category", _("Category"), CHOICE, required=True, choices="categories"),
            Part("city", _("City"), hint=_("Only where no merchant says it.")),
            Part("pictures", _("Pictures"), PICTURES),
        ),
    ),
)
WEEKDAYS = Part(
    "weekdays", _("Weekdays"), NUMBER_TICKS, hint=_("None ticked: every day."), choices="weekdays"
)
WHOM = (
    Part("eligibility.areas", _("Areas"), CODES, _("Codes of provinces, cities or counties, with commas between them."), most=400, choices="areas"),
    Part("eligibility.tiers", _("Tiers"), CODES, _("Codes, with commas between them."), most=400),
    Part("eligibility.segments", _("Segments"), TICKS, choices="segments"),
    Part("eligibility.channels", _("Only by these channels"), TICKS, choices="channels"),
    Part("eligibility.interests", _("Interested in"), TICKS, _("Of those who agreed to their use."), choices="interests"),
    Part("eligibility.contacts", _("Contacts of groups"), ROWS, columns=(
        Part("class", _("Class of the group"), CHOICE, choices="classes"),
        Part("rank", _("Rank in the group"), CHOICE, choices="ranks"),
    )),
    Part("eligibility.lines", _("State of the line"), TICKS, choices="lines"),
    Part("eligibility.tenure_months", _("Months here, at least"), WHOLE, most=4),
    Part("eligibility.arpu_fen.from", _("Middle bill from (yuan)"), YUAN, most=13),
    Part("eligibility.arpu_fen.below", _("Middle bill below (yuan)"), YUAN, most=13),
    Part("eligibility.risk", _("Risk of leaving"), NUMBER_TICKS, _("It is hidden from everybody else: a grade may only add something."), choices="grades"),
)  # fmt: skip
WHEN = (
    Part("eligibility.birthday_month", _("Only in the month of the birthday"), TICK),
    Part("eligibility.member_days.days", _("Member days: days of the month"), NUMBERS, _("Numbers from 1 to 31, with commas between them."), most=100),
    Part("eligibility.member_days.weekdays", _("Member days: weekdays"), NUMBER_TICKS, choices="weekdays"),
    Part("eligibility.hours", _("Hours in which it can be redeemed"), ROWS, columns=(
        WEEKDAYS, Part("from", _("From"), TIME), Part("until", _("Until"), TIME))),
    Part("eligibility.closed", _("Closed days"), ROWS, columns=(Part("from", _("From day"), DAY), Part("to", _("Until day"), DAY))),
)  # fmt: skip
LIMITS = Part("limits", _("Limits"), ROWS, columns=(
    Part("most", _("At most"), WHOLE, most=9),
    Part("of", _("For"), CHOICE, choices="whose"),
    Part("per", _("In"), CHOICE, choices="pers"),
    Part("days", _("Days, where it rolls"), WHOLE, most=4),
))  # fmt: skip
CASE = (
    Part("case.member", _("Member (id)"), most=40, hint="mbr_…"),
    Part("case.reason", _("Reason"), most=500),
    Part("case.expected", _("Result expected"), most=500),
)
FORMS: dict[str, tuple[Part, ...]] = {
    VOUCHER: (
        Part("form.type", _("What the voucher gives"), CHOICE, choices="voucher_types"),
        Part("form.percent", _("Share of the bill (per cent)"), WHOLE, most=3),
        Part("form.cap_fen", _("At most (yuan)"), YUAN, most=13),
        Part("form.usual_bill_fen", _("A usual bill (yuan)"), YUAN, _("By it the share is worth so much."), most=13),
        Part("form.list_fen", _("Usual price (yuan)"), YUAN, most=13),
        Part("form.price_fen", _("Price with the voucher (yuan)"), YUAN, most=13),
        Part("form.days", _("On these days of the month"), NUMBERS, most=100),
        Part("form.uses_a_day", _("Uses a day, at most"), WHOLE, most=3),
        Part("form.least_spend_fen", _("For bills from (yuan)"), YUAN, most=13),
        Part("form.first_day", _("Vouchers are valid from"), DAY),
        Part("form.hours", _("Hours at the till"), ROWS, columns=(WEEKDAYS, Part("from", _("From"), TIME), Part("until", _("Until"), TIME))),
    ),
    PERK: (
        Part("form.pay", _("Paid with"), TICKS, choices="ways"),
        Part("form.perk", _("Allowance of the tier (code)"), hint=_("Needed where the tier pays.")),
        Part("form.provider", _("Who gives it (code)")),
        Part("form.guests.most", _("Guests at most"), WHOLE, most=1),
        Part("form.guests.price_percent", _("A guest costs (per cent of the price)"), WHOLE, most=3),
        Part("form.guests.counter", _("Allowance for guests (code)")),
        Part("form.guests.named", _("Only a linked companion may come along"), TICK),
        Part("form.blackout_days", _("Days on which nobody uses it"), DAYS, _("A day on each line, as 2026-12-24."), most=5_000),
        Part("form.no_show_rule.after_days", _("Who has not come after so many days"), WHOLE, most=3),
        Part("form.no_show_rule.counts_as", _("has"), CHOICE, choices="no_shows"),
    ),
    EVENT: (
        Part("form.capacity", _("Places"), WHOLE, required=True, most=6),
        Part("form.waiting", _("How many may wait"), WHOLE, most=6),
        Part("form.offer_hours", _("Hours that a freed place is kept"), WHOLE, most=3),
        Part("form.check_in_minutes", _("Let in so many minutes before"), WHOLE, most=4),
        Part("form.bar_days", _("Who did not come signs up for nothing for (days)"), WHOLE, most=3),
    ),
    GOODS: (
        Part("form.class", _("Class of goods"), CHOICE, required=True, choices="goods_classes"),
        Part("form.sku", _("Article number"), required=True),
        Part("form.provider", _("Provider (code)"), required=True),
        Part("form.return_days", _("Days to return it"), WHOLE, _("0: it does not come back."), required=True, most=3),
        Part("form.weight", _("Weight (grams)"), WHOLE, most=7),
    ),
    SERVICE: (
        Part("form.service", _("Code of the service at the operator"), required=True),
        Part("form.months", _("Months that the points pay for"), WHOLE, required=True, most=2),
        Part("form.monthly_fen", _("Monthly price afterwards (yuan)"), YUAN, _("0: nothing is paid by the month."), required=True, most=13),
    ),
    BUNDLE: (
        Part("form.parts", _("Made of"), ROWS, columns=(
            Part("offer", _("Offer (code)"), choices="offers"), Part("units", _("Units"), WHOLE, most=3))),
    ),
}  # fmt: skip
ONE_AT_ONCE = frozenset({EVENT, PERK, TRIAL_CARD})
NEVER_CANCELLED = frozenset({GOODS, SERVICE, GIFT})
OF_A_MERCHANT = frozenset({VOUCHER, TRIAL_CARD, GIFT})


def groups(step: str, kind: str, *, is_new: bool) -> tuple[Group, ...]:
    """The fields of a step."""
    if step == CONTENT:
        return CONTENTS
    if step == RULES:
        return _rules(kind)
    if step == RESOURCE:
        return (Group(_("Who gives it, and when"), _resource(kind)),)
    if step == STOCK:
        stock = (
            (Part("stock", _("How many there are"), AMOUNT, choices="amounts"),)
            if is_new and kind != EVENT
            else ()
        )
        return (Group(_("Stock and budget"), (*stock, Part("budget", _("Paid from the budget"), CHOICE, choices="budgets"))),)  # fmt: skip
    cash = () if kind in (GIFT, TRIAL_CARD) else (
        Part("cash_choices", _("Part that may be paid in cash (yuan)"), YUANS, _("Amounts with commas between them; left empty: points alone."), most=100),
    )  # fmt: skip
    return (
        Group(
            _("Worth and cost of one unit"),
            (
                Part("value_fen", _("Worth to the member (yuan)"), YUAN, required=True, most=13),
                Part("cost_fen", _("Cost to the operator (yuan)"), YUAN, _("0 where it costs nothing. Without a cost it cannot be proposed."), required=True, most=13),
                *cash,
            ),
        ),
    )  # fmt: skip


def of(step: str, kind: str, *, is_new: bool) -> list[Part]:
    """The same one by one."""
    return [part for group in groups(step, kind, is_new=is_new) for part in group.parts]


def places(kind: str, *, is_new: bool) -> Iterator[tuple[str, str]]:
    """Every field's path with its step."""
    for step in STEPS:
        for part in of(step, kind, is_new=is_new):
            yield part.path, step


def _rules(kind: str) -> tuple[Group, ...]:
    units = (
        ()
        if kind in ONE_AT_ONCE
        else (Part("most_units", _("At most at once"), WHOLE, _("Left empty: one."), most=6),)
    )
    cancel = (
        ()
        if kind in NEVER_CANCELLED
        else (Part("cancellable", _("May be cancelled"), YES_NO, required=True),)
    )
    own = (Group(_("Of its kind"), FORMS[kind]),) if kind in FORMS else ()
    return (
        Group(
            _("When it can be redeemed"),
            (
                Part("from_at", _("From"), MOMENT, _("Left empty: from the approval on.")),
                Part("until_at", _("Until"), MOMENT, _("Left empty: without an end.")),
                *units,
                *cancel,
            ),
        ),
        *own,
        Group(_("How many of it"), (LIMITS,), closed=True),
        Group(_("For whom"), WHOM, closed=True),
        Group(_("At which times"), WHEN, closed=True),
        Group(_("Approval"), (Part("approval_class", _("Class of approval"), CHOICE, required=True, choices="approval_classes"),)),
        Group(_("Single case (extension only)"), CASE, closed=True),
    )  # fmt: skip


def _resource(kind: str) -> tuple[Part, ...]:
    merchant = Part("merchant", _("Merchant"), CHOICE, required=kind in OF_A_MERCHANT, choices="merchants")
    days = Part("voucher_days", _("Days that the voucher is valid"), WHOLE, required=True, most=4)
    outlets = Part("form.outlets", _("Only at these outlets"), TICKS, _("None ticked: at all of them."), choices="outlets")  # fmt: skip
    event = Part("event_at", _("Takes place"), MOMENT, required=True)
    if kind == EVENT:
        return (merchant, event)
    if kind in OF_A_MERCHANT:
        return (merchant, days, *((outlets,) if kind == VOUCHER else ()))
    return (merchant,)
