"""The tiers of one member: of any day, by earning or by grant, with what was earned and what the next one takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from base import database
from points.members import members
from points.tiers import earned, ladders, reckoning
from points.tiers.ladders import Ladders
from points.tiers.models import TierChange, TierGrant, TierRevocation
from points.tiers.reckoning import DAY, Granted, Rule, Span, Step


@dataclass(frozen=True, slots=True)
class Held:
    """How a member stands on a ladder on a day.

    `until`: the last day on which the tier is sure: by its grant, or because it holds whatever is earned. `grace`: it
    holds no more and is not reached, and falls after that day. `missing`: points to the next step.
    """

    rule: Rule
    step: Step | None
    since: date | None
    until: date | None
    by_grant: bool
    grace: bool
    earned: int
    window_first: date
    next: Step | None

    @property
    def missing(self) -> int:
        return max(0, self.next.points - self.earned) if self.next else 0


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the history: a change by what was earned, a grant, or the end of one by revocation."""

    from_day: date
    what: TierChange | TierGrant | TierRevocation
    step: Step | None
    before: Step | None
    grant: TierGrant | None = None

    @property
    def told_at(self) -> datetime:
        if isinstance(self.what, TierChange):
            return self.what.at
        return self.what.granted_at if isinstance(self.what, TierGrant) else self.what.revoked_at


def of(session: Session, member_id: int, on: date) -> list[Held]:
    """How a member stands on each ladder of the programme on a day; right on every day, whether a run came or not."""
    return seen(session, member_id, on)[0]


def seen(session: Session, member_id: int, on: date) -> tuple[list[Held], list[Told]]:
    """How a member stands on a day, and what changed, was granted or revoked, the latest first."""
    return seen_on(
        session, ladders.load(session, members.by_id(session, member_id).programme_id), member_id, on
    )


def seen_on(session: Session, found: Ladders, member_id: int, on: date) -> tuple[list[Held], list[Told]]:
    """The same on ladders of the member's programme that were just read."""
    if not found.versions:
        return [], []
    changes, grants = _changes(session, member_id), _grants(session, member_id)
    rules = found.every(on)
    if not rules:
        return [], _history(found, changes, grants)
    points = earned.of_members(session, member_id, member_id, rules, on).get(member_id, (0,) * len(rules))
    held = [
        _held(found, rule, changes, grants, sum_of, on) for rule, sum_of in zip(rules, points, strict=True)
    ]
    return held, _history(found, changes, grants)


def codes(session: Session, member_id: int, on: date) -> list[str]:
    """The codes of the tiers of a day, of all ladders."""
    return sorted(held.step.tier for held in of(session, member_id, on) if held.step)


def _history(
    found: Ladders, changes: list[TierChange], grants: list[tuple[TierGrant, TierRevocation | None]]
) -> list[Told]:
    told = [
        Told(row.from_day, row, found.step(row.policy_id, row.tier), found.step(row.policy_id, row.before))
        for row in changes
    ]
    for grant, revoked in grants:
        step = _step_on(found, grant.ladder, grant.tier)
        told.append(Told(grant.from_day, grant, step, None, grant))
        if revoked:
            told.append(Told(revoked.from_day, revoked, step, None, grant))
    return sorted(told, key=lambda one: (one.from_day, one.told_at), reverse=True)


def timeline(
    found: Ladders, ladder: str, changes: Iterable[tuple[date, str | None]], grants: Iterable[Granted]
) -> tuple[Span, ...]:
    """The tier of every day on a ladder."""
    return reckoning.spans(found.order(ladder), changes, grants)


def granted(grant: TierGrant, revoked: TierRevocation | None) -> Granted:
    """The days on which a grant counts."""
    last = min(grant.until_day, revoked.from_day - DAY) if revoked else grant.until_day
    return Granted(grant.from_day, last, grant.tier)


def _held(
    found: Ladders,
    rule: Rule,
    changes: Sequence[TierChange],
    grants: Sequence[tuple[TierGrant, TierRevocation | None]],
    points: int,
    on: date,
) -> Held:
    own = [row for row in changes if row.ladder == rule.ladder and row.from_day <= on]
    given = [granted(*pair) for pair in grants if pair[0].ladder == rule.ladder]
    given = [one for one in given if one.from_day <= one.until_day]
    line = timeline(found, rule.ladder, ((row.from_day, row.tier) for row in own), given)
    now = reckoning.at(line, on)
    tier = now.tier if now else None
    rank = rule.rank(tier)
    by_grant = bool(now and now.by_grant)
    until, grace = _until(rule, own, given, tier, by_grant, points, on)
    return Held(
        rule=rule,
        step=rule.step(rank),
        since=_since(line, on) if tier else None,
        until=until,
        by_grant=by_grant,
        grace=grace,
        earned=points,
        window_first=rule.window_first(on),
        next=rule.step(rank + 1),
    )


def _until(
    rule: Rule,
    own: Sequence[TierChange],
    given: Sequence[Granted],
    tier: str | None,
    by_grant: bool,
    points: int,
    on: date,
) -> tuple[date | None, bool]:
    if tier is None:
        return None, False
    if by_grant:
        return max(
            one.until_day for one in given if one.tier == tier and one.from_day <= on <= one.until_day
        ), False
    last = own[-1]
    if on <= last.holds_until:
        return last.holds_until, False
    grace = rule.rank_for(points) < rule.rank(tier)
    return (last.grace_until if grace else None), grace


def _since(line: Sequence[Span], on: date) -> date | None:
    """From which day on the tier of a day is held without a break."""
    since, tier = None, None
    for span in line:
        if span.from_day > on:
            break
        if span.tier != tier or since is None:
            since, tier = span.from_day, span.tier
    return since


def _step_on(found: Ladders, ladder: str, tier: str) -> Step | None:
    last = [rule for rule in found.versions if rule.ladder == ladder and rule.rank(tier)]
    return last[-1].step(last[-1].rank(tier)) if last else None


def _changes(session: Session, member_id: int) -> list[TierChange]:
    return database.copies(session, TierChange, _CHANGES, (member_id,))


def _grants(session: Session, member_id: int) -> list[tuple[TierGrant, TierRevocation | None]]:
    rows = database.side_by_side(session, (TierGrant, TierRevocation), _GRANTS, (member_id,))
    return [(grant, revoked) for grant, revoked in rows]


# Asked with every look at the home page, so in words that need no compiling.
_CHANGES = (
    f"select {database.columns(TierChange)} from tier_change where member_id = %s order by ladder, from_day"
)
_GRANTS = f"""
select {database.columns(TierGrant, "g")}, {database.columns(TierRevocation, "r")} from tier_grant g
left join tier_revocation r on r.member_id = g.member_id and r.grant_id = g.grant_id
where g.member_id = %s order by g.from_day, g.grant_id
"""
