"""The web server from outside: the list of offers and redeeming beside a bare view with one SELECT 1, in one process.

Five hundred live offers, a third of them for some members only, a fifth with limits, a third with stock; a page of twenty,
as a phone asks for it. What is redeemed are vouchers, each by another member, by quotes that were made before. All three
are measured in turns; a ratio is the median of the rounds. Then 100 requests a second by the clock.
"""

import json
import multiprocessing
import random
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from app import supervisor
from app.wiring import wire
from base import clock, database, ids
from base.auth import sign_ins
from base.config import Config
from bench import client
from bench.client import Address
from bench.plans import Figures, Measured, Plan, Say
from bench.population import LONG_AGO, Population, Populations
from bench.server import Server
from bench.web import BARE
from catalog.offers import offers
from catalog.rates import rates
from catalog.redemptions import quotes
from merchants import merchants

WITHOUT_CODES = {
    "JIFEN_CODE_ABOVE_POINTS": str(10**12),
    "JIFEN_CODE_ABOVE_FEN": str(10**12),
}  # nobody types one here
OFFERS, READERS, CONNECTIONS, PER_S, WARM = 500, 100, 8, 100, 80
COUNTS = {"full": (2_000, 2_000), "quick": (400, 300), "tiny": (40, 20)}  # of each round; by the clock
PAGE = "/v1/offers?limit=20&sort=fen_per_100"
START = datetime(2020, 1, 1, tzinfo=UTC)
READY_WITHIN_S = 120  # the machine may be busy
Found = TypeVar("Found")


def measure(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """Rates of all three, and how long list and redeeming take at 100 requests a second."""
    people = populations.of(plan.members)
    each, by_clock = COUNTS[plan.name]
    wire(Config.from_env().at(database_url=people.url), statement_timeout_ms=60_000)
    say(f"http: {OFFERS} offers")
    voucher_id = add_offers(people)
    readers = [signed_in(member_id) for member_id in people.members[:READERS]]
    left = iter(people.members[READERS:])
    rates_of: dict[str, list[float]] = {"bare": [], "offers": [], "redeem": []}
    server.settle(people.database)
    with serving(people.url) as address:
        for warm in (
            lists(readers, WARM),
            _redemptions(voucher_id, left, WARM),
        ):  # statements are compiled, caches fill
            together(client.rate, address, warm, CONNECTIONS)
        for number in range(plan.rounds):
            say(f"http: round {number + 1} of {plan.rounds}, {each} requests of each kind")
            redemptions = _redemptions(voucher_id, left, each)
            rates_of["bare"].append(together(client.rate, address, _bares(each), CONNECTIONS))
            rates_of["offers"].append(together(client.rate, address, lists(readers, each), CONNECTIONS))
            rates_of["redeem"].append(together(client.rate, address, redemptions, CONNECTIONS))
        say(f"http: {PER_S} requests a second by the clock")
        redemptions = _redemptions(voucher_id, left, by_clock)
        took = {
            "offers": together(client.times, address, lists(readers, by_clock), PER_S, 2 * CONNECTIONS),
            "redeem": together(client.times, address, redemptions, PER_S, 2 * CONNECTIONS),
        }
    figures: Figures = {f"http_{name}_per_s": statistics.median(found) for name, found in rates_of.items()}
    for name, seconds in took.items():
        for part in (50, 99):
            figures[f"http_{name}_p{part}_ms"] = 1_000 * sorted(seconds)[len(seconds) * part // 100]
    ratios = {
        f"{name}_over_select1": statistics.median(
            own / bare for own, bare in zip(rates_of[name], rates_of["bare"], strict=True)
        )
        for name in ("offers", "redeem")
    }
    return ratios, figures


def together(work: Callable[..., Found], *given: Any) -> Found:
    """In a process of its own, so that the client's threads and ours do not wait for each other."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def _bares(count: int) -> list[bytes]:
    return [client.request("GET", BARE, {})] * count


def lists(readers: list[str], count: int) -> list[bytes]:
    asked = [client.request("GET", PAGE, {"Authorization": f"Bearer {token}"}) for token in readers]
    return [asked[number % len(asked)] for number in range(count)]


def _redemptions(offer_id: int, members: Iterator[int], count: int) -> list[bytes]:
    """Requests that confirm quotes made here and now, each of another member."""
    made = []
    for _ in range(count):
        member_id = next(members)
        with database.begin() as session:
            priced = quotes.make(session, member_id, offer_id, 1, clock.now(), 3_600)
        body = json.dumps({"quote": ids.public("quo", member_id, priced.quote.quote_id)}).encode()
        headers = {"Authorization": f"Bearer {signed_in(member_id)}", "Idempotency-Key": str(uuid4())}
        made.append(client.request("POST", "/v1/redemptions", headers, body))
    return made


def signed_in(member_id: int) -> str:
    with database.begin() as session:
        return sign_ins.begin(session, "member", member_id, clock.now())


def add_offers(people: Population) -> int:
    """Live offers of all kinds; the id of the one that is redeemed."""
    pick = random.Random(7)
    programme_id = people.programme.programme_id
    with database.begin() as session:
        rates.add(session, programme_id, LONG_AGO, points=100, per_fen=100)
        shop = merchants.add(
            session, "bench", {"zh-CN": "测试商户", "en": "Bench"}, zone=people.programme.zone,
            currency="CNY", city="Hangzhou",
        )  # fmt: skip
        for number in range(OFFERS):
            kind = ("voucher", "voucher", "perk", "bill_credit")[number % 4] if number else "voucher"
            value_fen = pick.randrange(1, 200) * 100 if number else 100
            text = {
                "zh-CN": f"测试权益 {number}：凭券到店使用，每次一张。",
                "en": f"Offer {number}: to be used in the shop.",
            }
            asked = {"areas": ["33", "3301"], "hours": [{"from": "00:00"}]} if number % 3 == 1 else {}
            made = offers.add(
                session, programme_id, f"bench-{number}", kind=kind, from_at=START, value_fen=value_fen,
                cost_fen=value_fen, merchant_id=shop.merchant_id if kind == "voucher" else None,
                voucher_days=30 if kind == "voucher" else None, until_at=None, cancellable=False, most_units=1,
                event_at=None, city=None, category=f"category {number % 12}", names=text, texts=text,
                stock=1_000_000 if number % 3 == 2 else None, eligibility=asked,
                limits=[{"most": 2, "of": "member", "per": "month"}] if number % 5 == 1 else [],
            )  # fmt: skip
            if not number:
                chosen = made.offer_id
    return chosen


@contextmanager
def serving(
    url: str, more: Mapping[str, str] | None = None, *, workers: int = 1, log: Path | None = None
) -> Iterator[Address]:
    """The web server as `make run` starts it, on a free port of this machine, in one process or more; `more` of its environment.

    `log`: the file that it writes its lines to.
    """
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="jifen-bench-web-") as folder:
        free.bind(("127.0.0.1", 0))
        address: Address = free.getsockname()
        free.close()
        config = Config.from_env().at(
            database_url=url, data_dir=Path(folder), host=address[0], port=address[1], web_workers=workers
        )
        command = [*supervisor.web_command(config)[:-1], "bench.web:application()"]
        log = log or Path(folder) / "web.log"
        with log.open("wb") as said:
            running = subprocess.Popen(
                command,
                env=supervisor.environment(config) | WITHOUT_CODES | (more or {}),
                stdout=said,
                stderr=said,
            )
        try:
            _wait(running, address, log)
            yield address
        finally:
            running.terminate()
            running.wait(30)


def _wait(running: "subprocess.Popen[bytes]", address: Address, log: Path) -> None:
    limit = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < limit and running.poll() is None:
        try:
            client.rate(address, _bares(1), 1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the web server did not come up: {log.read_text()[-1000:]}")
