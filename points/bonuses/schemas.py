"""JSON of bonuses and of their rules."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points import lots, policies
from points.bonuses import rules
from points.bonuses.deciding import MOST_REF
from points.bonuses.granting import Given, Left
from points.bonuses.occasions import OCCASIONS
from points.kinds import MOST_POINTS

OF_ITSELF = (
    "the source's own id, once for good; needed but for sign-up, birthday and member-day, which are their own"
)
NO_LIMIT = {"description": "null: there is no such limit"}


class BonusRequest(Request):
    """What a member did, and when: either the member or the customer is named."""

    rule = Text(required=True, most=64, metadata={"description": "the campaign's code"})
    member = Text(most=40)
    customer_id = Text(most=64)
    on = ma.fields.Date(required=True, metadata={"description": "the day of the occasion"})
    ref = Text(most=MOST_REF, load_default=None, metadata={"description": OF_ITSELF})

    @ma.validates_schema
    def _names_one(self, data: dict[str, Any], **options: Any) -> None:
        if ("member" in data) == ("customer_id" in data):
            raise ma.ValidationError("name either the member or the customer", "member")


class BonusQuestion(Request):
    """Which bonus; a member asks about his or her own, staff who may see members name one."""

    rule = Text(required=True, most=64, metadata={"description": "the campaign's code"})
    on = ma.fields.Date(load_default=None, metadata={"description": "left out: today"})
    member = Text(most=40, load_default=None, metadata={"description": "needed by staff"})
    ref = Text(most=MOST_REF, load_default=None, metadata={"description": "left out: something new"})


class LeftView(View):
    """What is left after this bonus: numbers of bonuses, and points of the budget."""

    member = ma.fields.Integer(allow_none=True, metadata=NO_LIMIT)
    member_day = ma.fields.Integer(allow_none=True, metadata=NO_LIMIT)
    day = ma.fields.Integer(
        allow_none=True, metadata={"description": "of all members; null: no limit, or not told"}
    )
    budget_points = ma.fields.Integer(
        allow_none=True, metadata={"description": "null: no limit, or not told"}
    )


class BonusQuestionView(View):
    """What the bonus would give; nothing was written."""

    rule = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    occasion = ma.fields.String(metadata={"enum": list(OCCASIONS)})
    on = ma.fields.String()
    points = ma.fields.Integer()
    last_day = ma.fields.String(allow_none=True, metadata={"description": "null: they do not lapse"})
    repeated = ma.fields.Boolean(
        metadata={"description": "true: it was given before, and is not given again"}
    )
    left = ma.fields.Nested(LeftView)


class BonusView(BonusQuestionView):
    """A bonus that was given, now or before."""

    member = ma.fields.String()
    ref = ma.fields.String()
    posting = ma.fields.Integer(metadata={"description": "number of its movement"})


class BonusRuleRequest(Request):
    """A version of a campaign, from a day on; a change begins on the day after its approval at the earliest."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    code = Text(required=True, most=40, metadata={"description": "small letters, digits and dashes"})
    name_zh = Text(required=True, most=rules.MOST_NAME)
    name_en = Text(required=True, most=rules.MOST_NAME)
    occasion = ma.fields.String(required=True, validate=ma.validate.OneOf(list(OCCASIONS)))
    points = WholeNumber(
        least=1, most=rules.MOST_POINTS_OF_ONE, required=True,
        metadata={"description": "of one bonus; of goodwill at most"},
    )  # fmt: skip
    from_day = ma.fields.Date(required=True)
    until_day = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "null: on and on"}
    )
    lot_class = WholeNumber(
        most=rules.MOST_CLASS, load_default=policies.PROMOTION_POINTS,
        metadata={"description": "class of the points; its expiry policy says how long they live"},
    )  # fmt: skip
    month_day = WholeNumber(
        least=1, most=31,
        metadata={"description": "of a member day: which day of each month, or its last one"},
    )  # fmt: skip
    most_per_member = WholeNumber(least=1, most=rules.MOST_COUNT)
    most_per_member_day = WholeNumber(least=1, most=rules.MOST_COUNT)
    most_per_day = WholeNumber(
        least=1, most=rules.MOST_COUNT,
        metadata={"description": "bonuses of all members together in a day"},
    )  # fmt: skip
    budget_points = WholeNumber(
        most=MOST_POINTS,
        metadata={"description": "all that this version may give; 0 gives nothing; left out: no limit"},
    )  # fmt: skip
    tier = Text(most=32, load_default=None, allow_none=True)
    least_days = WholeNumber(
        least=1, most=rules.MOST_DAYS, metadata={"description": "since the member joined"}
    )


class BonusRuleView(CaseView):
    """A version of a campaign as it was proposed, and once it is approved what it gave."""

    programme = ma.fields.String()
    code = ma.fields.String()
    name_zh = ma.fields.String()
    name_en = ma.fields.String()
    occasion = ma.fields.String()
    points = ma.fields.Integer()
    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    lot_class = ma.fields.Integer()
    month_day = ma.fields.Integer(allow_none=True)
    most_per_member = ma.fields.Integer(allow_none=True)
    most_per_member_day = ma.fields.Integer(allow_none=True)
    most_per_day = ma.fields.Integer(allow_none=True)
    budget_points = ma.fields.Integer(allow_none=True)
    tier = ma.fields.String(allow_none=True)
    least_days = ma.fields.Integer(allow_none=True)
    given_points = ma.fields.Integer(allow_none=True, metadata={"description": "null: not approved"})
    left_points = ma.fields.Integer(
        allow_none=True, metadata={"description": "of the budget; null: no limit"}
    )


class BonusRulesView(View):
    """A page of rules."""

    data = ma.fields.List(ma.fields.Nested(BonusRuleView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def rule_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as BonusRuleView."""
    rule = rules.made(session, case.proposal) if case.decision else None
    given, left = rules.used(session, rule) if rule else (None, None)
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said | {"given_points": given, "left_points": left}


def question_view(given: Given, left: Left, *, of_all: bool = True) -> dict[str, Any]:
    """The bonus as BonusQuestionView; without `of_all` nothing is told of what others got."""
    return {
        "rule": given.rule.code,
        "names": given.rule.names,
        "occasion": given.rule.occasion,
        "on": given.on.isoformat(),
        "points": given.points,
        "last_day": None if given.last_day == lots.NO_END else given.last_day.isoformat(),
        "repeated": given.repeated,
        "left": {
            "member": left.member,
            "member_day": left.member_day,
            "day": left.day if of_all else None,
            "budget_points": left.budget_points if of_all else None,
        },
    }


def bonus_view(given: Given, left: Left) -> dict[str, Any]:
    """The bonus as BonusView; plain JSON, for it is stored with the idempotency key."""
    return question_view(given, left) | {
        "member": ids.public("mbr", given.member_id),
        "ref": given.ref,
        "posting": given.seq,
    }
