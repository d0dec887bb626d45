"""What a member is by date: area, middle bill, risk grade, the tier that another system tells, the birthday.

Each is told with the day from which it holds, by whom and why; the latest of each also stands in the member's facts.
Beside the tier that is told there are those of the programme's ladders (points/tiers/); where a ladder has a tier of the
told code, the ladder alone says who has it.
The birthday is month and day alone: enough to earn by and to congratulate, and no year of birth to leak; whoever rates
a line may read it, and no posting repeats it. It has no history (nobody is born twice) and stands in the facts alone,
so that it can be forgotten when the person is erased.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database
from base.errors import Conflict, Invalid
from points.factors import TIER_CODE, Circumstances, full_years
from points.members.areas import AREA as AREA_CODE
from points.members.models import MemberAttribute
from points.tiers import present, reckoning
from points.tiers.ladders import NO_LADDERS, Ladders
from points.tiers.reckoning import Granted, Span

TIER, BIRTHDAY, AREA, ARPU, RISK = "tier", "birthday", "area", "arpu_fen", "risk"
HIGHEST_RISK = 4  # the stars of the operator's index of who may leave, none to four
MOST_FEN = 10**11
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}", re.ASCII)
_LEAP_YEAR = 2000


class BadAttribute(Invalid):
    """This cannot be told of a member."""

    zh = "会员属性不正确。"


class AttributeChanged(Conflict):
    """Something else was told of this member for the same day."""

    zh = "同一日期已为该会员记录了不同的值。"
    next_en = "What was told is never edited; tell what holds from another day on."
    next_zh = "已记录的内容不可修改；请用另一个生效日期重新提交。"


EARLIEST = date(1950, 1, 1)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a member: from which day on a value holds, by whom and why."""

    name: str
    from_day: date
    value: str
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """All that is known of a member: told tiers with the days from which they held, ascending, the birthday, and the
    tiers of every day on each ladder.
    """

    tiers: tuple[tuple[date, str], ...] = ()
    birthday: str | None = None
    climbed: tuple[tuple[Span, ...], ...] = ()
    ladders: Ladders = NO_LADDERS

    def tier_on(self, on: date) -> str | None:
        """The told tier of a day; None: none is known."""
        begun = bisect_right(self.tiers, on, key=lambda one: one[0])
        return self.tiers[begun - 1][1] if begun else None

    def climbed_on(self, on: date) -> frozenset[str]:
        """The tiers of a day on the ladders, at most one on each."""
        spans = (reckoning.at(of_ladder, on) for of_ladder in self.climbed)
        return frozenset(span.tier for span in spans if span and span.tier)

    def free_on(self, on: date) -> str | None:
        """The told tier of a day that is a step of no ladder."""
        told = self.tier_on(on)
        return None if told and self.ladders.has(told, on) else told

    def every_on(self, on: date) -> frozenset[str]:
        """All tiers of a day: those on the ladders, and the told one that is a step of none."""
        free = self.free_on(on)
        return self.climbed_on(on) | ({free} if free else frozenset())

    def circumstances(self, joined_on: date, on: date) -> Circumstances:
        """What the member is on a day, as factors ask for it."""
        in_birthday_month = self.birthday is not None and int(self.birthday[:2]) == on.month
        free = self.free_on(on)
        return Circumstances(free, full_years(joined_on, on), in_birthday_month, self.climbed_on(on))


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


def of_many(session: Session, members: Iterable[int], ladders: Ladders = NO_LADDERS) -> dict[int, Attributes]:
    """What is known of members, in one statement; a member of whom nothing is known is left out.

    Without `ladders` only what was told is read.
    """
    asked = sorted(members)
    statement = _TOLD_AND_CLIMBED if ladders.versions else f"{_TOLD} order by 1, 3"
    rows = database.rows(session, statement, (asked,) * statement.count("%s"))
    tiers: dict[int, list[tuple[date, str]]] = defaultdict(list)
    birthdays: dict[int, str] = {}
    changes: dict[int, dict[str, list[tuple[date, str | None]]]] = defaultdict(lambda: defaultdict(list))
    grants: dict[int, dict[str, list[Granted]]] = defaultdict(lambda: defaultdict(list))
    for member_id, name, from_day, value, until, ladder in rows:
        if until is not None:
            grants[member_id][ladder].append(Granted(from_day, until, value))
        elif ladder is not None:
            changes[member_id][ladder].append((from_day, value))
        elif name == TIER:
            tiers[member_id].append((from_day, value))
        else:
            birthdays[member_id] = value
    return {
        member_id: Attributes(
            tuple(tiers.get(member_id, ())),
            birthdays.get(member_id),
            _climbed(ladders, changes.get(member_id, {}), grants.get(member_id, {})),
            ladders,
        )
        for member_id in tiers.keys() | birthdays.keys() | changes.keys() | grants.keys()
    }


def _climbed(
    ladders: Ladders,
    changes: Mapping[str, list[tuple[date, str | None]]],
    grants: Mapping[str, list[Granted]],
) -> tuple[tuple[Span, ...], ...]:
    return tuple(
        reckoning.spans(ladders.order(name), changes.get(name, ()), grants.get(name, ()))
        for name in sorted(changes.keys() | grants.keys())
    )


def latest_of_many(
    session: Session, members: Iterable[int], names: Iterable[str]
) -> dict[int, dict[str, tuple[date, str]]]:
    """The latest of some attributes of members, each with the day from which it holds: member -> name -> day and value."""
    rows = session.connection().exec_driver_sql(
        "select distinct on (member_id, name) member_id, name, from_day, value from member_attribute "
        "where member_id = any(%s) and name = any(%s) order by member_id, name, from_day desc",
        (sorted(members), list(names)),
    )
    found: dict[int, dict[str, tuple[date, str]]] = {}
    for member_id, name, from_day, value in rows:
        found.setdefault(member_id, {})[name] = (from_day, value)
    return found


def add_many(
    session: Session,
    told: Mapping[tuple[int, str, date], str],
    *,
    source: str = "import",
    reason: str | None = None,
) -> None:
    """Keep what was told: (member, name, from day) -> value; what stands there already stays. No day lies in the future.

    The facts of these members then hold the latest of each.
    """
    if not told:
        return
    born = {member_id: value for (member_id, name, _), value in told.items() if name == BIRTHDAY}
    rows = sorted((*place, value) for place, value in told.items() if place[1] != BIRTHDAY)
    connection = session.connection()
    if born:
        connection.exec_driver_sql(
            "update member_facts f set birthday = t.value from unnest(%s::bigint[], %s::text[]) t(member_id, value) "
            "where f.member_id = t.member_id and f.birthday is null",
            (list(born), list(born.values())),
        )
    connection.exec_driver_sql(
        "insert into member_attribute (member_id, name, from_day, value, source, reason) "
        "select t.*, %s, %s from unnest(%s::bigint[], %s::text[], %s::date[], %s::text[]) t on conflict do nothing",
        (source, reason, *([row[at] for row in rows] for at in range(4))),
    )
    members = sorted({member_id for member_id, _, _ in told})
    present.lock(session, members)
    connection.exec_driver_sql(_LATEST, (members,))
    present.refresh(session, {member_id for member_id, name, _ in told if name == TIER}, clock.now())


def tell(session: Session, member_id: int, told: Told, today: date) -> bool:
    """Keep what is told of one member; False: it was there already. BadAttribute, AttributeChanged.

    The birthday, which has no history, is told when a member is enrolled or by file.
    """
    if told.name == BIRTHDAY:
        raise BadAttribute("name: a birthday is told when a member is enrolled, or by file")
    check(told.name, told.value)
    if not EARLIEST <= told.from_day <= today:
        raise BadAttribute(f"from_day: must lie between {EARLIEST} and today")
    place = member_id, told.name, told.from_day
    fresh = session.get(MemberAttribute, place, populate_existing=True) is None
    if fresh:
        add_many(session, {place: told.value}, source=told.source, reason=told.reason)
    kept = session.get(MemberAttribute, place, populate_existing=True)  # somebody may have been first
    if kept is None or kept.value != told.value:
        raise AttributeChanged(name=told.name, from_day=str(told.from_day))
    return fresh


def history(
    session: Session, member_id: int, *, before: tuple[str, date] | None = None, limit: int
) -> list[MemberAttribute]:
    """All that was told of a member, by name, of each name the latest first; from after a place on."""
    asked = select(MemberAttribute).where(MemberAttribute.member_id == member_id)
    if before is not None:
        name, day = before
        later = (MemberAttribute.name == name) & (MemberAttribute.from_day < day)
        asked = asked.where((MemberAttribute.name > name) | later)
    order = MemberAttribute.name, MemberAttribute.from_day.desc()
    return list(session.scalars(asked.order_by(*order).limit(limit)))


def check(name: str, value: str) -> None:
    """BadAttribute, unless this can be told of a member."""
    if name not in CHECKS:
        raise BadAttribute(f"name: is one of {', '.join(CHECKS)}")
    if not CHECKS[name](value):
        raise BadAttribute(f"value: {WORDS[name]}")


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= most


CHECKS: dict[str, Callable[[str], bool]] = {
    TIER: lambda text: bool(TIER_CODE.fullmatch(text)),
    BIRTHDAY: is_birthday,
    AREA: lambda text: bool(AREA_CODE.fullmatch(text)),
    ARPU: lambda text: _is_number(text, MOST_FEN),
    RISK: lambda text: _is_number(text, HIGHEST_RISK),
}
WORDS = {
    TIER: "is not 1 to 32 letters, digits, dots, dashes or underscores (ASCII)",
    BIRTHDAY: "is not a day of the year (MM-DD, without the year)",
    AREA: "is not the code of a province, city or county (2, 4 or 6 digits)",
    ARPU: "is not a whole number of fen",
    RISK: f"is not a whole number from 0 to {HIGHEST_RISK}",
}
_TOLD = """
select member_id, name, from_day, value, null::date as until, null::text as ladder from member_attribute
where member_id = any(%s) and name = 'tier'
union all select member_id, 'birthday', joined_on, birthday, null, null from member_facts
where member_id = any(%s) and birthday is not null"""
_TOLD_AND_CLIMBED = f"""{_TOLD}
union all select member_id, null, from_day, tier, null, ladder from tier_change where member_id = any(%s)
union all select g.member_id, null, g.from_day, g.tier, least(g.until_day, r.from_day - 1), g.ladder
from tier_grant g left join tier_revocation r on r.member_id = g.member_id and r.grant_id = g.grant_id
where g.member_id = any(%s) and (r.from_day is null or r.from_day > g.from_day) order by 1, 3"""
_LATEST = """
update member_facts f set
  area = coalesce(t.said ->> 'area', f.area), arpu_fen = coalesce((t.said ->> 'arpu_fen')::bigint, f.arpu_fen),
  risk = coalesce((t.said ->> 'risk')::smallint, f.risk)
from (select member_id, jsonb_object_agg(name, value) said from (
    select distinct on (member_id, name) member_id, name, value from member_attribute
    where member_id = any(%s) order by member_id, name, from_day desc) latest
  group by member_id) t
where f.member_id = t.member_id
"""
