"""One transaction per edge: it commits or leaves nothing, and what the database refuses has a name."""

import threading
import time
from contextlib import ExitStack
from datetime import date

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from base import clock, database
from base.auth.models import Guess
from base.database import NotConnected, StillRunning
from base.errors import Unavailable


def put(scope: str) -> None:
    with database.begin() as session:
        session.execute(
            text("insert into guess values (:n, now(), :s)"), {"n": time.monotonic_ns(), "s": scope}
        )


def scopes() -> list[str]:
    with database.begin() as session:
        return list(session.scalars(text("select scope from guess order by guess_id")))


def test_leaving_commits_and_raising_rolls_back(db):
    put("kept")

    def fail() -> None:
        with database.begin() as session:
            session.execute(text("insert into guess values (1, now(), 'lost')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert scopes() == ["kept"]


def test_a_row_that_somebody_holds_is_told_after_a_second(db):
    put("contended")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.begin() as session:
            session.execute(text("update guess set scope = scope"))
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    began = time.monotonic()
    with pytest.raises(StillRunning) as refusal, database.begin() as session:
        session.execute(text("update guess set scope = 'mine'"))
    seconds = time.monotonic() - began
    done.set()
    holder.join()

    assert refusal.value.retry_after_s == 1
    assert seconds < 3
    assert scopes() == ["contended"]


def test_of_two_who_wait_for_each_other_at_most_one_gets_through_and_the_other_is_told(db):
    put("a")
    put("b")
    both = threading.Barrier(2)
    told: list[object] = []

    def cross(first: str, second: str) -> None:
        try:
            with database.begin() as session:
                session.execute(text("update guess set at = now() where scope = :s"), {"s": first})
                both.wait(10)
                session.execute(text("update guess set at = now() where scope = :s"), {"s": second})
            told.append(None)
        except StillRunning as refusal:
            told.append(refusal)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(told) == 2
    assert StillRunning in {type(each) for each in told}


def test_a_statement_that_takes_too_long_is_ended(db):
    engine = database.new_engine(db.database_url or "", pool_size=1, statement_timeout_ms=100)
    before, database._sessions = database._sessions, database.sessionmaker(engine)
    try:
        with pytest.raises(Unavailable), database.begin() as session:
            session.execute(text("select pg_sleep(5)"))
    finally:
        database._sessions = before
        engine.dispose()


def test_a_server_that_is_not_there_has_a_name(db, tmp_path):
    before = database._sessions
    url = f"postgresql+psycopg://nobody:x@/none?host={tmp_path}&port=5432"
    database._sessions = database.sessionmaker(database.new_engine(url, pool_size=1))
    try:
        began = time.monotonic()
        with pytest.raises(NotConnected) as refusal, database.begin() as session:
            database.answers(session)
        assert time.monotonic() - began < 3
    finally:
        database._sessions = before

    assert 1 <= refusal.value.retry_after_s <= 4  # not all come again at the same moment


def of_the_pool(number: int) -> list[int]:
    """The servers' processes behind so many connections that are lent at once, and then given back."""
    with ExitStack() as lent:
        sessions = [lent.enter_context(database.begin()) for _ in range(number)]
        return [session.scalar(text("select pg_backend_pid()")) for session in sessions]


def test_a_connection_that_the_server_ended_in_the_pool_is_not_lent(db, servers):
    kept, *ended = of_the_pool(3)

    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid, 2000) from unnest(%s::int[]) pid", (ended,))

    assert set(of_the_pool(3)) & {kept, *ended} == {kept}


def test_moments_come_back_aware_and_in_utc(db):
    with database.begin() as session:
        at = session.scalar(text("select timestamptz '2026-01-01 08:00:00+08'"))

    assert at.isoformat() == "2026-01-01T00:00:00+00:00"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(texts | st.sampled_from(["NULL", '"', "\\", '","', "{}", "a,b"]) | st.none()))
def test_an_array_as_text_is_the_array(db, values):
    with database.begin() as session:
        found = (
            database.driver(session).execute("select %s::text::text[]", (database.array(values),)).fetchone()
        )

    assert found == (values,)


def test_numbers_and_days_are_arrays_too(db):
    with database.begin() as session:
        found = (
            database.driver(session)
            .execute(
                "select %s::text::bigint[], %s::text::date[]",
                (database.array([1, -(2**63)]), database.array([date(2025, 3, 5)])),
            )
            .fetchone()
        )

    assert found == ([1, -(2**63)], [date(2025, 3, 5)])


def test_the_own_row_is_the_one_that_the_session_follows(db):
    put("one")
    with database.begin() as session:
        key = session.scalar(select(Guess.guess_id))
        session.expunge_all()
        row = database.own(session, Guess, key)
        assert row is session.get(Guess, key) is database.own(session, Guess, key)
        row.scope = "another"

    assert scopes() == ["another"]


def test_the_own_row_is_found_while_it_is_new_and_none_where_there_is_none(db):
    with database.begin() as session:
        fresh = Guess(guess_id=7, at=clock.now(), scope="new")
        session.add(fresh)

        assert database.own(session, Guess, 7) is fresh
        assert database.own(session, Guess, 8) is None


def test_rows_side_by_side_are_copies_and_none_where_a_join_found_nothing(db):
    with database.begin() as session:
        session.execute(text("insert into guess values (1, now(), 'a'), (2, now(), 'b')"))
        own, beside = database.columns(Guess, "a"), database.columns(Guess, "b")
        statement = f"select {own}, {beside} from guess a left join guess b on b.guess_id = a.guess_id + %s order by 1"
        found = database.side_by_side(session, (Guess, Guess), statement, (1,))
        found[0][0].scope = "changed in the copy alone"

    assert [(one.guess_id, other and other.scope) for one, other in found] == [(1, "b"), (2, None)]
    assert scopes() == ["a", "b"]
