"""The deeds whose cost is measured: each is prepared without being measured, then done by the process that does it in use."""

import json
import multiprocessing
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle, islice
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select, text

from admin.staff import staff
from app.wiring import wire
from base import clock, database, ids, jobs, process
from base.approvals import approvals
from base.auth import api_keys
from base.auth.principals import Staff
from base.config import Config
from bench import bill_file, client, growth, settlement, till
from bench.client import Address
from bench.http import READERS, add_offers, lists, serving, signed_in, together
from bench.imports import python_cpu_s
from bench.population import LONG_AGO, LOTS, SECRETS, ZONE, Population
from bench.promises import billing
from bench.server import Server
from catalog.offers import offers
from catalog.redemptions import quotes
from catalog.vouchers import codes
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import Voucher
from merchants.models import Acceptance, Merchant
from merchants.payout_routes import routes
from merchants.payout_routes.models import BANK
from merchants.payout_routes.routes import Contact, Details
from merchants.payouts import payouts, runs
from merchants.payouts.models import ON_HOLD, Payout
from merchants.statements import settling
from points import bills, ledger, policies, programmes
from points.deeds import Request
from points.gifts import job as gift_job
from points.gifts.models import WAITING, Gift
from points.kinds import Kind
from points.lots import Interval
from points.members import members
from points.members.members import Enrolment, Secrets
from points.models import Programme

Done = tuple[int, float]  # how many, and seconds of processor time of the process that did them
Work = Callable[[], Done]
Item = TypeVar("Item")
CONNECTIONS, EACH, HISTORY, BATCH = 4, 100_000, 25, 500
MOST_PAYOUTS = 400  # of one run
"""Of the client; points of a lot; movements on a page of history and a few more; bill lines told at once."""


@dataclass(frozen=True)
class Deed:
    """`prepare(count)` makes so many ready; what it returns does them. `times`: how many for each of the plan's."""

    name: str
    prepare: Callable[[int], Work]
    times: int = 1


@dataclass
class Scene:
    """A database with a programme, members of twelve lots, offers, a shop with tills, and a web process before it."""

    server: Server
    config: Config
    address: Address
    programme: Programme
    people: list[int]
    offers: dict[str, int]
    shop: till.Shop
    tills: list[till.Till]
    key: str
    persons: tuple[Staff, Staff]
    turn: Iterator[int]
    worker: Pool
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    def deeds(self) -> list[Deed]:
        """In an order in which each finds what the one before left."""
        readers = [signed_in(member_id) for member_id in self.people[:READERS]]
        return [
            Deed("enrol", self._enrol, 5),
            Deed("line_alone", lambda count: self._lines(count, 1)),
            Deed("line_told", lambda count: self._lines(count, BATCH), 10),
            Deed("line_filed", self._file, 20),
            Deed("balance", lambda count: self._looks(readers, "/v1/members/me/wallet", count)),
            Deed("history", lambda count: self._looks(readers, "/v1/members/me/postings?limit=20", count)),
            Deed("catalogue", lambda count: self._ask(lists(readers, count))),
            Deed("quote", self._quotes),
            Deed("redeem_credit", lambda count: self._redemptions("credit", count)),
            Deed("credit_behind", self._behind),
            Deed("redeem_voucher", lambda count: self._redemptions("voucher", count)),
            Deed("home", lambda count: self._homes(readers, count)),
            Deed("check", self._checks),
            Deed("accept", self._accepts),
            Deed("void", self._voids),
            Deed("gift", self._gifts),
            Deed("gift_behind", self._gifts_behind),
            Deed("expire", self._lapsing, 2),
            Deed("settle", self._settling, 20),
            Deed("payout", self._payouts),
        ]

    def _enrol(self, count: int) -> Work:
        rows = [(f"N{n:08d}", f"139{n:08d}") for n in islice(self.numbers, count)]
        return lambda: self._alone(_enrolled, (self.programme.programme_id, rows))

    def _lines(self, count: int, each: int) -> Work:
        """Bill lines that billing tells over HTTP, so many a request."""
        told = [
            {
                "customer_id": f"C{random.randrange(len(self.people)):06d}", "bill_id": f"B{number}", "line_no": 1,
                "bill_day": str(clock.now().date()), "line_type": "plan", "amount_fen": 5_800 + number % 9_000,
            }
            for number in islice(self.numbers, count)
        ]  # fmt: skip
        headers = {"Authorization": f"Bearer {self.key}"}
        asked = [
            client.request("POST", "/v1/bill-lines", headers, json.dumps({"lines": part}).encode())
            for part in parts(told, each)
        ]
        return self._ask(asked, count)

    def _file(self, count: int) -> Work:
        """The same as a file: staged, checked, rated and posted by one process."""
        first = next(self.numbers)
        everybody = list(islice(self._everybody(), count))
        lines = [
            f"F{first}-{number},1,{customer},{clock.now().date()},plan,{5_800 + number % 9_000},0"
            for number, customer in enumerate(everybody)
        ]
        body = "\n".join([bill_file.COLUMNS, *lines, ""])
        return lambda: self._alone(_filed, (self.programme.programme_id, body))

    def _everybody(self) -> Iterator[str]:
        return cycle(f"C{number:06d}" for number in random.sample(range(len(self.people)), len(self.people)))

    def _looks(self, readers: Sequence[str], path: str, count: int) -> Work:
        return self._ask(
            [
                client.request("GET", path, {"Authorization": f"Bearer {readers[n % len(readers)]}"})
                for n in range(count)
            ]
        )

    def _homes(self, readers: Sequence[str], count: int) -> Work:
        headers = ({"Cookie": f"jifen_member={token}", "Accept-Encoding": "gzip"} for token in cycle(readers))
        return self._ask([client.request("GET", "/", one) for one in islice(headers, count)])

    def _quotes(self, count: int) -> Work:
        body = json.dumps({"offer": ids.public("off", self.offers["voucher"])}).encode()
        headers = ({"Authorization": f"Bearer {signed_in(m)}"} for m in self._some(count))
        return self._ask([client.request("POST", "/v1/quotes", one, body) for one in headers])

    def _redemptions(self, kind: str, count: int) -> Work:
        """Quotes made here and now are confirmed, each of another member."""
        asked = []
        for member_id in self._some(count):
            with database.begin() as session:
                priced = quotes.make(session, member_id, self.offers[kind], 1, clock.now(), 3_600)
            body = json.dumps({"quote": ids.public("quo", member_id, priced.quote.quote_id)}).encode()
            headers = {"Authorization": f"Bearer {signed_in(member_id)}", "Idempotency-Key": str(uuid4())}
            asked.append(client.request("POST", "/v1/redemptions", headers, body))
        return self._ask(asked)

    def _behind(self, count: int) -> Work:
        """What the worker does for redemptions to bill credit: the order at the billing system, its outcome, messages."""
        self._worked()
        self._redemptions("credit", count)()

        def work() -> Done:
            with billing([]) as (url, _):
                return count, self._alone(_drained, None, url)[1]

        return work

    def _worked(self) -> None:
        """Whatever waits for a worker is done now."""
        with billing([]) as (url, _):
            self._alone(_drained, None, url)

    def _checks(self, count: int) -> Work:
        found = self._vouchers(count)
        return self._ask(till.checks(self.tills, found))

    def _accepts(self, count: int) -> Work:
        found = self._vouchers(count)
        return self._ask(till.accepts(self.config, self.tills, found))

    def _vouchers(self, count: int) -> list[tuple[int, int, str]]:
        """Vouchers that no till holds or has accepted, redeemed for this."""
        self._redemptions("voucher", count)()
        keys = Keys.of(self.config)
        with database.begin() as session:
            rows = session.scalars(select(Voucher).order_by(Voucher.voucher_id.desc()).limit(count)).all()
            return [
                (row.member_id, row.voucher_id, codes.opened(keys, row.voucher_id, row.code_sealed))
                for row in rows
            ]

    def _voids(self, count: int) -> Work:
        self._accepts(count)()
        asked = select(Acceptance).where(Acceptance.merchant_id == self.shop.merchant.merchant_id)
        with database.begin() as session:
            found = session.scalars(asked.order_by(Acceptance.acceptance_id.desc()).limit(count)).all()
            by_terminal = {one.terminal.terminal_id: one for one in self.tills}
            return self._ask(
                [
                    by_terminal[row.terminal_id].post(
                        f"/v1/acceptances/{ids.public('acc', row.member_id, row.acceptance_id)}/void",
                        {"reason": "wrong item"},
                    )
                    for row in found
                ]
            )

    def _gifts(self, count: int) -> Work:
        """Points set aside for another member."""
        asked = []
        for member_id in self._some(count):
            to = (self.people.index(member_id) + 1) % len(self.people)
            headers = {"Authorization": f"Bearer {signed_in(member_id)}", "Idempotency-Key": str(uuid4())}
            body = json.dumps({"to": f"138{to:08d}", "points": 100}).encode()
            asked.append(client.request("POST", "/v1/gifts", headers, body))
        return self._ask(asked)

    def _gifts_behind(self, count: int) -> Work:
        """They leave the giver and arrive, by the worker's own steps."""
        self._gifts(count)()
        with database.begin() as session:
            rows = session.scalars(
                select(Gift).where(Gift.state == WAITING).order_by(Gift.gift_id.desc()).limit(count)
            ).all()
            places = [(row.member_id, row.gift_id) for row in rows]
        return lambda: self._alone(_gifted, places)

    def _lapsing(self, count: int) -> Work:
        """Wallets whose only lot lapsed ten days ago, and a walk that looks at all that ever lapsed."""
        url = str(self.config.database_url)
        growth.make_due(Population("costs", url, range(0), self.programme, 0.0), count)
        with self.server.admin("costs") as admin:
            admin.execute("truncate expiry_run")
        return lambda: self._alone(_lapsed, self.programme.code)

    def _settling(self, count: int) -> Work:
        """A month of some merchants, as many as have so many acceptances."""
        with database.begin() as session:
            rows = session.execute(
                text(
                    "select a.merchant_id, count(*) from acceptance a where merchant_id between 2 and 1000000 "
                    "and not exists (select 1 from statement s where s.merchant_id = a.merchant_id) group by 1 order by 1"
                )
            ).all()
        chosen, sum_ = [], 0
        for merchant_id, acceptances in rows:
            if sum_ < count:
                chosen.append(merchant_id)
                sum_ += acceptances
        return lambda: (sum_, self._alone(_settled, chosen)[1])

    def _payouts(self, count: int) -> Work:
        """Statements with a bank's account, all that are ready in one run: proposed by one person, approved by another."""
        at = clock.now()
        with database.begin() as session:
            asked = (
                select(Payout)
                .where(Payout.state == ON_HOLD)
                .order_by(Payout.merchant_id)
                .limit(min(count, MOST_PAYOUTS))
            )
            for payout in session.scalars(asked).all():
                details = Details(BANK, holder="Bench", bank="Bench", number=f"{payout.merchant_id:016d}")
                routes.add(
                    session, self.config.seal_key, payout.merchant_id, details, Contact(), "bench",
                    at - timedelta(days=800), holds_until=at - timedelta(days=800),
                )  # fmt: skip
                payouts.look_again(session, payout, at)
        return lambda: self._alone(_paid, self.persons)

    def _alone(self, work: Callable[..., int], given: Any, billing_url: str | None = None) -> Done:
        config = self.config.at(billing_url=billing_url) if billing_url else self.config
        return self.worker.apply(_measured, (work, config, given))

    def _some(self, count: int) -> list[int]:
        """The next members, each once before anybody comes again."""
        return list(islice(self.turn, count))

    def _ask(self, asked: Sequence[bytes], count: int | None = None) -> Work:
        """Requests to the web process: how many deeds they are, and what it took the process."""

        def work() -> Done:
            before = process_cpu_s(self.address)
            together(client.rate, self.address, asked, CONNECTIONS)
            return count or len(asked), process_cpu_s(self.address) - before

        return work


@contextmanager
def scene(server: Server, url: str, count: int, times: int) -> Iterator[Scene]:
    """All that the deeds need, and the web process as long as it is wanted."""
    config = Config.from_env().at(
        database_url=url, redis_url=server.cache_url, secret_key=SECRETS.index_key, seal_key=SECRETS.seal_key,
        voucher_peppers={1: till.PEPPER},
    )  # fmt: skip
    wire(config, statement_timeout_ms=60_000)
    programme = _programme()
    people = _people(programme, count)
    add_offers(Population("costs", url, range(0), programme, 0.0))
    shop = till.shop_named("costs")
    found = _offers(programme, shop.merchant)
    tills = [till.till_at(shop, f"till-{number}") for number in range(8)]
    with database.begin() as session:
        key = api_keys.issue(session, "billing", programme.programme_id, ["bills:write"], clock.now())
        persons = tuple(
            staff.principal(
                staff.add(session, f"{role}@bench.example", role, f"bench {role} {uuid4()}", [role])
            )
            for role in ("finance", "checker")
        )
    merchants, acceptances = 4 * times, 40 * times
    settlement.fill(server, "costs", merchants, acceptances, settlement.first_day(clock.now()))
    server.settle("costs")
    with (
        serving(url, till.CHILD | {"REDIS_URL": server.cache_url or ""}) as address,
        multiprocessing.get_context("spawn").Pool(1) as worker,
    ):
        turn = cycle(random.Random(7).sample(people, len(people)))
        yield Scene(
            server,
            config,
            address,
            programme,
            people,
            found,
            shop,
            tills,
            key,
            (persons[0], persons[1]),
            turn,
            worker,
        )


def _programme() -> Programme:
    with database.begin() as session:
        made = programmes.create(
            session,
            "bench",
            {"zh-CN": "测试", "en": "Bench"},
            zone=ZONE,
            currency="CNY",
            minimum_tenure_days=0,
        )
        policies.add_earn_rule(session, made.programme_id, "plan", LONG_AGO, points=1, per_fen=100)
        policies.add_expiry_policy(session, made.programme_id, policies.BILL_POINTS, LONG_AGO, months=36)
        return made


def _people(programme: Programme, count: int) -> list[int]:
    """Members with a number and twelve lots; those who read have a page of movements."""
    found = list[int]()
    brought = tuple(Interval(key, 0, EACH) for key in LOTS)
    for part in parts(range(count), BATCH):
        rows = [Enrolment(f"C{n:06d}", LONG_AGO, f"138{n:08d}") for n in part]
        with database.begin() as session:
            made = list(members.enrol_many(session, programme, SECRETS, rows).values())
            asked = [
                Request(m, uuid4(), Kind.MERGE_IN, EACH * len(LOTS), clock.now(), ZONE, quoted=brought)
                for m in made
            ]
            ledger.post_many(session, asked)
        found += made
    for _ in range(HISTORY):
        with database.begin() as session:
            ledger.post_many(
                session,
                [
                    Request(
                        m, uuid4(), Kind.EARN, 58, clock.now(), ZONE, lot_key=LOTS[-1], ref="bill B line 1"
                    )
                    for m in found[:READERS]
                ],
            )
    return found


def _offers(programme: Programme, merchant: Merchant) -> dict[str, int]:
    """A voucher of ten yuan at the shop, and ten yuan of bill credit."""
    names: dict[str, Any] = {"zh-CN": "测试权益", "en": "Bench offer"}
    common = {
        "from_at": clock.start_of(LONG_AGO, ZONE), "value_fen": 1_000, "cost_fen": 900, "until_at": None,
        "cancellable": False, "most_units": 1, "event_at": None, "city": None, "names": names, "texts": names,
    }  # fmt: skip
    with database.begin() as session:
        voucher = offers.add(
            session, programme.programme_id, "costs-voucher", kind="voucher", merchant_id=merchant.merchant_id,
            voucher_days=90, category="dining", **common,
        )  # fmt: skip
        credit = offers.add(
            session, programme.programme_id, "costs-credit", kind="bill_credit", category="bill", **common
        )
    return {"voucher": voucher.offer_id, "credit": credit.offer_id}


def process_cpu_s(address: Address) -> float:
    """Seconds of processor time that the web server at an address has used, all of its processes."""
    bound, found = f"{address[0]}:{address[1]}".encode(), 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if bound in (folder / "cmdline").read_bytes().split(b"\0"):
                fields = (folder / "stat").read_text().rpartition(") ")[2].split()
                found += sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _measured(work: Callable[..., int], config: Config, given: Any) -> Done:
    """In a process that did the like before: how many, and its processor time with that of its children that ended."""
    process.settle()
    wire(config, statement_timeout_ms=60_000)
    with database.begin() as session:
        database.answers(session)
    before = python_cpu_s()
    return work(config, given), python_cpu_s() - before


def _enrolled(config: Config, given: tuple[int, list[tuple[str, str]]]) -> int:
    programme_id, rows = given
    secrets = Secrets(seal_key=config.seal_key, index_key=config.secret_key)
    for part in parts(rows, BATCH):
        with database.begin() as session:
            programme = programmes.by_id(session, programme_id)
            people = [Enrolment(customer, LONG_AGO, phone) for customer, phone in part]
            members.enrol_many(session, programme, secrets, people)
    return len(rows)


def _filed(config: Config, given: tuple[int, str]) -> int:
    programme_id, body = given
    with database.begin() as session:
        programme = programmes.by_id(session, programme_id)
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        path = Path(folder) / "bills.csv"
        path.write_text(body, "utf-8")
        report = bills.take_in(programme, path, quiet=True, workers=1)
    if not report.clean:
        raise RuntimeError(f"the import is not clean: {report}")
    return report.posted


def _drained(config: Config, given: None) -> int:
    jobs.drain(str(config.database_url))
    return 1


def _gifted(config: Config, places: list[tuple[int, int]]) -> int:
    with clock.stopped(clock.now() + timedelta(minutes=11)):
        for place in places:
            gift_job.run(config, *place)  # leaves
            gift_job.run(config, *place)  # arrives
    return len(places)


def _lapsed(config: Config, code: str) -> int:
    return growth.expired(str(config.database_url), code, clock.day(clock.now(), ZONE)) // growth.DUE_POINTS


def _settled(config: Config, chosen: list[int]) -> int:
    until = settlement.first_day(clock.now()) + timedelta(days=45)
    return sum(1 for merchant_id in chosen for _ in settling.settle(merchant_id, until))


def _paid(config: Config, persons: tuple[Staff, Staff]) -> int:
    at = clock.now()
    finance, checker = persons
    with database.begin() as session:
        wanted = runs.Wanted(BANK, clock.day(at, ZONE))
        proposal = runs.propose(session, finance, config.seal_key, wanted, "monthly", at).proposal
    with database.begin() as session:
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), at)
    return int(proposal.said["count"])


def parts(some: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """So many at a time."""
    for start in range(0, len(some), size):
        yield some[start : start + size]
