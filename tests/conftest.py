"""What all tests stand on: a real PostgreSQL and Redis of their own, a clean database each, faces to act through."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text

os.environ["JIFEN_ENV"] = "test"

from app.cli import jifen
from app.sandbox import billing as sandbox
from app.web import create_app
from base import clock, database, local, logs, process, schema
from base.auth import passwords
from base.config import Config
from tests.books import faults, when_empty
from tests.engines import wire_again
from tests.owner import connected, forget_everything, may_forget, tables_with_rows

# Argon2id is slow on purpose; here nobody attacks. tests/base/test_auth.py holds the real one to its slowness.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pytest_collection_finish() -> None:
    """What is imported by now lives to the end: the garbage collector need not walk through it again and again."""
    process.settle()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Property tests draw more among the long tests (tests/sparse.py)."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker(pytest.mark.drawn)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """A test that leaves the clock stopped is told so, and none after it lives in its time."""
    yield
    left, clock._stopped_at = clock._stopped_at, None
    assert left is None, f"this test left the clock stopped at {left}"


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.Servers]:
    """PostgreSQL and Redis, started for this run."""
    started = local.start(tmp_path_factory.mktemp("servers"), durable=False)
    may_forget(started)
    yield started
    local.remove(started.data_dir)


NOBODY_LISTENS = "http://127.0.0.1:1"  # the usual port is taken where `make run` runs beside the tests


@pytest.fixture(scope="session")
def config(servers: local.Servers, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration of the tests, its database migrated, this process wired to it."""
    schema.migrate(servers.owner_url)
    os.environ["JIFEN_DATA"] = str(tmp_path_factory.mktemp("data"))
    made = Config.from_env().at(
        database_url=servers.database_url,
        database_owner_url=servers.owner_url,
        redis_url=servers.redis_url,
        billing_url=NOBODY_LISTENS,
        ordering_url=NOBODY_LISTENS,
        fulfilment_url=NOBODY_LISTENS,
        billing_backoff_s=0,
        unknown_floor_ms=0,  # what is not known is said at once, but where a test is about that
        code_above_points=10**12,  # what is not about codes redeems without one
        code_above_fen=10**12,
    )
    logs.init(as_json=True, level=10)
    return made


# What a test straight at the ledger leaves out when it adjusts and merges without the two persons: mark it `unapproved`.
OF_APPROVALS = {("adjustment", None), ("merge", None), ("transit", "merges")}

# What a test leaves out that writes the facts of members straight into their row: mark it `untold`.
OF_TELLING = {"facts", "tier"}


@pytest.fixture
def db(config: Config, request: pytest.FixtureRequest) -> Iterator[Config]:
    """An empty database; after the test `jifen verify` must be green."""
    wire_again(config)
    forget_everything(config)
    when_empty()
    yield config
    broken = list(faults(tables_with_rows(config)))
    if request.node.get_closest_marker("unapproved"):
        broken = [one for one in broken if not {(one.rule, None), (one.rule, one.place)} & OF_APPROVALS]
    if request.node.get_closest_marker("untold"):
        broken = [one for one in broken if one.rule not in OF_TELLING]
    assert not broken, f"verify found: {broken[:5]}"


@pytest.fixture(scope="session")
def built(config: Config) -> Flask:
    """The web application, built once."""
    made = create_app(config)
    made.testing = False
    return made


@pytest.fixture
def app(built: Flask, db: Config) -> Iterator[Flask]:
    """The web application on the empty database; what a test sets in its configuration is gone after it."""
    before = dict(built.config)
    yield built
    built.config.clear()
    built.config.update(before)


@pytest.fixture
def session(db: Config) -> Iterator[object]:
    """One open transaction, committed at the end of the test; for tests straight at the rules."""
    with database.begin() as opened:
        yield opened


@dataclass(frozen=True)
class Billing:
    """The billing sandbox in this process: its address, and what it was told to do wrong."""

    url: str
    client: FlaskClient

    def fails(self, *plans: dict[str, object]) -> None:
        assert self.client.put("/sandbox/faults", json=list(plans)).status_code < 300

    def others_fail(self, system: str, *plans: dict[str, object]) -> None:
        """The same of `ordering` (services) or `fulfilment` (goods)."""
        assert self.client.put(f"/sandbox/{system}/faults", json=list(plans)).status_code < 300

    def balance(self, account: str) -> str:
        answer = self.client.get(f"/tmf-api/prepayBalanceManagement/v4/bucket/{account}")
        return str(answer.json["remainingValue"]["amount"]) if answer.status_code == 200 else "0"


@pytest.fixture
def billing(db: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Billing]:
    """The billing sandbox on loopback; this process's jobs and commands talk to it."""
    stand_in = sandbox.create_sandbox(None)
    server = sandbox.server(stand_in, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    monkeypatch.setenv("JIFEN_BILLING_URL", url)
    others = {"ordering_url": url, "fulfilment_url": f"{url}/fulfilment"}
    wire_again(db.at(billing_url=url, billing_timeout_s=1, **others))
    yield Billing(url, stand_in.test_client())
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def cli(db: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process, on the database of the test."""
    monkeypatch.setenv("DATABASE_URL", db.database_url or "")
    monkeypatch.setenv("DATABASE_OWNER_URL", db.database_owner_url or "")
    if db.redis_url:
        monkeypatch.setenv("REDIS_URL", db.redis_url)
    return lambda *words: CliRunner().invoke(jifen, [str(word) for word in words])


@pytest.fixture
def owner(db: Config) -> Iterator[Connection]:
    """A connection of the role that owns the tables: for planting what the application's role may not do."""
    with connected(db) as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("discard temp"))
        connection.execute(text("reset all"))


ROOT = Path(__file__).resolve().parent.parent
