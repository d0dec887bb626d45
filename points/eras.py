"""An example to load: the three eras of a policy like China Mobile's, side by side in one programme.

What is known of them comes from pages of third parties that disagree: an example, not the truth. Points of bills earned
in an era live by it for good, for a policy never touches a lot that is there. Promotion points of all eras have
the last day that came with them; no policy stands here for them.
"""

from datetime import date
from typing import NamedTuple

from sqlalchemy.orm import Session

from points import lots, policies

FIRST_DAY = date(2000, 1, 1)
WITHOUT_END = date(2011, 1, 1)
MONTH_ENDS = date(2021, 5, 1)
BILL_ERAS: tuple[tuple[date, int | None], ...] = (
    (FIRST_DAY, 36),  # cleared after three years, month by month
    (WITHOUT_END, None),  # no end at first
    (MONTH_ENDS, 36),  # May 2021 -> 31 May 2024
)
LINE_TYPES = ("plan", "data", "voice")


class LaterEnd(NamedTuple):
    """A dated change of lots that were there: those of bill points with a last day from `least` to `most` last until `day`."""

    announced_on: date
    least: date
    most: date
    day: date


# The one place for what policies cannot say: lots that got another last day after they were earned. The second is what
# an approved extension of points without an end does (points/announcements); it is not announced here, for its day has
# passed and an announcement is made ahead. The first one took an end away, which no extension does.
LATER_ENDS = (
    LaterEnd(
        WITHOUT_END, date(2011, 1, 31), date(2013, 12, 31), lots.NO_END
    ),  # what was left in 2011 is not cleared
    LaterEnd(
        MONTH_ENDS, lots.NO_END, lots.NO_END, date(2024, 4, 30)
    ),  # the day is known, that it was told then is not
)


def add(session: Session, programme_id: int) -> None:
    """Earn rules (1 point a yuan) and the expiry policies of the eras, for a programme without any; SameDayVersion."""
    for line_type in LINE_TYPES:
        policies.add_earn_rule(session, programme_id, line_type, FIRST_DAY, points=1, per_fen=100)
    for from_day, months in BILL_ERAS:
        policies.add_expiry_policy(session, programme_id, policies.BILL_POINTS, from_day, months=months)
