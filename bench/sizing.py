"""What measured costs come to for so many members, by arithmetic alone: writes the tables of docs/scale.md.

`python -m bench.sizing` writes them anew from bench/results/latest.json. What was measured is read there; what is assumed stands below,
with where it comes from. Nothing here is a promise: it says how many processors, bytes and connections the arithmetic asks for.
"""

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import results

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
SIZES = (1_000_000, 30_000_000, 300_000_000)
Costs = Mapping[str, float]
DEEDS = {
    "enrol": "a member enrolled, by a file",
    "line_alone": "a bill line, told alone over HTTP",
    "line_told": "a bill line, of 500 told at once over HTTP",
    "line_filed": "a bill line, by a file",
    "balance": "the balance, over HTTP",
    "history": "a page of movements, over HTTP",
    "catalogue": "a page of 500 offers, over HTTP",
    "home": "a member's home",
    "quote": "a quote",
    "redeem_credit": "redeeming to bill credit",
    "credit_behind": "behind it, the worker: order, outcome, messages",
    "redeem_voucher": "redeeming to a voucher",
    "check": "a voucher checked at a till",
    "accept": "a voucher accepted at a till",
    "void": "an acceptance undone",
    "gift": "points given to a member",
    "gift_behind": "behind it, the worker: they leave and arrive",
    "expire": "a wallet whose lot has lapsed written off",
    "settle": "an acceptance settled into a statement",
    "payout": "a payout proposed, approved, in a bank's file",
}


@dataclass(frozen=True)
class Assumed:
    """One assumption: its value, what it says, where it comes from."""

    value: float
    says: str
    source: str


GUESS = "assumed"
ASSUMED = {
    "lines": Assumed(3, "bill lines that earn, a member and month", "assumed: plan, data and voice, as in the demo"),
    "accrual_hours": Assumed(8, "hours in which the month's lines are taken in", GUESS),
    "redemptions": Assumed(1, "redemptions a member and year", "assumed: the demo's members make half of it"),
    "credit_share": Assumed(0.81, "of them to bill credit", "the operator's own mix, as the demo has it"),
    "voucher_share": Assumed(0.16, "of them to vouchers of shops", "the operator's own mix, as the demo has it"),
    "visits": Assumed(0.03, "visits a member and day: home, movements, two pages of offers", GUESS),
    "peak_share": Assumed(0.15, "of a day in its fullest hour", GUESS),
    "lapsing": Assumed(0.6, "of the wallets with something that lapses at the year's end", GUESS),
    "expiry_hours": Assumed(24, "hours in which it is written off", "assumed; balances are right without it"),
    "flash": Assumed(0.001, "of the members who ask for one limited offer within its first minute", GUESS),
    "festival": Assumed(0.01, "of the members who redeem a voucher and use it on the fullest day of the year", GUESS),
    "festival_share": Assumed(0.2, "of that day in its fullest hour", GUESS),
    "merchants": Assumed(1 / 2_000, "merchants a member", GUESS),
    "busy": Assumed(0.5, "of a processor that is planned to be used at the peak", GUESS),
    "web_cores": Assumed(8, "processors of a web machine", GUESS),
    "node_cores": Assumed(16, "processors of a database machine", GUESS),
    "node_bytes": Assumed(2e12, "bytes on a database machine, so that a restore stays a matter of hours", GUESS),
    "years": Assumed(3, "years of rows that are planned for; nothing is ever deleted from the books", GUESS),
}  # fmt: skip


def assumed(name: str) -> float:
    """The value of an assumption."""
    return ASSUMED[name].value


@dataclass(frozen=True)
class Load:
    """Something that happens: how often a second of each deed, where it is highest."""

    name: str
    per_s: Mapping[str, float]

    def cores(self, costs: Costs, whose: str) -> float:
        """Processors of ours (`python`) or the database's (`server`) that are busy all the time."""
        return sum(rate * costs[f"cost_{deed}_{whose}_ms"] / 1_000 for deed, rate in self.per_s.items())

    def log_bytes_per_s(self, costs: Costs) -> float:
        """Bytes of log a second, without full pages."""
        return sum(rate * costs[f"cost_{deed}_wal_bytes"] for deed, rate in self.per_s.items())


def loads(members: int) -> list[Load]:
    """An ordinary day's fullest hour, and what comes in waves."""
    day = 86_400.0
    hour = assumed("peak_share") / 3_600
    redeemed = members * assumed("redemptions") / 365
    credits, vouchers = redeemed * assumed("credit_share"), redeemed * assumed("voucher_share")
    visits = members * assumed("visits")
    festival = members * assumed("festival") * assumed("festival_share") / 3_600
    ordinary = {
        "home": visits * hour, "history": visits * hour, "catalogue": 2 * visits * hour,
        "quote": redeemed * hour, "redeem_credit": credits * hour, "credit_behind": credits * hour,
        "redeem_voucher": vouchers * hour, "check": vouchers * hour, "accept": vouchers * hour,
    }  # fmt: skip
    use = dict.fromkeys(("home", "catalogue", "quote", "redeem_voucher", "check", "accept"), festival)
    flash = members * assumed("flash") / 60
    acceptances = vouchers * 30
    return [
        Load("an ordinary day's fullest hour", ordinary),
        Load(
            "month's end: bills",
            {"line_filed": members * assumed("lines") / (assumed("accrual_hours") * 3_600)},
        ),
        Load(
            "year's end: expiry", {"expire": members * assumed("lapsing") / (assumed("expiry_hours") * 3_600)}
        ),
        Load("a limited offer's first minute", {"quote": flash, "redeem_voucher": flash}),
        Load("the fullest day: redeemed and used at tills", use),
        Load(
            "month's end: settlement in an hour and payouts in a day",
            {"settle": acceptances / 3_600, "payout": members * assumed("merchants") / day},
        ),
    ]


def year_bytes(costs: Costs, members: int) -> dict[str, float]:
    """Bytes of tables and indexes that a year adds, by what adds them; `members` once, when they are enrolled."""
    redeemed = members * assumed("redemptions")
    vouchers = redeemed * assumed("voucher_share")
    kept = {name: costs[f"cost_{name}_kept_bytes"] for name in DEEDS}
    return {
        "members, once": members * kept["enrol"],
        "bill lines with their postings": members * assumed("lines") * 12 * kept["line_filed"],
        "quotes": redeemed * kept["quote"],
        "redemptions to bill credit": redeemed
        * assumed("credit_share")
        * (kept["redeem_credit"] + kept["credit_behind"]),
        "redemptions to vouchers": vouchers * kept["redeem_voucher"],
        "checks and acceptances, settled": vouchers * (kept["check"] + kept["accept"] + kept["settle"]),
        "expiry": members * assumed("lapsing") * kept["expire"],
    }


def day_log(costs: Costs, members: int, what: str = "wal_bytes") -> tuple[float, float]:
    """Bytes of log of an ordinary day, and of the day on which the bills come."""
    share = assumed("peak_share") / 3_600
    ordinary = sum(
        rate / share * costs[f"cost_{deed}_{what}"] for deed, rate in loads(members)[0].per_s.items()
    )
    return ordinary, ordinary + members * assumed("lines") * costs[f"cost_line_filed_{what}"]


@dataclass(frozen=True)
class Machines:
    """What the highest load of all asks for."""

    web_cores: int
    web_machines: int
    worker_cores: int
    node_cores: int
    node_bytes: float
    nodes: int
    connections: int


BY_WORKERS = frozenset({"line_filed", "expire", "settle", "payout", "credit_behind"})
THREADS = 8  # of a web process, with a connection each and one more


def machines(costs: Costs, members: int) -> Machines:
    """Processors so that at the highest of the loads half of them is busy; nodes by processors or by bytes, whichever is more."""
    found = loads(members)
    spare = assumed("busy")

    def cores(load: Load, whose: str, deeds: Callable[[str], bool]) -> float:
        return (
            Load(load.name, {d: rate for d, rate in load.per_s.items() if deeds(d)}).cores(costs, whose)
            / spare
        )

    web = math.ceil(max(cores(load, "python", lambda d: d not in BY_WORKERS) for load in found))
    workers = math.ceil(max(cores(load, "python", lambda d: d in BY_WORKERS) for load in found))
    node_cores = math.ceil(max(cores(load, "server", lambda d: True) for load in found))
    parts = year_bytes(costs, members)
    once = parts.pop("members, once")
    kept = once + assumed("years") * sum(parts.values())
    nodes = max(math.ceil(node_cores / assumed("node_cores")), math.ceil(kept / assumed("node_bytes")))
    web_machines = max(2, math.ceil(web / assumed("web_cores")))
    return Machines(
        web,
        web_machines,
        workers,
        node_cores,
        kept,
        nodes,
        max(2, web) * (THREADS + 1) + max(2, workers) * 12,
    )


def costs_table(costs: Costs) -> Iterator[str]:
    """Of each deed what it took."""
    yield "| operation | our ms | database ms | statements | rows | bytes kept | log, bytes | log after a checkpoint, bytes | cache |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, says in DEEDS.items():
        of = {what: costs[f"cost_{name}_{what}"] for what in _WHAT}
        yield (
            f"| {says} | {of['python_ms']:.2f} | {of['server_ms']:.2f} | {of['statements']:.1f} | {of['rows']:.1f} | "
            f"{of['kept_bytes']:,.0f} | {of['wal_bytes']:,.0f} | {of['wal_full_bytes']:,.0f} | {of['cache_calls']:.1f} |"
        )


_WHAT = (
    "python_ms",
    "server_ms",
    "statements",
    "rows",
    "kept_bytes",
    "wal_bytes",
    "wal_full_bytes",
    "cache_calls",
)


def assumptions_table(costs: Costs) -> Iterator[str]:
    """What is assumed, and where it comes from."""
    yield "| | what | where from |"
    yield "| --- | --- | --- |"
    for one in ASSUMED.values():
        yield f"| {_short(one.value)} | {one.says} | {one.source} |"


def loads_table(costs: Costs) -> Iterator[str]:
    """Rates, processors and log of every load, a line for each size."""
    yield "| load | members | highest rates a second | our processors busy | the database's | log, MB/s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for at in range(len(loads(SIZES[0]))):
        for members in SIZES:
            load = loads(members)[at]
            rates = ", ".join(f"{name} {_short(rate)}" for name, rate in _most(load.per_s))
            yield (
                f"| {load.name} | {members // 1_000_000} M | {rates} | {_short(load.cores(costs, 'python'))} | "
                f"{_short(load.cores(costs, 'server'))} | {_short(load.log_bytes_per_s(costs) / 1e6)} |"
            )


def _most(rates: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(rates.items(), key=lambda one: -one[1])[:3]


def storage_table(costs: Costs) -> Iterator[str]:
    """GB that a year adds and that a day writes to the log."""
    columns = [year_bytes(costs, members) for members in SIZES]
    yield "| GB | " + " | ".join(f"{members // 1_000_000} M" for members in SIZES) + " |"
    yield "| --- |" + " --- |" * len(SIZES)
    for part in columns[0]:
        yield f"| {part} | " + " | ".join(_short(column[part] / 1e9) for column in columns) + " |"
    sums = (sum(value for part, value in column.items() if part != "members, once") for column in columns)
    yield "| **a year, in all** | " + " | ".join(f"**{_short(value / 1e9)}**" for value in sums) + " |"
    for says, day, what in (
        ("log of an ordinary day", 0, "wal_bytes"),
        ("log of an ordinary day, each page whole", 0, "wal_full_bytes"),
        ("log of the day of the bills", 1, "wal_bytes"),
        ("log of the day of the bills, each page whole", 1, "wal_full_bytes"),
    ):
        yield f"| {says} | " + " | ".join(_short(day_log(costs, m, what)[day] / 1e9) for m in SIZES) + " |"


def machines_table(costs: Costs) -> Iterator[str]:
    """What the highest load asks for."""
    found = [machines(costs, members) for members in SIZES]
    yield "| | " + " | ".join(f"{members // 1_000_000} M" for members in SIZES) + " |"
    yield "| --- |" + " --- |" * len(SIZES)
    for says, value in (
        ("processors for web processes, half of them busy at the peak", lambda one: str(one.web_cores)),
        ("web machines of 8, two at least", lambda one: str(one.web_machines)),
        ("processors for workers and files", lambda one: str(one.worker_cores)),
        ("processors of the database", lambda one: str(one.node_cores)),
        ("TB of tables and indexes after three years", lambda one: _short(one.node_bytes / 1e12)),
        ("database machines of 16 processors and 2 TB", lambda one: str(one.nodes)),
        ("connections that processes hold", lambda one: _short(one.connections)),
    ):
        yield f"| {says} | " + " | ".join(value(one) for one in found) + " |"


def nights_table(costs: Costs) -> Iterator[str]:
    """What walks over everybody, drawn out in a straight line from a million members (or postings)."""
    yield "| walk, as it is today | measured | " + " | ".join(f"{m // 1_000_000} M" for m in SIZES) + " |"
    yield "| --- | --- |" + " --- |" * len(SIZES)
    postings = assumed("lines") * 12 + 2 * assumed("redemptions") + assumed("lapsing")
    for says, measured, each, times in (
        ("`jifen verify` of a year's postings", "verify_s_per_million", 1e6, postings),
        ("tiers, nothing changed", "tiers_next_s_at_1m", 1e6, 1.0),
        ("segments, nothing changed", "segments_refresh_again_s", 1e6, 1.0),
        ("analysis: panel and estimates", "analytics_s", 1e6, 1.0),
    ):
        value = (
            costs["analytics_run_s"] + costs["analytics_panel_s"]
            if measured == "analytics_s"
            else costs[measured]
        )
        row = " | ".join(_duration(value * members * times / each) for members in SIZES)
        yield f"| {says} | {value:.0f} s a million | {row} |"
    memory = costs["analytics_megabytes"] / 1_000
    row = " | ".join(f"{memory * members / 1e6:,.0f} GB" for members in SIZES)
    yield f"| analysis: memory of its process | {memory:.1f} GB a million | {row} |"


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {name}"
    return f"{seconds:.0f} s"


def _short(value: float) -> str:
    """Two figures that count, without an exponent."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{float(f'{value:.2g}'):g}" if value >= 0.001 or value == 0 else "less than 0.001"


TABLES: dict[str, Callable[[Costs], Iterator[str]]] = {
    "costs": costs_table,
    "assumptions": assumptions_table,
    "loads": loads_table,
    "storage": storage_table,
    "machines": machines_table,
    "nights": nights_table,
}


MARK = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def written(page: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with each table between its marks made anew."""

    def table(mark: re.Match[str]) -> str:
        name = mark[1]
        lines = [_when(found["machine"])] if name == "when" else TABLES[name](found["figures"])
        return "\n".join([f"<!-- {name} -->", *lines, "<!-- end -->"])

    return MARK.sub(table, page)


def _when(machine: Mapping[str, Any]) -> str:
    run = machine["runs"]["costs"]
    return (
        f"`make bench ONLY=costs`{' QUICK=1' if run['plan'] == 'quick' else ''}, {run['at'][:10]}, commit {run['commit'][:12]}: "
        f"{machine['cores']} shared cores, {machine['system']}, PostgreSQL {machine['postgresql']}, Python {machine['python']}; "
        f"fsync and synchronous_commit on, shared_buffers {machine['settings']['shared_buffers']}."
    )


def main() -> None:
    """Write the tables of the page anew."""
    PAGE.write_text(written(PAGE.read_text("utf-8"), results.load()), "utf-8")
    sys.stdout.write(f"{PAGE.name}: the tables are those of {results.PATH.name}\n")


if __name__ == "__main__":
    main()
