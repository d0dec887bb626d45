"""Planted faults: eight times one protection is taken out, here in the tests, and the same checks must turn red.

A check that cannot fail proves nothing. Each control first does its work as the product is (nothing may be found), then
without the protection: what it returns is the evidence, and an empty list is a fault that was not caught.

`python -m tests.torture.controls SEED TAMPERINGS FOLDER` on an empty database of its own; one line of JSON.
"""

import json
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
import redis
from sqlalchemy import text

from app import proof
from app.wiring import wire
from base import clock, database, local, schema
from base.config import Config
from base.local_place import find
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import By
from merchants.payouts import connect, sending
from points import ledger, verify
from points.kinds import Kind
from tests import given
from tests.merchants.payouts.chaos import given_many, loses, until_sent
from tests.merchants.payouts.paying import PLENTY_FEN, treasury
from tests.owner import forget_everything, owner
from tests.points import races, tampering
from tests.points.races import THREADS, wrong_with_a_storm, wrong_with_the_last_points
from tests.points.tampering import given_books, unnoticed
from tests.points.test_controls import COMPARE_AND_SET, LOOK_UP, without
from tests.points.test_ledger import ask, given_wallet, post
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin
from tests.torture.history import ACKNOWLEDGED, History, judge
from tests.torture.place import kill_with_children

Evidence = list[str]
POSTS_S = 1.5


def plain_update(config: Config) -> Evidence:
    """The wallet is written whatever it was when it was read."""
    assert not wrong_with_the_last_points(requests=200, points=1_000, price=100)
    with pytest.MonkeyPatch.context() as patched, without(patched, COMPARE_AND_SET):
        return _in_one_of(10, lambda: wrong_with_the_last_points(requests=200, points=1_000, price=100))


def _in_one_of(rounds: int, race: Callable[[], Evidence]) -> Evidence:
    """A race need not be met at the first try: two must read before one of them writes."""
    return next(filter(None, (race() for _ in range(rounds))), [])


def no_unique_key(config: Config) -> Evidence:
    """One key, many at once: the look-up is late, and the table has no unique key any more."""
    assert not wrong_with_a_storm(keys=5, times=4)
    with keyless(config), pytest.MonkeyPatch.context() as patched, without(patched, LOOK_UP):
        return wrong_with_a_storm(keys=5, times=4)


def lock_in_the_cache(config: Config) -> Evidence:
    """Wallets are locked by a key in the cache that lapses, and which the cache forgets when it is flushed."""
    if not config.redis_url:
        return []
    store, true = redis.Redis.from_url(config.redis_url), races.tried

    def locked(request: Any) -> Any:
        while not store.set(f"wallet:{request.member_id}", "1", nx=True, px=200):
            time.sleep(0.001)
        try:
            return true(request)
        finally:
            store.delete(f"wallet:{request.member_id}")

    with (
        keyless(config),
        pytest.MonkeyPatch.context() as patched,
        without(patched, COMPARE_AND_SET | LOOK_UP),
    ):
        patched.setattr(races, "tried", locked)
        assert not wrong_with_the_last_points(requests=60, points=1_000, price=100)
        with flushed(store):
            return wrong_with_the_last_points(requests=300, points=1_000, price=100)


@contextmanager
def flushed(store: "redis.Redis") -> Iterator[None]:
    over = threading.Event()

    def flush() -> None:
        while not over.wait(0.001):
            store.flushall()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def asynchronous_commit(config: Config) -> Evidence:
    """A server of its own that answers before it is on the disk; killed by -9 with all its children under load."""
    lost = {}
    for setting in ("on", "off"):
        with tempfile.TemporaryDirectory(prefix="jifen-commit-") as folder:
            try:
                lost[setting] = _lost_by_a_kill(config, Path(folder) / "data", setting)
            finally:
                local.remove(Path(folder) / "data")
    wire(config, pool_size=THREADS)
    assert not lost["on"], lost["on"][:3]
    return lost["off"]


def _lost_by_a_kill(config: Config, folder: Path, setting: str) -> Evidence:
    servers = local.start(folder)
    schema.migrate(servers.owner_url)
    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"alter role jifen_app set synchronous_commit = {setting}")
        admin.execute("alter system set wal_writer_delay = '10s'")
        admin.execute("select pg_reload_conf()")
    wire(config.at(database_url=servers.database_url, redis_url=None), pool_size=8)
    history, members = History(folder / "history.jsonl"), [given_wallet(10**6) for _ in range(8)]
    over = threading.Event()

    def spend(number: int) -> None:
        while not over.is_set():
            operation = history.send("spend", str(uuid.uuid4()), "", None, "test", (members[number], ""))
            operation.effect = (members[number], operation.key)
            with suppress(Exception):
                post(ask(members[number], operation.key, Kind.REDEEM, 1))
                operation.answer = ACKNOWLEDGED

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(POSTS_S)
    kill_with_children(int((find(folder).home / "postgres.pid").read_text().split()[0]))
    over.set()
    for thread in threads:
        thread.join()
    history.close()
    while local.running(folder):
        time.sleep(0.05)
    local.start(folder)
    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), dbname="jifen") as admin:
        there = {
            (member_id, idem)
            for member_id, idem in admin.execute("select member_id, idem from posting").fetchall()
        }
    database.engine().dispose()
    return judge(
        history.operations.values(),
        {"spend": lambda asked: {one.effect: int((one.effect[0], ask(one.effect[0], one.key, Kind.REDEEM, 1).idem) in there) for one in asked}},
    ).lost  # fmt: skip


def two_transactions(config: Config) -> Evidence:
    """The wallet is kept in a transaction of its own, its posting in the next one; the process dies between the two."""
    member_id = given_wallet(1_000)
    post(ask(member_id, "before", Kind.REDEEM, 10))
    assert not _books(member_id)

    def torn(connection: Any, seen: Any, outcome: Any) -> bool:
        connection.rollback()
        kept = {"seq": outcome.wallet.seq, "balance": outcome.wallet.balance, "member": seen.member_id}
        with owner(config) as other:
            other.execute(
                text("update wallet set seq = :seq, balance = :balance where member_id = :member"), kept
            )
        raise ConnectionError("died between the two")

    with patch.object(ledger, "_write_one", torn), suppress(ConnectionError):
        post(ask(member_id, "torn", Kind.REDEEM, 10))
    return _books(member_id)


def _books(member_id: int) -> Evidence:
    with database.begin() as session:
        return [f"{one.rule}: {one.text}" for one in verify.findings(session, members=[member_id])]


def new_provider_key(config: Config) -> Evidence:
    """Who does not know whether a payout was sent sends it under another key, without looking for it."""
    evidence = {}
    for sabotaged in (False, True):
        forget_everything(config)
        twin = Twin()
        with serving(twin) as url, ExitStack() as patched:
            own = config.at(stripe_secret_key="sk_test_secret", stripe_api_base=url, stripe_timeout_s=2)
            wire(own, pool_size=8)
            twin.fund(PLENTY_FEN)
            paying = treasury(own, twin)
            if sabotaged:
                patched.enter_context(
                    patch.object(connect.Order, "key", property(lambda order: f"any:{uuid.uuid4()}"))
                )
                patched.enter_context(patch.object(sending, "ask", _without_looking))
            statements = given_many(paying, 12)
            loses(paying, lost=0.4)
            paying.run()
            until_sent(paying, statements, rounds=12)
            evidence[sabotaged] = [
                f"{name} has {many} transfers" for name, many in paying.transfers.items() if many != 1
            ]
    wire(config, pool_size=THREADS)
    assert not evidence[False], evidence[False]
    return evidence[True]


def _without_looking(config: Config, noted: Any) -> Any:
    return connect.transfer(config, noted.order)


def amount_of_the_client(config: Config) -> Evidence:
    """What is redeemed costs what the client says: one point."""
    programme = given.given_programme(f"prices{uuid.uuid4().hex[:6]}")
    offer, member_id = (
        given.given_offer(programme, "perk", value_fen=500),
        given.given_member(config, programme, points=1_000),
    )
    honest = _redeemed(member_id, offer.offer_id)
    assert honest == [], honest
    true = redemptions._redemption

    def cheap(quote: Any, *given_: Any, **more: Any) -> Any:
        made = true(quote, *given_, **more)
        made.price_points = 1
        return made

    def spend(redemption: Any, quote: Any, *given_: Any) -> Any:
        return true_spend(redemption, quote, *given_)._replace(points=1, quoted=None)

    true_spend = redemptions._spend
    with patch.object(redemptions, "_redemption", cheap), patch.object(redemptions, "_spend", spend):
        return _redeemed(member_id, offer.offer_id)


def _redeemed(member_id: int, offer_id: int) -> Evidence:
    at = clock.now()
    with database.begin() as session:
        quote = quotes.make(session, member_id, offer_id, 1, at, 600).quote
    with database.begin() as session:
        redemptions.redeem(session, member_id, quote.quote_id, By(f"member:{member_id}", "test"), at)
    with database.begin() as session:
        session.connection()
        rows = session.execute(
            text("select price_points, value_fen from redemption where member_id = :m"), {"m": member_id}
        ).all()
        found = [f"{one.rule}: {one.text}" for one in proof.findings(session, members=[member_id])]
    return found + [f"{points} points for {fen} fen" for points, fen in rows if points != fen]


def no_signed_root(config: Config) -> Evidence:
    """Nobody keeps a signed summary elsewhere: who cuts a tail and makes the rest fit is not found."""
    with tempfile.TemporaryDirectory() as folder:
        books = given_books(config, Path(folder))
        assert not unnoticed(books, 7, 21)
        with patch.object(tampering.anchor, "findings", lambda *_: []):
            return unnoticed(books, 7, 21)


CONTROLS: dict[str, Callable[[Config], Evidence]] = {
    "plain UPDATE": plain_update,
    "unique key dropped": no_unique_key,
    "lock kept in Redis": lock_in_the_cache,
    "asynchronous commit": asynchronous_commit,
    "wallet and posting apart": two_transactions,
    "payout under a new key": new_provider_key,
    "amount from the client": amount_of_the_client,
    "no signed root": no_signed_root,
}


@contextmanager
def keyless(config: Config) -> Iterator[None]:
    """The table of postings without its keys; what happened meanwhile is forgotten, then they are there again."""
    asked = text(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'posting'::regclass and contype in ('p', 'u')"
    )
    with owner(config) as connection:
        found = connection.execute(asked).all()
        for name, _ in found:
            connection.execute(text(f"alter table posting drop constraint {name}"))
    try:
        yield
    finally:
        forget_everything(config)
        with owner(config) as connection:
            for name, definition in found:
                connection.execute(text(f"alter table posting add constraint {name} {definition}"))


def caught(config: Config, name: str) -> tuple[bool, str]:
    """Whether a planted fault was found, and what was."""
    wire(config, pool_size=THREADS)
    forget_everything(config)
    try:
        evidence = CONTROLS[name](config)
    except Exception:  # the control itself is broken: that is no catch
        return False, traceback.format_exc()[-600:]
    finally:
        with suppress(Exception):
            wire(config, pool_size=THREADS)
            forget_everything(config)
    return bool(evidence), (evidence or [""])[0][:200]


BATCH = 100


def main() -> None:
    """All controls and the tampering, a line for each, so that what was done counts although time is up."""
    seed, many, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    config = replace(Config.from_env(), code_above_points=10**12, code_above_fen=10**12)
    last = "asynchronous commit"  # takes the longest: two servers of its own
    for name in [*(one for one in CONTROLS if one != last), last]:
        began = time.monotonic()
        found, what = caught(config, name)
        tell(control=name, caught=found, evidence=what, seconds=round(time.monotonic() - began, 1))
    wire(config, pool_size=4)
    forget_everything(config)
    books = given_books(config, Path(tempfile.mkdtemp(dir=folder)))
    for begun in range(0, many, BATCH):
        some = min(BATCH, many - begun)
        began = time.monotonic()
        missed = unnoticed(books, seed + begun, some)
        tell(tampered=some, missed=missed, seconds=round(time.monotonic() - began, 1))


def tell(**said: Any) -> None:
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
