"""What a redemption costs beyond what would have been spent anyway, and what a member who stays for it costs.

Reckoned from the sums of sequential trials: per bucket of members, arm and follow-up month the weighted number at
risk, of leavers, of fen and of points. Cost and risk are drawn together, with the same draws of the buckets, because
they hang together. Money is reckoned in floating point here and rounded once, at the end; none of it is ever posted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from admin.analytics.refusals import Reason

Floats = NDArray[np.float64]
Block = dict[str, Any]

CONTROL, TREATED = 0, 1
LOW, HIGH = 2.5, 97.5
PER_POINTS = PER_REDEMPTIONS = 1_000
CLOUD = 250  # so many draws are kept to be drawn, the first ones
BY_POINTS, BY_NET_VALUE, BY_BREAK_EVEN = "net_value_per_1000_points", "net_value", "break_even_margin"


@dataclass(frozen=True, eq=False)
class ArmSums:
    """Sums of one comparison, redeeming a kind against not redeeming, of shape (buckets, 2 arms, follow-up months).

    Arm 0 is the control, arm 1 redeemed in the month in which the follow-up begins. All but `at_risk` are sums over
    those at risk in the month; `cost` in fen, `points` in points (not a number where they are not told). Every sum
    carries the trials' weights.
    """

    at_risk: Floats
    leavers: Floats
    cost: Floats
    points: Floats

    def __post_init__(self) -> None:
        shapes = {getattr(self, name).shape for name in ("at_risk", "leavers", "cost", "points")}
        assert len(shapes) == 1, f"sums of one shape, not {shapes}"
        assert self.at_risk.ndim == 3, "bucket, arm and month"
        assert self.at_risk.shape[1] == 2, "two arms"

    @property
    def buckets(self) -> int:
        """How many buckets the members lie in."""
        return int(self.at_risk.shape[0])

    @property
    def horizon(self) -> int:
        """How many months are followed."""
        return int(self.at_risk.shape[2])

    def drawn(self, draws: Floats) -> Outcome:
        """The outcome of each draw; `draws` has a row a draw, with how often each bucket counts in it."""
        parts = (self.at_risk, self.leavers, self.cost, self.points)
        return _outcome(*(np.einsum("db,bam->dam", draws, part, optimize=True) for part in parts))

    def whole(self) -> Outcome:
        """The outcome of all members, as one draw in which each bucket counts once."""
        return self.drawn(np.ones((1, self.buckets)))


@dataclass(frozen=True, eq=False)
class Outcome:
    """One value a draw: how many more of the redeemers left (a share, below zero is good), and what they cost.

    `cost` and `points` are those of a redeemer within the horizon less those of somebody who did not redeem then, who
    may have redeemed later. `burnt` are the points of the redemption itself.
    """

    risk_difference: Floats
    cost: Floats
    points: Floats
    burnt: Floats


@dataclass(frozen=True, eq=False)
class _Found:
    """A kind as it was estimated: all members, and the draws."""

    whole: Outcome
    draws: Outcome
    risk_interval: tuple[float, float]

    @property
    def shows_retained(self) -> bool:
        """Whether fewer left, beyond chance."""
        return self.risk_interval[1] < 0

    @property
    def may_retain(self) -> bool:
        """Whether at the best end of the interval at least somebody stayed."""
        return self.risk_interval[0] < 0


def bucket_draws(buckets: int, draws: int, seed: int) -> Floats:
    """How often each bucket counts in each draw: Poisson with mean 1, the same for the same seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.poisson(1.0, size=(draws, buckets)).astype(np.float64)


def money(
    kinds: Mapping[str, ArmSums],
    draws: Floats,
    *,
    margin_fen: int | None = None,
    refused: Mapping[str, Sequence[Reason]] | None = None,
) -> Block:
    """The block `money` of the retention report, kinds in the order of their value.

    `draws` are the bootstrap's, as for the risks. `margin_fen`: what a member who stays brings over the horizon, in
    whole fen; None: the margin from which it pays is shown instead. `refused`: why a kind's trials gave no number.
    """
    held = dict(refused or {})
    found = {kind: _found(sums, draws) for kind, sums in kinds.items() if kind not in held}
    finite = {kind: one for kind, one in found.items() if np.isfinite(one.whole.risk_difference[0])}
    told = all(np.isfinite(one.whole.burnt[0]) for one in finite.values())
    scores = {kind: _score(one.draws, margin_fen, told) for kind, one in finite.items()}
    best = _probability_best(scores)
    blocks: dict[str, Block] = {}
    for kind in kinds:
        if kind in finite:
            blocks[kind] = _block(finite[kind], margin_fen, best[kind])
        else:
            blocks[kind] = _status(
                held.get(kind) or [Reason("one_arm_empty", 0, 1)], refused=True
            ) | dict.fromkeys(FIELDS)
    whole = {kind: float(_score(one.whole, margin_fen, told)[0]) for kind, one in finite.items()}
    return _status([] if margin_fen is not None else [Reason("no_margin")], refused=not finite) | {
        "kinds": blocks,
        "margin_fen": margin_fen,
        "horizon": max((sums.horizon for sums in kinds.values()), default=None),
        "ranked_by": BY_BREAK_EVEN if margin_fen is None else BY_POINTS if told else BY_NET_VALUE,
        "ranking": sorted(whole, key=lambda kind: (-whole[kind], kind)),
    }


FIELDS = (
    "incremental_cost_fen", "interval_fen", "cost_per_retained_fen", "cost_interval_fen", "at_least_fen",
    "incremental_points", "points_per_retained", "points_interval", "at_least_points", "points_burnt",
    "retained_per_1000_points", "net_value_fen", "net_value_interval_fen", "net_value_per_1000_points_fen",
    "break_even_margin_fen", "break_even_at_least_fen", "probability_best", "cloud", "quadrants", "text",
)  # fmt: skip


def _outcome(at_risk: Floats, leavers: Floats, cost: Floats, points: Floats) -> Outcome:
    """Arms and months summed up: nobody is at risk any more after a month in which all left, so nothing is spent."""
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = leavers / at_risk
        a_head = np.stack([cost, points]) / at_risk
    hazard = np.where(at_risk > 0, hazard, np.nan)
    there = np.concatenate([np.ones_like(hazard[..., :1]), np.cumprod(1 - hazard, axis=2)], axis=2)
    # A month in which nobody is left after all had gone has no hazard and needs none: its survival is 0.
    gone = there[..., :-1] == 0
    there = np.where(np.concatenate([np.zeros_like(gone[..., :1]), gone], axis=2), 0.0, there)
    spent = np.where(gone, 0.0, there[..., :-1] * a_head).sum(axis=3)
    risk = 1 - there[..., -1]
    return Outcome(
        risk[:, TREATED] - risk[:, CONTROL],
        spent[0, :, TREATED] - spent[0, :, CONTROL],
        spent[1, :, TREATED] - spent[1, :, CONTROL],
        a_head[1, :, TREATED, 0],
    )


def _found(sums: ArmSums, draws: Floats) -> _Found:
    whole, drawn = sums.whole(), sums.drawn(draws)
    low, high = _interval(drawn.risk_difference)
    return _Found(whole, drawn, (low, high))


def _block(found: _Found, margin_fen: int | None, best: float) -> Block:
    whole, draws = found.whole, found.draws
    cost, risk = float(whole.cost[0]), float(whole.risk_difference[0])
    reasons: list[Reason] = []
    block: Block = dict.fromkeys(FIELDS) | {
        "incremental_cost_fen": _fen(cost),
        "interval_fen": _fens(_interval(draws.cost)),
        "incremental_points": _fen(float(whole.points[0])),
        "points_burnt": _fen(float(whole.burnt[0])),
        "probability_best": round(best, 6),
        "cloud": _cloud(draws),
        "quadrants": _quadrants(draws),
    }
    if found.shows_retained:
        block |= _shown(found)
    elif found.may_retain:
        reasons.append(Reason("interval_touches_zero", _pp(found.risk_interval[1]), 0))
        block |= _at_least(found, reasons)
    else:
        reasons.append(Reason("no_retained_shown", _pp(found.risk_interval[0]), 0))
    if margin_fen is not None:
        value = -draws.risk_difference * margin_fen - draws.cost
        own = -risk * margin_fen - cost
        block |= {
            "net_value_fen": _fen(own),
            "net_value_interval_fen": _fens(_interval(value)),
            "net_value_per_1000_points_fen": _fen(own / float(whole.burnt[0]) * PER_POINTS),
        }
    block["text"] = words(block)
    return _status(reasons) | block


def _cloud(draws: Outcome) -> Block:
    """The first draws of both figures together: members kept by 1,000 redemptions, and what these cost, in fen."""
    kept, cost = _together(draws)
    return {
        "retained_per_1000": (np.round(PER_REDEMPTIONS * kept[:CLOUD], 1) + 0.0).tolist(),
        "cost_per_1000_fen": np.round(PER_REDEMPTIONS * cost[:CLOUD]).astype(np.int64).tolist(),
    }


def _quadrants(draws: Outcome) -> dict[str, float] | None:
    """In which share of all draws somebody is kept or nobody, at a cost or at none; they add up to 1."""
    kept, cost = _together(draws)
    if not len(kept):
        return None
    stays, costs = kept > 0, cost > 0
    found = {
        "kept_at_a_cost": stays & costs,
        "kept_at_no_cost": stays & ~costs,
        "nobody_at_a_cost": ~stays & costs,
        "nobody_at_no_cost": ~stays & ~costs,
    }
    return {name: float(which.mean()) for name, which in found.items()}


def _together(draws: Outcome) -> tuple[Floats, Floats]:
    """Who stays and the cost of each draw that has both."""
    finite = np.isfinite(draws.risk_difference) & np.isfinite(draws.cost)
    return -draws.risk_difference[finite], draws.cost[finite]


def _shown(found: _Found) -> Block:
    """Cost and points of one who stays: point and interval, where the risk's interval lies below zero.

    A draw in which nobody stayed has no price that would be high enough.
    """
    whole, draws = found.whole, found.draws
    stay, stays = -float(whole.risk_difference[0]), -draws.risk_difference
    with np.errstate(divide="ignore", invalid="ignore"):
        costs = np.where(stays > 0, draws.cost / stays, np.inf)
        points = np.where(stays > 0, draws.points / stays, np.inf)
    a_member = _fen(float(whole.cost[0]) / stay)
    return {
        "cost_per_retained_fen": a_member,
        "cost_interval_fen": _fens(_interval(costs)),
        "points_per_retained": _fen(float(whole.points[0]) / stay),
        "points_interval": _fens(_interval(points)),
        "retained_per_1000_points": _per_points(stay, float(whole.burnt[0])),
        "break_even_margin_fen": a_member,
    }


def _at_least(found: _Found, reasons: list[Reason]) -> Block:
    """Below what nobody can be kept: cost over the best end of the interval. What costs nothing has no such bound."""
    best_end = -found.risk_interval[0]
    cost, points = float(found.whole.cost[0]), float(found.whole.points[0])
    if cost <= 0:
        reasons.append(Reason("costs_no_more", _fen(cost), 0))
    bound = _fen(cost / best_end) if cost > 0 else None
    return {
        "at_least_fen": bound,
        "at_least_points": _fen(points / best_end) if points > 0 else None,
        "break_even_at_least_fen": bound,
    }


def _score(outcome: Outcome, margin_fen: int | None, points_told: bool) -> Floats:
    """What kinds are ranked by, more is better: net value of 1,000 points, else how low the margin is that it needs.

    Where points are not told, net value of a redemption. Without a margin: whoever keeps nobody comes last, by what it costs; of the others the lowest break-even first.
    """
    stays = -outcome.risk_difference
    with np.errstate(divide="ignore", invalid="ignore"):
        if margin_fen is not None:
            value = stays * margin_fen - outcome.cost
            return value / outcome.burnt * PER_POINTS if points_told else value
        return np.where(stays > 0, -outcome.cost / stays, -np.inf)


def _probability_best(scores: Mapping[str, Floats]) -> dict[str, float]:
    """In which share of the draws each kind comes first; a draw in which none is worth anything has no first."""
    if not scores:
        return {}
    table = np.stack([np.where(np.isnan(one), -np.inf, one) for one in scores.values()])
    first, some = table.argmax(axis=0), np.isfinite(table.max(axis=0))
    return {kind: float(((first == at) & some).mean()) for at, kind in enumerate(scores)}


def words(block: Block) -> dict[str, str]:
    """The answer of a kind in one sentence of each language; never a price where none is shown."""
    if block["cost_per_retained_fen"] is not None:
        low, high = (_or_more(end) for end in block["cost_interval_fen"])
        amount = f"{block['cost_per_retained_fen']:,}"
        return {
            "en": f"A member who stays for it costs {amount} fen ({low} to {high}).",
            "zh": f"每多留住一位会员花费 {amount} 分（{low} 至 {high}）。",
        }
    if block["at_least_fen"] is not None:
        amount = f"{block['at_least_fen']:,}"
        return {
            "en": f"A member who stays for it costs at least {amount} fen; no effect is shown.",
            "zh": f"每多留住一位会员至少花费 {amount} 分；未显示出效果。",
        }
    if block["at_least_points"] is not None and (block["incremental_cost_fen"] or 0) <= 0:
        return {
            "en": "It costs no more than not redeeming; no effect is shown.",
            "zh": "其花费不高于不兑换；未显示出效果。",
        }
    return {"en": "No retained customer shown.", "zh": "未显示留住了客户。"}


def _or_more(end: int | None) -> str:
    return "∞" if end is None else f"{end:,}"


def _interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the draws; an end that lies at infinity stays there."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    if np.isinf(known).any():
        return (
            float(np.percentile(known, LOW, method="lower")),
            float(np.percentile(known, HIGH, method="higher")),
        )
    return float(np.percentile(known, LOW)), float(np.percentile(known, HIGH))


def _fen(value: float) -> int | None:
    """Rounded once, at the end; None where there is no finite number."""
    return round(value) if np.isfinite(value) else None


def _per_points(value: float, points: float) -> float | None:
    return round(value / points * PER_POINTS, 6) if points > 0 else None


def _fens(values: Sequence[float]) -> list[int | None]:
    return [_fen(value) for value in values]


def _pp(share: float) -> float:
    return round(share * 100, 6) + 0.0


def _status(reasons: Sequence[Reason], *, refused: bool = False) -> Block:
    status = "refused" if refused else "caution" if reasons else "ok"
    return {"status": status, "reasons": [reason.block() for reason in reasons]}
