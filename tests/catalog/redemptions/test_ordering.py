"""The bill credit's job against the billing sandbox, whatever that does wrong: never both the credit and the points,
never neither."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.sandbox.billing import create_sandbox, server
from app.sandbox.tmf654 import API
from base import clock, database, ids, jobs
from base.config import Config
from base.notices import notices
from catalog.bill_credit import billing as billing_client
from catalog.redemptions import ordering, redemptions
from points.members import members
from points.notices import debits
from points.wallets import wallets
from tests.given import Caller, caller, given_member, given_offer, given_points, given_programme, member_token

HELD, SPENT, BACK = (500, 500), (500, 0), (1000, 0)  # spendable and held, of 1,000 points


@dataclass(frozen=True)
class Billing:
    """The billing sandbox: its address, and the way to look into it beside its wire."""

    url: str
    inside: FlaskClient

    def fails(self, *plans: dict[str, object]) -> None:
        assert self.inside.put("/sandbox/faults", json=list(plans)).status_code == 200

    def balance(self, account: str) -> str:
        answer = self.inside.get(f"{API}/bucket/{account}")
        return str(answer.json["remainingValue"]["amount"]) if answer.status_code == 200 else "0"

    def topups(self) -> int:
        return len(self.inside.get(f"{API}/topupBalance").json)


@dataclass(frozen=True)
class Credit:
    """A member who asked for 5.00 on the bill, and a way to let the job's time pass."""

    config: Config
    member: Caller
    billing: Billing
    member_id: int
    redemption_id: int
    account: str

    def drain(self) -> str:
        """Run all that is due; the redemption's state then."""
        jobs.drain(self.config.database_url or "")
        return self.state

    @property
    def state(self) -> str:
        with database.begin() as session:
            return redemptions.find(session, self.member_id, self.redemption_id).state

    @property
    def points(self) -> tuple[int, int]:
        with database.begin() as session:
            shown = wallets.show(session, self.member_id, clock.now())
        return shown.spendable, shown.wallet.held

    @property
    def lots(self) -> list[int]:
        with database.begin() as session:
            return [points for _, points in wallets.show(session, self.member_id, clock.now()).lots]

    @property
    def credited(self) -> str:
        return str(self.billing.balance(self.account))


@pytest.fixture(scope="module")
def serving() -> Iterator[Billing]:
    """The billing sandbox on loopback, for all tests here: each has an account of its own."""
    stand_in = create_sandbox()
    httpd = server(stand_in, 0)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield Billing(f"http://127.0.0.1:{httpd.port}", stand_in.test_client())
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def credit(app: Flask, db: Config, serving: Billing) -> Callable[..., Credit]:
    """Redeem 500 of 1,000 points for 5.00 on the bill; settings of the job as given."""

    def begin(**changed: Any) -> Credit:
        serving.fails()
        settings = {
            "billing_url": serving.url,
            "billing_timeout_s": 0.3,
            "billing_tries": 3,
            "billing_backoff_s": 0,
        }
        config = db.at(**(settings | changed))
        jobs.register(ordering.TASK, partial(ordering.run, config))
        programme = given_programme()
        member_id = given_member(db, programme, points=300)
        given_points(member_id, 700, last_day=clock.now().date() + timedelta(days=40))
        member = caller(app, member_token(member_id))
        offer = given_offer(
            programme, "bill_credit", value_fen=500, stock=1
        )  # verify asks for it when it failed
        redeemed = member.redeem(offer).json
        with database.begin() as session:
            account = members.by_id(session, member_id).customer_id
        return Credit(config, member, serving, member_id, ids.parse("red", redeemed["id"])[1], account)

    return begin


def test_a_credit_arrives_once_and_the_points_are_spent(credit):
    asked = credit()
    assert (asked.state, asked.points) == ("pending", HELD)

    assert asked.drain() == "fulfilled"

    assert (asked.points, asked.credited) == (SPENT, "5.0")


def test_its_debit_is_told_once_with_the_credit_that_arrived(credit):
    at = clock.now()
    with database.begin() as session:
        debits.step(session, credit_config := credit().config, redemptions.names_of_references, at, at)

    jobs.drain(credit_config.database_url or "")
    later = clock.now() + timedelta(minutes=1)
    with database.begin() as session:
        debits.step(session, credit_config, redemptions.names_of_references, later, later)

    with database.begin() as session:
        told = session.execute(text("select template, seq from notice where seq is not null")).all()
        said = [one.text for one in notices.latest(session, credit_config.seal_key)]
    assert [tuple(row) for row in told] == [("bill-credit-done", 4)]  # its capture
    assert "您用 500 积分兑换的话费 5.00 元已到账" in said[0]


FAULTS: dict[str, tuple[list[dict[str, object]], str, tuple[int, int], str]] = {
    "refuses": ([{"mode": "refuse"}], "failed", BACK, "0"),
    "refuses as unknown account": ([{"mode": "refuse", "status": 404}], "failed", BACK, "0"),
    "is too busy for ever": ([{"mode": "refuse", "status": 429}], "failed", BACK, "0"),
    "is too busy once": ([{"mode": "refuse", "status": 429, "times": 1}], "fulfilled", SPENT, "5.0"),
    "fails for ever": ([{"mode": "error"}], "failed", BACK, "0"),
    "fails once": ([{"mode": "error", "times": 1}], "fulfilled", SPENT, "5.0"),
    "fails, then refuses": ([{"mode": "error", "times": 1}, {"mode": "refuse"}], "failed", BACK, "0"),
    "is silent for ever": ([{"mode": "silent"}], "failed", BACK, "0"),
    "is silent once": ([{"mode": "silent", "times": 1}], "fulfilled", SPENT, "5.0"),
    "credits and says nothing": ([{"mode": "lost_reply"}], "fulfilled", SPENT, "5.0"),
    "is slow but in time": ([{"mode": "slow", "delay_ms": 50}], "fulfilled", SPENT, "5.0"),
    "credits twice": ([{"mode": "double"}], "unknown", HELD, "10.0"),
    "credits too much": ([{"mode": "wrong_amount", "amount": 6}], "unknown", HELD, "6"),
    "credits and can't be asked": (
        [{"mode": "lost_reply"}, {"mode": "error", "on": "look_up"}], "unknown", HELD, "5.0",
    ),
    "credits and is silent when asked": (
        [{"mode": "lost_reply"}, {"mode": "silent", "on": "look_up"}], "unknown", HELD, "5.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_billing_does_there_is_either_the_credit_or_the_points(credit, name):
    plans, state, points, credited = FAULTS[name]
    asked = credit()
    lots = asked.member.get("/v1/members/me/wallet").json["lots"]
    asked.billing.fails(*plans)

    assert asked.drain() == state

    assert (asked.points, asked.credited) == (points, credited)
    if state == "failed":
        back = asked.member.get("/v1/members/me/wallet").json["lots"]
        assert [lot["points"] for lot in back] == [700, 300]
        assert [lot["last_day"] for lot in back] == [lot["last_day"] for lot in lots]


@pytest.mark.parametrize("mode", ["error", "silent", "lost_reply"])
def test_while_it_is_not_known_the_points_stay_set_aside(credit, mode):
    asked = credit(billing_backoff_s=3600)
    asked.billing.fails({"mode": mode})

    assert asked.drain() == "fulfilling"

    assert asked.points == HELD
    with clock.stopped(clock.now() + timedelta(hours=2)):
        asked.billing.fails()
        assert asked.drain() == "fulfilled"
    assert (asked.points, asked.credited) == (SPENT, "5.0")


def test_an_answer_that_comes_too_late_is_found_by_the_next_look(credit):
    asked = credit(billing_backoff_s=60)
    asked.billing.fails({"mode": "slow", "delay_ms": 600, "times": 1})
    assert asked.drain() == "fulfilling"
    time.sleep(0.5)

    with clock.stopped(clock.now() + timedelta(minutes=2)):
        assert asked.drain() == "fulfilled"

    assert (asked.points, asked.credited) == (SPENT, "5.0")


def test_what_stayed_unknown_is_looked_up_again_each_hour_until_it_is_known(credit):
    asked = credit()
    asked.billing.fails({"mode": "lost_reply"}, {"mode": "error", "on": "look_up"})
    assert asked.drain() == "unknown"

    with clock.stopped(clock.now() + timedelta(hours=1, minutes=1)):
        assert asked.drain() == "unknown"
    asked.billing.fails()
    with clock.stopped(clock.now() + timedelta(hours=3)):
        assert asked.drain() == "fulfilled"

    assert (asked.points, asked.credited) == (SPENT, "5.0")


def test_a_job_that_runs_again_after_the_end_changes_nothing(credit):
    asked = credit()
    asked.drain()
    before = said(asked)

    for _ in range(3):
        ordering.run(asked.config, asked.member_id, asked.redemption_id)

    assert said(asked) == before
    assert (asked.state, asked.points, asked.credited) == ("fulfilled", SPENT, "5.0")


def said(asked: Credit) -> tuple[int, int, int]:
    """How many postings and notices there are, and how often billing was called."""
    with database.begin() as session:
        counts = [
            session.scalar(text(f"select count(*) from {table}")) or 0 for table in ("posting", "notice")
        ]
    return counts[0], counts[1], asked.billing.topups()


def test_two_workers_with_the_same_job_credit_once(credit):
    asked = credit()
    asked.billing.fails({"mode": "slow", "delay_ms": 150})
    with database.begin() as session:
        session.execute(text("delete from outbox"))
    barrier = threading.Barrier(2)

    def work(_: int) -> None:
        barrier.wait(10)
        ordering.run(asked.config, asked.member_id, asked.redemption_id)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    asked.drain()

    assert (asked.credited, asked.points, asked.state) == ("5.0", SPENT, "fulfilled")


def test_a_second_worker_that_comes_while_the_first_is_asking_does_not_credit_again(credit):
    asked = credit()
    asked.billing.fails({"mode": "slow", "delay_ms": 200})
    with database.begin() as session:
        session.execute(text("delete from outbox"))

    def work(wait_s: float) -> None:
        time.sleep(wait_s)
        ordering.run(asked.config, asked.member_id, asked.redemption_id)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [0.0, 0.1]))
    asked.drain()

    assert (asked.credited, asked.points, asked.state) == ("5.0", SPENT, "fulfilled")


def test_a_worker_that_dies_between_two_transactions_leaves_work_that_is_taken_up_again(credit, monkeypatch):
    asked, real, died = credit(), billing_client.settle, []

    def die_once(*args: Any, **options: Any) -> Any:
        outcome = real(*args, **options)
        if not died:
            died.append(True)
            raise ConnectionError("the process ends here")
        return outcome

    monkeypatch.setattr(billing_client, "settle", die_once)

    asked.drain()
    with clock.stopped(clock.now() + timedelta(days=1)):
        asked.drain()

    assert (asked.state, asked.credited, asked.points) == ("fulfilled", "5.0", SPENT)


def test_a_database_that_is_away_when_the_answer_comes_does_not_lose_it(credit, monkeypatch):
    asked, real, failed = credit(), ordering.record, []

    def away_once(*args: Any) -> None:
        if not failed:
            failed.append(True)
            raise database.NotConnected(retry_after_s=2)
        real(*args)

    monkeypatch.setattr(ordering, "record", away_once)

    asked.drain()
    with clock.stopped(clock.now() + timedelta(days=1)):
        asked.drain()

    assert (asked.state, asked.credited, asked.points) == ("fulfilled", "5.0", SPENT)


def test_points_that_come_back_after_their_lot_lapsed_live_thirty_days_more(credit):
    asked, begun = credit(billing_backoff_s=3600), clock.now()
    asked.billing.fails({"mode": "error"})
    asked.drain()

    for hours in range(0, 70, 7):
        with clock.stopped(begun + timedelta(days=60, hours=hours)):
            asked.drain()
            state, lots = asked.state, asked.lots
    with clock.stopped(begun + timedelta(days=95)):
        later = asked.lots

    assert (state, lots, later) == ("failed", [500, 300], [300])
