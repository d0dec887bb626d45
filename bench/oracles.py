"""Answers of independent packages, frozen for the tests: tests/data/analytics/.

    /path/to/python/with/lifelines/statsmodels/causaldata -m bench.oracles

Made with lifelines 0.30.3, statsmodels 0.15.0, causaldata 0.1.5. The input is simulated here and stored beside the
answers; of causaldata only counts and answers are kept, no rows.
"""

import csv
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "analytics"
PACKAGES = ("lifelines", "statsmodels", "causaldata")


def histories(members: int = 150) -> list[dict[str, Any]]:
    """Intervals with late entry, gaps, ties, a state that changes and two covariates."""
    random = np.random.default_rng(20)
    rows = []
    for member in range(members):
        begin, exposed, trait = int(random.integers(0, 4)), 0, float(np.round(random.normal(), 3))
        last = begin + int(random.geometric(0.12 * np.exp(-0.4 * trait)))
        while begin < last:
            end = min(last, begin + int(random.integers(1, 6)))
            usage = float(np.round(random.normal() + 0.5 * exposed, 3))
            rows.append(
                {
                    "id": member,
                    "start": begin,
                    "stop": end,
                    "event": 0,
                    "exposed": exposed,
                    "trait": trait,
                    "usage": usage,
                }
            )
            exposed = max(exposed, int(random.random() < 0.35))
            begin = end + int(random.random() < 0.1)
        rows[-1]["event"] = int(random.random() < 0.8)
    return rows


def binary(rows: int = 400) -> list[dict[str, Any]]:
    """A 0/1 outcome of members seen four times each."""
    random = np.random.default_rng(21)
    found = []
    for row in range(rows):
        a, b = np.round(random.normal(size=2), 3)
        chance = 1 / (1 + np.exp(1.2 - 0.8 * a + 0.3 * b))
        found.append(
            {"member": row // 4, "a": float(a), "b": float(b), "outcome": int(random.random() < chance)}
        )
    return found


def survival(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Product-limit curves by current state, and Cox with a changing exposure, alone and with covariates."""
    import pandas
    from lifelines import CoxTimeVaryingFitter, KaplanMeierFitter

    table = pandas.DataFrame(rows)
    curves = {}
    for arm in (0, 1):
        part = table[table.exposed == arm]
        fitted = KaplanMeierFitter().fit(part["stop"], part["event"], entry=part["start"])
        times = sorted(set(part.loc[part.event == 1, "stop"]))
        curves[str(arm)] = {str(t): float(fitted.predict(t)) for t in times}
    cox = {}
    for name, terms in (("alone", ["exposed"]), ("adjusted", ["exposed", "trait", "usage"])):
        columns = ["id", "start", "stop", "event", *terms]
        fitted = CoxTimeVaryingFitter().fit(
            table[columns], id_col="id", event_col="event", start_col="start", stop_col="stop",
            fit_options={"precision": 1e-10},
        )  # fmt: skip
        cox[name] = {
            term: {"coef": float(fitted.params_[term]), "se": float(fitted.standard_errors_[term])}
            for term in terms
        }
    return {"curves": curves, "cox": cox}


def logit(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Coefficients, standard errors of the model and clustered by member."""
    import pandas
    import statsmodels.api as sm

    table = pandas.DataFrame(rows)
    x = sm.add_constant(table[["a", "b"]])
    plain = sm.Logit(table["outcome"], x).fit(disp=0, tol=1e-12)
    robust = sm.Logit(table["outcome"], x).fit(
        disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": table["member"], "use_correction": False}
    )
    return {
        "coef": plain.params.tolist(),
        "se": plain.bse.tolist(),
        "se_clustered": robust.bse.tolist(),
    }


def public() -> dict[str, Any]:
    """Counts and plain differences of the public cases, to recognise the data by."""
    from causaldata import nhefs_complete, nsw_mixtape

    quit_smoking = nhefs_complete.load_pandas().data
    training = nsw_mixtape.load_pandas().data
    by_quit = quit_smoking.astype({"qsmk": int}).groupby("qsmk")["wt82_71"].mean()
    by_treat = training.groupby("treat")["re78"].mean()
    return {
        "nhefs": {"rows": len(quit_smoking), "unadjusted": float(by_quit[1] - by_quit[0])},
        "lalonde": {"rows": len(training), "difference": float(by_treat[1] - by_treat[0])},
    }


def main() -> None:
    """Write inputs and answers."""
    FOLDER.mkdir(exist_ok=True)
    rows, outcomes = histories(), binary()
    for name, table in (("histories.csv", rows), ("binary.csv", outcomes)):
        with open(FOLDER / name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, table[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    answers = {
        "packages": {name: version(name) for name in PACKAGES},
        "survival": survival(rows),
        "logit": logit(outcomes),
        "public": public(),
    }
    (FOLDER / "answers.json").write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(f"{FOLDER}\n")


if __name__ == "__main__":
    main()
