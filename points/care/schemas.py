"""JSON of care: department, named person, rules, important members without a person."""

from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.http.api import QueryNumber, Request, Text, View
from points.adjustments.adjustments import MOST_TEXT
from points.care import care
from points.care.care import Care
from points.members.models import MemberFacts

MOST_NAME = 40


class AssignRequest(Request):
    """Who shall look after the member, from when on, and why."""

    person = Text(
        required=True,
        allow_none=True,
        most=200,
        metadata={"description": "mail address or staff:NUMBER; null: nobody"},
    )
    from_day = ma.fields.Date(load_default=None, allow_none=True, metadata={"description": "null: today"})
    reason = Text(required=True, most=MOST_TEXT)


class CareRuleRequest(Request):
    """From a day on members with a tier belong to a department."""

    programme = Text(required=True, most=64)
    tier = Text(
        required=True, allow_none=True, most=32, metadata={"description": "null: members without a tier"}
    )
    from_day = ma.fields.Date(required=True)
    department = Text(required=True, most=32)
    name_zh = Text(required=True, most=MOST_NAME)
    name_en = Text(required=True, most=MOST_NAME)


class DepartmentView(View):
    """A department and the tier for which it cares."""

    department = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    tier = ma.fields.String(allow_none=True)


class ManagerView(View):
    """The named person."""

    person = ma.fields.String()
    name = ma.fields.String(allow_none=True)
    since = ma.fields.String()
    reason = ma.fields.String()


class CareView(View):
    """Who looks after a member."""

    department = ma.fields.Nested(DepartmentView)
    manager = ma.fields.Nested(ManagerView, allow_none=True)
    needs_person = ma.fields.Boolean(metadata={"description": "an important member whom nobody looks after"})


class WithoutPersonQuery(Request):
    """Which page of important members without a person."""

    programme = ma.fields.String(required=True)
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class WithoutPersonView(View):
    """An important member whom nobody looks after."""

    member = ma.fields.String()
    tiers = ma.fields.List(ma.fields.String())
    area = ma.fields.String()


class WithoutPersonsView(View):
    """A page of them."""

    data = ma.fields.List(ma.fields.Nested(WithoutPersonView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def department_view(found: care.Department) -> dict[str, Any]:
    """The department as DepartmentView."""
    return {"department": found.code, "names": found.names, "tier": found.tier or None}


def care_view(session: Session, found: Care) -> dict[str, Any]:
    """CareView of a member."""
    row = found.manager
    return {
        "department": department_view(found.department),
        "manager": row
        and {
            "person": f"staff:{row.staff_id}",
            "name": care.name_of(session, row.staff_id),
            "since": row.from_day.isoformat(),
            "reason": row.reason,
        },
        "needs_person": found.needs_person,
    }


def without_view(row: MemberFacts) -> dict[str, Any]:
    """The member as WithoutPersonView."""
    return {"member": ids.public("mbr", row.member_id), "tiers": row.tiers, "area": row.area}
