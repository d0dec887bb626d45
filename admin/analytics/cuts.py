"""The same trials by parts of the members: how long they are with the operator, what they use, where they live.

A part is told by what was known when the trial's month opened. Weights are those of all members: they were fitted on
everybody, so that a part in which they do not make both arms alike is refused by the rule of balance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from admin.analytics import products
from admin.analytics.histories import Bools, Floats
from admin.analytics.person_months import BUCKETS, Ints64, PersonMonths
from admin.analytics.trial_rows import Arms, TrialRows
from admin.analytics.weights import BLOCK_ROWS, Terms

TENURE, USAGE, CONTRACT, CITY, BRAND = NAMES = ("tenure", "usage", "contract", "city", "brand")
USED = ("usage", "arpu", "engagement")  # the first of these that the records hold tells who uses much
TO_CONTRACT_END = "months_to_contract_end"
TENURE_EDGES, CONTRACT_EDGES = (12, 36), (3, 7, 13)
THIRDS = (1 / 3, 2 / 3)
MOST_GROUPS = 12
OTHERS = "others"


@dataclass(frozen=True)
class Cut:
    """One way of parting the trials: into bands of a column, between `edges`, or by `codes` and the rest.

    `labels` name the parts in their order; `edges` belong to the part above them.
    """

    name: str
    column: str
    labels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    codes: tuple[int, ...] = ()

    def of(self, sample: PersonMonths, rows: Ints64) -> Ints64:
        """The part in which each of these rows is."""
        if self.codes:
            values = sample.groups[self.column][rows]
            place = np.searchsorted(self.codes, values)
            known = np.asarray(self.codes)[np.minimum(place, len(self.codes) - 1)] == values
            return np.where(known, place, len(self.codes)).astype(np.int64)
        return np.searchsorted(self.edges, _column(sample, self.column)[rows], side="right").astype(np.int64)

    def bounds(self, part: int) -> tuple[float | None, float | None]:
        """From which value on and below which one a part lies; None where it has no end, or is no band."""
        ends = (None, *self.edges, None)
        return (ends[part], ends[part + 1]) if self.edges else (None, None)


@dataclass(frozen=True)
class Cuts:
    """The cuts that these records carry; of the others, why not: a code of the refuse rules."""

    made: tuple[Cut, ...] = ()
    missing: Mapping[str, str] | None = None
    rare: tuple[Floats, ...] = ()  # by cut: parts x contrasts, the median chance of the treated arm


def of_trials(trials: TrialRows) -> Cuts:
    """Where the fitted sample's trials are cut; edges of usage are its thirds."""
    made, missing = [], {}
    for name in NAMES:
        if name == BRAND and BRAND not in trials.sample.groups:
            continue  # a programme is one brand; only a file may hold several
        found = _cut(name, trials)
        if isinstance(found, str):
            missing[name] = found
        else:
            made.append(found)
    return Cuts(tuple(made), missing, tuple(_medians(trials, cut) for cut in made))


def _cut(name: str, trials: TrialRows) -> Cut | str:
    sample = trials.sample
    if name in (CITY, BRAND):
        return _by_code(name, trials) if name in sample.groups else "no_column"
    columns = {TENURE: (TENURE,), CONTRACT: (TO_CONTRACT_END,), USAGE: USED}[name]
    column = next((one for one in columns if one == TENURE or one in sample.covariates), None)
    if column is None:
        return "no_column"
    values = _column(sample, column)[trials.row].astype(np.float64)
    if not len(values):
        return "one_part"
    fixed = {TENURE: TENURE_EDGES, CONTRACT: CONTRACT_EDGES}.get(name)
    edges = sorted({float(edge) for edge in (np.quantile(values, THIRDS) if fixed is None else fixed)})
    # A band that nobody is in tells nothing.
    edges = [edge for edge in edges if values.min() < edge <= values.max()]
    if not edges:
        return "one_part"
    return Cut(name, column, _bands(edges) if fixed else _steps(len(edges)), tuple(edges))


def _by_code(name: str, trials: TrialRows) -> Cut | str:
    """The groups with most trials, by their numbers; the others together."""
    codes, counts = np.unique(trials.sample.groups[name][trials.row], return_counts=True)
    if len(codes) < 2:
        return "one_part"
    most = np.sort(codes[np.argsort(-counts, kind="stable")[:MOST_GROUPS]])
    names = trials.sample.group_names.get(name, ())
    labels = tuple(names[code] if names else str(code) for code in most.tolist())
    return Cut(name, name, (*labels, OTHERS), codes=tuple(most.tolist()))


def _bands(edges: Sequence[float]) -> tuple[str, ...]:
    ends = [int(edge) for edge in edges]
    inner = [f"{low}-{high - 1}" for low, high in pairwise(ends)]
    return (f"under {ends[0]}", *inner, f"{ends[-1]} and more")


def _steps(edges: int) -> tuple[str, ...]:
    return ("low", "middle", "high") if edges == 2 else ("low", "high")


def _column(sample: PersonMonths, name: str) -> np.typing.NDArray[np.generic]:
    return sample.tenure if name == TENURE else sample.covariates[name]


def _medians(trials: TrialRows, cut: Cut) -> Floats:
    part = cut.of(trials.sample, trials.row)
    found = np.full((len(cut.labels), trials.able.shape[1]), np.nan)
    for nth in range(len(cut.labels)):
        for contrast in range(trials.able.shape[1]):
            chances = trials.chance[(part == nth) & trials.able[:, contrast], contrast]
            if len(chances):
                found[nth, contrast] = np.median(chances)
    return found


def sums(arms: Arms, cuts: Cuts, terms: Terms, lag: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """What adds up and what is a maximum, by cut: as `trials.Sums` has it, with the part after the bucket.

    Buckets are taken modulo `BUCKETS`, so that own ones of few members need no more room than those of many.
    """
    total: dict[str, Floats] = {}
    most: dict[str, Floats] = {}
    parts = [cut.of(arms.trials.sample, arms.trials.row) for cut in cuts.made]
    for cut, part in zip(cuts.made, parts, strict=True):
        added, largest = _sums(arms, part, len(cut.labels), lag)
        total |= {f"cut:{cut.name}:{name}": values for name, values in added.items()}
        most[f"cut:{cut.name}:heaviest"] = largest
    for cut, values in zip(cuts.made, _balance(arms, cuts, parts, terms), strict=True):
        total[f"cut:{cut.name}:balance"] = values
    return total, most


def _sums(arms: Arms, part: Ints64, parts: int, lag: int) -> tuple[dict[str, Floats], Floats]:
    trials, months = arms.trials, arms.trials.window.horizon + 1
    size = len(trials.contrasts)
    bucket = trials.bucket % BUCKETS
    seen = np.minimum(trials.ahead, months) - 1
    left = trials.leaves & (trials.ahead <= months)
    counted = trials.leaves & (trials.ahead > lag) & (trials.ahead <= months - 1 + lag)
    shape = (BUCKETS, parts, size, 2, months)
    found = {name: np.zeros(shape) for name in ("seen", "left")}
    facts = {name: np.zeros((parts, size, 2)) for name in ("n", "weight", "square", "leavers")}
    heaviest = np.zeros((parts, size, 2))

    def add(rows: Ints64, weight: Floats, arm: int, pattern: Ints64 | None, table: Bools) -> None:
        """Both sums and all facts of some trials, each of which belongs to the contrasts of its pattern."""
        kinds = table.astype(np.float64)
        here = part[rows] if pattern is None else part[rows] * len(table) + pattern
        cells, cell = parts * len(table), bucket[rows] * (parts * len(table)) + here
        gone = left[rows]
        for name, some in (("seen", slice(None)), ("left", gone)):
            values = np.bincount(
                cell[some] * months + seen[rows][some], weight[some], BUCKETS * cells * months
            )
            by_cell = values.reshape(BUCKETS, parts, len(table), months)
            found[name][:, :, :, arm] += np.einsum("bgpm,pc->bgcm", by_cell, kinds)
        leaving = counted[rows].astype(np.float64)
        for name, one in (("n", None), ("weight", weight), ("square", weight**2), ("leavers", leaving)):
            summed = np.bincount(here, one, cells).astype(np.float64).reshape(parts, len(table))
            facts[name][:, :, arm] += summed @ kinds
        largest = np.zeros(cells)
        np.maximum.at(largest, here, weight)
        by_kind = np.where(table, largest.reshape(parts, len(table), 1), 0.0).max(axis=1)
        heaviest[:, :, arm] = np.maximum(heaviest[:, :, arm], by_kind)

    table, pattern = trials.patterns
    add(trials.controls, arms.control, 1, pattern, table)
    for contrast, (rows, weight) in enumerate(arms.treated):
        add(rows, weight, 0, None, np.arange(size)[None] == contrast)
    return found | facts, heaviest


def _balance(arms: Arms, cuts: Cuts, parts: Sequence[Ints64], terms: Terms) -> list[Floats]:
    """By cut: weighted sums of what was known before, parts x contrasts x arms x terms, in standard deviations."""
    trials, size = arms.trials, len(arms.trials.contrasts)
    found = [np.zeros((len(cut.labels), size, 2, len(terms.names))) for cut in cuts.made]
    for start in range(0, len(trials.controls), BLOCK_ROWS):
        rows = trials.controls[start : start + BLOCK_ROWS]
        values = terms.standardised(trials.sample, trials.row[rows])
        weight = arms.control[start : start + BLOCK_ROWS].astype(np.float32)
        weights = trials.able[rows] * weight[:, None]
        for sums_of, part in zip(found, parts, strict=True):
            here = part[rows]
            for nth in range(len(sums_of)):
                mine = np.flatnonzero(here == nth)
                sums_of[nth, :, 1] += products.crossed(weights[mine], values[mine])
    for contrast, (rows, own) in enumerate(arms.treated):
        weighted = terms.standardised(trials.sample, trials.row[rows]) * own[:, None]
        for sums_of, part in zip(found, parts, strict=True):
            here = part[rows]
            for nth in range(len(sums_of)):
                sums_of[nth, contrast, 0] = weighted[here == nth].sum(axis=0)
    return found
