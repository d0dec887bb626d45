"""Killed anywhere - the connection at the commit, any backend at any time, the client with -9 - and asked again: one effect."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import psycopg
import pytest

from app.web import create_app
from app.wiring import wire
from base import database
from base.database import NotConnected, StillRunning
from base.errors import Problem
from points.deeds import Request
from points.kinds import FOREVER, Kind
from points.ledger import Answer
from tests.conftest import ROOT
from tests.given import caller, given_member, given_offer, given_programme, given_shop, member_token
from tests.points.oracle import START, in_days
from tests.points.races import HOUR, wrong_with_the_order
from tests.points.test_ledger import ask, at_once, given_wallet, post, post_many, rows, wallet
from tests.points.wire import AFTER, BEFORE, Wire

pytestmark = pytest.mark.unapproved


@pytest.fixture
def line(db):
    """This process speaks to the database over a wire that can be cut."""
    made = Wire(db.database_url or "")
    wire(db.at(database_url=made.url), pool_size=4)
    yield made
    wire(db, pool_size=16)
    made.close()


def single(request):
    return post(request)


def batched(request):
    others = [ask(request.member_id, f"beside {n}", Kind.EARN, 1, lot_key=in_days(10)) for n in range(3)]
    return post_many(*others, request)[3]


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
@pytest.mark.parametrize(("way", "postings"), [(single, 1), (batched, 4)])
@pytest.mark.parametrize("kind", [Kind.REDEEM, Kind.HOLD])
def test_a_connection_that_is_cut_at_the_commit_leaves_one_effect_after_the_retry(
    line, way, postings, moment, kind
):
    member_id = given_wallet(100)
    asked = ask(member_id, "spend", kind, 30, ends_at=FOREVER)

    line.cut(moment)
    with pytest.raises(NotConnected):
        way(asked)
    meanwhile = rows("posting", member_id) - 1
    again = way(asked)

    assert line.cuts == 1
    assert meanwhile == (postings if moment == AFTER else 0)
    assert again.replayed is (moment == AFTER)
    assert rows("posting", member_id) - 1 == postings
    assert wallet(member_id).balance == 100 - 30 + postings - 1


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_a_member_whose_answer_was_lost_at_any_commit_asks_again_and_has_redeemed_once(db, line, moment):
    programme, shop = given_programme(), given_shop()
    member_id = given_member(db, programme, points=1_000)
    member = caller(create_app(db.at(database_url=line.url)), member_token(member_id))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=30)
    replayed = []

    for nth in range(10):
        quote = {"quote": member.quote(offer).json["id"]}
        line.cut(moment, after=nth)
        lost = member.post("/v1/redemptions", quote, key=f"{nth}")
        line.cut(None)
        if line.cuts == nth:  # there is no such commit any more
            break
        again = member.post("/v1/redemptions", quote, key=f"{nth}")
        assert (lost.status_code, again.status_code) == (503, 201)
        replayed.append("Idempotency-Replayed" in again.headers)

    assert lost.status_code == 201
    assert any(replayed) is (moment == AFTER)
    assert rows("redemption", member_id) == rows("posting", member_id) - 1 == line.cuts + 1 > 1
    assert wallet(member_id).balance == 1_000 - 30 * (line.cuts + 1)


# Any backend, at any time


def insistent(request, counts):
    """Who is not answered sends the same request again; at last the answer or the refusal."""
    while True:
        try:
            return post(request) if request.points % 2 else post_many(request)[0]
        except (NotConnected, StillRunning) as error:
            counts[type(error).__name__] = counts.get(type(error).__name__, 0) + 1
        except Problem as refusal:
            return refusal


def killed_at_random(
    servers, seconds: float, seed: int, *, threads: int = 6, members: int = 3, least: int = 0
) -> tuple[list[tuple[Request, Any]], dict[str, int]]:
    """Requests from several threads while backends are terminated; what was asked and answered, and what went wrong.

    It goes on for so many seconds, and until at least so many requests were answered.
    """
    earned = [given_wallet() for _ in range(members)]
    first = [ask(m, "first", Kind.EARN, 1_000, lot_key=in_days(10)) for m in earned]
    begun = list(zip(first, map(post, first), strict=True))
    over, counts = threading.Event(), {"killed": 0}

    def kill() -> None:
        chance = random.Random(seed)
        with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
            while not over.wait(chance.uniform(0.01, 0.1)):
                counts["killed"] += admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jifen_app' "
                    "order by random() limit 1"
                ).rowcount

    def some(number: int) -> list[tuple[Request, Any]]:
        chance, done, until = random.Random(f"{seed} {number}"), [], time.monotonic() + seconds
        while time.monotonic() < until or len(done) * threads < least:
            kind = chance.choice([Kind.EARN, Kind.REDEEM, Kind.HOLD, Kind.ADJUST_DOWN])
            asked = ask(chance.choice(earned), f"{number}/{len(done)}", kind, chance.randint(1, 9),
                        START + len(done) * HOUR / 60, lot_key=in_days(90), ends_at=START + chance.randint(1, 60) * HOUR)  # fmt: skip
            done.append((asked, insistent(asked, counts)))
        return done

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        answered = at_once(threads, some)
    finally:
        over.set()
        killer.join()
    database.engine().dispose()  # some that are pooled are dead, and who looks now does not come again
    failed = [part for part in answered if isinstance(part, Exception)]
    assert failed == []
    return [*begun, *(pair for part in answered for pair in part)], counts


def test_with_backends_killed_at_random_each_request_has_one_effect(db, servers):
    wire(db, pool_size=8)

    done, counts = killed_at_random(servers, seconds=1, seed=1, least=200)

    assert counts["killed"] > 5
    assert counts.get("NotConnected", 0) > 0
    assert len(done) >= 200
    assert wrong_with_the_order(done) == []


# The client, with -9

CHILD = """
import os, sys, time
from app.wiring import wire
from base import database
from base.config import Config
from points import ledger
from tests.points.test_kills import chunk

def stop(*_):
    print("here", flush=True)
    time.sleep(60)

place, *members = sys.argv[1:]
wire(Config.from_env(), pool_size=2)
setattr(ledger, place, stop)
with database.begin() as session:
    ledger.post_many(session, chunk([int(member) for member in members]))
    stop()
"""


def chunk(members):
    """What a client that is killed had in hand: earnings, spends, and holds of many members."""
    kinds = [(Kind.EARN, 50), (Kind.REDEEM, 20), (Kind.HOLD, 10)]
    return [
        ask(m, f"{kind.name}", kind, points, lot_key=in_days(10), ends_at=FOREVER) for m in members for kind, points in kinds
    ]  # fmt: skip


@pytest.mark.parametrize("place", ["_copy_postings", "at the end"])
def test_a_client_killed_in_the_middle_of_a_batch_leaves_nothing_and_the_same_batch_is_done_once(db, place):
    members = [given_wallet(100) for _ in range(20)]
    environment = {**os.environ, "DATABASE_URL": db.database_url or "", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, place, *map(str, members)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"

    child.send_signal(signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    left = {(wallet(m).balance, rows("posting", m), rows("hold", m)) for m in members}
    first, again = (post_many(*chunk(members)) for _ in range(2))

    assert left == {(100, 1, 0)}
    assert {answer.replayed for answer in first if isinstance(answer, Answer)} == {False}
    assert {answer.replayed for answer in again if isinstance(answer, Answer)} == {True}
    assert len(first) == len(again) == 60
    assert {(wallet(m).balance, rows("posting", m), rows("hold", m)) for m in members} == {(120, 4, 1)}
