"""What a member is by date: the tier, until the product reckons tiers itself, and the birthday without its year.

Both are facts of another system, told with the list of members. The birthday is month and day alone: enough to earn
by and to congratulate, and no year of birth to leak; whoever rates a line may read it, and no posting repeats it.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from points.factors import Circumstances, full_years

TIER, BIRTHDAY = "tier", "birthday"
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}", re.ASCII)
_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Attributes:
    """All that is known of a member: tiers with the days from which they held, ascending, and the birthday."""

    tiers: tuple[tuple[date, str], ...] = ()
    birthday: str | None = None

    def tier_on(self, on: date) -> str | None:
        """The tier of a day; None: none is known."""
        begun = bisect_right(self.tiers, on, key=lambda one: one[0])
        return self.tiers[begun - 1][1] if begun else None

    def circumstances(self, joined_on: date, on: date) -> Circumstances:
        """What the member is on a day, as factors ask for it."""
        in_birthday_month = self.birthday is not None and int(self.birthday[:2]) == on.month
        return Circumstances(self.tier_on(on), full_years(joined_on, on), in_birthday_month)


NOTHING_KNOWN = Attributes()


def is_birthday(text: str) -> bool:
    """Whether the text is a day of the year as MM-DD; 02-29 is one."""
    if not _MONTH_DAY.fullmatch(text):
        return False
    try:
        date(_LEAP_YEAR, int(text[:2]), int(text[3:]))
    except ValueError:
        return False
    return True


def of_many(session: Session, members: Iterable[int]) -> dict[int, Attributes]:
    """What is known of members, in one statement; a member of whom nothing is known is left out."""
    rows = session.connection().exec_driver_sql(
        "select member_id, name, from_day, value from member_attribute where member_id = any(%s) "
        "order by member_id, from_day",
        (sorted(members),),
    )
    tiers: dict[int, list[tuple[date, str]]] = defaultdict(list)
    birthdays: dict[int, str] = {}
    for member_id, name, from_day, value in rows:
        if name == TIER:
            tiers[member_id].append((from_day, value))
        else:
            birthdays[member_id] = value
    return {
        member_id: Attributes(tuple(tiers.get(member_id, ())), birthdays.get(member_id))
        for member_id in tiers.keys() | birthdays.keys()
    }


def add_many(session: Session, told: Mapping[tuple[int, str, date], str]) -> None:
    """Keep what was told: (member, name, from day) -> value; what stands there already stays."""
    rows = sorted((*place, value) for place, value in told.items())
    session.connection().exec_driver_sql(
        "insert into member_attribute (member_id, name, from_day, value) "
        "select * from unnest(%s::bigint[], %s::text[], %s::date[], %s::text[]) on conflict do nothing",
        tuple([row[at] for row in rows] for at in range(4)),
    )
