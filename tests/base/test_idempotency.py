"""A key, its effect and its answer are one: done once, answered for good."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from base import database, idempotency
from base.database import StillRunning
from base.errors import Conflict, Malformed
from base.idempotency import Answer, IdempotencyKeyMissing, KeyReused


def once(
    key: str = "k", request: Any = None, *, member: int = 1, actor: str = "me", effect: Any = None
) -> Answer:
    with database.begin() as session:
        return idempotency.once(
            session, member, actor, key, request, effect or (lambda: (201, {"n": done(session)}))
        )


def done(session: Any) -> int:
    """The effect: one row more; how many there are."""
    session.execute(text("insert into guess select count(*) + 1, now(), 'x' from guess"))
    return int(session.scalar(text("select count(*) from guess")))


def effects() -> int:
    with database.begin() as session:
        return int(session.scalar(text("select count(*) from guess")) or 0)


def test_the_same_key_is_done_once_and_answered_the_same(db):
    first, second = once(request={"a": 1, "b": [2]}), once(request={"b": [2], "a": 1})

    assert (first.replayed, second.replayed) == (False, True)
    assert (first.status, first.body) == (second.status, second.body) == (201, {"n": 1})
    assert effects() == 1


@pytest.mark.parametrize("other", [None, {}, {"a": "1"}, {"a": 2}, {"a": 1, "b": None}, [], "a"])
def test_the_same_key_for_another_request_is_refused(db, other):
    once(request={"a": 1})

    with pytest.raises(KeyReused):
        once(request=other)

    assert effects() == 1


def test_a_key_belongs_to_its_member_and_its_actor(db):
    answers = [once(), once(member=2), once(actor="you"), once(key="K"), once(key="k ")]

    assert [answer.body["n"] for answer in answers] == [1, 2, 3, 4, 5]


def test_a_refusal_leaves_no_key(db):
    def refuse() -> tuple[int, Any]:
        raise Conflict

    with pytest.raises(Conflict):
        once(effect=refuse)

    assert once().replayed is False


def test_one_key_from_many_connections_is_done_once(db):
    barrier = threading.Barrier(8)

    def try_it(_: int) -> Any:
        barrier.wait(10)
        try:
            return once()
        except StillRunning as refusal:
            return refusal

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(try_it, range(8)))

    told = [answer for answer in answers if isinstance(answer, Answer)]
    assert sum(not answer.replayed for answer in told) == 1
    assert {answer.body["n"] for answer in told} == {1}
    assert effects() == 1


def test_who_comes_while_the_first_is_at_it_gets_its_answer_or_is_told_to_wait(db):
    begun, finish = threading.Event(), threading.Event()

    def slowly() -> tuple[int, Any]:
        begun.set()
        finish.wait(10)
        return 201, {"slow": True}

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once, effect=slowly)
        begun.wait(10)
        with pytest.raises(StillRunning):
            once()
        second = pool.submit(once)
        finish.set()

        assert (first.result(10).replayed, second.result(10).replayed) == (False, True)
        assert second.result().body == {"slow": True}
    assert effects() == 0


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_said_so(key):
    with pytest.raises(IdempotencyKeyMissing):
        idempotency.checked(key)


@pytest.mark.parametrize("key", ["k" * 256, "é", "a\n", "\x7f", "\x00", "钥"])
def test_what_cannot_be_a_key_is_refused(key):
    with pytest.raises(Malformed):
        idempotency.checked(key)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255))
def test_any_other_text_is_a_key(key):
    assert idempotency.checked(key) == key
