"""Packs of points: drained the earliest start first; what is left of one is the sum of what was used of it, never a row.

Whoever takes out of a merchant's packs does so one after another, behind the member's wallet, so that none is ever
overdrawn; a merchant without a pack that runs never waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from base import database, ids, locks
from merchants.packs.models import Pack, PackUse

LOW_PERCENTS = (20, 5, 0)  # of what all packs that run hold: the merchant and the operator are told


@dataclass(frozen=True)
class Rest:
    """A pack and what is left of it."""

    pack: Pack
    left: int


@dataclass(frozen=True)
class Drawn:
    """What came out of packs, as (pack id, points) in the order of draining, and what no pack had.

    `low`: the percentage that what is left has fallen to with this, one of LOW_PERCENTS; None: to none of them.
    """

    parts: tuple[tuple[int, int], ...]
    missing: int
    left: int
    held: int
    low: int | None


def add(
    session: Session,
    merchant_id: int,
    *,
    points: int,
    price_fen: int,
    from_day: date,
    until_day: date | None,
    reference: str,
    approval: str,
    at: datetime,
) -> Pack:
    """A pack that was bought; one of an approval."""
    pack = Pack(
        merchant_id=merchant_id,
        pack_id=ids.new_id(),
        points=points,
        price_fen=price_fen,
        bought_at=at,
        from_day=from_day,
        until_day=until_day,
        approval=approval,
        reference=reference,
    )
    session.add(pack)
    session.flush()
    return pack


def draw(session: Session, merchant_id: int, day: date, member_id: int, source_id: int, points: int) -> Drawn:
    """Take points for an earning out of the packs that run on a merchant's day. StillRunning where others take for long."""
    if not _running(session, merchant_id, day):
        return Drawn((), points, 0, 0, None)
    locks.in_turn(session, f"packs:{merchant_id}")
    drawn = drained(rests(session, _running(session, merchant_id, day)), points)
    session.add_all(
        PackUse(
            member_id=member_id, source_id=source_id, pack_id=pack_id, merchant_id=merchant_id, points=count
        )
        for pack_id, count in drawn.parts
    )
    session.flush()
    return drawn


def put_back(session: Session, member_id: int, source_id: int, reversal_id: int) -> None:
    """What an earning took goes back into the very packs it came from."""
    taken = session.scalars(
        select(PackUse).where(PackUse.member_id == member_id, PackUse.source_id == source_id)
    )
    session.add_all(
        PackUse(
            member_id=member_id,
            source_id=reversal_id,
            pack_id=use.pack_id,
            merchant_id=use.merchant_id,
            points=-use.points,
        )
        for use in taken.all()
    )
    session.flush()


def drained(them: Sequence[Rest], points: int) -> Drawn:
    """What points for one earning take of packs in this order."""
    parts, missing = [], points
    for one in them:
        taken = min(one.left, missing)
        if taken > 0:
            parts.append((one.pack.pack_id, taken))
            missing -= taken
    held, before = sum(one.pack.points for one in them), sum(one.left for one in them)
    left = before - (points - missing)
    fallen = [percent for percent in LOW_PERCENTS if left * 100 <= percent * held < before * 100]
    return Drawn(tuple(parts), missing, left, held, min(fallen, default=None))


def rests(session: Session, them: Iterable[Pack]) -> list[Rest]:
    """What is left of packs, in the order given: summed anew as far as something may still have changed."""
    packs = list(them)
    settled = ids.new_id() - SETTLES_S * 1000 * ids.EACH_MS
    known = {pack.pack_id: _settled.get(pack.pack_id, (0, 0)) for pack in packs}
    used: dict[int, int] = {}
    values = {"settled": settled, "packs": list(known), "since": [since for since, _ in known.values()]}
    for row in database.rows(session, _USED, values):
        since, before = known[row.pack_id]
        used[row.pack_id] = before + row.used
        if settled > since:
            _settled[row.pack_id] = (settled, before + row.old)
    return [Rest(pack, pack.points - used[pack.pack_id]) for pack in packs]


# Of each pack what had been used of it up to an id that no transaction under way can have: ids grow with time. It spares the
# sum over all that was ever taken; a process that has none sums all.
_settled: dict[int, tuple[int, int]] = {}
SETTLES_S = 60  # longer than any transaction may live
_USED = (
    "select k.pack_id, coalesce(sum(u.points), 0)::bigint as used, "
    "coalesce(sum(u.points) filter (where u.source_id < %(settled)s), 0)::bigint as old "
    "from unnest(%(packs)s::bigint[], %(since)s::bigint[]) k(pack_id, since) "
    "left join pack_use u on u.pack_id = k.pack_id and u.source_id >= k.since group by k.pack_id"
)


def listed(
    session: Session, merchant_id: int, *, before: int | None = None, limit: int | None = None
) -> list[Rest]:
    """A merchant's packs with what is left of each, the newest first, from before one on."""
    asked = select(Pack).where(Pack.merchant_id == merchant_id)
    if before is not None:
        asked = asked.where(Pack.pack_id < before)
    return rests(session, session.scalars(asked.order_by(Pack.pack_id.desc()).limit(limit)).all())


def standing(one: Rest, today: date) -> str:
    """later, running, empty, or over (its last day has passed)."""
    if one.pack.until_day is not None and one.pack.until_day < today:
        return "over"
    if one.left <= 0:
        return "empty"
    return "later" if one.pack.from_day > today else "running"


def public_id(pack: Pack) -> str:
    return ids.public("pck", pack.merchant_id, pack.pack_id)


def _running(session: Session, merchant_id: int, day: date) -> list[Pack]:
    asked = select(Pack).where(
        Pack.merchant_id == merchant_id,
        Pack.from_day <= day,
        or_(Pack.until_day.is_(None), Pack.until_day >= day),
    )
    return list(session.scalars(asked.order_by(Pack.from_day, Pack.pack_id)))
