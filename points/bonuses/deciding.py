"""Whether a rule gives a bonus: what the request alone decides, what the member is, what was given before. Pure functions."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from base.errors import field_errors
from points import lots, policies
from points.bonuses import occasions, rules
from points.bonuses.models import BonusRule
from points.bonuses.occasions import BIRTHDAY, GOODWILL, MEMBER_DAY, SIGN_UP
from points.bonuses.refusals import (
    BadBonus,
    BonusCapReached,
    BonusNotForMember,
    NeedsTwoPersons,
    NotTheOccasion,
)
from points.members.attributes import Attributes
from points.members.models import Member
from points.policies import Policies

MOST_REF = 64


class Wanted(NamedTuple):
    """A bonus as somebody asks for it. `ref`: the source's own id for what it is given for, once for good."""

    member_id: int
    code: str
    on: date
    ref: str | None


class World(NamedTuple):
    """What is the same for all bonuses of a batch: the rules, the policies, and today in the programme's zone."""

    rules: list[BonusRule]
    policies: Policies
    today: date


class Asked(NamedTuple):
    """A bonus that may be decided on: the rule of its day, what it is known by, how long its points live."""

    wanted: Wanted
    rule: BonusRule
    ref: str
    points: int
    policy_id: int
    lot_key: int

    @property
    def place(self) -> tuple[int, str, str]:
        """The key under which it is kept."""
        return self.wanted.member_id, self.rule.code, self.ref

    @property
    def last_day(self) -> date:
        return lots.last_day(self.lot_key)


class Before(NamedTuple):
    """What a member got of a campaign before: how many bonuses, how many for the day, and whether this very one."""

    of_campaign: int
    of_day: int
    is_there: bool


class Counts:
    """What a batch gives so far, on top of what was there."""

    def __init__(self) -> None:
        self._campaign: dict[tuple[int, str], int] = defaultdict(int)
        self._day: dict[tuple[int, str, date], int] = defaultdict(int)

    def add(self, one: Asked) -> None:
        member_id, code = one.wanted.member_id, one.rule.code
        self._campaign[member_id, code] += 1
        self._day[member_id, code, one.wanted.on] += 1

    def on_top(self, one: Asked, before: Before) -> Before:
        member_id, code = one.wanted.member_id, one.rule.code
        more, of_day = self._campaign[member_id, code], self._day[member_id, code, one.wanted.on]
        return Before(before.of_campaign + more, before.of_day + of_day, before.is_there)


@dataclass(frozen=True, slots=True)
class Condition:
    """Whom a rule is for: the member since a day, and the tier on the day of the bonus."""

    joined_on: date
    attributes: Attributes

    @staticmethod
    def of(member: Member, told: Attributes) -> "Condition":
        return Condition(member.joined_on, told)


def asked(world: World, wanted: Wanted, points: int | None = None) -> Asked:
    """What the request alone decides, whoever the member is. `points`: of goodwill, at most those of the rule.

    BadBonus, BonusRuleUnknown, BonusNotRunning, NeedsTwoPersons, NoRuleInForce.
    """
    if wanted.on > world.today:
        raise _bad("on", "lies in the future")
    rule = rules.in_force(world.rules, wanted.code, wanted.on)
    if rule.occasion == GOODWILL and points is None:
        raise NeedsTwoPersons()
    ref = occasions.reference(rule.occasion, wanted.ref, wanted.on)
    if ref is None:
        raise _bad("ref", f"is needed for a bonus of the occasion {rule.occasion}")
    if not (0 < len(ref) <= MOST_REF and ref.isprintable() and ref == ref.strip()):
        raise _bad("ref", f"must be 1 to {MOST_REF} characters that can be printed, without spaces around")
    if points is not None and not 1 <= points <= rule.points:
        raise _bad("points", f"must be from 1 to {rule.points}")
    policy = world.policies.expiry_policy(rule.lot_class, wanted.on)
    key = policies.lot_key(policy, wanted.on)
    return Asked(wanted, rule, ref, points or rule.points, policy.policy_id, key)


def check(one: Asked, who: Condition, before: Before) -> None:
    """Whether the rule gives this bonus to this member. NotTheOccasion, BonusNotForMember, BonusCapReached."""
    rule, on = one.rule, one.wanted.on
    if rule.occasion == SIGN_UP and on != who.joined_on:
        raise NotTheOccasion(rule=rule.code, day=who.joined_on.isoformat())
    born = who.attributes.birthday  # which nobody is told in a refusal; unknown: the source knows
    if rule.occasion == BIRTHDAY and born and occasions.birthday_in(born, on.year) != on:
        raise NotTheOccasion(rule=rule.code)
    if rule.occasion == MEMBER_DAY and not occasions.is_member_day(rule.month_day or 0, on):
        raise NotTheOccasion(rule=rule.code, day_of_month=rule.month_day)
    begins = who.joined_on + timedelta(days=rule.least_days or 0)
    if on < begins:
        raise BonusNotForMember(rule=rule.code, from_day=begins.isoformat())
    if rule.tier is not None and who.attributes.tier_on(on) != rule.tier:
        raise BonusNotForMember(rule=rule.code, tier=rule.tier)
    if rule.most_per_member is not None and before.of_campaign >= rule.most_per_member:
        raise BonusCapReached(rule=rule.code, cap="member", most=rule.most_per_member, resets_on=None)
    if rule.most_per_member_day is not None and before.of_day >= rule.most_per_member_day:
        most = rule.most_per_member_day
        raise BonusCapReached(rule=rule.code, cap="member-day", most=most, resets_on=day_after(on))


def day_after(on: date) -> str:
    """The day on which a cap of a day counts anew."""
    return (on + timedelta(days=1)).isoformat()


def _bad(field: str, text: str) -> BadBonus:
    problem = field_errors({field: text})
    return BadBonus(problem.detail, **problem.facts)
