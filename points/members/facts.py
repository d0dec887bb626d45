"""The facts of members: one row each, which eligibility, prices and segments ask in one look.

Values change by what is told or reckoned elsewhere (attributes, tiers, groups, preferences), in the same transaction.
"""

from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from points.members.models import MemberFacts

PERSON, GROUP = "person", "group"


def open_one(session: Session, member_id: int, programme_id: int, joined_on: date) -> None:
    """The facts of a member who has just joined; those of many are written by `members.enrol_new`."""
    session.connection().exec_driver_sql(
        "insert into member_facts (member_id, programme_id, joined_on) values (%s, %s, %s)",
        (member_id, programme_id, joined_on),
    )


def is_group(session: Session, member_id: int) -> None:
    """From now on the member is a group."""
    session.execute(update(MemberFacts).where(MemberFacts.member_id == member_id).values(kind=GROUP))
