"""What a till does about points, each in one transaction; the API and the till's pages stand on these.

A deed is done once for an idempotency key, in its transaction, in the scope of the member: `answered` does that.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from base.errors import field_errors
from base.halts import halts
from merchants.acceptances import Place
from merchants.earnings import buyers, earnings, events
from merchants.earnings.earnings import Given
from merchants.earnings.models import EarningReversal
from points import programmes
from points.members import members
from points.models import Programme

R = TypeVar("R")


def give(
    config: Config,
    place: Place,
    phone: str,
    amount_fen: int,
    programme: str | None,
    answered: Callable[[Session, int, Callable[[], Given]], R],
) -> R:
    """Give the member of a number the points of a purchase; `programme`: its code, where there are several.

    Invalid, ProgrammeUnknown, BadPhone, TooManyGuesses, NobodyEarns, and what merchants/earnings/earnings.py refuses.
    """
    at = clock.now()
    with buyers.counting(place), database.begin() as session:
        of = _programme(session, programme)
        member = buyers.find(session, config, of.programme_id, phone, place, at)

        def given() -> Given:
            halts.check(session, halts.EARN, of.programme_id)
            made = earnings.give(session, member, of, place, amount_fen, at)
            events.given(session, made)
            return made

        return answered(session, member.member_id, given)


def reverse(
    place: Place,
    earning: str,
    reason: str,
    answered: Callable[[Session, int, Callable[[], EarningReversal]], R],
) -> R:
    """Take the points of an earning (its public id) back."""
    at = clock.now()
    with database.begin() as session:
        found = earnings.find(session, earning, place.merchant_id)
        _, programme = members.with_programme(session, found.member_id)

        def undone() -> EarningReversal:
            made = earnings.reverse(session, found, programme, place, reason, at)
            events.taken_back(session, found, made)
            return made

        return answered(session, found.member_id, undone)


def _programme(session: Session, code: str | None) -> Programme:
    """The programme of a code, or the only one that takes writes; its code is needed where there are several."""
    if code is not None:
        return programmes.taking_writes(programmes.by_code(session, code))
    there = [one for one in programmes.every(session) if one.closed_at is None]
    if len(there) != 1:
        raise field_errors({"programme": f"name one of: {', '.join(one.code for one in there)}"})
    return there[0]
