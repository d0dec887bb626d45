"""Freezes the answers of lifelines on simulated members, for the self-test of analytics to compare with.

Needs lifelines, which jifen does not install: `python bench/oracle_lifelines.py [OUT]` with an interpreter that has it,
after `jifen simulate --scenario main --members 2000 --seed 7 --out members.csv` in the same folder.
"""

import json
import sys
from pathlib import Path
from typing import Any

SOURCE, MEMBERS, SEED, MONTHS = Path("members.csv"), 2_000, 7, (1, 3, 6, 12, 18, 24)
COVARIATES = ("engagement", "tier", "balance")
PLACES = 9


def main(out: Path) -> None:
    """Kaplan-Meier by ever redeemed, and the time-varying Cox with covariates, exposed from the next month on."""
    import lifelines
    import pandas
    from lifelines.fitters.cox_time_varying_fitter import CoxTimeVaryingFitter

    rows = pandas.read_csv(SOURCE, keep_default_na=False)
    took = rows["redeemed_kind"] != ""
    before = took.groupby(rows["id"]).cumsum() - took
    rows["exposed"], rows["start"], rows["stop"] = (before > 0) * 1.0, rows["tenure"], rows["tenure"] + 1
    columns = ["id", "start", "stop", "left", "exposed", *COVARIATES]
    fitter = CoxTimeVaryingFitter()
    fitter.fit(
        rows[columns], id_col="id", event_col="left", start_col="start", stop_col="stop",
        fit_options={"precision": 1e-12},
    )  # fmt: skip
    members = (
        rows.assign(took=took)
        .groupby("id")
        .agg(left=("left", "max"), stop=("stop", "max"), ever=("took", "max"))
    )
    answers: dict[str, Any] = {"lifelines": lifelines.__version__, "members": MEMBERS, "seed": SEED}
    answers["cox_time_varying"] = {
        name: round(float(value), PLACES) for name, value in fitter.params_.items()
    }
    answers["cox_se"] = {name: round(float(value), PLACES) for name, value in fitter.standard_errors_.items()}
    answers["km"] = {}
    for name, of in (("ever", members["ever"]), ("never", ~members["ever"])):
        curve = lifelines.KaplanMeierFitter().fit(members[of]["stop"], members[of]["left"])
        answers["km"][name] = {str(m): round(float(curve.predict(m)), PLACES) for m in MONTHS}
    out.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("admin/analytics/simulation/lifelines.json"))
