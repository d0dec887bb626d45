"""Where merged members went: the one place that follows a redirect to its end."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from points.merges.models import MemberMerge


def survivors(session: Session, members: Collection[int]) -> dict[int, int]:
    """Of those that were merged: who has their points now. A survivor that was merged later is followed."""
    found: dict[int, int] = {}
    ends = set(members)
    while ends:  # a survivor is never one that was merged before, so that this ends
        asked = select(MemberMerge.member_id, MemberMerge.survivor_id).where(MemberMerge.member_id.in_(ends))
        step = {row.member_id: row.survivor_id for row in session.execute(asked)}
        found |= {member_id: step[end] for member_id, end in found.items() if end in step}
        found |= {
            member_id: step[member_id]
            for member_id in members
            if member_id in step and member_id not in found
        }
        ends = set(step.values())
    return found


def survivor_of(session: Session, member_id: int) -> int | None:
    """Who has a member's points now; None: the member was not merged."""
    return survivors(session, [member_id]).get(member_id)


def into(session: Session, member_id: int) -> list[int]:
    """Who was merged into a member, and into those in turn."""
    found: list[int] = []
    ends = [member_id]
    while ends:
        ends = [row.member_id for row in database.rows(session, _INTO, (ends,))]
        found += ends
    return found


# Asked with every look at a member's tiers, so in words that need no compiling.
_INTO = "select member_id from member_merge where survivor_id = any(%s)"


def every(session: Session) -> dict[int, int]:
    """All merges there were, one step each: who was merged, and into whom."""
    asked = select(MemberMerge.member_id, MemberMerge.survivor_id)
    return {row.member_id: row.survivor_id for row in session.execute(asked)}
