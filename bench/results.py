"""The file of results, and the table at the end: each ratio and limited figure with its target, met or NOT MET."""

import json
from pathlib import Path
from typing import Any

from bench.plans import Figures

PATH = Path(__file__).parent / "results" / "latest.json"
AT_LEAST, AT_MOST = "at least", "at most"
TARGETS: dict[str, tuple[str, float]] = {
    "batch_over_tpcb": (AT_LEAST, 4.0),
    "single_over_tpcb": (AT_LEAST, 0.6),
    "batch_over_pgledger": (AT_LEAST, 3.0),
    "single_over_pgledger": (AT_LEAST, 1.0),
    "batch_over_hordak": (AT_LEAST, 10.0),
    "single_over_hordak": (AT_LEAST, 10.0),
    "import_over_copy": (AT_LEAST, 0.2),
    "growth_100k_over_10k": (AT_MOST, 1.3),
    "growth_1m_over_10k": (AT_MOST, 1.3),
    "growth_10m_over_10k": (AT_MOST, 1.3),
    "sweep_due_ratio": (AT_MOST, 1.5),
    "wal_bytes_earn": (AT_MOST, 900),
    "wal_bytes_redeem": (AT_MOST, 900),
    "members_s_per_million": (AT_MOST, 120),
    "verify_s_per_million": (AT_MOST, 60),
    "verify_megabytes": (AT_MOST, 300),
    "verify_findings": (AT_MOST, 0),
    "facts_server_p99_ms": (AT_MOST, 5),
    "segments_refresh_first_s": (AT_MOST, 30),
    "segments_refresh_again_s": (AT_MOST, 30),
    "lists_slowest_p95_ms": (AT_MOST, 300),
    "lists_over_the_limit": (AT_MOST, 0),
    "offers_over_select1": (AT_LEAST, 0.4),
    "redeem_over_select1": (AT_LEAST, 0.25),
    "http_offers_p99_ms": (AT_MOST, 50),
    "pages_first_visit_kb": (AT_MOST, 150),
    "pages_home_server_p99_ms": (AT_MOST, 60),
    "pages_home_seen_p99_ms": (AT_MOST, 60),
    "pages_home_performance": (AT_LEAST, 95),
    "pages_home_accessibility": (AT_LEAST, 95),
    "pages_catalogue_performance": (AT_LEAST, 95),
    "pages_catalogue_accessibility": (AT_LEAST, 95),
    "pages_voucher_performance": (AT_LEAST, 95),
    "pages_voucher_accessibility": (AT_LEAST, 95),
    "accept_over_select1": (AT_LEAST, 0.25),
    "till_check_p99_ms": (AT_MOST, 50),
    "till_accept_p99_ms": (AT_MOST, 80),
    "overload_goodput_over_best": (AT_LEAST, 0.8),
    "overload_refusal_p99_ms": (AT_MOST, 50),
    "overload_kept_refused": (AT_MOST, 0),
    "overload_normal_after_s": (AT_MOST, 10),
    "race_off": (AT_MOST, 0),
    "race_5xx": (AT_MOST, 0),
    "race_other_than_201_409": (AT_MOST, 0),
    "guess_hits": (AT_MOST, 0),
    "guess_other_than_404_429": (AT_MOST, 0),
    "replays_accepted": (AT_MOST, 0),
    "uniform_apart_ms": (AT_MOST, 2),
    "settlement_acceptances_per_s": (AT_LEAST, 1_000_000 / 300),
    "settlement_difference_fen": (AT_MOST, 0),
    "settlement_second_run_rows": (AT_MOST, 0),
    "settlement_peak_mb": (AT_MOST, 500),
    "replay_s": (AT_MOST, 30),
    "analytics_run_s": (AT_MOST, 90),
    "analytics_megabytes": (AT_MOST, 2_000),
    "analytics_airline_s": (AT_MOST, 30),
    "analytics_get_p95_ms": (AT_MOST, 200),
    "analytics_list_p95_ms": (AT_MOST, 200),
    "analytics_page_p95_ms": (AT_MOST, 200),
    "analytics_curves_page_p95_ms": (AT_MOST, 200),
    "analytics_study_page_p95_ms": (AT_MOST, 200),
    "analytics_kinds_page_p95_ms": (AT_MOST, 200),
    "analytics_trust_page_p95_ms": (AT_MOST, 200),
    "analytics_rows_differing": (AT_MOST, 0),
    "flash_sold_off": (AT_MOST, 0),
    "flash_5xx": (AT_MOST, 0),
    "seats_off": (AT_MOST, 0),
    "credits_not_ended": (AT_MOST, 0),
    "credits_doubled": (AT_MOST, 0),
    "credits_off": (AT_MOST, 0),
    "promises_findings": (AT_MOST, 0),
    "selftest_goals_missed": (AT_MOST, 0),
}


def load(path: Path = PATH) -> dict[str, dict[str, Any]]:
    """What was found so far; nothing where there is no file."""
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {part: dict(found.get(part, {})) for part in ("ratios", "figures", "machine")}


def keep(
    part: str, ratios: Figures, figures: Figures, machine: dict[str, Any], path: Path = PATH
) -> dict[str, dict[str, Any]]:
    """Write a part's own keys into the file; those of the others stay as they were. All that is there now.

    `machine` is that of the latest run; under `runs` it says of each part with which commit, when and how it ran.
    """
    found = load(path)
    found["ratios"] |= {name: round(value, 3) for name, value in ratios.items()}
    found["figures"] |= {name: round(value, 2) for name, value in figures.items()}
    runs = found["machine"].get("runs", {})
    runs[part] = {name: machine[name] for name in ("commit", "at", "plan")}
    found["machine"] = machine | {"runs": runs}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", "utf-8")
    return found


def table(ratios: Figures, figures: Figures) -> list[str]:
    """Lines to print: figures, then what has a target."""
    lines = [f"{name:<28} {value:>16,.1f}" for name, value in sorted(figures.items()) if name not in TARGETS]
    for name, value in sorted((ratios | figures).items()):
        if name in TARGETS:
            way, limit = TARGETS[name]
            met = value >= limit if way == AT_LEAST else value <= limit
            lines.append(f"{name:<28} {value:>16,.3f}   {way} {limit:g}: {'met' if met else 'NOT MET'}")
        elif name in ratios:
            lines.append(f"{name:<28} {value:>16,.3f}   no target")
    return lines
