"""Whom an offer is for, and when, as the offer's JSON says it. Pure.

All conditions must hold; of several values one is enough; a fact that is not known meets none. A risk grade, and a segment
whose rule asks for one, hides the offer: it may add something for those it is for, and takes nothing from the others, who
do not know of it (docs/decisions/0026). Why an offer is not for a member is told in why_not.py.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from base.channels import CHANNELS
from base.errors import Invalid, Problem
from base.ids import parse as numbers_of
from base.ids import public
from catalog.offers.times import EVERY_DAY, MINUTES_A_DAY, Days, Hours, MemberDays, Times, clock_face
from points.factors import TIER_CODE
from points.groups.models import CLASSES, RANKS
from points.lines.states import LineState
from points.members.areas import AREA
from points.members.attributes import HIGHEST_RISK
from points.members.facts import Facts, after_months
from points.preferences.preferences import ALL_INTERESTS

MOST_VALUES, MOST_MONTHS, MOST_FEN = 50, 1200, 10**11
TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
Contact = tuple[str, str | None]  # class of the group, and rank in it; None: any


class BadEligibility(Invalid):
    """This cannot be whom an offer is for."""

    zh = "权益的适用条件不正确。"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom an offer is for, and when; None or nothing: not asked.

    `areas`: codes, each with all that it begins. `arpu_below_fen` and the end of hours are not included. `segments`: ids;
    `hidden_segments`: those of them whose rule asks for the risk grade.
    """

    contacts: tuple[Contact, ...] = ()
    areas: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    segments: tuple[int, ...] = ()
    interests: tuple[str, ...] = ()
    arpu_from_fen: int | None = None
    arpu_below_fen: int | None = None
    lines: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    risk: tuple[int, ...] = ()
    tenure_months: int = 0
    birthday_month: bool = False
    member_days: MemberDays | None = None
    hours: tuple[Hours, ...] = ()
    closed: tuple[Days, ...] = ()
    hidden_segments: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def is_empty(self) -> bool:
        """Whether it is for everybody at any time."""
        return self is EVERYBODY or self == EVERYBODY

    def hides(self, facts: Facts) -> bool:
        """Whether a member must not know of the offer."""
        if self.risk and facts.risk not in self.risk:
            return True
        hidden = bool(self.segments) and not self.hidden_segments.isdisjoint(self.segments)
        return hidden and facts.segments.isdisjoint(self.segments)

    def times(self, facts: Facts) -> Times:
        """The times at which it is open to a member."""
        tenure = after_months(facts.joined_on, self.tenure_months) if self.tenure_months else None
        month = facts.birthday_month if self.birthday_month else None
        return Times(tenure, month, self.member_days, self.hours, self.closed)


EVERYBODY = Rule()


def parse(said: Any, hidden_segments: frozenset[int] = frozenset()) -> Rule:
    """The rule that an offer's JSON says; BadEligibility names the field. `hidden_segments`: all that ask for risk."""
    if not isinstance(said, Mapping):
        raise _bad("eligibility", "is an object")
    if not said:
        return EVERYBODY
    unknown = sorted(set(said) - set(_FIELDS))
    if unknown:
        raise _bad(unknown[0], f"is none of: {', '.join(_FIELDS)}")
    values: dict[str, Any] = {}
    for name, value in said.items():
        values |= _FIELDS[name](name, value)
    rule = Rule(**values)
    return replace(rule, hidden_segments=hidden_segments & set(rule.segments))


def stored(rule: Rule) -> dict[str, Any]:
    """The rule as JSON: only what it asks."""
    arpu = {"from": rule.arpu_from_fen, "below": rule.arpu_below_fen}
    days = rule.member_days
    said: dict[str, Any] = {
        "contacts": [{"class": c} | ({"rank": r} if r else {}) for c, r in rule.contacts],
        "areas": list(rule.areas),
        "tiers": list(rule.tiers),
        "segments": [public("seg", one) for one in rule.segments],
        "interests": list(rule.interests),
        "arpu_fen": {name: value for name, value in arpu.items() if value is not None},
        "lines": list(rule.lines),
        "channels": list(rule.channels),
        "risk": list(rule.risk),
        "tenure_months": rule.tenure_months,
        "birthday_month": rule.birthday_month,
        "member_days": {"days": list(days.days), "weekdays": list(days.weekdays)} if days else {},
        "hours": [
            {
                "weekdays": list(one.weekdays),
                "from": clock_face(one.from_minute),
                "until": clock_face(one.until_minute),
            }
            for one in rule.hours
        ],
        "closed": [{"from": str(one.first), "to": str(one.last)} for one in rule.closed],
    }
    return {name: value for name, value in said.items() if value}


Read = Callable[[str, Any], dict[str, Any]]


def _bad(name: str, why: str) -> BadEligibility:
    return BadEligibility(f"{name}: {why}", field=name)


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
        raise _bad(name, f"is a list of 1 to {MOST_VALUES}")
    return value


def _object(name: str, value: Any, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value or not set(value) <= set(fields):
        raise _bad(name, f"has {' or '.join(fields)}")
    return value


def _texts(fits: Callable[[str], Any], what: str) -> Read:
    def read(name: str, value: Any) -> dict[str, Any]:
        for one in _list(name, value):
            if not isinstance(one, str) or not fits(one):
                raise _bad(name, f"{str(one)[:40]!r} is no {what}")
        return {name: tuple(dict.fromkeys(value))}

    return read


def _numbers(least: int, most: int) -> Callable[[str, Any], tuple[int, ...]]:
    def read(name: str, value: Any) -> tuple[int, ...]:
        for one in _list(name, value):
            if isinstance(one, bool) or not isinstance(one, int) or not least <= one <= most:
                raise _bad(name, f"whole numbers from {least} to {most}")
        return tuple(sorted(set(value)))

    return read


_weekdays = _numbers(1, 7)


def _whole(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise _bad(name, f"a whole number from 0 to {most}")
    return value


def _contacts(name: str, value: Any) -> dict[str, Any]:
    found: list[Contact] = []
    for one in _list(name, value):
        asked = _object(name, one, ("class", "rank"))
        if asked.get("class") not in CLASSES:
            raise _bad(name, f"class is one of: {', '.join(CLASSES)}")
        if asked.get("rank") not in (None, *RANKS):
            raise _bad(name, f"rank is one of: {', '.join(RANKS)}")
        found.append((asked["class"], asked.get("rank")))
    return {name: tuple(dict.fromkeys(found))}


def _segments(name: str, value: Any) -> dict[str, Any]:
    try:
        return {name: tuple(sorted({numbers_of("seg", one, parts=1)[0] for one in _list(name, value)}))}
    except (Problem, AttributeError, TypeError) as error:
        raise _bad(name, "are ids of segments, seg_...") from error


def _arpu(name: str, value: Any) -> dict[str, Any]:
    said = _object(name, value, ("from", "below"))
    least, below = (
        None if said.get(n) is None else _whole(name, said[n], MOST_FEN) for n in ("from", "below")
    )
    if least is not None and below is not None and least >= below:
        raise _bad(name, "from lies below the other")
    return {"arpu_from_fen": least, "arpu_below_fen": below}


def _flag(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _bad(name, "is true or false")
    return {name: value}


def _member_days(name: str, value: Any) -> dict[str, Any]:
    said = _object(name, value, ("days", "weekdays"))
    days = _numbers(1, 31)(name, said["days"]) if said.get("days") else ()
    weekdays = _weekdays(name, said["weekdays"]) if said.get("weekdays") else ()
    if not days and not weekdays:
        raise _bad(name, "has days or weekdays")
    return {name: MemberDays(days, weekdays)}


def hours(value: Any, name: str = "hours") -> tuple[Hours, ...]:
    """Hours of weekdays as JSON says them: [{"weekdays": [1, 2], "from": "09:30", "until": "24:00"}, ...]; BadEligibility."""
    return tuple(dict.fromkeys(_window(name, one) for one in _list(name, value)))


def _hours(name: str, value: Any) -> dict[str, Any]:
    return {name: hours(value, name)}


def _window(name: str, value: Any) -> Hours:
    said = _object(name, value, ("weekdays", "from", "until"))
    first, last = (_minute(name, said.get(n), d) for n, d in (("from", 0), ("until", MINUTES_A_DAY)))
    if first >= last:
        raise _bad(name, "from lies before until; what goes past midnight is two")
    return Hours(_weekdays(name, said["weekdays"]) if "weekdays" in said else EVERY_DAY, first, last)


def _minute(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise _bad(name, "times are like 09:30, to 24:00")
    return int(value[:2]) * 60 + int(value[3:])


def _closed(name: str, value: Any) -> dict[str, Any]:
    return {name: closed(value, name)}


def closed(value: Any, name: str = "closed") -> tuple[Days, ...]:
    """Days as JSON says them: [{"from": "2026-12-24", "to": "2026-12-26"}, ...], one day without `to`; BadEligibility."""
    found = []
    for one in _list(name, value):
        said = _object(name, one, ("from", "to"))
        first = _day(name, said.get("from"))
        last = _day(name, said["to"]) if "to" in said else first
        if last < first:
            raise _bad(name, "from lies not after to")
        found.append(Days(first, last))
    return tuple(dict.fromkeys(found))


def _day(name: str, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _bad(name, "days are like 2026-12-24") from None


_FIELDS: dict[str, Read] = {
    "contacts": _contacts,
    "areas": _texts(AREA.fullmatch, "code of an area"),
    "tiers": _texts(TIER_CODE.fullmatch, "code of a tier"),
    "segments": _segments,
    "interests": _texts(ALL_INTERESTS.__contains__, "interest"),
    "arpu_fen": _arpu,
    "lines": _texts([str(state) for state in LineState].__contains__, "state of a line"),
    "channels": _texts(CHANNELS.__contains__, "channel"),
    "risk": lambda name, value: {name: _numbers(0, HIGHEST_RISK)(name, value)},
    "tenure_months": lambda name, value: {name: _whole(name, value, MOST_MONTHS)},
    "birthday_month": _flag,
    "member_days": _member_days,
    "hours": _hours,
    "closed": _closed,
}
