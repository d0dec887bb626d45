"""How much would have to be wrong: against the published example, and against a trait that is made."""

import numpy as np
import pytest

from admin.analytics import sensitivity
from admin.analytics.effects import Effect
from admin.analytics.protocol import Options
from admin.analytics.report import retention_report
from tests.months import given_months

SHORT = Options(horizon=6, draws=60, variants=False)


def test_the_e_value_is_that_of_the_paper():
    # VanderWeele & Ding 2017: a risk ratio of 3.9 (1.8 to 8.7) has E-values 7.26 and 3.0.
    assert sensitivity.e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert sensitivity.e_value(1.8) == pytest.approx(3.0, abs=0.005)
    assert sensitivity.e_value(1 / 3.9) == pytest.approx(7.26, abs=0.005)
    assert sensitivity.e_value(1) == 1


def test_an_interval_that_holds_no_difference_needs_nothing_to_be_explained():
    random = np.random.default_rng(1)
    treated = np.vstack([np.full(3, 0.1), 0.1 + 0.02 * random.normal(size=(200, 3))])
    effect = Effect(treated, np.full_like(treated, 0.1), np.ones(3), np.ones(3))

    assert sensitivity.e_values(effect, 3)[1] == 1
    assert sensitivity.holds_zero(effect.difference_pp(3))


@pytest.mark.parametrize("odds", [1.3, 2.0, 4.0])
def test_the_tipping_point_is_the_trait_that_makes_the_gap(odds):
    low = 0.4
    high = low / (low + (1 - low) / odds)  # those without the trait leave with `odds` times the odds
    control = (low + high) / 2
    treated = (odds * low + high) / (1 + odds)

    assert sensitivity.tipping_point(treated, control).odds == pytest.approx(odds, rel=1e-6)
    assert sensitivity.tipping_point(control, control).odds == pytest.approx(1, abs=1e-6)


def test_a_trait_that_raises_leaving_explains_an_effect_the_other_way():
    assert sensitivity.tipping_point(0.4, 0.3).odds > 1
    assert sensitivity.tipping_point(0, 0.3) is None


def test_without_their_columns_the_controls_say_so():
    report = retention_report(given_months(), SHORT)

    for name in ("negative_control", "placebo"):
        assert report["sensitivity"][name]["status"] == "refused"
        assert report["sensitivity"][name]["reasons"][0]["code"] == "no_column"
    assert report["sensitivity"]["tipping_point"]["text"]["en"].startswith("an unseen trait")
    assert report["sensitivity"]["e_value"] >= 1


def test_something_that_redeeming_cannot_change_is_not_changed_where_all_is_recorded():
    sample = given_months(members=6000, seed=11)
    complains = np.random.default_rng(2).random(sample.rows) < 0.05 / (1 + np.exp(sample.covariates["keen"]))

    report = retention_report(given_months(members=6000, seed=11, negative_control=complains), SHORT)

    control = report["sensitivity"]["negative_control"]
    assert control["status"] == "ok"
    low, high = control["interval_pp"]
    assert low < 0 < high


def test_a_placebo_that_works_takes_the_verdict_away():
    plain = given_months(members=6000, seed=11, effect=-1.5)
    random = np.random.default_rng(3)
    # Those about to stay look like redeemers: what no record of the month before could tell.
    stays = np.append(plain.member[1:] == plain.member[:-1], False)
    placebo = (random.random(plain.rows) < np.where(stays, 0.2, 0.02)) & (plain.kind < 0)

    report = retention_report(given_months(members=6000, seed=11, effect=-1.5, placebo=placebo), SHORT)
    without = retention_report(plain, SHORT)

    assert without["verdict"]["code"] == "works"
    assert report["sensitivity"]["placebo"]["status"] == "caution"
    assert report["trials"]["itt"]["status"] == "caution"
    assert report["verdict"]["code"] == "cannot_say"
