"""The protocol of an analysis: what an analyst may choose, and the words in which a report states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HORIZON = 12
DRAWS = 400
SEED = 1
VARIANT_WASHOUTS = (6, 12)
VARIANT_HORIZONS = (6, 18)


@dataclass(frozen=True)
class Options:
    """Months unless the file's unit is another one.

    `at` are the times at which curves and risks are read, `washout` the months without a redemption before a
    trial (None: ever), `first` and `last` the months of the trials (None: what the data allow), `changed` by
    kind the month of the last change of its price or eligibility. `variants` False leaves the sensitivity
    variants out, `study` False the parts of the members and the months before. `lag` is 1 where leaving counts from the month after the redemption, among those who
    are still there then: intervals do not show who redeemed and left in one month.
    """

    horizon: int = HORIZON
    at: tuple[float, ...] = (6, 12)
    landmarks: tuple[float, ...] = (3, 6, 12)
    washout: int | None = None
    first: int | None = None
    last: int | None = None
    min_history: int = 0
    draws: int = DRAWS
    seed: int = SEED
    margin_fen: int | None = None
    changed: Mapping[str, int] = field(default_factory=dict)
    variants: bool = True
    study: bool = True
    lag: int = 0

    def protocol(self, covariates: tuple[str, ...] = ()) -> dict[str, Any]:
        """As it stands in a report's `run`."""
        return {
            "eligibility": (
                "in view when the month opens; no redemption during the washout; the kind affordable and on offer; "
                f"at least {self.min_history} months of history; the whole horizon within the data"
            ),
            "arms": "redeems the kind in the month | redeems nothing in the month",
            "time_zero": "the month of the redemption" if not self.lag else "the month after the redemption",
            "outcome": "leaves of the member's own will within the horizon",
            "horizon": self.horizon,
            "washout": "ever" if self.washout is None else self.washout,
            "covariates": list(covariates),
            "weights": (
                "inverse probability of the own arm, one logit per kind against none, renormalised, "
                "cut at the 99.9th percentile within the arm"
            ),
        }
