"""The servers below us stop, hang and come back: clear answers within three seconds, and service again by itself."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
import redis
from werkzeug.test import TestResponse

from app.proof import findings
from app.web import create_app
from app.wiring import wire
from base import cache, database, local, local_process, schema
from base.config import Config
from base.local_place import find
from catalog.vouchers import codes
from catalog.vouchers.codes import Keys
from tests.given import (
    Caller,
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)

DEADLINE_S = 3.0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, config: Config) -> Iterator[Config]:
    """A durable PostgreSQL and a Redis of this file's own, that may be stopped."""
    folder = tmp_path_factory.mktemp("own")
    servers = local.start(folder)
    schema.migrate(servers.owner_url)
    yield config.at(
        database_url=servers.database_url,
        database_owner_url=servers.owner_url,
        redis_url=servers.redis_url,
        data_dir=folder,
    )
    wire(config)
    local.remove(folder)


@pytest.fixture
def house(own: Config) -> Iterator[Config]:
    """The process wired to this file's own servers; the books agree at the end."""
    wire(own, pool_size=8)
    yield own
    local.start(own.data_dir)
    with database.begin() as session:
        assert list(findings(session)) == []


def pid_of(config: Config, name: str) -> int:
    """The server's process: one that this file started."""
    return int((find(config.data_dir).home / f"{name}.pid").read_text().split()[0])


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """A process that neither lives nor dies."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def timed(call: Callable[[], TestResponse]) -> tuple[TestResponse, float]:
    began = time.monotonic()
    answer = call()
    return answer, time.monotonic() - began


class Shop:
    """A member, a till, and offers, for the time of one test."""

    def __init__(self, config: Config, name: str) -> None:
        self.config, self.app = config, create_app(config)
        self.programme, shop = given_programme(name), given_shop(name)
        self.offer = given_offer(
            self.programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=10
        )
        self.member: Caller = caller(
            self.app, member_token(given_member(config, self.programme, points=1000))
        )
        self.till: Caller = caller(self.app, clerk_token(shop))

    def calls(self) -> dict[str, Callable[[], TestResponse]]:
        """Requests of every kind: public, signing in, reading, writing, a page."""
        anybody = caller(self.app)
        signing_in = {"programme": self.programme.code, "phone": "13900000000"}
        return {
            "wallet": lambda: self.member.get("/v1/members/me/wallet"),
            "offers": lambda: self.member.get("/v1/offers"),
            "quote": lambda: self.member.quote(self.offer),
            "redeem": lambda: self.member.post("/v1/redemptions", {"quote": "quo_x"}),
            "check": lambda: self.till.check("0000-0000-00000"),
            "code": lambda: anybody.post("/v1/sign-ins/code", signing_in),
            "ready": lambda: anybody.get("/health/ready"),
        }

    def whole_life(self) -> list[int]:
        """Quote, redeem, open, check, accept: the statuses."""
        redeemed = self.member.redeem(self.offer)
        code = self.member.voucher_code(redeemed.json)
        checked = self.till.check(code)
        accepted = self.till.post("/v1/vouchers/accept", {"check_token": checked.json["check_token"]})
        return [redeemed.status_code, checked.status_code, accepted.status_code]


LIFE = [201, 200, 201]


def test_a_database_that_is_gone_is_told_in_time_and_served_again_when_it_is_back(house):
    shop = Shop(house, "gone")
    assert shop.whole_life() == LIFE

    local.stop(house.data_dir)
    told = {name: timed(call) for name, call in shop.calls().items()}
    alive = caller(shop.app).get("/health/live")
    browser = shop.app.test_client()
    browser.set_cookie("jifen_member", shop.member.token or "")
    page = browser.get("/")
    local.start(house.data_dir)
    after = shop.whole_life()
    again = {name: call().status_code for name, call in shop.calls().items()}

    assert {name: answer.status_code for name, (answer, _) in told.items()} == dict.fromkeys(told, 503)
    assert {answer.content_type for answer, _ in told.values()} == {"application/problem+json"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer, _ in told.values())
    assert {name: seconds for name, (_, seconds) in told.items() if seconds > DEADLINE_S} == {}
    assert (alive.status_code, page.status_code, page.mimetype) == (200, 503, "text/html")
    assert after == LIFE
    assert 503 not in again.values()


def test_connections_that_the_server_closed_are_replaced_without_a_failure_for_the_next_but_one(house):
    shop = Shop(house, "closed")
    assert shop.whole_life() == LIFE
    servers = local.start(house.data_dir)

    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jifen_app'")
    first = shop.member.get("/v1/members/me/wallet").status_code

    assert first in (200, 503)
    assert shop.whole_life() == LIFE


def test_a_database_killed_in_the_middle_keeps_every_answer_that_it_gave(house):
    shop = Shop(house, "killed")
    answered = [shop.member.redeem(shop.offer).json["id"] for _ in range(5)]

    os.kill(
        pid_of(house, "postgres"), signal.SIGQUIT
    )  # ends at once, without a checkpoint; recovers at the next start
    until_stopped(house)
    assert shop.member.get("/v1/members/me/wallet").status_code == 503
    local.start(house.data_dir)

    assert [shop.member.get(f"/v1/redemptions/{name}").status_code for name in answered] == [200] * 5
    assert shop.whole_life() == LIFE


def until_stopped(house: Config) -> None:
    deadline = time.monotonic() + 20
    while local.running(house.data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not local.running(house.data_dir)


def test_a_lock_that_somebody_holds_is_told_in_time_and_nothing_is_half_done(house):
    shop = Shop(house, "locked")
    quote = shop.member.quote(shop.offer).json["id"]
    servers = local.start(house.data_dir)

    with psycopg.connect(servers.owner_url.replace("+psycopg", "")) as somebody:
        somebody.execute("lock table wallet in exclusive mode")
        answer, seconds = timed(lambda: shop.member.post("/v1/redemptions", {"quote": quote}, key="one"))
        somebody.rollback()
    after = shop.member.post("/v1/redemptions", {"quote": quote}, key="one")

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/still-running")
    assert answer.headers["Retry-After"]
    assert seconds < DEADLINE_S
    assert (after.status_code, "Idempotency-Replayed" in after.headers) == (201, False)


def test_a_pool_that_is_used_up_is_told_in_time(house):
    shop = Shop(house, "full")
    wire(house, pool_size=1)

    with database.begin() as session:
        database.answers(session)
        answer, seconds = timed(lambda: shop.member.get("/v1/members/me/wallet"))

    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert seconds < DEADLINE_S
    assert shop.member.get("/v1/members/me/wallet").status_code == 200


# Redis holds nothing that may be lost


@pytest.fixture
def with_redis(house: Config) -> Config:
    if house.redis_url is None:
        pytest.skip("no Valkey or Redis server on this machine")
    return house


def test_without_redis_everything_succeeds(with_redis):
    shop = Shop(with_redis, "stopped")

    local_process.end(
        find(with_redis.data_dir).home / "valkey.pid", ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
    )
    life, ready = shop.whole_life(), caller(shop.app).get("/health/ready")

    assert life == LIFE
    assert (ready.status_code, ready.json) == (200, {"status": "ready", "cache": "degraded"})


def test_with_a_redis_that_hangs_everything_succeeds_in_time(with_redis):
    local.start(with_redis.data_dir)
    wire(with_redis, pool_size=8)
    shop = Shop(with_redis, "hung")
    assert cache.answers()

    with hung(pid_of(with_redis, "valkey")):
        began = time.monotonic()
        life, ready = shop.whole_life(), caller(shop.app).get("/health/ready")
        seconds = time.monotonic() - began

    assert life == LIFE
    assert ready.json["cache"] == "degraded"
    assert seconds < DEADLINE_S


NONSENSE = ("0", "1", "-1", "", "x", "9" * 40, "²", "１", "1e3", " 1", "\x00", str(2**63), "member")


def test_wrong_entries_in_the_cache_change_nothing(with_redis):
    local.start(with_redis.data_dir)
    wire(with_redis, pool_size=8)
    shop, keys = Shop(with_redis, "wrong"), Keys.of(with_redis)
    store = redis.Redis.from_url(with_redis.redis_url or "")

    def life_with(poison: Callable[[str], Any]) -> list[int]:
        redeemed = shop.member.redeem(shop.offer)
        code = shop.member.voucher_code(redeemed.json)
        for digest in codes.digests(keys, codes.read(code).symbols):
            poison(f"vd:{digest.hex()}")
        checked = shop.till.check(code)
        if checked.status_code != 200:
            return [redeemed.status_code, checked.status_code]
        store.flushall()
        accepted = shop.till.post("/v1/vouchers/accept", {"check_token": checked.json["check_token"]})
        return [redeemed.status_code, checked.status_code, accepted.status_code]

    lives = {text: life_with(lambda name, text=text: store.set(name, text)) for text in NONSENSE}
    lives["no text"] = life_with(lambda name: store.set(name, b"\xff\xfe"))
    cache.connect(with_redis.redis_url)
    lives["a list"] = life_with(lambda name: (store.delete(name), store.lpush(name, "1")))

    assert {text: life for text, life in lives.items() if life != LIFE} == {}
