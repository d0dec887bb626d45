"""Factors: who earns more on a bill line, from a day on - by tier, by years as a customer, in the birthday's month.

Of one kind at most one factor counts: one for the line's own type before one for every type, then the one that
asks for most years, then the one of the highest percent (who has several tiers), then the first by the tier's code. How several kinds combine is said by `policies.fraction`: added percents first, then products.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.errors import Invalid
from points.models import EarnFactor
from points.policies import SameDayVersion

TIER, TENURE, BIRTHDAY = "tier", "tenure", "birthday"
KINDS = (TIER, TENURE, BIRTHDAY)
TIER_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
MOST_PERCENT = 10_000
MOST_YEARS = 100


class BadFactor(Invalid):
    """A factor has a whole percent from 1 to 10000 and one condition: a tier, years from 1 to 100, or the birthday."""

    zh = "倍率应为 1 到 10000 的整数百分比，并且只有一个条件：等级、1 到 100 年的在网年限，或生日月。"
    next_en, next_zh = "Correct the factor and send it again.", "请更正倍率后重新提交。"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a customer is on a day: tier, full years as a customer, whether it is the month of the birthday.

    `tiers`: further ones, for a member may be on several ladders.
    """

    tier: str | None = None
    years: int = 0
    birthday: bool = False
    tiers: frozenset[str] = frozenset()


def add(
    session: Session,
    programme_id: int,
    kind: str,
    from_day: date,
    percent: int,
    *,
    adds: bool = False,
    line_type: str | None = None,
    tier: str | None = None,
    least_years: int | None = None,
) -> EarnFactor:
    """From a day on, lines earn so many percent (200: twice), or with `adds` so many percent more (50: half as much
    again). A factor ends by a later version that multiplies by 100. BadFactor; SameDayVersion.
    """
    _check(kind, percent, tier, least_years)
    same = (
        EarnFactor.programme_id == programme_id,
        EarnFactor.kind == kind,
        EarnFactor.line_type.is_not_distinct_from(line_type),
        EarnFactor.tier.is_not_distinct_from(tier),
        EarnFactor.least_years.is_not_distinct_from(least_years),
        EarnFactor.from_day == from_day,
    )
    if session.scalar(select(EarnFactor.factor_id).where(*same)) is not None:
        raise SameDayVersion(from_day=str(from_day))
    factor = EarnFactor(
        factor_id=ids.new_id(),
        programme_id=programme_id,
        kind=kind,
        from_day=from_day,
        percent=percent,
        adds=adds,
        line_type=line_type,
        tier=tier,
        least_years=least_years,
    )
    session.add(factor)
    session.flush()
    return factor


def _check(kind: str, percent: int, tier: str | None, least_years: int | None) -> None:
    if kind not in KINDS or not _whole(percent, 1, MOST_PERCENT):
        raise BadFactor(kind=kind, percent=percent)
    if (tier is not None) != (kind == TIER) or (tier is not None and not TIER_CODE.fullmatch(tier)):
        raise BadFactor(kind=kind, tier=tier)
    if (least_years is not None) != (kind == TENURE):
        raise BadFactor(kind=kind, least_years=least_years)
    if least_years is not None and not _whole(least_years, 1, MOST_YEARS):
        raise BadFactor(kind=kind, least_years=least_years)


def _whole(number: object, least: int, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and least <= number <= most


def in_force(factors: Iterable[EarnFactor], line_type: str, on: date) -> tuple[EarnFactor, ...]:
    """The versions of a day that lines of a type may earn by, whoever the customer is."""
    latest: dict[tuple[object, ...], EarnFactor] = {}
    for factor in sorted(factors, key=lambda one: one.from_day):
        if factor.from_day <= on and factor.line_type in (None, line_type):
            latest[factor.kind, factor.line_type, factor.tier, factor.least_years] = factor
    return tuple(latest.values())


def applying(candidates: Iterable[EarnFactor], customer: Circumstances) -> tuple[EarnFactor, ...]:
    """Those of the versions in force that a customer earns by: of each kind at most one, none that changes nothing."""
    chosen: dict[str, EarnFactor] = {}
    for factor in candidates:
        if _holds(factor, customer) and (
            factor.kind not in chosen or _rank(factor) < _rank(chosen[factor.kind])
        ):
            chosen[factor.kind] = factor
    found = (chosen[kind] for kind in KINDS if kind in chosen)
    return tuple(factor for factor in found if factor.adds or factor.percent != 100)


def _holds(factor: EarnFactor, customer: Circumstances) -> bool:
    if factor.kind == TIER:
        return factor.tier == customer.tier or factor.tier in customer.tiers
    if factor.kind == TENURE:
        return customer.years >= (factor.least_years or 0)
    return customer.birthday


def _rank(factor: EarnFactor) -> tuple[bool, int, int, str]:
    """The least of several counts."""
    percent = 100 + factor.percent if factor.adds else factor.percent
    return factor.line_type is None, -(factor.least_years or 0), -percent, factor.tier or ""


def full_years(since: date, on: date) -> int:
    """Full years from a day to another; who came on 29 February completes a common year on 1 March."""
    return max(0, on.year - since.year - ((on.month, on.day) < (since.month, since.day)))
