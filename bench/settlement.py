"""How long a month's settlement takes: every merchant's period sealed, one after the other, in one process of its own.

Merchants, terms and acceptances are written by the server as rows: a tenth of them at the first merchant, for the largest one
decides about memory; every fiftieth undone; every other merchant with a reserve and a minimum. Measured is what `jifen settle`
does, to the last byte of each seal. Then it is run again, and whatever it writes then is counted.
"""

import multiprocessing
import resource
import time
from datetime import date, datetime, timedelta

from base import clock, database, process
from bench.plans import Measured, Plan, Say, short
from bench.population import ZONE
from bench.server import Server
from merchants.statements import settling

SIZES = {
    "full": (1_000, 1_000_000),
    "quick": (50, 100_000),
    "tiny": (5, 500),
}  # merchants, acceptances in all
CHUNK = 50_000
DAYS = 28
WRITTEN = ("statement", "statement_line", "merchant_item")


def measure(server: Server, plan: Plan, say: Say) -> Measured:
    """Acceptances settled a second, what the statements differ by (fen), rows of a second run, memory at its peak (MB)."""
    merchants, acceptances = SIZES[plan.name]
    name = f"settlement_{merchants}"
    url, first = server.clone(name), first_day(clock.now())
    say(f"filling: {short(acceptances)} acceptances at {short(merchants)} merchants")
    fill(server, name, merchants, acceptances, first)
    say("settlement: every merchant's month")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        before = server.cpu_s() or 0
        took, cpu, sealed, peak_mb = pool.apply(_settled, (url, first))
        of_server = (server.cpu_s() or 0) - before
        written = _rows(server, name)
        again, _, sealed_again, _ = pool.apply(_settled, (url, first))
    if sealed != merchants or sealed_again:
        raise RuntimeError(
            f"{sealed} statements of {merchants} merchants, and {sealed_again} at the second run"
        )
    figures = {
        "settlement_acceptances_per_s": acceptances / took,
        "settlement_s": took,
        "settlement_cpu_s": cpu,
        "settlement_server_cpu_s": of_server,
        "settlement_again_s": again,
        "settlement_difference_fen": float(_difference(server, name)),
        "settlement_second_run_rows": float(_rows(server, name) - written),
        "settlement_peak_mb": peak_mb,
    }
    server.drop(name)
    return {}, figures


def _settled(url: str, first: date) -> tuple[float, float, int, float]:
    """Seconds by the clock and of the processor, how many statements were sealed, megabytes at the peak."""
    process.settle()
    database.connect(url)
    until, began, cpu = first + timedelta(days=45), time.monotonic(), time.process_time()
    with database.begin() as session:
        everyone = [merchant.merchant_id for merchant in settling.every(session)]
    sealed = sum(1 for merchant_id in everyone for _ in settling.settle(merchant_id, until))
    took, used = time.monotonic() - began, time.process_time() - cpu
    return took, used, sealed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def first_day(at: datetime) -> date:
    """The first day of a month whose draft time is over for certain."""
    return (clock.day(at, ZONE).replace(day=1) - timedelta(days=45)).replace(day=1)


def fill(server: Server, name: str, merchants: int, acceptances: int, first: date) -> None:
    values = {
        "merchants": merchants,
        "acceptances": acceptances,
        "zone": ZONE,
        "from": clock.start_of(first, ZONE),
        "step": timedelta(days=DAYS) / acceptances,
    }
    with server.admin(name) as admin:
        for statement in _MERCHANTS:
            admin.execute(statement, values)
        for low in range(1, acceptances + 1, CHUNK):
            part = values | {"low": low, "high": min(low + CHUNK - 1, acceptances)}
            for statement in _ACCEPTANCES:
                admin.execute(statement, part)
        admin.execute("vacuum (analyze) merchant, terms, terms_confirmation, acceptance, void")


def _rows(server: Server, name: str) -> int:
    with server.admin(name) as admin:
        counts = (admin.execute(f"select count(*) from {table}".encode()).fetchone() for table in WRITTEN)
        return sum(int(count[0]) for count in counts if count)  # type: ignore[call-overload]


def _difference(server: Server, name: str) -> int:
    """What the statements say that merchants earned, less what they earned: 0, or money was made or lost."""
    with server.admin(name) as admin:
        row = admin.execute(_DIFFERENCE).fetchone()
    return abs(int(row[0])) if row else 0  # type: ignore[call-overload]


_MERCHANTS = (
    "insert into merchant (merchant_id, code, names, zone, currency, city) select m, 'm-' || lpad(m::text, 6, '0'), "
    "'{}', %(zone)s, 'CNY', 'Hangzhou' from generate_series(1, %(merchants)s::bigint) m",
    "insert into terms (terms_id, merchant_id, from_day, price_bp, fee_bp, vat_bp, void_window_s, manager_void_window_s, "
    "typed_limit_fen, direct_accept, reserve_bp, reserve_days, minimum_fen) select m, m, '2020-01-01', 9000, 200, 600, 900, "
    "86400, 5000, false, m %% 2 * 500, m %% 2 * 30, m %% 2 * 10000 from generate_series(1, %(merchants)s::bigint) m",
    "insert into terms_confirmation (terms_id, merchant_id, at) select m, m, now() "
    "from generate_series(1, %(merchants)s::bigint) m",
)
_ACCEPTANCES = (
    "insert into acceptance (member_id, acceptance_id, voucher_id, use_no, merchant_id, outlet_id, terminal_id, clerk_id, "
    "terms_id, units, owed_fen, fee_fen, vat_fen, booked_fen, recorded_at, void_id, currency, last4, offer_names) "
    "select 1 + n * 7919 %% 300000, n, n, 1, m, m, m, m, m, 1, price, price / 50, price / 833, price, "
    "%(from)s + n * %(step)s, case when n %% 50 = 0 then n end, 'CNY', 'A1B2', '{}' "
    "from generate_series(%(low)s::bigint, %(high)s) n, "
    "lateral (select case when n %% 10 = 0 then 1 else 1 + n / 7 %% %(merchants)s end as m, 500 + n * 13 %% 9500 as price) o",
    "insert into void (member_id, void_id, acceptance_id, merchant_id, terminal_id, clerk_id, recorded_at, reason) "
    "select member_id, void_id, acceptance_id, merchant_id, terminal_id, clerk_id, recorded_at + interval '5 minutes', 'bench' "
    "from acceptance where acceptance_id between %(low)s and %(high)s and void_id is not null",
)
_DIFFERENCE = (
    "select (select sum(net_fen - opening_fen + reserve_fen) from statement) - "
    "(select sum(owed_fen - fee_fen - vat_fen) from acceptance where void_id is null)"
)
