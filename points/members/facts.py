"""The facts of members: one row each, which eligibility, prices and segments ask in one look.

Values change by what is told or reckoned elsewhere (attributes, tiers, groups, preferences), in the same transaction.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from points.members.models import MemberFacts

PERSON, GROUP = "person", "group"


def open_many(session: Session, rows: Sequence[tuple[int, int, date]]) -> None:
    """The facts of members who have just joined: (member, programme, joined on)."""
    session.connection().exec_driver_sql(
        "insert into member_facts (member_id, programme_id, joined_on) "
        "select * from unnest(%s::bigint[], %s::bigint[], %s::date[])",
        tuple([row[at] for row in rows] for at in range(3)),
    )


def is_group(session: Session, member_id: int) -> None:
    """From now on the member is a group."""
    session.execute(update(MemberFacts).where(MemberFacts.member_id == member_id).values(kind=GROUP))
