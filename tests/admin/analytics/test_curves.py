"""Curves by current exposure and by what members did in the end: by hand and against a plain count."""

import numpy as np
import pytest

from admin.analytics import curves
from admin.analytics.histories import NEVER, from_members


def test_a_member_moves_over_when_the_exposure_begins():
    # a redeems in month 1, leaves in 3; b leaves in month 1; c, d stay to month 4, d redeems in month 0.
    histories = from_members([0] * 4, [3, 1, 4, 4], [1, 1, 0, 0], [1, NEVER, NEVER, 0])

    exposed, unexposed = curves.by_exposure(histories)

    assert exposed.time.tolist() == [0, 2, 4]
    assert exposed.at_risk.tolist() == [0, 1, 2]
    assert unexposed.at_risk.tolist() == [4, 3, 1]
    assert exposed.events.tolist() == [0, 0, 1]
    assert unexposed.events.tolist() == [0, 1, 0]
    assert exposed.survival.tolist() == [1, 1, 0.5]
    assert unexposed.survival == pytest.approx([1, 2 / 3, 2 / 3])


def test_the_naive_curves_count_redeemers_from_their_first_day():
    histories = from_members([0] * 4, [3, 1, 4, 4], [1, 1, 0, 0], [1, NEVER, NEVER, 0])

    ever, never = curves.by_ever(histories)

    assert ever.at_risk.tolist() == [2, 2, 2]
    assert never.at_risk.tolist() == [2, 2, 1]
    assert ever.survival.tolist() == [1, 1, 0.5]


def test_the_band_is_greenwoods_on_the_log_log_scale():
    # 21 leukaemia patients on 6-MP (Freireich et al. 1963): S(10) = 0.753, 95 % 0.503 to 0.889.
    left = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    stayed = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    months = np.array(left + stayed) - 1
    histories = from_members([0] * 21, months, [1] * 9 + [0] * 12, [NEVER] * 21)

    _, curve = curves.by_exposure(histories)

    at = curve.time.tolist().index(10)
    assert curve.survival[at] == pytest.approx(0.7529, abs=1e-4)
    assert curve.low[at] == pytest.approx(0.5032, abs=1e-4)
    assert curve.high[at] == pytest.approx(0.8894, abs=1e-4)
    assert curve.at(23) == pytest.approx(0.4482, abs=1e-4)


def by_hand(histories, arm):
    share, shares = 1.0, []
    for t in np.unique(histories.stop[histories.event]):
        at_risk = int((arm & (histories.start < t) & (histories.stop >= t)).sum())
        gone = int((arm & histories.event & (histories.stop == t)).sum())
        share *= 1 - gone / at_risk if at_risk else 1
        shares.append(share)
    return shares


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_agrees_with_a_count_at_every_time(seed):
    random = np.random.default_rng(seed)
    entry = random.integers(0, 6, 300)
    exit_month = entry + random.integers(0, 20, 300)
    redeemed = np.where(random.random(300) < 0.5, random.integers(0, 26, 300), NEVER)
    redeemed = np.where(redeemed > exit_month, NEVER, redeemed)
    histories = from_members(entry, exit_month, random.random(300) < 0.6, redeemed)

    exposed, unexposed = curves.by_exposure(histories)

    for curve, arm in ((exposed, histories.exposed), (unexposed, ~histories.exposed)):
        seen = ~np.isnan(curve.survival[1:])
        assert curve.survival[1:][seen] == pytest.approx(np.array(by_hand(histories, arm))[seen])


def test_mean_months_are_the_area_under_the_curve():
    histories = from_members([0] * 2, [2, 11], [1, 0], [NEVER] * 2)

    _, never = curves.by_ever(histories)

    assert never.mean_within(12) == pytest.approx(3 + 9 / 2)
    assert np.isnan(never.mean_within(13))
    assert np.isnan(never.at(13))


def test_an_empty_arm_has_no_curve():
    ever, never = curves.by_ever(from_members([0], [5], [1], [NEVER]))

    assert np.isnan(ever.survival).all()
    assert ever.fewest_at_risk == 0
    assert never.fewest_at_risk == 1
