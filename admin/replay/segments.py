"""Who is better and who is worse off, by segment: tier, province, class of group, band of the middle bill.

A member with tiers on several ladders counts under each of them, a contact of several groups under each class; everybody
lies in one province and one band. What members are is read as it is at the time of the replay.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ARPU_BANDS_FEN = (5_000, 10_000, 20_000, 50_000)
SEGMENTS = ("tier", "area", "class", "arpu")
FIGURES = (
    "count", "points_then", "points_new", "value_then", "value_new", "cash_then", "cash_new", "cost_then", "cost_new",
    "owed_then", "owed_new", "impossible", "impossible_points", "members", "better", "worse", "net_value_then",
    "net_value_new", "net_cost_then", "net_cost_new",
)  # fmt: skip
# net: less what was paid in cash, of redemptions that took points; what an allowance gives has no price to be held against
Sums = dict[str, dict[str, list[int]]]
"""By what (an offer, a tier ...) and by its key: the figures of FIGURES, in their order."""


def sums(rows: Iterable[Sequence[Any]]) -> Sums:
    """Rows of a statement, as what, key and figures."""
    found: Sums = {}
    for what, key, *figures in rows:
        found.setdefault(what, {})[key] = [int(figure) for figure in figures]
    return found


def merged(before: Mapping[str, Mapping[str, Sequence[int]]], more: Sums) -> Sums:
    """Two parts together. Pure."""
    found: Sums = {what: {key: list(row) for key, row in rows.items()} for what, rows in before.items()}
    for what, rows in more.items():
        for key, row in rows.items():
            old = found.setdefault(what, {}).get(key)
            found[what][key] = [a + b for a, b in zip(old, row, strict=True)] if old else list(row)
    return found


# Given m (member_id, points_then, points_new, better, worse): a row for each member with the segments it is in.
READ = """
s as materialized (
  select m.points_then, m.points_new, m.better, m.worse,
    case when f.tiers = '{}' then array[''] else f.tiers end tiers, left(f.area, 2) area,
    coalesce(nullif(case f.kind
      when 'group' then array(select g.group_class from group_profile g where g.member_id = f.member_id)
      else array(select distinct g.group_class from group_contact c join group_profile g on g.member_id = c.member_id
        where c.contact_id = f.member_id and c.until is null) end, '{}'), array['']) classes,
    coalesce(width_bucket(f.arpu_fen, %(bands)s::bigint[])::text, '') arpu
  from m join member_facts f on f.member_id = m.member_id)
"""
_FIGURES = "0, sum(points_then), sum(points_new), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), sum(better), sum(worse), 0, 0, 0, 0"
SUMS = f"""
union all select 'arpu', arpu, {_FIGURES} from s group by arpu
union all select 'area', area, {_FIGURES} from s group by area
union all select 'tier', t, {_FIGURES} from s, unnest(s.tiers) t group by t
union all select 'class', c, {_FIGURES} from s, unnest(s.classes) c group by c
"""
