"""What the estimators must reach, scenario by scenario, and whether they did: found, limit, met.

The limits are meant for `WHOLE` runs. With fewer, chance alone may carry a good estimator past a limit; then a goal
counts as missed only where chance hardly explains what was found (less than one time in a hundred).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from admin.analytics import sensitivity
from admin.analytics.simulation import truth
from admin.analytics.simulation.experiments import (
    AS_NOTICED,
    BLIND,
    PLAIN,
    RANKS,
    Case,
    differences,
)
from admin.analytics.simulation.scenarios import KINDS, SCENARIOS

WHOLE = 200
DOUBT = 0.01
DOUBT_Z = 2.576
BIAS_PP = {"itt": 0.5, "per_protocol": 0.7}
BIAS_SHARE = 0.03
COVER = (0.92, 0.98)
MOST_WORKS = 0.05
FEWEST_RIGHT_RANKS = FEWEST_REFUSED = 0.95
FEWEST_TIPPING = 0.90
GAP_OUT_OF_NOTHING_PP = -30.0
NAMES = {"itt": "one redemption now", "per_protocol": "against never"}

Block = dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """One line of the table. `met` is None where nothing could be measured and nothing had to be; `runs` is what `found` was made of.

    `by_chance` says that what was found lies beyond the limit, but no further than chance may carry so few runs.
    """

    goal: str
    of: str
    what: str
    found: float | None
    limit: str
    met: bool | None
    runs: int
    by_chance: bool = False

    def block(self) -> Block:
        """As it stands in JSON."""
        return vars(self) | {"found": None if self.found is None else round(self.found, 6) + 0.0}


def judged(case: Case, runs: Sequence[Block]) -> list[Goal]:
    """All goals that runs of this case can speak to."""
    return list(_OF[case.scenario, case.variant](case, runs)) if runs else []


def _null(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    gaps = [run["raw_gap_pp"] for run in runs if run["raw_gap_pp"] is not None]
    if gaps:
        gap = sum(gaps) / len(gaps)
        limit, met = f"<= {GAP_OUT_OF_NOTHING_PP:g} pp", gap <= GAP_OUT_OF_NOTHING_PP
        yield Goal("G1", case.scenario, "raw gap out of nothing, pp", gap, limit, met, len(gaps))
    for headline, limit_pp in BIAS_PP.items():
        yield _bias("G1", case, runs, headline, limit_pp)
        yield _cover("G1", case, runs, headline)
    works = sum(run["verdict"] == "works" for run in runs)
    yield _share("G1", case.scenario, 'verdict "works"', works, len(runs), most=MOST_WORKS)
    yield from _at_least(case, runs)


def _main(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    for headline in BIAS_PP:
        yield _bias("G2", case, runs, headline, None)
        yield _cover("G2", case, runs, headline)
    yield from _money(case, runs)


def _unbiased(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    for headline in BIAS_PP:
        yield _bias("shows", case, runs, headline, None)
        yield _cover("shows", case, runs, headline)


def _wrong(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    """What is hidden from the estimators must be missed by them: else the scenario would examine nothing."""
    errors = [d["difference_pp"] - _true(case, "itt") for d in _answered(runs, "itt")]
    if errors:
        mean = sum(errors) / len(errors)
        clear = abs(mean) > BIAS_PP["itt"]
        what = {BLIND: "bias without the contract, pp", AS_NOTICED: "bias when dated to the notice, pp"}
        name = what.get(case.variant, "bias by the unseen trait, pp")
        yield Goal("shows", case.scenario, name, mean, f"beyond +-{BIAS_PP['itt']:g} pp", clear, len(errors))


def _support(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    refused = sum(d["status"] == "refused" for d in differences(runs, "per_protocol"))
    yield _share("G3", case.scenario, "refused: against never", refused, len(runs), least=FEWEST_REFUSED)


def _unseen(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    yield from _wrong(case, runs)
    yield from _tipping(case, runs)


def _tipping(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    """Where the trait alone made the gap, its true strength lies between the tipping points of the interval's ends.

    Where there is an effect besides, the trait is too weak to explain it all: both ends ask for more. Stated is one
    strength for redeeming and leaving; the true two are taken together by their geometric mean.
    """
    trait = _truth(case)["trait"]
    strength = math.sqrt(trait["redeem_odds"] * trait["leave_odds"])
    ranges = [tipping_range(d) for d in _answered(runs, "itt")]
    if _true(case, "itt") != 0:
        right, word = sum(low > strength for low, _ in ranges), "above"
    else:
        right, word = sum(low <= strength <= high for low, high in ranges), "around"
    if ranges:
        what = f"tipping point {word} the true strength {strength:.2f}"
        yield _share("G3", case.scenario, what, right, len(ranges), least=FEWEST_TIPPING)


def tipping_range(headline: Block) -> tuple[float, float]:
    """The tipping points of the weaker and of the stronger end of an interval; 1 where it holds 0."""
    low, high = headline["interval_pp"]
    control = headline["risk_control"]
    if low <= 0 <= high:
        weak, strong = 0.0, max(-low, high)
    else:
        weak, strong = sorted((abs(low), abs(high)))
    return _tip(weak, low < 0, control), _tip(strong, low < 0, control)


def _tip(size_pp: float, fewer: bool, control: float) -> float:
    if size_pp == 0:
        return 1.0
    found = sensitivity.tipping_point(control + (-size_pp if fewer else size_pp) / 100, control)
    return math.inf if found is None else found.odds


def _ranks(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    wanted = _truth(case)["ranking"]
    found = [{kind: run["kinds"][kind]["itt"]["difference_pp"] for kind in KINDS} for run in runs]
    whole = [one for one in found if None not in one.values()]
    right = sum(sorted(one, key=lambda kind: one[kind]) == wanted for one in whole)
    what = f"kinds ranked right, {case.members:,} members"
    yield _share("G2", case.scenario, what, right, len(whole), least=FEWEST_RIGHT_RANKS)


def _money(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    for kind in KINDS:
        true = _truth(case)["kinds"][kind]["itt"]["cost_per_retained_fen"]
        answers = [run["money"][kind] for run in runs if kind in run["money"]]
        intervals = [a["cost_interval_fen"] for a in answers if a["cost_per_retained_fen"] is not None]
        held = sum(low <= true <= high for low, high in intervals if None not in (low, high))
        if intervals:
            what = f"cost per retained covers: {kind}"
            yield _share("G6", case.scenario, what, held, len(intervals), within=COVER)
    yield from _at_least(case, runs)


def _at_least(case: Case, runs: Sequence[Block]) -> Iterator[Goal]:
    """Where the risk's interval holds 0 there is no cost per retained customer."""
    open_ones = right = 0
    for run in runs:
        for kind, money in run["money"].items():
            interval = run["kinds"][kind]["itt"]["interval_pp"]
            if interval and interval[0] <= 0 <= interval[1]:
                open_ones += 1
                right += money["cost_per_retained_fen"] is None
    if open_ones:
        met = right == open_ones
        what = '"at least" where the interval holds 0'
        yield Goal("G6", case.scenario, what, right / open_ones, "= 100 %", met, open_ones)


def _bias(goal: str, case: Case, runs: Sequence[Block], headline: str, limit: float | None) -> Goal:
    true = _true(case, headline)
    if limit is None:
        limit = max(BIAS_PP["itt"], BIAS_SHARE * abs(true))
    errors = [d["difference_pp"] - true for d in _answered(runs, headline)]
    what, words = f"bias, {NAMES[headline]}, pp", f"+-{limit:.2f} pp"
    if not errors:
        # Who refuses everything has shown nothing: in these scenarios the first headline can be answered.
        return Goal(goal, case.scenario, what, None, words, False if headline == "itt" else None, 0)
    mean = sum(errors) / len(errors)
    allowed = limit if len(errors) >= WHOLE else limit + DOUBT_Z * _standard_error(runs, headline, errors)
    met = abs(mean) <= allowed
    return Goal(goal, case.scenario, what, mean, words, met, len(errors), met and abs(mean) > limit)


def _standard_error(runs: Sequence[Block], headline: str, errors: Sequence[float]) -> float:
    """Of the mean: of few runs by what each says of itself, for few values tell little about their spread."""
    own = [d["se_pp"] for d in _answered(runs, headline) if d["se_pp"] is not None]
    if len(own) == len(errors):
        return math.sqrt(sum(se**2 for se in own)) / len(own)
    mean = sum(errors) / len(errors)
    return math.sqrt(sum((e - mean) ** 2 for e in errors) / max(1, len(errors) - 1) / len(errors))


def _cover(goal: str, case: Case, runs: Sequence[Block], headline: str) -> Goal:
    true = _true(case, headline)
    intervals = [d["interval_pp"] for d in _answered(runs, headline)]
    held = sum(low <= true <= high for low, high in intervals)
    return _share(goal, case.scenario, f"cover, {NAMES[headline]}", held, len(intervals), within=COVER)


def _share(
    goal: str,
    of: str,
    what: str,
    count: int,
    runs: int,
    *,
    least: float | None = None,
    most: float | None = None,
    within: tuple[float, float] | None = None,
) -> Goal:
    low, high = within or (least, most)
    words = (
        f"{100 * within[0]:g}-{100 * within[1]:g} %"
        if within
        else f">= {100 * least:g} %"
        if least is not None
        else f"<= {100 * (most or 0):g} %"
    )
    if not runs:
        return Goal(goal, of, what, None, words, None, 0)
    sides = [(count, low)] if low is not None else []
    sides += [(runs - count, 1 - high)] if high is not None else []
    beyond = any(_below(number, runs, share) for number, share in sides)
    met = not any(_too_few(number, runs, share) for number, share in sides)
    return Goal(goal, of, what, count / runs, words, met, runs, met and beyond)


def _below(count: int, runs: int, share: float) -> bool:
    return count < share * runs - 1e-9


def _too_few(count: int, runs: int, share: float) -> bool:
    """Whether a share is below its limit: in the whole examination plainly, else beyond what chance explains."""
    if not _below(count, runs, share) or runs >= WHOLE:
        return _below(count, runs, share)
    chance = sum(math.comb(runs, k) * share**k * (1 - share) ** (runs - k) for k in range(count + 1))
    return chance < DOUBT


def _answered(runs: Sequence[Block], headline: str) -> list[Block]:
    """The answers that were given and have an interval."""
    return [
        d
        for d in differences(runs, headline)
        if d["status"] != "refused" and d["difference_pp"] is not None and d["interval_pp"]
    ]


def _truth(case: Case) -> Block:
    found = truth.stored(SCENARIOS[case.scenario])
    if found is None:
        raise LookupError(f"no frozen truth for {case.scenario}: {truth.COMMAND}")
    return found


def _true(case: Case, headline: str) -> float:
    return float(_truth(case)[headline]["risk_difference_pp"])


_OF = {
    ("null", PLAIN): _null,
    ("main", PLAIN): _main,
    ("main", RANKS): _ranks,
    ("feedback", PLAIN): _unbiased,
    ("contracts", PLAIN): _unbiased,
    ("late", PLAIN): _unbiased,
    ("contracts", BLIND): _wrong,
    ("late", AS_NOTICED): _wrong,
    ("unseen", PLAIN): _unseen,
    ("mirage", PLAIN): _unseen,
    ("support", PLAIN): _support,
}
