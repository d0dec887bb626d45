"""Proof of care: rules are a programme's own, assignments are members' own and name somebody of the staff."""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base.findings import Finding
from points.care import care
from points.care.models import CareAssignment

MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with care, at most MOST of a kind. Read-only."""
    for (rule_id,) in session.execute(
        text(
            "select rule_id from care_rule r where not exists (select from programme p where p.programme_id = r.programme_id) "
            f"order by 1 limit {MOST}"
        )
    ):
        yield Finding("care", f"rule {rule_id}", "its programme is unknown")
    for member_id, assignment_id in session.execute(
        text(
            "select member_id, assignment_id from care_assignment a "
            f"where not exists (select from member_facts f where f.member_id = a.member_id) order by 1, 2 limit {MOST}"
        )
    ):
        yield Finding("care", f"member {member_id} assignment {assignment_id}", "the member is unknown")
    named = select(CareAssignment.staff_id).where(CareAssignment.staff_id.is_not(None)).distinct()
    for staff_id in session.scalars(named):
        if care.name_of(session, staff_id) is None:
            yield Finding("care", f"staff {staff_id}", "members are said to be looked after by nobody known")
