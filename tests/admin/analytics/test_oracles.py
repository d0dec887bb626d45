"""Answers of independent packages, frozen by bench/oracles.py, and published answers of public data."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from admin.analytics import cox, curves
from admin.analytics.history_files import read_intervals
from admin.analytics.weights import clustered, logistic

FOLDER = Path(__file__).resolve().parents[2] / "data" / "analytics"
ANSWERS = json.loads((FOLDER / "answers.json").read_text("utf-8"))


def test_curves_are_those_of_lifelines():
    exposed, unexposed = curves.by_exposure(read_intervals(FOLDER / "histories.csv"))

    for arm, curve in (("1", exposed), ("0", unexposed)):
        for time, share in ANSWERS["survival"]["curves"][arm].items():
            assert curve.at(float(time)) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("name", ["alone", "adjusted"])
def test_cox_is_that_of_lifelines(name):
    found = cox.time_varying(read_intervals(FOLDER / "histories.csv"), fewest_leavers=1)

    terms = {"exposed": found.exposed} if name == "alone" else found.adjusted
    for term, answer in ANSWERS["survival"]["cox"][name].items():
        assert terms[term].coef == pytest.approx(answer["coef"], abs=1e-6)
        assert terms[term].se == pytest.approx(answer["se"], abs=1e-6)


def test_logistic_regression_is_that_of_statsmodels():
    with open(FOLDER / "binary.csv", encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    x = np.array([[1, row["a"], row["b"]] for row in rows])
    outcome = np.array([row["outcome"] == 1 for row in rows])

    fitted = logistic(x, outcome)

    assert fitted.coef == pytest.approx(ANSWERS["logit"]["coef"], abs=1e-6)
    assert fitted.se == pytest.approx(ANSWERS["logit"]["se"], abs=1e-6)
    member = np.array([int(row["member"]) for row in rows])
    assert clustered(fitted, x, outcome, member) == pytest.approx(ANSWERS["logit"]["se_clustered"], abs=1e-6)


def public(name):
    """The rows of a public case; not kept here, read where the package is installed."""
    causaldata = pytest.importorskip(
        "causaldata", reason="the public data are not here: causaldata is not installed"
    )
    return getattr(causaldata, name).load_pandas().data


def quitters():
    """NHEFS: who quit smoking, kg gained, and the terms of Hernan & Robins (What If, chapters 12 and 13)."""
    data = public("nhefs_complete")
    columns = [np.ones(len(data))]
    for name in ("sex", "race", "education", "exercise", "active"):
        values = data[name].astype(int).to_numpy()
        columns += [values == one for one in np.unique(values)[1:]]
    for name in ("age", "smokeintensity", "smokeyrs", "wt71"):
        values = data[name].to_numpy(dtype=float)
        columns += [values, values**2]
    quits = data["qsmk"].to_numpy() == 1
    return quits, data["wt82_71"].to_numpy(dtype=float), np.column_stack(columns).astype(float), data


def test_quitting_smoking_weighs_as_published():
    quits, gained, x, _ = quitters()
    assert len(quits) == ANSWERS["public"]["nhefs"]["rows"]

    chance = logistic(x, quits).fitted
    weight = 1 / np.where(quits, chance, 1 - chance)

    assert round(gained[quits].mean() - gained[~quits].mean(), 1) == 2.5
    means = [np.average(gained[arm], weights=weight[arm]) for arm in (quits, ~quits)]
    assert round(means[0] - means[1], 1) == 3.4


def test_quitting_smoking_standardised_is_as_published():
    quits, gained, x, data = quitters()
    amount = data["smokeintensity"].to_numpy(dtype=float)

    def columns(arm):
        return np.column_stack([x, arm, arm * amount])

    coef = np.linalg.lstsq(columns(quits.astype(float)), gained, rcond=None)[0]
    everyone = [np.full(len(quits), arm) for arm in (1.0, 0.0)]
    means = [(columns(arm) @ coef).mean() for arm in everyone]

    assert round(means[0] - means[1], 1) == 3.5


def test_the_training_experiment_is_as_published():
    data = public("nsw_mixtape")
    treated, earned = data["treat"].to_numpy() == 1, data["re78"].to_numpy(dtype=float)

    chance = logistic(np.ones((len(treated), 1)), treated).fitted
    weight = 1 / np.where(treated, chance, 1 - chance)
    means = [np.average(earned[arm], weights=weight[arm]) for arm in (treated, ~treated)]

    assert round(means[0] - means[1]) == 1794
