"""Whether a member may spend or give points today."""

from datetime import date, timedelta

from points.kinds import State
from points.members.models import Member
from points.models import Programme
from points.refusals import MemberClosed, MemberFrozen, MemberMerged, MemberTooNew


def may_spend(member: Member, state: State, programme: Programme, on: date) -> None:
    """MemberClosed, MemberMerged, MemberFrozen or MemberTooNew where the line does not allow it."""
    if state is State.MERGED:
        raise MemberMerged()
    if member.left_on is not None or state is State.CLOSED:
        raise MemberClosed(since=str(member.left_on) if member.left_on else None)
    if state is State.FROZEN:
        raise MemberFrozen()
    from_day = member.joined_on + timedelta(days=programme.minimum_tenure_days)
    if state is State.NEW or on < from_day:
        raise MemberTooNew(from_day=str(from_day))
