"""What is known of a member before a month opens, as numbers for a fit: from the whole numbers of the panel.

Money and points enter as logarithms, grades and tiers as they are; tenure, squares and calendar months (the season with
them) are added by whoever fits. What no table holds is named, so that a report can say what it
could not hold equal.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from admin.analytics.engines import Table
from admin.analytics.person_months import Floats32, Ints32

NOT_HELD = (
    "months_to_contract_end",
    "complaints",
    "outages",
    "device_age",
    "campaign_contact",
)
MOST_TIERS = 20
FIRST_YEAR = 12
COUNTIES = 100_000  # a county's code has six digits
SPANNED = ("balance", "bill_fen", "bills_fen", "risk")
Made = Callable[[Table], Any]


def covariates(
    table: Table, tiers: Sequence[str], ladders: Sequence[str], names: Sequence[str]
) -> Mapping[str, Floats32]:
    """The columns of these names, one value a row."""
    made = _columns(tiers, ladders)
    return {name: np.asarray(made[name](table), dtype=np.float32) for name in names}


def city(table: Table) -> Ints32:
    """The city of each row, the first four digits of a county's code; who is known less closely keeps the shorter code."""
    area = np.asarray(table["area"], dtype=np.int32)
    return np.where(area >= COUNTIES, area // 100, area).astype(np.int32)


def spans(table: Table, ladders: int) -> dict[str, list[int]]:
    """Lowest and highest value of what covariates are made of, and the tiers that occur."""
    if not len(table["month"]):
        return {}
    ranks = [f"rank_{nth}" for nth in range(1, ladders + 1)]
    ends = {name: [int(table[name].min()), int(table[name].max())] for name in (*SPANNED, *ranks)}
    ends["risk"] = [max(end, 0) for end in ends["risk"]]
    lists = {"tiers": table["told_tier"], "unknown": table["risk"] < 0, "young": table["tenure"] < FIRST_YEAR}
    return ends | {name: np.unique(values).astype(int).tolist() for name, values in lists.items()}


def varying(
    parts: Sequence[Mapping[str, list[int]]], tiers: Sequence[str], ladders: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The covariates that vary over all parts, and those that never do, which are of no use in any fit."""
    values: dict[str, set[int]] = {}
    for part in parts:
        for name, seen in part.items():
            values.setdefault(name, set()).update(seen)

    used: list[str] = []
    dropped: list[str] = []
    for name in _columns(tiers, ladders):
        source, _, one = _source(name, tiers, ladders).partition("=")
        found = values.get(source, set())
        varies = len(found) > 1
        if one:
            varies = varies and int(one) in found
        if varies and one and int(one) == min(found):
            continue  # what the others of the set are held against
        (used if varies else dropped).append(name)
    return tuple(used), tuple(dropped)


def _columns(tiers: Sequence[str], ladders: Sequence[str]) -> dict[str, Made]:
    """Every covariate by its name, and how it is made."""
    made: dict[str, Made] = {
        "usage": lambda t: _log(t["bill_fen"] / 100),
        "arpu": lambda t: _log(t["bills_fen"] / (100 * t["bill_months"])),
        "balance": lambda t: _log(t["balance"]),
        "first_year": lambda t: t["tenure"] < FIRST_YEAR,
        "risk": lambda t: np.maximum(t["risk"], 0),
        "risk_unknown": lambda t: t["risk"] < 0,
    }
    for number, code in enumerate(tiers[:MOST_TIERS], start=1):
        made[f"tier={code}"] = _is_tier(number)
    for number, ladder in enumerate(ladders, start=1):
        made[f"rank_{ladder}"] = _rank(number)
    return made


def _is_tier(number: int) -> Made:
    return lambda table: table["told_tier"] == number


def _rank(number: int) -> Made:
    return lambda table: table[f"rank_{number}"]


def _source(name: str, tiers: Sequence[str], ladders: Sequence[str]) -> str:
    """Of which span a covariate lives; with `=n` one value of a set, of which the lowest is what others are held against."""
    if name.startswith("tier="):
        return f"tiers={tiers.index(name[5:]) + 1}"
    if name.startswith("rank_"):
        return f"rank_{ladders.index(name[5:]) + 1}"
    fixed = {"usage": "bill_fen", "arpu": "bills_fen", "first_year": "young", "risk_unknown": "unknown"}
    return fixed.get(name, name)


def _log(values: Any) -> Any:
    return np.log1p(np.maximum(values, 0))
