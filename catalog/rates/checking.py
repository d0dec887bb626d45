"""What stands against rows of rates: values, names that nobody knows, days; overlaps and gaps that they would make."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, groupby, pairwise

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from base.errors import Conflict, Invalid, field_errors
from catalog.offers.models import (
    BILL_CREDIT,
    BUNDLE,
    EVENT,
    GIFT,
    GOODS,
    PERK,
    SERVICE,
    TRIAL_CARD,
    VOUCHER,
    Offer,
)
from catalog.rates.models import Rate
from catalog.rates.rates import DAY, RateOverlaps, Row, chained
from catalog.rates.scopes import GENERAL, Scope, scope_of
from points.factors import TIER_CODE
from points.members.areas import AREA
from points.members.models import Area, MemberFacts
from points.models import Programme
from points.tiers import ladders

MOST_ROWS, MOST = 1_000, 10**9
MOST_LOOKED_AT = 100_000
KINDS = (BILL_CREDIT, VOUCHER, TRIAL_CARD, PERK, EVENT, GOODS, SERVICE, GIFT, BUNDLE)


class BadRate(Invalid):
    """These rates cannot be proposed."""

    zh = "兑换比例的内容不正确。"


class RateGap(Conflict):
    """The programme would be without a general rate on some days."""

    zh = "积分计划在部分日期将没有通用兑换比例。"
    next_en, next_zh = (
        "Add a rate of the whole programme that begins on the day that is named.",
        "请补充一条自所示日期起生效的通用比例。",
    )


@dataclass
class Window:
    """The days of a version, there or wanted; `row`: which of the wanted ones."""

    scope: Scope
    from_day: date
    until_day: date | None
    row: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it was taken back before it began."""
        return self.until_day is not None and self.until_day < self.from_day

    def meets(self, other: "Window") -> bool:
        """Whether both hold on some day."""
        first, second = sorted((self, other), key=lambda one: one.from_day)
        reached = first.until_day is None or second.from_day <= first.until_day
        return reached and not first.is_empty and not second.is_empty


@dataclass
class Outlook:
    """The days of all versions once the rows are written, and which of the rows cannot be, and why."""

    windows: list[Window]
    against: dict[int, str] = field(default_factory=dict)


def outlook(versions: Iterable[Rate], rows: Sequence[Row]) -> Outlook:
    """What `rates.put` would make of rows beside the versions there are. Pure."""
    found = Outlook([Window(scope_of(one), one.from_day, one.until_day) for one in versions])
    numbered = sorted(enumerate(rows), key=lambda pair: (pair[1].scope.place, pair[1].from_day))
    for scope, group in groupby(numbered, key=lambda pair: pair[1].scope):
        own, some = [one for one in found.windows if one.scope == scope], list(group)
        for number, row in some:
            if row.ends and not _ended(own, row.from_day, or_later=True):
                found.against[number] = f"no rate of its own is without a last day on {row.from_day}"
        numbers = [number for number, row in some if not row.ends]
        fresh = chained([rows[number] for number in numbers])
        if fresh:
            _ended(own, fresh[0].from_day, or_later=False)
        own += [
            Window(scope, row.from_day, row.until_day, number)
            for number, row in zip(numbers, fresh, strict=True)
        ]
        found.windows = [one for one in found.windows if one.scope != scope] + own
        for first, second in combinations(own, 2):
            if second.row is not None and first.meets(second):
                days = f"from {first.from_day}" + (f" to {first.until_day}" if first.until_day else " on")
                found.against.setdefault(second.row, f"an equally specific rate holds {days}")
    return found


def gap(windows: Iterable[Window]) -> date | None:
    """The first day after the first general rate's begin that has none; None: there is no such day. Pure."""
    general = sorted(
        (one for one in windows if one.scope == GENERAL and not one.is_empty), key=lambda one: one.from_day
    )
    for before, after in pairwise(general):
        if before.until_day is not None and after.from_day - DAY > before.until_day:
            return before.until_day + DAY
    last = general[-1].until_day if general else None
    return None if last in (None, date.max) else last + DAY


def check(
    session: Session, programme: Programme, versions: Sequence[Rate], rows: Sequence[Row], today: date
) -> None:
    """Refuse rows that cannot be written: BadRate names rows and fields, RateOverlaps the rows, RateGap the day."""
    wrong = faults(session, programme, rows, today, is_new=not versions)
    if wrong:
        problem = field_errors(wrong)
        raise BadRate(problem.detail, **problem.facts)
    found = outlook(versions, rows)
    if found.against:
        problem = field_errors({f"rows/{n}/from_day": text for n, text in sorted(found.against.items())})
        raise RateOverlaps(problem.detail, **problem.facts)
    missing = gap(found.windows) if any(row.scope == GENERAL for row in rows) else None
    if missing:
        raise RateGap(from_day=str(missing))


def faults(
    session: Session, programme: Programme, rows: Sequence[Row], today: date, *, is_new: bool
) -> dict[str, str]:
    """What is wrong with rows by themselves, by "rows/<number from 0>/<field>". A new programme's may begin today."""
    if not 1 <= len(rows) <= MOST_ROWS:
        return {"rows": f"must be 1 to {MOST_ROWS}"}
    known = _Known(session, programme, rows)
    wrong: dict[str, str] = {}
    for number, row in enumerate(rows):
        wrong |= {f"rows/{number}/{name}": text for name, text in _row(row, today, known, is_new).items()}
    return wrong


class _Known:
    """The names that rows may use."""

    def __init__(self, session: Session, programme: Programme, rows: Sequence[Row]) -> None:
        scopes = {row.scope for row in rows}
        wanted = {scope.offer_id for scope in scopes if scope.offer_id is not None}
        mine = select(Offer.offer_id).where(
            Offer.programme_id == programme.programme_id, Offer.offer_id.in_(sorted(wanted))
        )
        self.offers = set(session.scalars(mine)) if wanted else set()
        self.tiers = {scope.tier for scope in scopes if scope.tier is not None}
        self.tiers = {tier for tier in self.tiers if self._is_tier(session, programme, tier)}
        self.areas = {scope.area for scope in scopes if AREA.fullmatch(scope.area)}
        self.areas = {area for area in self.areas if self._is_area(session, area)}

    @staticmethod
    def _is_tier(session: Session, programme: Programme, tier: str) -> bool:
        """One of a ladder, or that another system told of a member; of very many members the first are looked at."""
        if not TIER_CODE.fullmatch(tier):
            return False
        if ladders.load(session, programme.programme_id).ladder_of(tier):
            return True
        some = select(MemberFacts.tiers).where(MemberFacts.programme_id == programme.programme_id)
        told = some.limit(MOST_LOOKED_AT).subquery()
        return session.scalar(select(literal(1)).where(told.c.tiers.contains([tier])).limit(1)) is not None

    @staticmethod
    def _is_area(session: Session, area: str) -> bool:
        """One that has a name, or that some member belongs to."""
        if session.get(Area, area) is not None:
            return True
        inside = MemberFacts.area.startswith(area, autoescape=True)
        return session.scalar(select(MemberFacts.member_id).where(inside).limit(1)) is not None


def _row(row: Row, today: date, known: _Known, is_new: bool) -> dict[str, str]:
    scope, wrong = row.scope, dict[str, str]()
    if scope.offer_id is not None and scope.kind is not None:
        wrong["kind"] = "stands alone: name an offer or a kind, not both"
    elif scope.kind is not None and scope.kind not in KINDS:
        wrong["kind"] = f"is one of {', '.join(KINDS)}"
    if scope.offer_id is not None and scope.offer_id not in known.offers:
        wrong["offer"] = "no offer of this programme"
    if scope.tier is not None and scope.tier not in known.tiers:
        wrong["tier"] = "no tier of this programme"
    if scope.area and scope.area not in known.areas:
        wrong["area"] = "no area that has a name or a member"
    return wrong | _numbers(row) | _days(row, today, is_new)


def _numbers(row: Row) -> dict[str, str]:
    if row.points is None and row.per_fen is None:
        return {"until_day": "stands with points and per_fen alone"} if row.until_day else {}
    return {
        name: f"must be a whole number from 1 to {MOST}"
        for name, value in (("points", row.points), ("per_fen", row.per_fen))
        if value is None or not 1 <= value <= MOST
    }


def _days(row: Row, today: date, is_new: bool) -> dict[str, str]:
    wrong = {}
    if row.from_day < today or (row.from_day == today and not is_new):
        wrong["from_day"] = f"must lie after {today}: what was bought is not priced anew"
    if row.until_day is not None and row.until_day < row.from_day:
        wrong["until_day"] = "must not lie before from_day"
    return wrong


def _ended(own: list[Window], on: date, *, or_later: bool) -> bool:
    """End the window that is open before a day (`or_later`: or begins on it); whether there was one."""
    for one in own:
        if one.until_day is None and (one.from_day < on or (or_later and one.from_day == on)):
            one.until_day = on - DAY
            return True
    return False
