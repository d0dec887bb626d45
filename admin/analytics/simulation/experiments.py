"""One run of an examination: draw members of a scenario, let the estimators answer, keep what is to be judged.

What is finished is a line in a file; the same examination does not do it again, unless analytics changed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from admin.analytics import report
from admin.analytics.person_months import PersonMonths
from admin.analytics.protocol import Options
from admin.analytics.simulation import panel, truth
from admin.analytics.simulation.scenarios import KINDS, SCENARIOS

CODE = Path(__file__).parents[1]
PLAIN, RANKS, BLIND, AS_NOTICED = "plain", "ranks", "blind", "as_noticed"
ONLY_JUDGING = frozenset({"goals.py", "selftest.py", "files.py", "wording.py"})
CONTRACT_COLUMNS = frozenset({"months_to_contract_end", "contract_ends_soon"})

Block = dict[str, Any]
Estimate = Callable[[PersonMonths, Options], Block]


@dataclass(frozen=True)
class Case:
    """What is examined: a scenario, how many members, and a variant of what the estimators are shown.

    `ranks` asks for the order of the kinds alone. `blind` hides the contract, `as_noticed` dates leaves to when they
    were noticed: both must go wrong.
    """

    scenario: str
    members: int
    variant: str = PLAIN

    def sample(self, seed: int) -> PersonMonths:
        """The members of one run as the estimators get to see them."""
        drawn = panel.draw(
            SCENARIOS[self.scenario], self.members, seed, as_noticed=self.variant == AS_NOTICED
        )
        if self.variant != BLIND:
            return drawn
        shown = {name: values for name, values in drawn.covariates.items() if name not in CONTRACT_COLUMNS}
        return replace(drawn, covariates=shown)


def estimated(sample: PersonMonths, options: Options) -> Block:
    """The estimators' public answer."""
    return report.headlines(sample, options)


def perform(case: Case, seed: int, draws: int, estimate: Estimate = estimated) -> Block:
    """One run: what was found, reduced to what the goals ask."""
    began = time.monotonic()
    options = Options(first=0, last=truth.TRIALS - 1, draws=draws, seed=seed, variants=False)
    found = estimate(case.sample(seed), options)
    return kept_of(found) | {"seconds": round(time.monotonic() - began, 2)}


def kept_of(found: Block) -> Block:
    """Of a report: gap, headlines, kinds, verdict, tipping point, money; what is absent is None."""
    trials = found.get("trials") or {}
    kinds = trials.get("kinds") or {}
    money = (found.get("money") or {}).get("kinds") or {}
    return {
        "raw_gap_pp": _of(found, "raw_gap", "difference_pp"),
        "verdict": _of(found, "verdict", "code"),
        "itt": _headline(trials.get("itt")),
        "per_protocol": _headline(trials.get("per_protocol")),
        "kinds": {
            kind: {
                "itt": _headline((kinds.get(kind) or {}).get("itt")),
                "per_protocol": _headline((kinds.get(kind) or {}).get("per_protocol")),
            }
            for kind in KINDS
        },
        "tipping": {
            name: _of(found, "sensitivity", "tipping_point", name) for name in ("redeem_odds", "leave_odds")
        },
        "money": {kind: _money(money[kind]) for kind in KINDS if kind in money},
    }


class Notebook:
    """The finished runs, one JSON object a line, each with the digest of the code that made it."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.code = path, code_digest()
        self._runs: dict[tuple[Any, ...], Block] = {}
        if path is not None and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self._take_in(line)

    def finished(self, case: Case, seed: int, draws: int) -> Block | None:
        """What this very run found, if it was made already."""
        return self._runs.get(self._key(case, seed, draws))

    def keep(self, case: Case, seed: int, draws: int, found: Block) -> None:
        """Write a finished run down, at once."""
        self._runs[self._key(case, seed, draws)] = found
        if self.path is not None:
            line = {**vars(case), "seed": seed, "draws": draws, "code": self.code, "found": found}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, sort_keys=True) + "\n")

    def _key(self, case: Case, seed: int, draws: int) -> tuple[Any, ...]:
        return case.scenario, case.members, case.variant, seed, draws

    def _take_in(self, line: str) -> None:
        """A line that a killed run left half written, or that other code wrote, counts for nothing."""
        try:
            kept = json.loads(line)
        except ValueError:
            return
        if kept["code"] == self.code:
            case = Case(kept["scenario"], kept["members"], kept["variant"])
            self._runs[self._key(case, kept["seed"], kept["draws"])] = kept["found"]


def code_digest(folder: Path = CODE) -> str:
    """A digest of the code that a result depends on: results of other code are not ours."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.name not in ONLY_JUDGING:
            whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def _headline(block: Mapping[str, Any] | None) -> Block:
    block = block or {}
    return {
        "status": block.get("status", "refused"),
        "reasons": [reason["code"] for reason in block.get("reasons", ())],
        "difference_pp": block.get("risk_difference_pp"),
        "se_pp": block.get("se_pp"),
        "interval_pp": block.get("interval_pp"),
        "risk_treated": block.get("risk_treated"),
        "risk_control": block.get("risk_control"),
    }


def _money(block: Mapping[str, Any]) -> Block:
    names = ("incremental_cost_fen", "cost_per_retained_fen", "cost_interval_fen", "at_least_fen")
    return {name: block.get(name) for name in names}


def _of(block: Mapping[str, Any], *path: str) -> Any:
    here: Any = block
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def differences(runs: Iterable[Block], headline: str, kind: str | None = None) -> list[Block]:
    """The headline of each run, of one kind or of any; refused ones too."""
    return [run[headline] if kind is None else run["kinds"][kind][headline] for run in runs]
