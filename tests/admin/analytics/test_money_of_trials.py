"""From months of members to the cost of a retained one, held against a simulation in which each arm is forced."""

import json

import numpy as np
import pytest

from admin.analytics import report
from admin.analytics.person_months import PersonMonths
from admin.analytics.protocol import Options

MONTHS, HORIZON, MEMBERS = 14, 6, 12_000
KINDS = ("bill", "club")
CHANCE, COST, POINTS = np.array([0.04, 0.03]), np.array([2_000, 500]), np.array([400, 300])
HAZARD, STAYS = 0.06, np.array([1.0, 0.35])  # a club perk keeps, a bill credit does nothing


def month(rng, there, protects):
    """One month of those who are there: what each redeems by chance (-1 none), and who leaves."""
    drawn = rng.random(len(there))
    kind = np.where(drawn < CHANCE[0], 0, np.where(drawn < CHANCE.sum(), 1, -1))
    return kind, lambda now: rng.random(len(there)) < HAZARD * np.where(now, STAYS[1], 1.0)


def given_months(seed):
    """Months of members who redeem by chance alone, with what it cost."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rows, protects, there = [], np.zeros(MEMBERS, bool), np.ones(MEMBERS, bool)
    for at in range(MONTHS):
        kind, leaving = month(rng, there, protects)
        protects |= kind == 1
        left = leaving(protects)
        who = np.flatnonzero(there)
        rows.append((who, np.full(len(who), at), kind[who], left[who]))
        there &= ~left
    member, at, kind, left = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    order = np.lexsort((at, member))
    member, at, kind, left = (column[order] for column in (member, at, kind, left))
    spent = kind >= 0
    return PersonMonths(
        ids=None, member=member.astype(np.int32), month=at.astype(np.int32), tenure=at.astype(np.int32), left=left,
        kind=kind.astype(np.int8), kinds=KINDS, can={}, covariates={}, redeemed_before=np.zeros(MEMBERS, bool),
        bucket=(np.arange(MEMBERS) % 200).astype(np.int32), cost_fen=np.where(spent, COST[kind], 0).astype(np.int64),
        points=np.where(spent, POINTS[kind], 0).astype(np.int64),
    )  # fmt: skip


def truth(kind, seed=5, members=400_000):
    """Risk and cost of a year's part when all redeem a kind now, less when none does; later months as they come."""
    found = []
    for forced in (kind, -1):
        rng = np.random.Generator(np.random.PCG64(seed))
        protects, there, cost = np.zeros(members, bool), np.ones(members, bool), 0.0
        for at in range(HORIZON):
            chosen, leaving = month(rng, there, protects)
            chosen = np.full(members, forced) if at == 0 else chosen
            cost += COST[chosen[there & (chosen >= 0)]].sum() / members
            protects |= chosen == 1
            there &= ~leaving(protects)
        found.append((1 - there.mean(), cost))
    return found[0][0] - found[1][0], found[0][1] - found[1][1]


@pytest.fixture(scope="module")
def block():
    options = Options(horizon=HORIZON, at=(6,), landmarks=(), draws=200, margin_fen=20_000, variants=False)
    return report.retention_report(given_months(2), options)["money"]


def test_what_keeps_has_the_price_that_the_simulation_says(block):
    risk, cost = truth(1)
    found = block["kinds"]["club"]

    assert found["status"] == "ok"
    assert found["incremental_cost_fen"] == pytest.approx(cost, rel=0.1)
    low, high = found["cost_interval_fen"]
    assert low <= cost / -risk <= high
    assert found["points_burnt"] == POINTS[1]
    assert found["net_value_fen"] == pytest.approx(-risk * 20_000 - cost, rel=0.35)


def test_what_does_nothing_has_a_lower_bound_at_most(block):
    risk, cost = truth(0)
    found = block["kinds"]["bill"]

    assert abs(risk) < 0.003
    assert found["incremental_cost_fen"] == pytest.approx(cost, rel=0.1)
    assert found["cost_per_retained_fen"] is None
    assert found["status"] == "caution"
    assert "at least" in found["text"]["en"] or "No retained" in found["text"]["en"]


def test_the_better_kind_is_found_and_the_block_is_plain_json(block):
    assert block["ranking"] == ["club", "bill"]
    assert block["kinds"]["club"]["probability_best"] > 0.95
    assert json.loads(json.dumps(block, allow_nan=False)) == block
