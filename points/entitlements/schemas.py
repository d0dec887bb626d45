"""JSON of entitlements."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points.entitlements.entitlements import LONGEST_REF, Standing
from points.entitlements.models import EntitlementUse
from points.entitlements.periods import PERIODS
from points.entitlements.rules import MOST_DAYS, MOST_GUESTS, MOST_NAME, MOST_USES


class NamesField(View):
    """A name in both languages."""

    class Meta:
        unknown = ma.RAISE

    zh = Text(required=True, most=MOST_NAME, data_key="zh-CN")
    en = Text(required=True, most=MOST_NAME)


class EntitlementRequest(Request):
    """How often which tiers may use a perk in a period, from a day on; `uses` empty: nobody any more."""

    programme = Text(required=True, most=64)
    perk = Text(required=True, most=32, metadata={"description": "its code, for example lounge"})
    from_day = ma.fields.Date(required=True)
    names = ma.fields.Nested(NamesField, required=True)
    period = ma.fields.String(required=True, validate=ma.validate.OneOf(PERIODS))
    uses = ma.fields.Dict(
        keys=Text(most=32),
        values=WholeNumber(least=1, most=MOST_USES),
        required=True,
        metadata={"description": "tier code to uses in a period"},
    )
    guests = WholeNumber(most=MOST_GUESTS, load_default=0)
    guests_take_uses = ma.fields.Boolean(
        load_default=True, metadata={"description": "whether each guest takes a use as well"}
    )
    carry_over = WholeNumber(
        most=MOST_USES, load_default=0, metadata={"description": "unused ones that go into the next period"}
    )
    blackout_days = ma.fields.List(
        ma.fields.Date(), load_default=list, validate=ma.validate.Length(max=MOST_DAYS)
    )


class EntitlementRuleView(CaseView):
    """A proposal of a rule."""

    programme = ma.fields.String()
    perk = ma.fields.String()
    from_day = ma.fields.String()
    names = ma.fields.Dict()
    period = ma.fields.String()
    uses = ma.fields.Dict()
    guests = ma.fields.Integer()
    guests_take_uses = ma.fields.Boolean()
    carry_over = ma.fields.Integer()
    blackout_days = ma.fields.List(ma.fields.String())


class EntitlementRulesView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(EntitlementRuleView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class EntitlementView(View):
    """What a member may use of a perk in the present period."""

    perk = ma.fields.String()
    names = ma.fields.Dict()
    period = ma.fields.String()
    period_from = ma.fields.Date()
    resets_on = ma.fields.Date(metadata={"description": "the first day of the next period"})
    allowed = ma.fields.Integer()
    carried = ma.fields.Integer(metadata={"description": "of these, what came over from the period before"})
    used = ma.fields.Integer()
    left = ma.fields.Integer()
    guests = ma.fields.Integer()
    guests_take_uses = ma.fields.Boolean()
    blackout_days = ma.fields.List(ma.fields.Date(), metadata={"description": "those still to come"})


class UseRequest(Request):
    """One use of a perk by a member, who is present, with so many guests."""

    member = Text(required=True, most=40)
    perk = Text(required=True, most=32)
    guests = WholeNumber(most=MOST_GUESTS, load_default=0)
    on = ma.fields.Date(load_default=None, allow_none=True, metadata={"description": "null: today"})
    ref = Text(required=True, most=LONGEST_REF, metadata={"description": "what the provider knows it by"})


class UseView(View):
    """A use, or the undoing of one."""

    id = ma.fields.String()
    perk = ma.fields.String()
    on = ma.fields.Date()
    uses = ma.fields.Integer()
    guests = ma.fields.Integer()
    ref = ma.fields.String()
    undoes = ma.fields.String(allow_none=True)
    at = ma.fields.DateTime()


class UsedView(UseView):
    """A use, and what is left after it."""

    left = ma.fields.Integer()
    resets_on = ma.fields.Date()


class UsesView(View):
    """A page of uses, newest first."""

    data = ma.fields.List(ma.fields.Nested(UseView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def rule_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as EntitlementRuleView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said


def standing_view(one: Standing, today: date) -> dict[str, Any]:
    """What a member may use, as EntitlementView."""
    return {
        "perk": one.rule.perk,
        "names": one.rule.names,
        "period": one.rule.period,
        "period_from": one.period.first,
        "resets_on": one.period.until,
        "allowed": one.allowance.allowed,
        "carried": one.allowance.carried,
        "used": one.allowance.used,
        "left": one.allowance.left,
        "guests": one.rule.guests,
        "guests_take_uses": one.rule.guests_take_uses,
        "blackout_days": [day for day in one.rule.blackout_days if today <= day < one.period.until],
    }


def use_view(row: EntitlementUse) -> dict[str, Any]:
    """A use as UseView."""
    return {
        "id": reference(row.member_id, row.use_id),
        "perk": row.perk,
        "on": row.on_day,
        "uses": row.uses,
        "guests": row.guests,
        "ref": row.ref,
        "undoes": reference(row.member_id, row.undoes) if row.undoes else None,
        "at": row.at,
    }


def reference(member_id: int, use_id: int) -> str:
    """The public id of a use."""
    return ids.public("use", member_id, use_id)
