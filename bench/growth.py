"""Whether a posting costs more where there are more members, and whether a sweep does where the same few are due."""

import multiprocessing
import time
from datetime import date, timedelta
from statistics import median
from uuid import uuid4

from base import clock, database
from bench import load
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import LONG_AGO, SECRETS, ZONE, Population, Populations
from bench.server import Server
from points import ledger, lots
from points.deeds import Request
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment

AGO = timedelta(days=40)
LAPSED_AGO = timedelta(days=10)
DUE_POINTS = 100


def growth(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """The cost of a posting in batches over the cost among the fewest members; sizes take turns within a round.

    Wallets have the same twelve lots, postings go to members drawn by lot from all of them.
    """
    runs: dict[int, list[load.Run]] = {size: [] for size in plan.growth}
    for size in plan.growth:
        populations.of(size)
    for number in range(plan.rounds):
        for size in plan.growth:
            say(f"growth: {short(size)} members, round {number + 1} of {plan.rounds}")
            runs[size].append(load.run(server, load.batches, populations.of(size), plan.seconds, 2))
    figures: Figures = {}
    for size, found in runs.items():
        at = f"at_{short(size)}"
        figures[f"batch_per_s_{at}"] = median(run.per_s for run in found)
        figures[f"fill_s_{at}"] = populations.of(size).fill_s
        if all(run.server_us is not None for run in found):
            figures[f"batch_cpu_us_{at}"] = median(run.client_us + (run.server_us or 0) for run in found)
    fewest, *more = plan.growth
    ratios = {
        f"growth_{short(size)}_over_{short(fewest)}": figures[f"batch_per_s_at_{short(fewest)}"]
        / figures[f"batch_per_s_at_{short(size)}"]
        for size in more
    }
    return ratios, figures


def sweep(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """How long `jifen expire` works where the same number of members is due among few members and among many.

    It is the command itself that is timed, in a process that has loaded it already. One that takes longer than the
    plan's limit is ended and counted as that long: its figure and the ratio are then "at least".
    """
    figures: Figures = {"sweep_due_members": plan.due}
    for size in plan.sweep:
        people = populations.of(size)
        times = []
        for number in range(plan.rounds):
            say(f"sweep: {plan.due} due among {short(size)} members, round {number + 1} of {plan.rounds}")
            make_due(people, plan.due)
            with server.admin(people.database) as admin:
                admin.execute(
                    "truncate expiry_run"
                )  # each sweep is the first: it looks at all that ever lapsed
            server.settle(people.database)
            times.append(_swept(people, plan))
            if times[-1] >= plan.sweep_limit_s:
                say(f"sweep: ended after {plan.sweep_limit_s} s, it takes at least that long")
                break  # some of the due are left: another round would meet them
        figures[f"sweep_s_at_{short(size)}"] = median(times)
    fewest, most = (figures[f"sweep_s_at_{short(size)}"] for size in (plan.sweep[0], plan.sweep[-1]))
    return {"sweep_due_ratio": most / fewest}, figures


def make_due(people: Population, count: int) -> None:
    """Further members of the programme, all of whose points lapsed ten days ago; through the ledger, as of then."""
    database.connect(people.url, statement_timeout_ms=60_000)
    then, key = clock.now() - AGO, lots.key(_today() - LAPSED_AGO, 1)
    with database.begin() as session:
        rows = [Enrolment(f"D{uuid4().hex}", LONG_AGO) for _ in range(count)]
        new = members.enrol_many(session, people.programme, SECRETS, rows).values()
        asked = [Request(m, uuid4(), Kind.EARN, DUE_POINTS, then, ZONE, lot_key=key) for m in new]
        answers = ledger.post_many(session, asked)
    if not all(isinstance(answer, ledger.Answer) for answer in answers):
        raise RuntimeError(f"not all could be made due: {answers[0]}")


def _swept(people: Population, plan: Plan) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_load_command)
        began = time.monotonic()
        waiting = pool.apply_async(expired, (people.url, people.programme.code, _today()))
        try:
            points = waiting.get(timeout=plan.sweep_limit_s)
        except multiprocessing.TimeoutError:
            pool.terminate()
            return float(plan.sweep_limit_s)
        took = time.monotonic() - began
    if points != DUE_POINTS * plan.due:
        raise RuntimeError(f"the sweep wrote off {points} points of {DUE_POINTS * plan.due}")
    return took


def _load_command() -> None:
    from app.commands import expiry  # noqa: F401


def expired(url: str, code: str, on: date) -> int:
    """Points that the command wrote off."""
    import json
    import os

    from click.testing import CliRunner

    from app.commands.expiry import expire

    os.environ |= {"JIFEN_ENV": "test", "DATABASE_URL": url}
    result = CliRunner().invoke(expire, ["--as-of", str(on), "--programme", code, "--json", "--quiet"])
    if result.exit_code:
        raise RuntimeError(result.output)
    return int(json.loads(result.stdout)["lapsed"][code])


def _today() -> date:
    return clock.day(clock.now(), ZONE)
