"""JSON of tiers: how a member stands and why, versions of ladders, tiers granted by hand."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from points.adjustments.adjustments import MOST_CLASS, MOST_TEXT
from points.policies import BILL_POINTS
from points.tiers import grants, words
from points.tiers.models import TierChange, TierGrant
from points.tiers.proposals import MOST_DAYS, MOST_MONTHS, MOST_NAME, MOST_STEPS, Wanted
from points.tiers.reckoning import Step
from points.tiers.tiers import Held, Told

GRANTED, REVOKED = "granted", "revoked"


class NextTierView(View):
    """The next step, what it takes in the window, and what is missing of that."""

    tier = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    points_needed = ma.fields.Integer()
    points_missing = ma.fields.Integer()


class StandingView(View):
    """How a member stands on a ladder today."""

    ladder = ma.fields.String()
    tier = ma.fields.String(allow_none=True, metadata={"description": "null: none yet, or none any more"})
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    since = ma.fields.String(allow_none=True)
    until = ma.fields.String(
        allow_none=True,
        metadata={"description": "the last day that is sure whatever is earned; null: while earned"},
    )
    by_grant = ma.fields.Boolean(metadata={"description": "granted by two persons, above what was earned"})
    in_grace = ma.fields.Boolean(metadata={"description": "not reached any more; falls after `until`"})
    points_earned = ma.fields.Integer(metadata={"description": "in the window that ends today"})
    window_first = ma.fields.String()
    next = ma.fields.Nested(NextTierView, allow_none=True)


class TierChangeView(View):
    """A change of a tier, when and why."""

    from_day = ma.fields.String()
    ladder = ma.fields.String()
    tier = ma.fields.String(allow_none=True)
    before = ma.fields.String(allow_none=True)
    reason = ma.fields.String(metadata={"description": "reached, kept, fell, granted or revoked"})
    text = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        metadata={"description": "in words, in both languages"},
    )
    points_earned = ma.fields.Integer(allow_none=True)
    window_first = ma.fields.String(allow_none=True)
    until = ma.fields.String(allow_none=True)


class TiersView(View):
    """A member's tiers, and how they came to be."""

    tiers = ma.fields.List(ma.fields.Nested(StandingView))
    history = ma.fields.List(ma.fields.Nested(TierChangeView))


def tiers_view(held: list[Held], told: list[Told]) -> dict[str, Any]:
    """TiersView of a member."""
    return {"tiers": [_standing(one) for one in held], "history": [_told(one) for one in told]}


def _standing(held: Held) -> dict[str, Any]:
    return {
        "ladder": held.rule.ladder,
        "tier": held.step.tier if held.step else None,
        "names": words.names(held.step),
        "since": _iso(held.since),
        "until": _iso(held.until),
        "by_grant": held.by_grant,
        "in_grace": held.grace,
        "points_earned": held.earned,
        "window_first": held.window_first.isoformat(),
        "next": held.next
        and {
            "tier": held.next.tier,
            "names": dict(held.next.names),
            "points_needed": held.next.points,
            "points_missing": held.missing,
        },
    }


def _told(told: Told) -> dict[str, Any]:
    row, change = told.what, told.what if isinstance(told.what, TierChange) else None
    grant = told.grant
    reason = change.reason if change else GRANTED if isinstance(row, TierGrant) else REVOKED
    return {
        "from_day": told.from_day.isoformat(),
        "ladder": change.ladder if change else grant.ladder if grant else None,
        "tier": change.tier if change else grant.tier if grant and reason == GRANTED else None,
        "before": change.before if change else grant.tier if grant and reason == REVOKED else None,
        "reason": reason,
        "text": words.reason(told),
        "points_earned": change.earned if change else None,
        "window_first": change.window_first.isoformat() if change else None,
        "until": _iso(
            change.holds_until if change else row.until_day if isinstance(row, TierGrant) else None
        ),
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


class StepRequest(Request):
    """A tier, its names and what it takes."""

    tier = Text(required=True, most=32)
    points = WholeNumber(required=True, metadata={"description": "earned in the window"})
    zh = Text(required=True, most=MOST_NAME, data_key="name_zh")
    en = Text(required=True, most=MOST_NAME, data_key="name_en")


class TierPolicyRequest(Request):
    """How a ladder shall be climbed from a day on."""

    programme = Text(required=True, most=64)
    ladder = Text(required=True, most=32)
    from_day = ma.fields.Date(required=True)
    window_months = WholeNumber(
        least=1,
        most=MOST_MONTHS,
        required=True,
        allow_none=True,
        metadata={"description": "null: the calendar year"},
    )
    hold_months = WholeNumber(least=1, most=MOST_MONTHS, required=True)
    grace_months = WholeNumber(most=MOST_MONTHS, load_default=0)
    grace_days = WholeNumber(most=MOST_DAYS, load_default=0)
    most_down = WholeNumber(least=1, most=MOST_STEPS, load_default=1)
    lot_classes = ma.fields.List(
        WholeNumber(most=MOST_CLASS),
        load_default=lambda: [BILL_POINTS],
        metadata={"description": "classes of points that count; left out: those of bills"},
    )
    steps = ma.fields.List(ma.fields.Nested(StepRequest), required=True)
    reason = Text(required=True, most=MOST_TEXT)


class TierPolicyView(CaseView):
    """A proposed version of a ladder."""

    programme = ma.fields.String()
    ladder = ma.fields.String()
    from_day = ma.fields.String()
    window_months = ma.fields.Integer(allow_none=True)
    hold_months = ma.fields.Integer()
    grace_months = ma.fields.Integer()
    grace_days = ma.fields.Integer()
    most_down = ma.fields.Integer()
    lot_classes = ma.fields.List(ma.fields.Integer())
    steps = ma.fields.List(ma.fields.Dict())
    reason = ma.fields.String()


class TierPoliciesView(View):
    """A page of versions of ladders."""

    data = ma.fields.List(ma.fields.Nested(TierPolicyView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class TierGrantRequest(Request):
    """A tier for a member, until a day."""

    member = Text(required=True, most=40)
    tier = Text(required=True, most=32)
    from_day = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "null: the day of the approval"}
    )
    until_day = ma.fields.Date(required=True)
    reason = Text(required=True, most=MOST_TEXT)


class TierEndRequest(Request):
    """Why a granted tier shall count no more."""

    reason = Text(required=True, most=MOST_TEXT)


class TierGrantView(CaseView):
    """A proposal to grant a tier, or to revoke what another one granted."""

    action = ma.fields.String(metadata={"description": "grant or revoke"})
    member = ma.fields.String()
    ladder = ma.fields.String()
    tier = ma.fields.String()
    from_day = ma.fields.String(allow_none=True)
    until_day = ma.fields.String(allow_none=True)
    revokes = ma.fields.String(allow_none=True, metadata={"description": "the proposal that granted it"})
    reason = ma.fields.String()


class TierGrantsView(View):
    """A page of granted tiers."""

    data = ma.fields.List(ma.fields.Nested(TierGrantView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def policy_wanted(asked: dict[str, Any]) -> Wanted:
    """What a request asks for."""
    steps = tuple(
        Step(one["tier"], one["points"], {"zh-CN": one["zh"], "en": one["en"]}) for one in asked["steps"]
    )
    return Wanted(**(asked | {"steps": steps, "lot_classes": tuple(asked["lot_classes"])}))


def policy_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The version as TierPolicyView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said


def grant_wanted(asked: dict[str, Any]) -> grants.Wanted:
    """What a request asks for."""
    return grants.Wanted(asked["tier"], asked["until_day"], asked["reason"], asked["from_day"])


def grant_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as TierGrantView; its first day is the one from which it really counts, once approved."""
    said = case.proposal.said
    is_grant = said["action"] == grants.GRANT
    row = grants.made(session, case.proposal) if is_grant and case.decision else None
    return case_view(case, at) | {
        "action": said["action"],
        "member": said["member"],
        "ladder": said["ladder"],
        "tier": said["tier"],
        "from_day": row.from_day.isoformat() if row else said.get("from_day"),
        "until_day": said.get("until_day"),
        "revokes": said.get("grant"),
        "reason": said["reason"],
    }
