"""Earn rules replayed: what the bill lines of the window would have brought under the draft, each with its own factors.

A line counts as it was rated when it came, as if it were paid in full; later corrections and payments are not looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.replay import segments
from admin.replay.counting import Window
from admin.replay.segments import Sums
from base import database
from points import policies
from points.earn_rules.earn_rules import Row
from points.models import EarnFactor


def first_of(rows: Iterable[Row]) -> dict[str, Row]:
    """Of each type of line the row that begins first. Pure."""
    found: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: row.from_day):
        found.setdefault(row.line_type, row)
    return found


def part(session: Session, rows: Mapping[str, Row], window: Window) -> Sums:
    """What the bill lines of a part of the members come to; keys are types of lines, and segments."""
    driver = database.driver(session)
    driver.execute("set local plan_cache_mode = force_custom_plan")
    asked: dict[str, Any] = {
        "programme": window.programme_id, "low": window.low, "high": window.high, "since": window.from_day,
        "until": window.until_day, "types": sorted(rows), "bands": list(segments.ARPU_BANDS_FEN),
    }  # fmt: skip
    cases = driver.execute(
        f"with {_READ} select distinct line_type, factors from b order by 1, 2", asked
    ).fetchall()
    wanted = {int(factor) for _, factors in cases for factor in factors.split(",") if factor}
    known = {
        one.factor_id: one
        for one in session.scalars(select(EarnFactor).where(EarnFactor.factor_id.in_(sorted(wanted))))
    }
    worth = [_worth(rows[line_type], factors, known) for line_type, factors in cases]
    asked |= {
        "k_type": [line_type for line_type, _ in cases], "k_factors": [factors for _, factors in cases],
        "k_points": [points for points, _ in worth], "k_parts": [parts for _, parts in worth],
    }  # fmt: skip
    return segments.sums(driver.execute(_SUMS, asked))


def _worth(row: Row, factors: str, known: Mapping[int, EarnFactor]) -> tuple[str, str]:
    """What one fen of such a line earns, as whole points over whole parts; as texts, for they may be large."""
    used: Sequence[EarnFactor] = [known[int(one)] for one in factors.split(",") if one]
    points, parts = policies.fraction(row.points, row.per_fen, 1, used)
    return str(points), str(parts)


_READ = """
b as materialized (
  select b.member_id, b.line_type, b.amount_fen, b.waived_fen, b.points, array_to_string(b.factor_ids, ',') factors
  from bill_line b join member_facts f on f.member_id = b.member_id
  where b.member_id > %(low)s and b.member_id <= %(high)s and f.member_id > %(low)s and f.member_id <= %(high)s
    and f.programme_id = %(programme)s and b.bill_day between %(since)s and %(until)s
    and b.line_type = any(%(types)s::text[]))
"""
_SUMS = f"""
with {_READ}, k as materialized (
  select * from unnest(%(k_type)s::text[], %(k_factors)s::text[], %(k_points)s::text[]::numeric[],
    %(k_parts)s::text[]::numeric[]) as k (line_type, factors, points, parts)),
x as materialized (
  select b.member_id, b.line_type, b.points points_then,
    div(greatest(0, b.amount_fen - b.waived_fen)::numeric * k.points, k.parts) points_new
  from b join k on k.line_type = b.line_type and k.factors = b.factors),
m as materialized (
  select member_id, sum(points_then) points_then, sum(points_new) points_new,
    (sum(points_new) > sum(points_then))::int better, (sum(points_new) < sum(points_then))::int worse
  from x group by member_id),
{segments.READ}
select 'line_type', line_type, count(*), sum(points_then), sum(points_new), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0
  from x group by line_type
{segments.SUMS}
"""
