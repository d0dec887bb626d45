"""Cells: how many member-months, leaves, fen and points there are for each exposure, month and bin of what was known.

The panel counted, in the same SQL on both engines; the parts of a panel are held against it, and pages count by it.
"""

from admin.analytics import panel
from admin.analytics.panel import Window

DIMENSIONS = (
    "month", "kind", "redeemed_before", "tenure_years", "bill_bin", "balance_bin", "risk", "told_tier",
)  # fmt: skip
MEASURES = ("rows_", "leavers", "involuntary_", "points_", "cost_", "affordable")
BILL_FEN = (1, 3_000, 5_000, 10_000, 20_000)
BALANCE = (1, 300, 500, 900, 2_500, 10_000)
MOST_YEARS = 10


def counts(of: Window, low: int, high: int) -> str:
    """The cells of the table `panel` for members of the buckets low <= b < high: DIMENSIONS, then MEASURES, in order."""
    years = " + ".join(
        f"case when tenure >= {12 * year} then 1 else 0 end" for year in range(1, MOST_YEARS + 1)
    )
    can = " + ".join(name for name in panel.columns(of) if name.startswith("can_"))
    return f"""
select {", ".join(DIMENSIONS)}, count(*) as rows_, cast(sum(left_here) as bigint) as leavers,
  cast(sum(involuntary) as bigint) as involuntary_, cast(sum(points) as bigint) as points_,
  cast(sum(cost_fen) as bigint) as cost_, cast(sum(can) as bigint) as affordable
from (select month, kind, redeemed_before, {years} as tenure_years, {_bin("bill_fen", BILL_FEN)} as bill_bin,
    {_bin("balance", BALANCE)} as balance_bin, risk, told_tier, left_here, involuntary, points, cost_fen, {can} as can
  from panel where bucket >= {low} and bucket < {high}) binned
group by {", ".join(DIMENSIONS)} order by {", ".join(DIMENSIONS)}"""


def _bin(value: str, edges: tuple[int, ...]) -> str:
    """The number of edges that a value has reached."""
    return " + ".join(f"case when {value} >= {edge} then 1 else 0 end" for edge in edges)
