"""The till from outside: check and accept beside a bare view with one SELECT 1, a million vouchers there, every request signed.

Then what must come out exactly: five hundred vouchers that twenty cash desks try to accept at once, retries among them, the
cache killed on the way; five thousand guesses; recorded requests sent again; codes that are unknown here and those of another
merchant, whose answers must not differ in time. Counts are how far it is off: 0 is what was promised.
"""

import json
import random
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, islice
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.wiring import wire
from base import clock, database, ids
from base.auth import sign_ins, signatures
from base.auth.signatures import ED25519, Key
from base.config import Config
from bench import client
from bench.client import Address
from bench.http import CONNECTIONS, PER_S, START, WARM, serving, together
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import LONG_AGO, SECRETS, Population, Populations
from bench.server import Server
from bench.web import BARE
from catalog.offers import offers
from catalog.vouchers import codes, using
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import ISSUED, Voucher
from merchants import merchants, terms
from merchants.acceptances import Place
from merchants.models import Merchant, Outlet
from merchants.terminals import clerks, shifts
from merchants.terminals import keys as terminal_keys
from merchants.terminals.models import POS, ClerkRow, Terminal

VOUCHERS = {"full": 1_000_000, "quick": 50_000, "tiny": 3_000}
COUNTS = {"full": (2_000, 2_000), "quick": (400, 300), "tiny": (30, 20)}  # of each round; by the clock
RACES = {
    "full": (500, 20),
    "quick": (100, 20),
    "tiny": (5, 6),
}  # vouchers, and desks that each try for all of them
GUESSES = {"full": (5_000, 50), "quick": (600, 20), "tiny": (60, 3)}  # and from how many tills
EVENLY = {"full": 24, "quick": 12, "tiny": 2}  # tills that ask for four foreign and four unknown codes each
RETRIES, DESKS = 10, 32  # every tenth attempt is sent twice; connections of the race
CHECK, ACCEPT = "/v1/vouchers/check", "/v1/vouchers/accept"
PEPPER = "p" * 32
CHILD = {
    "JIFEN_SECRET_KEY": SECRETS.index_key,
    "JIFEN_SEAL_KEY": SECRETS.seal_key,
    "JIFEN_VOUCHER_PEPPER": PEPPER,
}


@dataclass(frozen=True)
class Till:
    """A terminal with its key, its clerk's sign-in where it has one, and the counter of its nonces."""

    terminal: Terminal
    place: Place
    token: str | None
    private: Ed25519PrivateKey
    counter: "count[int]" = field(default_factory=lambda: count(1))

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> bytes:
        """A request signed here and now."""
        raw, stamp = json.dumps(body).encode(), str(int(time.time()))
        name, nonce = (
            ids.public("trm", self.terminal.terminal_id),
            f"{next(self.counter)}.{secrets.token_urlsafe(12)}",
        )
        text = signatures.text("POST", path, raw, timestamp=stamp, nonce=nonce, terminal=name)
        headers = {
            signatures.TERMINAL: name,
            signatures.TIMESTAMP: stamp,
            signatures.NONCE: nonce,
            signatures.SIGNATURE: signatures.encoded(self.private.sign(text)),
            "Idempotency-Key": key or str(uuid4()),
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return client.request("POST", path, headers, raw)


@dataclass(frozen=True)
class Shop:
    """A merchant whose terms allow accepting without a check."""

    merchant: Merchant
    outlet: Outlet
    clerk: ClerkRow


def measure(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """Rates, times by the clock, and the counts of what must come out exactly."""
    people = populations.of(plan.members)
    config = Config.from_env().at(
        database_url=people.url,
        secret_key=SECRETS.index_key,
        seal_key=SECRETS.seal_key,
        voucher_peppers={1: PEPPER},
    )
    wire(config, statement_timeout_ms=600_000)
    say(f"till: {short(VOUCHERS[plan.name])} vouchers")
    shop, other = shop_named("till"), shop_named("other")
    left = _Vouchers(config, _issue(config, people, shop, VOUCHERS[plan.name]))
    foreign = _Vouchers(config, _issue(config, people, other, 500))
    server.settle(people.database)
    with serving(people.url, CHILD | {"REDIS_URL": server.cache_url or ""}) as address:
        ratios, figures = _speed(config, shop, left, address, plan, say)
        figures |= _race(server, shop, left, address, plan, say)
        figures |= _guesses(shop_named("guessed"), address, plan, say)
        figures |= _replays(shop, left, address)
        figures |= _evenly(shop_named("even"), foreign, address, plan, say)
    return ratios, figures


class _Vouchers:
    """Vouchers not yet used by any measurement."""

    def __init__(self, config: Config, made: Sequence[tuple[int, int, str]]) -> None:
        self._config, self._left = config, iter(made)

    def some(self, number: int) -> list[tuple[int, int, str]]:
        """Member, voucher and code of so many more."""
        return list(islice(self._left, number))


def _speed(config: Config, shop: Shop, left: _Vouchers, address: Address, plan: Plan, say: Say) -> Measured:
    each, by_clock = COUNTS[plan.name]
    tills = [till_at(shop, f"till-{number}") for number in range(CONNECTIONS)]
    for warm in (checks(tills, left.some(WARM)), accepts(config, tills, left.some(WARM))):
        together(client.rate, address, warm, CONNECTIONS)
    rates: dict[str, list[float]] = {"bare": [], "check": [], "accept": []}
    for number in range(plan.rounds):
        say(f"till: round {number + 1} of {plan.rounds}, {each} requests of each kind")
        bare = [client.request("GET", BARE, {})] * each
        rates["bare"].append(together(client.rate, address, bare, CONNECTIONS))
        rates["check"].append(together(client.rate, address, checks(tills, left.some(each)), CONNECTIONS))
        rates["accept"].append(
            together(client.rate, address, accepts(config, tills, left.some(each)), CONNECTIONS)
        )
    say(f"till: {PER_S} requests a second by the clock")
    took = {
        "check": together(client.times, address, checks(tills, left.some(by_clock)), PER_S, 2 * CONNECTIONS),
        "accept": together(
            client.times, address, accepts(config, tills, left.some(by_clock)), PER_S, 2 * CONNECTIONS
        ),
    }
    figures: Figures = {f"till_{name}_per_s": statistics.median(found) for name, found in rates.items()}
    for name, seconds in took.items():
        for part in (50, 99):
            figures[f"till_{name}_p{part}_ms"] = 1_000 * sorted(seconds)[len(seconds) * part // 100]
    ratios = {
        f"{name}_over_select1": statistics.median(
            own / bare for own, bare in zip(rates[name], rates["bare"], strict=True)
        )
        for name in ("check", "accept")
    }
    return ratios, figures


def checks(tills: Sequence[Till], vouchers: Sequence[tuple[int, int, str]]) -> list[bytes]:
    return [
        tills[number % len(tills)].post(CHECK, {"code": codes.shown(symbols)})
        for number, (_, _, symbols) in enumerate(vouchers)
    ]


def accepts(config: Config, tills: Sequence[Till], vouchers: Sequence[tuple[int, int, str]]) -> list[bytes]:
    """Requests that accept vouchers which were checked here and now."""
    made, stored = [], Keys.of(config)
    for number, (member_id, voucher_id, symbols) in enumerate(vouchers):
        till = tills[number % len(tills)]
        with database.begin() as session:
            at = using.Till(till.place, clock.now(), stored, config.secret_key)
            voucher = session.get_one(Voucher, (member_id, voucher_id))
            checked = using.check(session, at, voucher, codes.Shown(symbols), 600)
        made.append(till.post(ACCEPT, {"check_token": checked.token}))
    return made


def _race(server: Server, shop: Shop, left: _Vouchers, address: Address, plan: Plan, say: Say) -> Figures:
    """Each desk tries for every voucher; some attempts are sent twice; half way the cache is killed."""
    vouchers, desks = RACES[plan.name]
    at_desks = [_desk(shop, f"desk-{number}") for number in range(desks)]
    pick, asked = random.Random(7), list[bytes]()
    for _, _, symbols in left.some(vouchers):
        for desk in pick.sample(at_desks, desks):
            body, key = {"code": codes.shown(symbols), "clerk": "01"}, str(uuid4())
            asked.append(desk.post(ACCEPT, body, key))
            if pick.randrange(RETRIES) == 0:
                asked.append(desk.post(ACCEPT, body, key))
    say(f"till: {short(len(asked))} attempts by {desks} desks for {vouchers} vouchers")
    before, told = _accepted(), Counter[str]()
    half = len(asked) // 2
    told.update(together(client.statuses, address, asked[:half], DESKS))
    killed = server.kill_cache()
    told.update(together(client.statuses, address, asked[half:], DESKS))
    taken = _accepted() - before
    return {
        "race_attempts": len(asked),
        "race_off": abs(taken - vouchers),
        "race_5xx": sum(number for status, number in told.items() if status.startswith("5")),
        "race_other_than_201_409": sum(
            number for status, number in told.items() if status not in ("201", "409")
        ),
        "race_cache_killed": float(killed),
    }


def _guesses(shop: Shop, address: Address, plan: Plan, say: Say) -> Figures:
    """Codes by chance from many tills; only ten of each till are looked at, then it is locked."""
    tries, tills = GUESSES[plan.name]
    at = [till_at(shop, f"guess-{number}") for number in range(tills)]
    say(f"till: {short(tries)} guesses from {tills} tills")
    asked = [at[n % tills].post(CHECK, {"code": codes.shown(codes.fresh())}) for n in range(tries)]
    told = Counter(together(client.statuses, address, asked, CONNECTIONS))
    return {
        "guesses": tries,
        "guess_hits": told["200"] + told["201"],
        "guess_looked_at": told["404"],
        "guess_other_than_404_429": tries - told["404"] - told["429"],
    }


def _replays(shop: Shop, left: _Vouchers, address: Address) -> Figures:
    """A hundred recorded acceptances, each sent three times more, newly sent but not newly signed."""
    at = _desk(shop, "replay-desk")
    asked = [at.post(ACCEPT, {"code": codes.shown(s), "clerk": "01"}) for _, _, s in left.some(100)]
    together(client.statuses, address, asked, 1)
    told = Counter(together(client.statuses, address, asked * 3, CONNECTIONS))
    return {"replays_accepted": sum(number for status, number in told.items() if status != "401")}


def _evenly(shop: Shop, foreign: _Vouchers, address: Address, plan: Plan, say: Say) -> Figures:
    """How far the mean times of foreign and of unknown codes are apart (ms)."""
    tills = [till_at(shop, f"even-{number}") for number in range(EVENLY[plan.name])]
    say(f"till: {8 * len(tills)} codes that are unknown here")
    asked, kinds = list[bytes](), list[bool]()
    for till in tills:
        for is_foreign in (True, False, True, False, True, False, True, False):
            symbols = foreign.some(1)[0][2] if is_foreign else codes.fresh()
            asked.append(till.post(CHECK, {"code": codes.shown(symbols)}))
            kinds.append(is_foreign)
    took = together(client.spans, address, asked)
    of = {
        which: [1_000 * seconds for seconds, kind in zip(took, kinds, strict=True) if kind is which]
        for which in (True, False)
    }
    return {
        "unknown_mean_ms": statistics.mean(of[False]),
        "foreign_mean_ms": statistics.mean(of[True]),
        "uniform_apart_ms": abs(statistics.mean(of[True]) - statistics.mean(of[False])),
    }


def _accepted() -> int:
    with database.begin() as session:
        return int(
            session.connection()
            .exec_driver_sql("select count(*) from acceptance where void_id is null")
            .scalar()
            or 0
        )


def shop_named(code: str) -> Shop:
    names = {"zh-CN": "测试商户", "en": "Bench"}
    with database.begin() as session:
        merchant = merchants.add(session, code, names, zone="Asia/Shanghai", currency="CNY", city="Hangzhou")
        outlet = merchants.add_outlet(session, merchant, names, names)
        terms.add(
            session, merchant.merchant_id, LONG_AGO, price_bp=9_000, fee_bp=200, vat_bp=600,
            void_window_s=900, direct_accept=True,
        )  # fmt: skip
        clerk = clerks.add_clerk(session, outlet, "01", "no PIN")
    return Shop(merchant, outlet, clerk)


def till_at(shop: Shop, code: str) -> Till:
    """A browser's till with a clerk signed in."""
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, f"{shop.merchant.code}-{code}")
        shift = shifts.begin(session, terminal, shop.clerk, clock.now())
        token = sign_ins.begin(
            session, "clerk", shop.clerk.clerk_id, clock.now(), place_id=terminal.terminal_id
        )
    return _keyed(shop, terminal, token, shift.shift_id)


def _desk(shop: Shop, code: str) -> Till:
    """A cash-desk system."""
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, f"{shop.merchant.code}-{code}", kind=POS)
    return _keyed(shop, terminal, None, None)


def _keyed(shop: Shop, terminal: Terminal, token: str | None, shift_id: int | None) -> Till:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with database.begin() as session:
        terminal_keys.register(
            session, session.merge(terminal, load=False), Key(ED25519, public), clock.now()
        )
    place = Place(
        shop.merchant.merchant_id,
        shop.outlet.outlet_id,
        terminal.terminal_id,
        shop.clerk.clerk_id,
        shift_id,
    )
    return Till(terminal, place, token, private)


def _issue(config: Config, people: Population, shop: Shop, number: int) -> list[tuple[int, int, str]]:
    """Vouchers of one unit, each with a code of its own: member, voucher and symbols of each."""
    with database.begin() as session:
        offer = offers.add(
            session, people.programme.programme_id, f"voucher-{shop.merchant.code}", kind="voucher", from_at=START,
            value_fen=1_000, cost_fen=900, merchant_id=shop.merchant.merchant_id, voucher_days=90, until_at=None,
            cancellable=False, most_units=1, event_at=None, city=None, category="dining",
            names={"zh-CN": "测试券", "en": "Voucher"}, texts={"zh-CN": "测试券", "en": "Voucher"},
        )  # fmt: skip
        sample = {"offer_id": offer.offer_id, "version_id": offer.version_id}
    made = [(people.members[n % len(people.members)], ids.new_id(), codes.fresh()) for n in range(number)]
    with database.begin() as session, database.driver(session).cursor() as cursor:
        columns = (
            "member_id, voucher_id, redemption_id, offer_id, version_id, merchant_id, units, units_left, face_fen, "
            "booked_fen, issued_at, last_day, last_step, use_no, cycles, pepper_id, state, last4, digest, code_sealed"
        )
        with cursor.copy(f"copy voucher ({columns}) from stdin") as copied:
            for row in _rows(config, made, sample, shop):
                copied.write_row(row)
    return made


def _rows(
    config: Config, made: Iterable[tuple[int, int, str]], sample: dict[str, int], shop: Shop
) -> Iterator[tuple[Any, ...]]:
    stored, at = Keys.of(config), clock.now()
    for member_id, voucher_id, symbols in made:
        yield (
            member_id, voucher_id, voucher_id, sample["offer_id"], sample["version_id"], shop.merchant.merchant_id,
            1, 1, 1_000, 900, at, (at + timedelta(days=90)).date(), 0, 0, 0, 1, ISSUED, symbols[-4:],
            codes.digest(stored, 1, symbols), b"sealed elsewhere",
        )  # fmt: skip
