"""Through PgBouncer in transaction mode, by the documented settings: nothing that a session keeps is kept, nothing is missed."""

import time

import psycopg
import pytest
from sqlalchemy import make_url, text

from base import database, jobs, locks, outbox, schema, walled
from base.auth.wall import STAFF_ROLE
from base.config import ConfigError
from base.pooler import Unguarded
from tests import given
from tests.engines import wire_again
from tests.machines import pgbouncer

pytestmark = pytest.mark.skipif(pgbouncer.program() is None, reason=pgbouncer.NOT_HERE)
LIMITS = "select name, setting from pg_settings where name in ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')"
OURS = {
    "lock_timeout": "1000",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
}


@pytest.fixture(scope="module")
def narrow(servers):
    """A pooler whose every client is given the same two connections of the server."""
    with pgbouncer.before(servers, size=2) as running:
        yield running


@pytest.fixture
def pooled(db, narrow):
    """This process behind that pooler."""
    config = db.at(database_url=narrow.url)
    database.connect(narrow.url, pool_size=8)
    yield config
    wire_again(db)


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_two_clients_that_prepare_do_meet_each_others_statements(servers):
    """The danger is there: without it the tests below would prove nothing."""

    def client() -> psycopg.Connection:
        return psycopg.connect(plain(shared.url), prepare_threshold=0, autocommit=True)

    with pgbouncer.before(servers, size=1) as shared, client() as one, client() as other:
        one.execute("select 1")
        with pytest.raises(psycopg.Error, match="prepared statement"):
            other.execute("select 1, 2")


def test_many_sessions_share_few_connections_and_prepare_nothing(pooled):
    given.given_programme()

    for _ in range(5):
        with database.begin() as one, database.begin() as other:
            for session in (one, other):
                assert database.rows(session, "select %s::int as n", (7,))[0].n == 7
                assert session.scalar(text("select count(*) from programme")) == 1
        with database.reading() as session:
            assert session.scalar(text("select count(*) from pg_prepared_statements")) == 0


def test_time_outs_and_zone_are_those_of_a_connection_of_our_own(pooled, db):
    with database.begin() as session:
        through = dict(session.execute(text(LIMITS)).all())
        zone = session.scalar(text("show timezone"))
    wire_again(db)
    with database.begin() as session:
        direct = dict(session.execute(text(LIMITS)).all())

    assert (through, zone) == (OURS, "UTC")
    assert direct == OURS


def test_a_pooler_that_gives_no_time_outs_is_refused_with_what_to_do(servers, db):
    with pgbouncer.before(servers, query="set lock_timeout = 0; set timezone to prc") as bare:
        database.connect(bare.url)
        with pytest.raises(Unguarded, match=r"lock_timeout, timezone \(PRC, not UTC\): .*connect_query"):
            database.is_pooled()
    wire_again(db)


def test_a_lock_is_held_by_one_until_the_block_ends_and_keeps_nothing_from_being_cleaned_up(pooled):
    with locks.held("a") as first, locks.held("a") as second:
        assert (first, second) == (True, False)
        for _ in range(3):  # others use what connections there are
            with database.begin() as session:
                session.execute(text("select 1"))
        with database.begin() as session:
            held = session.execute(
                text(
                    "select a.state, a.backend_xmin, a.backend_xid from pg_locks l join pg_stat_activity a "
                    "using (pid) where l.locktype = 'advisory'"
                )
            ).all()
    with locks.held("a") as again:
        assert again

    assert held == [("idle in transaction", None, None)]


def test_a_wall_ends_with_its_transaction_whoever_comes_next(pooled, monkeypatch):
    monkeypatch.setattr(walled, "standing", lambda: {"role": STAFF_ROLE, "jifen.area_from": "33"})
    with database.begin() as session:
        inside = session.scalar(text("select current_user"))
    monkeypatch.setattr(walled, "standing", lambda: None)
    with database.begin() as one, database.begin() as other:
        after = [session.scalar(text("select current_user")) for session in (one, other)]

    assert (inside, after) == (STAFF_ROLE, ["jifen_app", "jifen_app"])


def test_a_job_runs_and_whoever_waits_for_a_call_would_wait_in_vain(pooled, narrow):
    ran = []
    jobs.register("machines.probe", lambda **args: ran.append(args))
    with database.begin() as session:
        outbox.put(session, 1, "machines.probe", {"n": 1})

    jobs.drain(narrow.jobs_url)

    assert ran == [{"n": 1}]
    assert database.is_pooled()


def test_migrations_refuse_a_pooler(servers, narrow):
    url = make_url(servers.owner_url)
    through = url.set(host="127.0.0.1", port=narrow.port, query={}).render_as_string(hide_password=False)

    with pytest.raises(ConfigError, match="DATABASE_OWNER_URL leads through a pooler"):
        schema.migrate(through)


def test_who_finds_no_free_connection_is_told_within_the_time_that_the_pooler_gives(servers, db):
    with pgbouncer.before(servers, size=1, query_wait_timeout="1") as tight:
        database.connect(tight.url, pool_size=4)
        began = time.monotonic()
        with database.begin() as holder:
            holder.execute(text("select 1"))
            with pytest.raises(database.NotConnected), database.begin() as session:
                session.execute(text("select 1"))
        assert time.monotonic() - began < 30  # it ended by itself
    wire_again(db)
