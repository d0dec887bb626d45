"""Simulated members: the same seed, the same lives; cut or whole; leaves dated back; each scenario is what it says."""

import numpy as np
import pytest

from admin.analytics.person_months import PersonMonths, histories_of
from admin.analytics.raw_gap import raw_gap
from admin.analytics.simulation import panel
from admin.analytics.simulation.scenarios import KINDS, PRICES, SCENARIOS, UnknownScenario, scenario
from admin.analytics.simulation.world import BLOCK

COLUMNS = ("member", "month", "tenure", "left", "kind", "redeemed_before", "cost_fen", "points")


def columns(sample: PersonMonths) -> dict[str, np.ndarray]:
    return {name: getattr(sample, name) for name in COLUMNS} | dict(sample.covariates) | dict(sample.can)


def same(one: PersonMonths, other: PersonMonths) -> bool:
    mine, theirs = columns(one), columns(other)
    return mine.keys() == theirs.keys() and all(
        mine[name].dtype == theirs[name].dtype and (mine[name] == theirs[name]).all() for name in mine
    )


def test_the_same_seed_gives_the_same_members_and_another_one_others():
    first, again, other = (panel.draw(SCENARIOS["contracts"], 400, seed) for seed in (7, 7, 8))

    assert same(first, again)
    assert first.rows != other.rows or not same(first, other)


def test_rows_are_in_order_and_end_with_the_leaving():
    sample = panel.draw(SCENARIOS["main"], 2_000, 7)

    follows = sample.member[1:] == sample.member[:-1]
    assert (sample.month[1:][follows] == sample.month[:-1][follows] + 1).all()
    assert (np.diff(sample.member) >= 0).all()
    assert set(sample.month[sample.first_rows]) == {0}
    leaving = np.flatnonzero(sample.left)
    assert len(leaving) > 500
    assert set(leaving) <= set(sample.last_rows)
    staying = np.setdiff1d(sample.last_rows, leaving)
    assert set(sample.month[staying]) == {panel.MONTHS - 1}


def test_nobody_redeems_what_the_points_do_not_reach():
    sample = panel.draw(SCENARIOS["support"], 2_000, 7)

    for index, (name, price) in enumerate(zip(KINDS, PRICES, strict=True)):
        redeeming = sample.kind == index
        assert redeeming.any()
        assert sample.can[name][redeeming].all()
        assert (sample.can[name] == (sample.covariates["balance"] >= price)).all()
        assert (sample.points[redeeming] == price).all()
    assert (sample.points[sample.kind < 0] == 0).all()
    assert (sample.covariates["balance"] >= 0).all()


def test_a_longer_window_only_adds_months():
    short, long = (panel.draw(SCENARIOS["main"], 500, 7, months) for months in (12, 24))

    early = long.month < 12
    assert (short.member == long.member[early]).all()
    assert (short.kind == long.kind[early]).all()
    assert (short.covariates["engagement"] == long.covariates["engagement"][early]).all()


def test_members_are_the_same_however_they_are_cut():
    members = 2 * BLOCK + 100
    whole = panel.draw(SCENARIOS["null"], members, 3, 2)

    pieces = list(panel.chunks(SCENARIOS["null"], members, 3, 2, size=BLOCK))

    assert [piece.members for piece in pieces] == [BLOCK, BLOCK, 100]
    assert sum(piece.rows for piece in pieces) == whole.rows
    for name in ("month", "left", "kind", "bucket"):
        assert (np.concatenate([getattr(piece, name) for piece in pieces]) == getattr(whole, name)).all()
    assert whole.bucket.max() < 200
    assert all(piece.member[0] == 0 for piece in pieces)


def test_the_first_block_does_not_depend_on_how_many_follow():
    few, many = (panel.draw(SCENARIOS["main"], members, 3, 2) for members in (BLOCK, BLOCK + 10))

    assert (many.kind[: few.rows] == few.kind).all()
    assert (many.covariates["balance"][: few.rows] == few.covariates["balance"]).all()


def test_a_big_raw_gap_comes_out_of_nothing():
    gap = raw_gap(histories_of(panel.draw(SCENARIOS["null"], 20_000, 7)))

    assert gap.difference_pp == pytest.approx(-42, abs=2)
    assert gap.tenure_difference == pytest.approx(12, abs=1)


def test_with_broken_support_most_who_can_redeem_do():
    def eagerness(name):
        sample = panel.draw(SCENARIOS[name], 4_000, 7)
        able = np.stack(list(sample.can.values())).any(axis=0)
        return (sample.kind >= 0).sum() / able.sum()

    assert eagerness("support") == pytest.approx(0.6, abs=0.05)
    assert eagerness("main") < 0.2


def test_contracts_draw_both_redeeming_and_leaving_together():
    sample = panel.draw(SCENARIOS["contracts"], 10_000, 7)
    to_end, soon = (sample.covariates[name] for name in ("months_to_contract_end", "contract_ends_soon"))

    able = sample.can["bill"]
    redeems = sample.kind >= 0

    assert sample.left[to_end == 0].mean() > 2 * sample.left[to_end > 2].mean()
    assert redeems[able & (soon == 1)].mean() > 2 * redeems[able & (soon == 0)].mean()
    assert set(np.unique(to_end)) == set(range(24))
    follows = (sample.member[1:] == sample.member[:-1]) & (to_end[:-1] > 0)
    assert (to_end[1:][follows] == to_end[:-1][follows] - 1).all()


def test_late_leaves_are_dated_back_to_when_they_happened():
    late, main = (panel.draw(SCENARIOS[name], 3_000, 7) for name in ("late", "main"))

    assert same(late, main)


def test_dated_to_the_notice_the_silent_months_look_like_staying():
    right, wrong = (panel.draw(SCENARIOS["late"], 3_000, 7, as_noticed=noticed) for noticed in (False, True))

    leavers = np.intersect1d(right.member[right.left], wrong.member[wrong.left])
    assert len(leavers) > 500

    def last(sample):
        return sample.month[sample.last_rows[leavers]]

    assert (last(wrong) == last(right) + 3).all()
    assert wrong.kind[wrong.last_rows[leavers]].max() == -1


def test_a_scenario_that_is_none_is_named_with_those_there_are():
    with pytest.raises(UnknownScenario) as raised:
        scenario("best")

    assert "main" in str(raised.value.facts["there"])
