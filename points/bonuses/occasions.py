"""What bonuses are given for, and the days of those that a date brings. Pure functions.

Another occasion is one line here: rules name it, nothing else needs to know it.
"""

from calendar import isleap, monthrange
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple


class Occasion(NamedTuple):
    """What an occasion is called in both languages."""

    zh: str
    en: str


SIGN_UP, BIRTHDAY, MEMBER_DAY, GOODWILL = "sign-up", "birthday", "member-day", "goodwill"
OCCASIONS = {
    SIGN_UP: Occasion("入会", "joining"),
    BIRTHDAY: Occasion("生日", "birthday"),
    MEMBER_DAY: Occasion("会员日", "member day"),
    "survey": Occasion("问卷调查", "survey"),
    "quiz": Occasion("有奖问答", "quiz"),
    "new-service": Occasion("新业务开通", "new service"),
    "payment-app": Occasion("支付应用", "payment app"),
    GOODWILL: Occasion("客户关怀", "goodwill"),
}
BY_DATE = (SIGN_UP, BIRTHDAY, MEMBER_DAY)  # each is its own reference: no source has to tell one
LEAP_DAY, ITS_STAND_IN = "02-29", (2, 28)


def reference(occasion: str, ref: str | None, on: date) -> str | None:
    """By what a bonus is known for good: the source's own id, or where the date says it, the occasion itself.

    One joining for a membership, one birthday a year, one bonus for a member day.
    """
    return {SIGN_UP: SIGN_UP, BIRTHDAY: str(on.year), MEMBER_DAY: on.isoformat()}.get(occasion, ref)


def birthday_in(birthday: str, year: int) -> date:
    """The day on which a birthday (MM-DD) is kept in a year: 29 February on the 28th where there is none."""
    month, day = int(birthday[:2]), int(birthday[3:])
    if birthday == LEAP_DAY and not isleap(year):
        month, day = ITS_STAND_IN
    return date(year, month, day)


def birthdays_kept(days: Iterable[date]) -> list[tuple[str, date]]:
    """All birthdays (MM-DD) that are kept on some days, each with its day."""
    found = []
    for on in days:
        found.append((f"{on.month:02d}-{on.day:02d}", on))
        if (on.month, on.day) == ITS_STAND_IN and not isleap(on.year):
            found.append((LEAP_DAY, on))
    return found


def is_member_day(month_day: int, on: date) -> bool:
    """Whether a day is the member day of its month; the last day of a month that has not so many."""
    return on.day == min(month_day, monthrange(on.year, on.month)[1])
