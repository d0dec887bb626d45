"""How long the tiers of all members take: members with three bills each, on two ladders, first with changes and then without.

The postings are written by the server as rows, for nothing here reads their chain; what they earn spreads members over all
steps, and a tenth of them had a part of it taken back.
"""

import time
from datetime import date, timedelta

from base import clock, database
from bench.plans import Measured, Plan, Say, short
from bench.population import LONG_AGO, ZONE
from bench.server import Server
from points import policies, programmes
from points.kinds import Kind, Side, State
from points.models import Programme
from points.tiers import ladders, running
from points.tiers.reckoning import Step

CHUNK = 50_000
BILLS = 3
_STARS = tuple(Step(f"star{n}", n * 300, {"zh-CN": f"{n} 星", "en": f"{n} stars"}) for n in range(1, 8))
_CARDS = tuple(
    Step(tier, points, {"zh-CN": tier, "en": tier})
    for tier, points in (("silver", 900), ("gold", 1_800), ("diamond", 2_400))
)


def evaluated(server: Server, plan: Plan, say: Say) -> Measured:
    """Seconds of a first run, in which most members change, and of the run of the next day, in which hardly any does."""
    size = plan.growth[-1] if plan.growth[-1] <= 1_000_000 else 1_000_000
    name = f"tiers_{size}"
    database.connect(server.clone(name), statement_timeout_ms=600_000)
    today = clock.day(clock.now(), ZONE)
    programme = _programme(today)
    say(f"filling: {short(size)} members with {BILLS} bills")
    with server.admin(name) as admin:
        for low in range(1, size + 1, CHUNK):
            high = min(low + CHUNK - 1, size)
            for statement in _FILL:
                admin.execute(
                    statement, {"low": low, "high": high, "programme": programme.programme_id, "on": today}
                )
        admin.execute("vacuum (analyze) wallet, posting, member_facts")
    figures = {}
    for figure, on in (("first", today - timedelta(days=1)), ("next", today)):
        say(f"tiers: the {figure} run")
        began, cpu, of_server = time.monotonic(), time.process_time(), server.cpu_s() or 0
        changes = _run(programme, on)
        figures[f"tiers_{figure}_s_at_{short(size)}"] = time.monotonic() - began
        figures[f"tiers_{figure}_cpu_s_at_{short(size)}"] = time.process_time() - cpu
        if server.cpu_s() is not None:
            figures[f"tiers_{figure}_server_cpu_s_at_{short(size)}"] = (server.cpu_s() or 0) - of_server
        figures[f"tiers_{figure}_changes_at_{short(size)}"] = float(changes)
    return {}, figures


def _programme(today: date) -> Programme:
    with database.begin() as session:
        made = programmes.create(
            session, "bench", {"zh-CN": "测试", "en": "Bench"}, zone=ZONE, currency="CNY"
        )
        for ladder, steps in (("star", _STARS), ("card", _CARDS)):
            ladders.add(
                session, made.programme_id, ladder, LONG_AGO, steps, window_months=12, hold_months=12,
                grace_months=1, lot_classes=[policies.BILL_POINTS], reason="bench", approval=None, at=clock.now(),
            )  # fmt: skip
    return made


def _run(programme: Programme, on: date) -> int:
    with database.begin() as session:
        running.begin(session, programme, on, clock.now())
    changes, done = 0, False
    while not done:
        with database.begin() as session:
            step = running.step(session, programme, on, tells=None)
        changes, done = changes + step.changes, step.done
    return changes


_COLUMNS = (
    "member_id, seq, amount, balance_after, held_after, debt_after, contra, version_id, req_hash, at, rev_of, "
    "effective_on, part, kind, from_class, to_class, idem, hash, lots"
)
_FILL = (
    "insert into member_facts (member_id, programme_id, joined_on) "
    "select m, %(programme)s, '2020-01-01' from generate_series(%(low)s::bigint, %(high)s) m",
    f"insert into wallet (member_id, state, at, head) select m, {int(State.OPEN)}, now(), '\\x00' "
    "from generate_series(%(low)s::bigint, %(high)s) m",
    f"insert into posting ({_COLUMNS}) select m, n, 50 + (m * 7919 + n * 104729) %% 950, 0, 0, 0, 0, 0, 0, now(), null, "
    f"%(on)s::date - n * 100, 0, {int(Kind.EARN)}, {int(Side.ISSUED)}, {int(Side.AVAILABLE)}, gen_random_uuid(), "
    f"decode(repeat('00', 32), 'hex'), array[(20000 << 15) | {policies.BILL_POINTS}, 0, 100] "
    f"from generate_series(%(low)s::bigint, %(high)s) m, generate_series(1, {BILLS}) n",
    f"insert into posting ({_COLUMNS}) select m, {BILLS} + 1, 20, 0, 0, 0, 0, 0, 0, now(), 1, %(on)s::date - 50, 0, "
    f"{int(Kind.UNEARN)}, {int(Side.AVAILABLE)}, {int(Side.ISSUED)}, gen_random_uuid(), "
    f"decode(repeat('00', 32), 'hex'), array[(20000 << 15) | {policies.BILL_POINTS}, 0, 20] "
    "from generate_series(%(low)s::bigint, %(high)s) m where m %% 10 = 0",
)
