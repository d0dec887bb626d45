"""JSON of care: what a system tells of a member, rules of occasions, the rhythm of visits."""

from typing import Any

import marshmallow as ma

from admin.care import occasions, rhythm
from admin.care.occasions import Rule
from admin.care.rhythm import Rhythm
from base.http.api import Request, Text, View, WholeNumber

TOLD = (occasions.ROAMING,)


class OccasionRequest(Request):
    """Something happened to a member that gives reason to be in touch."""

    occasion = ma.fields.String(required=True, validate=ma.validate.OneOf(TOLD))
    on_day = ma.fields.Date(required=True, metadata={"description": "today, or up to 30 days ago"})


class OccasionToldView(View):
    """Whether a task is there: an occasion that is switched off, or not for this member, opens none."""

    occasion = ma.fields.String()
    on_day = ma.fields.String()
    has_task = ma.fields.Boolean()


class OccasionRuleRequest(Request):
    """From a day on an occasion opens tasks by another rule."""

    programme = Text(required=True, most=64)
    occasion = ma.fields.String(required=True, validate=ma.validate.OneOf(list(occasions.OCCASIONS)))
    from_day = ma.fields.Date(required=True)
    is_on = ma.fields.Boolean(load_default=True)
    tiers = ma.fields.List(Text(most=32), load_default=list, metadata={"description": "empty: everybody"})
    days_ahead = WholeNumber(load_default=0)
    days = WholeNumber(load_default=0)
    in_working_days = ma.fields.Boolean(load_default=False)
    holidays = ma.fields.List(Text(most=10), load_default=list, metadata={"description": "MM-DD or YYYY-MM-DD"})  # fmt: skip


class OccasionRuleView(View):
    """The rule of an occasion."""

    occasion = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    is_on = ma.fields.Boolean()
    tiers = ma.fields.List(ma.fields.String())
    days_ahead = ma.fields.Integer()
    days = ma.fields.Integer()
    in_working_days = ma.fields.Boolean()
    holidays = ma.fields.List(ma.fields.String())


class VisitRuleRequest(Request):
    """From a day on a class of members is visited so often."""

    programme = Text(required=True, most=64)
    visit_class = Text(required=True, most=32, data_key="class")
    from_day = ma.fields.Date(required=True)
    times = WholeNumber(required=True)
    months = WholeNumber(required=True)


class VisitRuleView(View):
    """How often a class is visited."""

    visit_class = ma.fields.String(data_key="class")
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    times = ma.fields.Integer()
    months = ma.fields.Integer()


def rule_view(occasion: str, rule: Rule) -> dict[str, Any]:
    """OccasionRuleView."""
    return {
        "occasion": occasion,
        "names": occasions.OCCASIONS[occasion],
        "is_on": rule.is_on,
        "tiers": list(rule.tiers),
        "days_ahead": rule.days_ahead,
        "days": rule.days,
        "in_working_days": rule.in_working_days,
        "holidays": list(rule.holidays),
    }


def visit_view(visit_class: str, rule: Rhythm) -> dict[str, Any]:
    """VisitRuleView as JSON, for it is stored with the idempotency key."""
    return {
        "class": visit_class,
        "names": dict(rhythm.name_of(visit_class)),
        "times": rule.times,
        "months": rule.months,
    }
