"""The run that evaluates all members of a programme as of a day, some at a time; it goes on where it stopped.

What a step finds, the facts that follow from it and how far the run has come are one transaction. A second run of the same
day looks at everybody again and finds only what was earned since; on one day a ladder changes for a member once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from base.errors import Conflict
from points.kinds import State
from points.models import Programme
from points.tiers import earned, ladders, present, reckoning, telling
from points.tiers.ladders import Ladders
from points.tiers.models import TierRun
from points.tiers.reckoning import Change, Rule, Standing

STEP = 5_000


class LaterRun(Conflict):
    """A later day was evaluated already; tiers are not reckoned backwards."""

    zh = "更晚的日期已经评定过，等级不能倒序评定。"
    next_en, next_zh = "Name that day or a later one.", "请使用该日期或之后的日期。"


@dataclass(frozen=True)
class Did:
    """What a step did: members looked at, changes written, and whether that was the end."""

    looked_at: int
    changes: int
    done: bool


def begin(session: Session, programme: Programme, on: date, at: datetime) -> int:
    """Start the run of a day, or take it up again; how many members are left. LaterRun."""
    last = session.scalar(select(func.max(TierRun.day)).where(TierRun.programme_id == programme.programme_id))
    if last is not None and last > on:
        raise LaterRun(day=str(last))
    session.execute(
        insert(TierRun)
        .values(programme_id=programme.programme_id, day=on, last_member=0, members=0, changes=0, began_at=at)
        .on_conflict_do_nothing()
    )
    run = session.get_one(TierRun, (programme.programme_id, on), with_for_update=True)
    if run.ended_at is not None:  # once more from the start
        run.last_member, run.members, run.began_at, run.ended_at = 0, 0, at, None
    return int(
        session.connection()
        .exec_driver_sql(
            "select count(*) from member_facts where programme_id = %s and member_id > %s",
            (programme.programme_id, run.last_member),
        )
        .scalar_one()
    )


def step(session: Session, programme: Programme, on: date, *, tells: Config | None) -> Did:
    """Evaluate the next members. `tells`: who rises is told; None: nobody is. Commit after each step."""
    run = session.get_one(TierRun, (programme.programme_id, on), with_for_update=True)
    if run.ended_at is not None:  # somebody else came to the end
        return Did(0, 0, True)
    members = _next(session, programme, run.last_member)
    written: list[tuple[int, Rule, Change]] = []
    if members:
        found = ladders.load(session, programme.programme_id)
        open_ones = [member_id for member_id, is_open in members if is_open]
        written = _evaluate(session, found, open_ones, on) if open_ones else []
        now = clock.now()
        touched = _touched(session, members, written, clock.day(now, programme.zone))
        present.refresh(session, touched, now)
        if tells:
            telling.risen(
                session, tells, found, [one for one in written if one[2].reason == reckoning.REACHED]
            )
        run.last_member = members[-1][0]
    run.members += len(members)
    run.changes += len(written)
    done = len(members) < STEP
    if done:
        run.ended_at = clock.now()
    session.flush()
    return Did(len(members), len(written), done)


def _next(session: Session, programme: Programme, after: int) -> list[tuple[int, bool]]:
    """Members in order, and whether each still takes part."""
    rows = database.driver(session).execute(
        "select f.member_id, w.state not in (%s, %s) from member_facts f join wallet w on w.member_id = f.member_id "
        "where f.programme_id = %s and f.member_id > %s order by f.member_id limit %s",
        (int(State.CLOSED), int(State.MERGED), programme.programme_id, after, STEP),
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def _evaluate(
    session: Session, found: Ladders, members: Sequence[int], on: date
) -> list[tuple[int, Rule, Change]]:
    """What follows for these members on every ladder in force, written down."""
    rules = found.every(on)
    if not rules:
        return []
    points = earned.of_members(session, members[0], members[-1], rules, on)
    stand = _standings(session, members[0], members[-1])
    nothing = (0,) * len(rules)
    wanted: list[tuple[int, Rule, Change, int]] = []
    for member_id in members:
        for rule, sum_of in zip(rules, points.get(member_id, nothing), strict=True):
            change = reckoning.reckon(rule, stand.get((member_id, rule.ladder)), sum_of, on)
            if change is not None:
                wanted.append((member_id, rule, change, sum_of))
    _write(session, wanted)
    return [(member_id, rule, change) for member_id, rule, change, _ in wanted]


def _standings(session: Session, first: int, last: int) -> dict[tuple[int, str], Standing]:
    rows = database.driver(session).execute(
        "select distinct on (member_id, ladder) member_id, ladder, from_day, tier, holds_until, grace_until "
        "from tier_change where member_id between %s and %s order by member_id, ladder, from_day desc",
        (first, last),
    )
    return {(row[0], row[1]): Standing(*row[2:]) for row in rows.fetchall()}


_COLUMNS = {
    "member_id": "bigint", "policy_id": "bigint", "earned": "bigint", "from_day": "date", "window_first": "date",
    "holds_until": "date", "grace_until": "date", "rank": "smallint", "ladder": "text", "tier": "text",
    "before": "text", "reason": "text",
}  # fmt: skip
_INSERT = (
    f"insert into tier_change ({', '.join(_COLUMNS)}, at) select k.*, %s from unnest("
    + ", ".join(f"%s::text::{kind}[]" for kind in _COLUMNS.values())
    + ") k"
)


def _write(session: Session, wanted: Sequence[tuple[int, Rule, Change, int]]) -> None:
    """Nobody else writes here: a run holds its row, and on the day of a change nothing follows."""
    if not wanted:
        return
    rows: list[tuple[Any, ...]] = [
        (
            member_id, rule.policy_id, sum_of, change.from_day, rule.window_first(change.from_day),
            change.holds_until, change.grace_until, change.rank, rule.ladder, change.tier, change.before,
            change.reason,
        )
        for member_id, rule, change, sum_of in wanted
    ]  # fmt: skip
    columns = [database.array(column) for column in zip(*rows, strict=True)]
    database.driver(session).execute(_INSERT, (clock.now(), *columns))


def _touched(
    session: Session,
    members: Sequence[tuple[int, bool]],
    written: Sequence[tuple[int, Rule, Change]],
    today: date,
) -> set[int]:
    """Whose facts may be others now: who changed, whose grant began or ended, whom another system told a tier of."""
    rows = session.connection().exec_driver_sql(
        "select f.member_id from member_facts f where f.member_id between %s and %s and (f.tiers_until < %s "
        "or exists (select from member_attribute a where a.member_id = f.member_id and a.name = 'tier'))",
        (members[0][0], members[-1][0], today),
    )
    mine = {member_id for member_id, _ in members}
    return {member_id for member_id, _, _ in written} | (mine & {row[0] for row in rows})
