"""Trials emulated month by month: by hand, by brute force, additive, always the same, and broken where they must be."""

from dataclasses import replace

import numpy as np
import pytest

from admin.analytics import bootstrap, effects, trials
from admin.analytics.follow import Followed
from admin.analytics.person_months import NO_KIND, joined, parts_of, some_members, some_rows
from admin.analytics.protocol import Options
from admin.analytics.sources import gather
from admin.analytics.trial_blocks import _arm_sums
from tests.months import given_months, lives, months_of

SHORT = Options(horizon=4, draws=50, variants=False)


def answer(sample, options=SHORT, parts=None):
    models = trials.fit(sample, options)
    total = trials.Sums()
    for part in parts or [sample]:
        total = total + trials.sums(part, models, options)
    return effects.estimate(total, models, options.draws, options.seed, lag=options.lag), total, models


def test_both_headlines_of_a_handful_of_members_are_as_by_hand():
    # Two months of follow-up, four months of data: trials begin in months 0, 1 and 2.
    sample = lives("R..x", "X", ".R..", "..Rx", "....", ".x", "..x", "...x")

    found, total, _ = answer(sample, Options(horizon=2, draws=20, variants=False))

    one = found.contrasts["any"]
    # Redeemed: members 0 and 1 in month 0, 2 in month 1, 3 in month 2; 1 left at once, 3 a month later.
    assert one.itt.treated[0] == pytest.approx([1 / 4, 1 / 3])
    # Not redeemed: month 0 members 2-7; month 1 members 3-7, 5 leaves; month 2 members 4, 6 and 7, 6 leaves.
    # A month later: 5; then 3, 4, 6 (leaves) and 7; then 4 and 7 (leaves).
    assert total.total["n"][0].tolist() == [4, 6 + 5 + 3]
    assert one.itt.control[0] == pytest.approx([2 / 14, 3 / 12])
    # Against never: member 2 redeems in month 1, member 3 in month 2, and is left out of the trials before from then on.
    assert total.total["kept_n"][0, :2].tolist() == [14, 10]
    assert one.per_protocol.control[0] == pytest.approx([2 / 14, 3 / 10])
    assert one.unweighted_per_protocol.control[0] == pytest.approx([2 / 14, 3 / 10])
    treated, control = 1 - 3 / 4 * 2 / 3, 1 - 12 / 14 * 9 / 12
    assert one.itt.difference_pp(2)[0] == pytest.approx(100 * (treated - control))
    assert one.itt.rmst_difference()[0] == pytest.approx(3 / 4 - 12 / 14)


def test_with_a_lag_only_those_still_there_a_month_later_count():
    sample = lives("R..x", "X...", ".R..", "..Rx", "....", ".x", "..x", "...x", "....")
    options = Options(horizon=2, draws=20, variants=False, lag=1)

    found, _, models = answer(sample, options)

    assert (models.window.first, models.window.last) == (0, 1)
    one = found.contrasts["any"]
    assert one.itt.treated.shape[1] == 2
    # Of members 0 and 2 nobody leaves one or two months after month 0 and 1, but 0 in its third month is beyond.
    assert one.itt.treated[0] == pytest.approx([0, 0])


def brute_force(sample, models, options):
    """The sums straight from the definition, one member-month after the other."""
    propensity = models.by_washout[options.washout]
    horizon, size = options.horizon, len(sample.kinds) + 1
    at_risk, left = np.zeros((size, 2, horizon)), np.zeros((size, 2, horizon))
    kept_risk, kept_left = np.zeros((size, horizon)), np.zeros((size, horizon))
    rows = list(range(sample.rows))
    chance, none = propensity.of_rows(sample, np.array(rows))

    def can(kind, row):
        return sample.can[kind][row] if kind in sample.can else True

    for row in rows:
        who, month, kind = sample.member[row], sample.month[row], sample.kind[row]
        mine = [one for one in rows if sample.member[one] == who]
        redeemed = [sample.month[one] for one in mine if one < row and sample.kind[one] >= 0]
        if options.washout is None:
            clean = not redeemed and not sample.redeemed_before[who]
        else:
            clean = all(month - one > options.washout for one in redeemed)
            clean &= (
                bool(redeemed)
                or not sample.redeemed_before[who]
                or month - sample.month[mine[0]] >= options.washout
            )
        history = row - mine[0]
        if (
            not clean
            or history < options.min_history
            or not models.window.first <= month <= models.window.last
        ):
            continue
        for contrast in range(size):
            names = sample.kinds if contrast == 0 else sample.kinds[contrast - 1 : contrast]
            if not any(can(name, row) for name in names):
                continue
            if kind >= 0 and (sample.kinds[kind] not in names or not can(sample.kinds[kind], row)):
                continue
            arm = 0 if kind >= 0 else 1
            p = none[row] if arm else sum(float(chance[row, sample.kinds.index(name)]) for name in names)
            weight = min(1 / p, models.caps[contrast if not arm else 0, arm])
            never, still = 1 / p, True
            for later in range(horizon):
                at = row + later
                if at >= sample.rows or sample.member[at] != who or sample.month[at] != month + later:
                    break
                at_risk[contrast, arm, later] += weight
                left[contrast, arm, later] += weight * sample.left[at]
                if arm and later:
                    still &= sample.kind[at] < 0
                    never /= none[at]
                if arm and still:
                    capped = min(never, models.later_caps[later])
                    kept_risk[contrast, later] += capped
                    kept_left[contrast, later] += capped * sample.left[at]
    return at_risk, left, kept_risk, kept_left


@pytest.mark.parametrize(
    "options", [SHORT, replace(SHORT, washout=2), replace(SHORT, min_history=2, first=3, last=6)]
)
def test_sums_are_those_of_the_definition(options):
    sample = given_months(members=160, months=10, seed=2, redeem=-1.5, leave=-2)
    random = np.random.default_rng(1)
    able = {
        name: (random.random(sample.rows) < 0.7) | (sample.kind == i) for i, name in enumerate(sample.kinds)
    }
    before = random.random(sample.members) < 0.1
    sample = replace(sample, can=able, redeemed_before=before)
    gaps = random.random(sample.rows) < 0.97
    gaps[sample.first_rows] = True
    sample = some_rows(sample, gaps)

    _, total, models = answer(sample, options)
    at_risk, left, kept_risk, kept_left = brute_force(sample, models, options)

    seen = np.cumsum(total.total["seen"].sum(axis=0)[..., ::-1], axis=-1)[..., ::-1]
    assert seen[..., :4] == pytest.approx(at_risk, rel=1e-5)
    assert total.total["left"].sum(axis=0)[..., :4] == pytest.approx(left, rel=1e-5, abs=1e-9)
    assert total.total["kept_seen"].sum(axis=0)[..., :4] == pytest.approx(kept_risk, rel=1e-5, abs=1e-9)
    assert total.total["kept_left"].sum(axis=0)[..., :4] == pytest.approx(kept_left, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("each", [1, 7, 250])
def test_sums_add_up_over_any_split_of_members(each):
    sample = given_months(members=300, months=10, seed=3, cost_fen=None)
    sample = replace(
        sample, cost_fen=np.where(sample.kind >= 0, 500, 0), points=np.where(sample.kind >= 0, 300, 0)
    )
    options = replace(SHORT, variants=True)

    _, whole, models = answer(sample, options)
    total = trials.Sums()
    for part in reversed(parts_of(sample, each)):
        total = total + trials.sums(part, models, options)

    assert set(total.total) == set(whole.total)
    for name, values in whole.total.items():
        assert total.total[name] == pytest.approx(values, rel=1e-5, abs=1e-6), name
    for name, values in whole.most.items():
        assert total.most[name] == pytest.approx(values), name


def test_cost_is_counted_in_the_months_after_a_redemption_for_both_arms():
    sample = lives("R.R.", ".R..", "....", "...R", "...R")
    sample = replace(sample, cost_fen=np.where(sample.kind >= 0, 600, 0).astype(np.int64))

    _, total, _ = answer(sample, Options(horizon=2, draws=20, variants=False, first=0, last=0))

    cost = total.total["cost_fen"].sum(axis=0)[0]
    weight = total.total["weight"][0]
    assert cost[0] / weight[0] == pytest.approx([600, 0])  # redeems again only two months later
    assert cost[1] / weight[1] == pytest.approx([0, 150])  # one of four controls redeems a month later
    assert _arm_sums(total, 0).whole().cost[0] == pytest.approx(450)


def test_the_same_seed_gives_the_same_draws_and_another_one_others():
    sample = given_months(members=800, months=10)

    first, second = (answer(sample)[0].contrasts["any"].itt.difference_pp(4) for _ in range(2))
    other = answer(sample, replace(SHORT, seed=2))[0].contrasts["any"].itt.difference_pp(4)

    assert first.tobytes() == second.tobytes()
    assert first[0] == other[0]
    assert bootstrap.interval(first) != bootstrap.interval(other)


def test_where_redeeming_does_nothing_weights_find_nothing_and_without_them_there_is_a_gap():
    found, _, _ = answer(given_months(members=6000, seed=8), Options(horizon=6, draws=100, variants=False))

    one = found.contrasts["any"]
    low, high = bootstrap.interval(one.itt.difference_pp(6))
    assert low < 0 < high
    low, high = bootstrap.interval(one.per_protocol.difference_pp(6))
    assert low < 0 < high
    assert bootstrap.interval(one.unweighted.difference_pp(6))[1] < 0


def test_an_effect_that_is_there_is_found_in_its_size():
    sample = given_months(members=8000, seed=9, effect=-0.8)
    other = given_months(members=8000, seed=9, effect=-0.8, redeem=-30)  # nobody redeems: the risk without

    found, _, _ = answer(sample, Options(horizon=6, draws=100, variants=False))

    one = found.contrasts["any"].per_protocol
    assert bootstrap.interval(one.difference_pp(6))[1] < 0
    ahead = Followed(other).ahead
    early = other.month <= 12
    without = 1 - np.mean(ahead[early] > 6) if early.any() else 0
    assert one.risks(6)[1][0] == pytest.approx(without, abs=0.03)


def test_exposure_dated_a_month_too_early_breaks_the_estimate():
    sample = given_months(members=6000, seed=8)
    following = np.append(sample.kind[1:], NO_KIND)
    following[sample.last_rows] = NO_KIND
    shifted = replace(sample, kind=following)

    found, _, _ = answer(shifted, Options(horizon=6, draws=100, variants=False))

    effect = found.contrasts["any"].itt.difference_pp(6)
    assert bootstrap.interval(effect)[1] < 0
    assert effect[0] < -3


def test_a_member_who_leaves_by_force_is_no_leaver_but_is_seen_no_longer():
    sample = lives("R...", "R.x", "....", "..x")
    forced = replace(sample, involuntary=sample.left.copy())

    found, total, _ = answer(forced, Options(horizon=3, draws=20, variants=False, first=0, last=0))

    assert total.total["left"].sum() == 0
    assert found.contrasts["any"].itt.at_risk_treated.tolist() == [2, 2, 2]
    assert Followed(forced).ahead.max() == 4


def test_variants_ask_the_same_in_other_ways():
    found, _, _ = answer(given_months(months=20), Options(horizon=6, draws=30))

    assert set(found.variants) == {"washout_6", "washout_12", "horizon_18", "trimmed_1_99"}
    assert all(np.isfinite(values).all() for values in found.variants.values())


def test_who_went_by_fraud_death_or_debt_is_counted_apart_and_bounds_the_answer():
    sample = lives("R..x", "Rx", ".R..", "..Rx", "....", ".x", "..x", "...x")
    gone = replace(sample, involuntary=sample.left & (sample.member % 2 == 1))

    found, _, _ = answer(gone, Options(horizon=2, draws=20))
    whole, _, _ = answer(sample, Options(horizon=2, draws=20))

    assert gather(gone).involuntary == 4
    bound = found.variants["involuntary_as_leaves"]
    assert bound == pytest.approx(whole.contrasts["any"].itt.difference_pp(2), nan_ok=True)
    assert bound[0] != pytest.approx(found.contrasts["any"].itt.difference_pp(2)[0])
    assert "involuntary_as_leaves" not in whole.variants


def test_the_percentile_that_is_told_lies_below_the_cut():
    _, _, models = answer(given_months(months=20))

    assert (models.percentiles[0] < models.caps[0]).all()


def test_some_members_are_the_rows_of_those_members():
    sample = given_months(members=50, months=6)
    chosen = np.arange(50) % 3 == 0

    some = some_members(sample, chosen)

    assert some.members == chosen.sum()
    assert some.rows == chosen[sample.member].sum()
    assert (np.flatnonzero(chosen)[some.member] == sample.member[chosen[sample.member]]).all()


def test_a_gap_ends_what_can_be_followed():
    sample = months_of([0, 0, 0, 0], [0, 1, 3, 4], [0, 0, 0, 1], [-1, -1, 0, -1])

    followed = Followed(sample)

    assert followed.ahead.tolist() == [2, 1, 2, 1]
    assert followed.leaves.tolist() == [False, False, True, True]
    assert followed.until_redeemed[:3].tolist() == [2, 1, 0]
    assert followed.until_redeemed[3] > 100
    assert followed.washed_out(None).tolist() == [True, True, True, False]
    assert followed.washed_out(1).tolist() == [True, True, True, False]


def test_intervals_without_fitting_again_in_every_draw_are_about_as_wide_and_never_much_too_narrow():
    sample = given_months(members=1200, months=10, seed=12)
    found, _, _ = answer(sample, replace(SHORT, draws=200))
    fixed = bootstrap.standard_error(found.contrasts["any"].itt.difference_pp(4))

    random, again = np.random.default_rng(4), []
    for _ in range(40):
        times = random.poisson(1.0, sample.members)
        parts = [some_members(sample, times > once) for once in range(times.max())]
        drawn = joined([part for part in parts if part.members])
        drawn = replace(drawn, bucket=np.arange(drawn.members, dtype=np.int32))
        refitted, _, _ = answer(drawn, replace(SHORT, draws=2))
        again.append(refitted.contrasts["any"].itt.difference_pp(4)[0])

    assert 0.85 < fixed / np.std(again, ddof=1) < 1.6
