"""Tells members that they have risen: the tier, since when, and what it brings. Whoever falls is not told."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.config import Config
from base.notices.templates import by_language
from base.notices.texts import EN, ZH
from points.members import members
from points.models import EarnFactor
from points.notices import telling
from points.tiers.ladders import Ladders
from points.tiers.models import TierGrant, TierRevocation
from points.tiers.reckoning import DAY, Change, Rule, Step


def tell(
    session: Session, config: Config, member_id: int, step: Step, since: date, until: date | None = None
) -> None:
    """The one place from which such a notice goes out."""
    brings = _brings(session, member_id, step.tier, since)
    last = by_language(until) if until else None
    end = (f"，有效期至{last[ZH]}", f", until {last[EN]}") if last else ("", "")
    more = {ZH: f"{end[0]}。{brings[0]}", EN: f"{end[1]}.{brings[1]}"}
    facts = {"tier": step.names, "from_day": by_language(since), "more": more}
    telling.tell(session, config, member_id, "tier-up", facts)


def risen(
    session: Session, config: Config, found: Ladders, changes: Sequence[tuple[int, Rule, Change]]
) -> None:
    """Tell those who reached a higher tier; who has as high a one by a grant on that day is not told again."""
    have = _granted(session, [member_id for member_id, _, _ in changes])
    for member_id, rule, change in changes:
        order = found.order(rule.ladder)
        given = [
            one.tier
            for one, until in have.get(member_id, ())
            if one.ladder == rule.ladder and one.from_day <= change.from_day <= until
        ]
        step = rule.step(change.rank)
        if step and all(order.index(tier) < order.index(step.tier) for tier in given):
            tell(session, config, member_id, step, change.from_day)


def _granted(session: Session, members_of: Sequence[int]) -> dict[int, list[tuple[TierGrant, date]]]:
    if not members_of:
        return {}
    asked = (
        select(TierGrant, TierRevocation.from_day)
        .outerjoin(
            TierRevocation,
            (TierRevocation.member_id == TierGrant.member_id)
            & (TierRevocation.grant_id == TierGrant.grant_id),
        )
        .where(TierGrant.member_id.in_(members_of))
    )
    found: dict[int, list[tuple[TierGrant, date]]] = {}
    for row in session.execute(asked):
        grant: TierGrant = row[0]
        revoked: date | None = row[1]
        until = grant.until_day if revoked is None else revoked - DAY
        found.setdefault(grant.member_id, []).append((grant, until))
    return found


def _brings(session: Session, member_id: int, tier: str, on: date) -> tuple[str, str]:
    """What the tier brings on every bill line, in both languages; empty where it brings nothing there."""
    asked = (
        select(EarnFactor)
        .where(
            EarnFactor.programme_id == members.by_id(session, member_id).programme_id,
            EarnFactor.tier == tier,
            EarnFactor.line_type.is_(None),
            EarnFactor.from_day <= max(on, clock.now().date()),
        )
        .order_by(EarnFactor.from_day.desc())
        .limit(1)
    )
    factor = session.scalar(asked)
    percent = (100 + factor.percent if factor.adds else factor.percent) if factor else 100
    if percent <= 100:
        return "", ""
    return f"账单积分按 {percent}% 累计。", f" Bills earn {percent} % of the usual points."
