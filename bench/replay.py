"""How long a replay takes: members with three months of redemptions, under a draft that asks tiers and areas.

Members and redemptions are written by the server as rows: one and a half redemptions a member, of fifty offers, members of
eight tiers in thirty areas with a middle bill. Nothing here reads a posting, so there is none; a wallet is there for what is
owed. Measured is the command's own way: parts one after the other, each a transaction.
"""

import time
from datetime import timedelta

from admin.replay import job, runs
from admin.replay.models import DONE
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import Kind
from base.auth.principals import Staff
from bench.plans import Measured, Plan, Say, short
from bench.population import LONG_AGO, ZONE
from bench.server import Server
from catalog.offers import offers
from catalog.rates import proposals, rates
from catalog.rates.rates import Row
from catalog.rates.scopes import GENERAL, Scope
from points import programmes
from points.kinds import State
from points.models import Programme

CHUNK, OFFERS, MONTHS = 20_000, 50, 3
KINDS = ("bill_credit", "perk", "event", "goods", "service")
TIERS = ("star1", "star2", "star3", "star4", "star5", "silver", "gold", "diamond")


def replayed(server: Server, plan: Plan, say: Say) -> Measured:
    """Seconds of a replay over three months, and of the processor's, here and in the server."""
    name = f"replay_{plan.members}"
    database.connect(server.clone(name), statement_timeout_ms=60_000)
    programme = _programme()
    say(f"filling: {short(plan.members)} members with three months of redemptions")
    with server.admin(name) as admin:
        for low in range(1, plan.members + 1, CHUNK):
            high = min(low + CHUNK - 1, plan.members)
            for statement in _FILL:
                admin.execute(statement, {"low": low, "high": high, "programme": programme.programme_id})
        admin.execute("vacuum (analyze) member_facts, redemption, wallet, offer")
    proposal_id = _proposal(programme)
    say("replay: three months")
    began, cpu, of_server = time.monotonic(), time.process_time(), server.cpu_s() or 0
    with database.begin() as session:
        proposal = approvals.by_id(session, proposal_id).proposal
        run = runs.begin(session, proposal, MONTHS, clock.now(), "bench")
    while run.state != DONE:
        run = job.patient_step(run.replay_id)
    figures = {
        "replay_s": time.monotonic() - began,
        "replay_cpu_s": time.process_time() - cpu,
        "replay_members": float(plan.members),
        "replay_redemptions": float(_counted(run.report or {})),
    }
    if server.cpu_s() is not None:
        figures["replay_server_cpu_s"] = (server.cpu_s() or 0) - of_server
    return {}, figures


def _counted(report: dict[str, dict[str, int]]) -> int:
    found, moved = report["redeemed"]["redemptions"], report["members"]["worse"] + report["members"]["better"]
    if not found or not moved:
        raise RuntimeError(f"the replay found nothing: {report['redeemed']}, {report['members']}")
    return found


def _programme() -> Programme:
    with database.begin() as session:
        made = programmes.create(
            session, "bench", {"zh-CN": "测试", "en": "Bench"}, zone=ZONE, currency="CNY"
        )
        rates.add(session, made.programme_id, LONG_AGO, points=100, per_fen=100)
        for number in range(OFFERS):
            names = {"zh-CN": f"权益 {number}", "en": f"Offer {number}"}
            offers.add(
                session, made.programme_id, f"offer-{number:02}", kind=KINDS[number % len(KINDS)],
                from_at=clock.start_of(LONG_AGO, ZONE), value_fen=1_000 + 100 * number, cost_fen=900, cancellable=False,
                category="bench", names=names, texts=names, most_units=10,
            )  # fmt: skip
    return made


def _proposal(programme: Programme) -> int:
    """A grid that asks what is bought, of which tier one is and where one lives."""
    soon = clock.day(clock.now(), ZONE) + timedelta(days=1)
    rows = [
        Row(GENERAL, soon, 95, 100), Row(Scope(kind="perk"), soon, 80, 100), Row(Scope(tier="gold"), soon, 90, 100),
        *(Row(Scope(kind="goods", area=f"{10 + n:02}"), soon, 110 + n, 100) for n in range(10)),
        *(Row(Scope(kind="event", tier=tier), soon, 70 + n, 100) for n, tier in enumerate(TIERS)),
    ]  # fmt: skip
    approvals.register(Kind(proposals.KIND, proposals.carry_out, proposals.PROPOSES, proposals.APPROVES))
    maker = Staff(1, frozenset({"editor"}))
    with database.begin() as session:
        wanted = proposals.Wanted(programme.code, tuple(rows), "bench")
        case = proposals.propose(session, maker, wanted, clock.now())
    return case.proposal.proposal_id


_TIERS = ", ".join(f"'{tier}'" for tier in TIERS)
_FILL = (
    "insert into member_facts (member_id, programme_id, joined_on, area, tiers, arpu_fen) "
    "select m, %(programme)s, '2020-01-01', lpad((10 + m %% 10)::text, 2, '0') || lpad((m %% 3 + 1)::text, 2, '0'), "
    f"array[(array[{_TIERS}])[1 + m %% {len(TIERS)}]], (m * 7919) %% 30000 "
    "from generate_series(%(low)s::bigint, %(high)s) m",
    f"insert into wallet (member_id, state, balance, at, head) select m, {int(State.OPEN)}, 0, now(), '\\x00' "
    "from generate_series(%(low)s::bigint, %(high)s) m",
    "insert into redemption (member_id, redemption_id, offer_id, version_id, rate_id, price_points, value_fen, cost_fen, "
    "at, changed_at, units, kind, state) select m, m * 10 + n, o.offer_id, o.version_id, "
    "(select rate_id from rate limit 1), o.value_fen, o.value_fen, o.cost_fen, now() - (1 + (m * 31 + n * 17) %% 85) * interval '1 day', "
    "now(), 1, o.kind, 'fulfilled' from generate_series(%(low)s::bigint, %(high)s) m, generate_series(1, 2) n "
    f"join offer o on true where n <= 1 + m %% 2 and o.code = 'offer-' || lpad(((m * 13 + n * 7) %% {OFFERS})::text, 2, '0')",
)
