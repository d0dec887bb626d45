"""`make machines`: two webs and two workers behind a balancer, as docs/many-machines.md says; parts by ONLY=kill,pooled,restart.

Everything is started here, listens on this machine alone, and ends here. Exit 0 only if no journey failed and the books are whole.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("JIFEN_ENV", "development")

from sqlalchemy import make_url

from app import supervisor
from app.proof import findings
from app.proving import snapshot
from app.wiring import wire
from base import logs
from points import verify as points_verify
from tests.machines import pgbouncer, renewing
from tests.machines import upgrade as upgrading
from tests.machines.balancer import Balancer
from tests.machines.client import Failed
from tests.machines.journeys import WAYS, Journeys
from tests.machines.steady import Steady
from tests.torture import place, report
from tests.torture.money import Money
from tests.torture.place import Place, kill_with_children
from tests.torture.proxy import Proxy
from tests.torture.world import made

MEMBERS, WALKERS = 150, 4
AWAY_S = 6.0  # so long a killed web and a killed worker are away
Facts = dict[str, Any]


def main() -> int:
    """The parts asked for; 0 where each is whole."""
    options = _options()
    logs.init(as_json=False, level=50)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    found: Facts = {"commit": report.commit(supervisor.ROOT), "machine": report.machine({})}
    for part in options.only:
        _say(f"{part}: servers, webs, workers")
        found[part] = PARTS[part](options)
        _say(f"{part}: {json.dumps(found[part], ensure_ascii=False)}")
    options.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    broken = [part for part in options.only if found[part].get("wrong")]
    _say(f"{options.out}: " + (f"not whole: {', '.join(broken)}" if broken else "whole"))
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.machines", description="Two of each, on this machine alone.")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of: {','.join(PARTS)}")
    parser.add_argument("--seconds", type=int, default=60, help="how long journeys begin")
    parser.add_argument("--requests", type=int, default=10_000, help="of the rolling restart")
    parser.add_argument("--out", type=Path, default=Path("machines.json"))
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    if wrong := set(options.only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(wrong))}; there are: {', '.join(PARTS)}")
    return options


@contextmanager
def standing(*, pooled: bool = False) -> Iterator[tuple[Place, Journeys, Balancer]]:
    """Database, cache, webs, workers, the balancer before them, and people who have something to do."""
    with ExitStack() as stack:
        here = stack.enter_context(place.running())
        wire(here.config, pool_size=WALKERS + 4, statement_timeout_ms=60_000)
        world = made(here.config, MEMBERS)
        if pooled:
            pooler = stack.enter_context(pgbouncer.before(here.servers))
            here.proxies.pop("database").stop()
            here.proxies["database"] = Proxy(pooler.port).start()
        place.begin(here)
        if pooled:
            _apart(here, pooler.jobs_url)
        front = stack.enter_context(Balancer(here.ports))
        wire(here.config, pool_size=WALKERS + 4, statement_timeout_ms=60_000)
        world.config = here.config
        yield here, Journeys(here.config, world, Money(here.config, here), front.port), front


def _apart(here: Place, url: str) -> None:
    """Workers have a pool of their own, whose statements may take longer."""
    through = make_url(url).set(port=here.proxies["database"].port).render_as_string(hide_password=False)
    for number in range(place.WORKERS):
        worker = here.worker(number)
        with here.lock:
            worker.environment["DATABASE_URL"] = through
            kill_with_children(worker.pid)
            worker.start()


def kill(options: argparse.Namespace, *, pooled: bool = False) -> Facts:
    """Journeys, while one web and one worker die by -9, are away for a while and come back; then the others."""
    with standing(pooled=pooled) as (here, journeys, front):
        over, done, failed = threading.Event(), Counter[str](), list[str]()
        walkers = [
            threading.Thread(target=_walk, args=(journeys, number, over, done, failed))
            for number in range(WALKERS)
        ]
        for one in walkers:
            one.start()
        killed = []
        for number in (0, 1):
            time.sleep(options.seconds / 4)
            killed += _away(here, f"web-{number}", f"worker-{number}")
            place.Place.wait_ready(here, number)
        over.wait(options.seconds / 4)
        over.set()
        for one in walkers:
            one.join(180)
        facts = {
            "journeys": dict(sorted(done.items())), "failed": failed[:10], "asked_again_by_clients": dict(journeys.told),
            "balancer": front.counts, "killed": killed, "ended_by_themselves": here.fallen, **_books(),
        }  # fmt: skip
        if pooled:
            facts["server_connections"] = _connections(here)
    missing = [name for name in WAYS if not done[name]]
    facts["wrong"] = [*failed[:3], *(f"nobody walked: {name}" for name in missing), *facts["findings"][:3]]
    return facts


def _walk(
    journeys: Journeys, number: int, over: threading.Event, done: "Counter[str]", failed: list[str]
) -> None:
    """One way after the other; the last of the walkers pays merchants, the others do everything else."""
    names = list(WAYS)[:-1] if number < WALKERS - 1 else list(WAYS)[-1:]
    turn = number
    while not over.is_set():
        name = names[turn % len(names)]
        turn += 1
        try:
            WAYS[name](journeys)
            done[name] += 1
        except Exception as error:
            kind = "" if isinstance(error, Failed) else f"{type(error).__name__}: "
            failed.append(f"{name}: {kind}{error}"[:400])


def _away(here: Place, *names: str) -> list[str]:
    """Kill these, all that they started too; who keeps them lets them rest for a while."""
    for name in names:
        child = here.children[name]
        with here.lock:
            child.rests = True
        kill_with_children(child.pid)
    time.sleep(AWAY_S)
    for name in names:
        with here.lock:
            here.children[name].start()
            here.children[name].rests = False
    return list(names)


def _books() -> Facts:
    """`jifen verify`, at the end."""
    with snapshot() as session:
        return {
            "postings": points_verify.count(session),
            "findings": [str(vars(one)) for one in findings(session)],
        }


def _connections(here: Place) -> int:
    with here.admin() as admin:
        found = admin.execute(
            "select count(*) from pg_stat_activity where usename = 'jifen_app' and client_addr is null"
        ).fetchone()
        return int(found[0]) if found else 0  # type: ignore[call-overload]


def pooled(options: argparse.Namespace) -> Facts:
    """The same through PgBouncer in transaction mode."""
    if pgbouncer.program() is None:
        return {"not_run": pgbouncer.NOT_HERE, "wrong": [pgbouncer.NOT_HERE]}
    return kill(options, pooled=True)


def restart(options: argparse.Namespace) -> Facts:
    """Webs are renewed one after the other while requests go on: none may fail."""
    with standing() as (here, journeys, front):
        with _load(journeys) as load:
            facts = renewing.rolling(here, front, load, options.requests)
            facts["unannounced"] = renewing.unannounced(here, load)
        facts |= _books()
    facts["wrong"] = [f"{facts['failed']} failed: {facts['failures']}"] if facts["failed"] else []
    facts["wrong"] += facts["findings"][:3]
    return facts


def migrations(options: argparse.Namespace) -> Facts:
    """A migration of each kind on hot tables while requests go on: none may fail, nobody waits longer than for a lock."""
    with standing() as (here, journeys, _):
        with _load(journeys) as load:
            time.sleep(5)
            calm = load.since(0)
            facts: Facts = {"calm": calm, "kinds": renewing.migrations(here, load)}
            facts["all"] = load.since(0)
        facts |= _books()
    facts["wrong"] = [
        f"{kind}: {said['failures']}" for kind, said in facts["kinds"].items() if said["failed"]
    ]
    facts["wrong"] += facts["findings"][:3]
    return facts


def upgrade(options: argparse.Namespace) -> Facts:
    """The program and the schema of an earlier commit become those of today, while requests go on: none may fail."""
    facts = upgrading.upgraded()
    facts["wrong"] = [f"{facts['failed']} failed: {facts['failures']}"] if facts["failed"] else []
    return facts


def _load(journeys: Journeys) -> Steady:
    world = journeys.world
    return Steady(
        journeys.port, [one.token for one in world.people], [world.offer(one) for one in world.vouchers]
    )


PARTS: dict[str, Callable[[argparse.Namespace], Facts]] = {
    "kill": kill,
    "pooled": pooled,
    "restart": restart,
    "migrations": migrations,
    "upgrade": upgrade,
}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
