"""Rules over what clerks did in the last 24 hours, at the tills that were busy lately: set-based, a few statements a walk.

A walk changes nothing but alerts, and an alert of the same day is raised once: two walks at once do no harm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock, ids
from base.auth.models import TerminalNonce
from merchants.models import Acceptance, Merchant, Outlet, Void
from merchants.outlets import outlets
from merchants.risk import alerts
from merchants.risk.alerts import About

DAY = timedelta(days=1)
BUSY_WITHIN = timedelta(minutes=10)
MOST_VOIDS = 5
MOST_VOID_SHARE_BP = 300
FEWEST_VOIDS = 3  # below it a share says nothing
MOST_OF_ONE_MEMBER = 3
TERMINALS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Clerked:
    """What a clerk of a merchant did within a day."""

    merchant_id: int
    clerk_id: int
    accepted: int
    voided: int

    @property
    def voids_too_often(self) -> bool:
        share_bp = 10_000 * self.voided // max(1, self.accepted)
        return self.voided > MOST_VOIDS or (self.voided >= FEWEST_VOIDS and share_bp > MOST_VOID_SHARE_BP)


def walk(session: Session, at: datetime) -> int:
    """Look at the tills that were busy within ten minutes; how many there were."""
    terminals = busy(session, at)
    for start in range(0, len(terminals), TERMINALS_AT_ONCE):
        look(session, terminals[start : start + TERMINALS_AT_ONCE], at)
    return len(terminals)


def busy(session: Session, at: datetime) -> list[int]:
    """Terminals that signed something lately."""
    return list(
        session.scalars(
            select(TerminalNonce.terminal_id).where(TerminalNonce.at > at - BUSY_WITHIN).distinct()
        )
    )


def look(session: Session, terminals: Sequence[int], at: datetime) -> None:
    """Raise what the rules say of the last 24 hours at these tills, and of the last minutes at outlets that are closed."""
    since = at - DAY
    for clerked in _clerked(session, terminals, since):
        if clerked.voids_too_often:
            undone = {"accepted": clerked.accepted, "voided": clerked.voided}
            alerts.put(session, alerts.MANY_VOIDS, _clerk(clerked.merchant_id, clerked.clerk_id), undone, at)
    for merchant_id, clerk_id, member_id, times in _pairs(session, terminals, since):
        about = About(merchant_id, f"clerk {clerk_id} member {member_id}", clerk_id=clerk_id)
        facts: dict[str, Any] = {"member": ids.public("mem", member_id), "times": times}
        alerts.put(session, alerts.SAME_MEMBER, about, facts, at)
    for merchant_id, clerk_id, places in _wandering(session, terminals, since):
        alerts.put(session, alerts.TWO_OUTLETS, _clerk(merchant_id, clerk_id), {"outlets": places}, at)
    for (merchant_id, clerk_id), facts in _off_hours(session, terminals, at - BUSY_WITHIN).items():
        alerts.put(session, alerts.OFF_HOURS, _clerk(merchant_id, clerk_id), facts, at)


def _clerk(merchant_id: int, clerk_id: int) -> About:
    return About(merchant_id, f"clerk {clerk_id}", clerk_id=clerk_id)


def _clerked(session: Session, terminals: Sequence[int], since: datetime) -> Iterable[Clerked]:
    voided = {
        (merchant_id, clerk_id): count
        for merchant_id, clerk_id, count in session.execute(
            select(Void.merchant_id, Void.clerk_id, func.count())
            .where(Void.terminal_id.in_(terminals), Void.recorded_at > since)
            .group_by(Void.merchant_id, Void.clerk_id)
        )
    }
    accepted = session.execute(
        select(Acceptance.merchant_id, Acceptance.clerk_id, func.count())
        .where(Acceptance.terminal_id.in_(terminals), Acceptance.recorded_at > since)
        .group_by(Acceptance.merchant_id, Acceptance.clerk_id)
    )
    counts = {(merchant_id, clerk_id): count for merchant_id, clerk_id, count in accepted}
    return [Clerked(*who, counts.get(who, 0), count) for who, count in sorted(voided.items())]


def _pairs(
    session: Session, terminals: Sequence[int], since: datetime
) -> Iterable[tuple[int, int, int, int]]:
    key = (Acceptance.merchant_id, Acceptance.clerk_id, Acceptance.member_id)
    rows = session.execute(
        select(*key, func.count())
        .where(Acceptance.terminal_id.in_(terminals), Acceptance.recorded_at > since)
        .group_by(*key)
        .having(func.count() > MOST_OF_ONE_MEMBER)
        .order_by(*key)
    )
    return [(merchant_id, clerk_id, member_id, times) for merchant_id, clerk_id, member_id, times in rows]


def _wandering(session: Session, terminals: Sequence[int], since: datetime) -> Iterable[tuple[int, int, int]]:
    key, outlets = (Acceptance.merchant_id, Acceptance.clerk_id), func.count(Acceptance.outlet_id.distinct())
    rows = session.execute(
        select(*key, outlets)
        .where(Acceptance.terminal_id.in_(terminals), Acceptance.recorded_at > since)
        .group_by(*key)
        .having(outlets > 1)
        .order_by(*key)
    )
    return [(merchant_id, clerk_id, count) for merchant_id, clerk_id, count in rows]


def _off_hours(
    session: Session, terminals: Sequence[int], since: datetime
) -> dict[tuple[int, int], dict[str, Any]]:
    """Who accepted lately while the outlet was closed: the latest minute of each; outlets without hours are never closed."""
    minute = func.date_trunc("minute", Acceptance.recorded_at)
    rows = session.execute(
        select(
            Acceptance.merchant_id, Acceptance.clerk_id, Outlet.outlet_id, Outlet.hours, Merchant.zone, minute
        )
        .join(Outlet, Outlet.outlet_id == Acceptance.outlet_id)
        .join(Merchant, Merchant.merchant_id == Acceptance.merchant_id)
        .where(Acceptance.terminal_id.in_(terminals), Acceptance.recorded_at > since, Outlet.hours != [])
        .distinct()
        .order_by(minute)
    )
    return {
        (merchant_id, clerk_id): {"outlet": ids.public("out", outlet_id), "at": at.isoformat()}
        for merchant_id, clerk_id, outlet_id, hours, zone, at in rows
        if not outlets.is_open(hours, at.astimezone(clock.zone(zone)))
    }
