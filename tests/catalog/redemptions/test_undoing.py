"""A bill credit taken back at the billing system, whatever that does wrong: never both the credit and the points."""

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
from sqlalchemy import text

from app.sandbox.billing import create_sandbox, server
from app.sandbox.tmf654 import API
from base import clock, database, ids, jobs
from base.notices import notices
from catalog.bill_credit import billing as billing_client
from catalog.bill_credit import credits
from catalog.redemptions import ordering, redemptions, undoing
from catalog.redemptions.outcomes import Refused
from catalog.reversals import verify
from points import ledger
from points.kinds import State
from points.members import members
from tests.catalog.redemptions.test_ordering import BACK, SPENT, Billing, Credit
from tests.given import (
    Caller,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    reverse_by_two,
    staff_token,
)

ADJUSTS = f"{API}/adjustBalance"


@dataclass(frozen=True)
class Given(Credit):
    """A member whose bill was lowered by 5.00 for 500 points, and the persons who may undo it."""

    app: Flask
    redemption: dict[str, Any]

    def undo(self) -> Any:
        """Asked for and approved; the last answer."""
        return reverse_by_two(self.app, self.redemption)

    def told(self) -> tuple[str, str]:
        """What the newest approved reversal came to, and why."""
        seen = caller(self.app, staff_token("checker")).get("/v1/reversals", state="approved").json["data"][0]
        return seen["outcome"], seen["outcome_reason"]

    def adjusts(self) -> list[dict[str, Any]]:
        asked = {"description": f"{self.redemption['id']}:back"}
        found: list[dict[str, Any]] = self.billing.inside.get(ADJUSTS, query_string=asked).json
        return found


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
def given(app: Flask, db: Any, serving: Billing) -> Callable[..., Given]:
    """500 of 1,000 points became 5.00 on the bill, and billing takes credits back; settings of the jobs as given."""

    def begin(**changed: Any) -> Given:
        serving.fails()
        settings = {"billing_timeout_s": 0.3, "billing_tries": 3, "billing_backoff_s": 0}
        config = db.at(billing_url=serving.url, **(settings | changed))
        jobs.register(ordering.TASK, partial(ordering.run, config))
        jobs.register(undoing.TASK, partial(undoing.run, config))
        undoing.register("bill_credit", credits.BACK, on=True)
        programme = given_programme()
        member_id = given_member(db, programme, points=300)
        given_points(member_id, 700, last_day=clock.now().date() + timedelta(days=40))
        member: Caller = caller(app, member_token(member_id))
        made = member.redeem(given_offer(programme, "bill_credit", value_fen=500, stock=1)).json
        with database.begin() as session:
            account = members.by_id(session, member_id).customer_id
        redemption_id = ids.parse("red", made["id"])[1]
        one = Given(config, member, serving, member_id, redemption_id, account, app, made)
        assert (one.drain(), one.points, one.credited) == ("fulfilled", SPENT, "5.0")
        return one

    return begin


def test_the_bill_and_the_lots_are_as_before_and_the_member_is_told(given):
    one = given()
    assert one.lots == [200, 300]

    approved = one.undo()
    assert (approved.status_code, approved.json["outcome"]) == (200, "under_way")
    assert (one.state, one.points, one.credited) == ("fulfilled", SPENT, "5.0")  # not before it is taken back
    for again in (one.undo(), one.undo()):
        assert again.json["type"] == "/problems/reversal-under-way"

    assert one.drain() == "reversed"

    assert (one.points, one.lots, one.credited) == (BACK, [700, 300], "0.0")
    assert one.told() == ("done", None)
    with database.begin() as session:
        step = session.execute(
            text("select actor, channel, reason from redemption_step order by no desc")
        ).first()
        said = notices.latest(session, one.config.seal_key)[0].text
        details = redemptions.find(session, one.member_id, one.redemption_id).details
    assert tuple(step)[1:] == ("console", approved.json["id"])
    assert step[0].startswith("staff:")
    assert details["undone"] == one.adjusts()[0]["id"]
    assert one.adjusts()[0]["reason"] == f"reversal {approved.json['id']}"
    assert "已到账的话费 5.00 元已撤回，500 积分已退回" in said
    assert one.undo().json["type"] == "/problems/not-reversible"
    undoing.run(one.config, one.member_id, one.redemption_id)
    assert (one.state, one.credited) == ("reversed", "0.0")


def on_adjust(mode: str, **more: Any) -> dict[str, object]:
    return {"mode": mode, "on": "adjust"} | more


CANT_LOOK = {"mode": "error", "on": "look_up_adjust"}
FAULTS: dict[str, tuple[list[dict[str, object]], str, str]] = {
    "refuses": ([on_adjust("refuse")], "refused", "5.0"),
    "refuses as unknown account": ([on_adjust("refuse", status=404)], "refused", "5.0"),
    "is too busy for ever": ([on_adjust("refuse", status=429)], "refused", "5.0"),
    "is too busy once": ([on_adjust("refuse", status=429, times=1)], "done", "0.0"),
    "fails for ever": ([on_adjust("error")], "refused", "5.0"),
    "fails once": ([on_adjust("error", times=1)], "done", "0.0"),
    "fails, then refuses": ([on_adjust("error", times=1), on_adjust("refuse")], "refused", "5.0"),
    "is silent for ever": ([on_adjust("silent")], "refused", "5.0"),
    "is silent once": ([on_adjust("silent", times=1)], "done", "0.0"),
    "takes it back and says nothing": ([on_adjust("lost_reply")], "done", "0.0"),
    "takes it back twice": ([on_adjust("double")], "unclear", "-5.0"),
    "takes too much": ([on_adjust("wrong_amount", amount=-6)], "unclear", "-1.0"),
    "takes it back and can't be asked": ([on_adjust("lost_reply"), CANT_LOOK], "unclear", "0.0"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_billing_does_there_is_either_the_credit_or_the_points(given, name):
    plans, outcome, credited = FAULTS[name]
    one = given()
    assert one.undo().status_code == 200
    one.billing.fails(*plans)

    state = one.drain()

    assert (one.told()[0], one.credited) == (outcome, credited)
    assert (state, one.points) == (("reversed", BACK) if outcome == "done" else ("fulfilled", SPENT))
    one.billing.fails()
    if outcome == "refused":  # nothing has changed: it may be asked for again, and then succeeds once
        with database.begin() as session:
            told = session.scalars(text("select action from audit where actor = 'job'")).all()
        assert "reversal.undo_refused" in told
        assert one.undo().status_code == 200
        assert one.drain() == "reversed"
        assert (one.points, one.credited, len(one.adjusts())) == (BACK, "0.0", 1)
    elif outcome == "unclear":  # a person looks, and so does the job, each hour
        assert one.undo().json["type"] == "/problems/reversal-under-way"
        with clock.stopped(clock.now() + ordering.LOOK_AGAIN * 1.1):
            one.drain()
        assert one.credited == credited  # nothing was sent again
        found_right = credited == "0.0"
        assert (one.state, one.points) == (("reversed", BACK) if found_right else ("fulfilled", SPENT))


def test_what_was_used_cannot_be_taken_back_and_the_reason_is_told(given):
    one = given()
    used = {"amount": {"amount": -1, "units": "CNY"}, "usageType": "monetary", "bucket": {"id": one.account}}
    assert one.billing.inside.post(ADJUSTS, json=used).status_code == 201
    case = one.undo().json["id"]

    assert one.drain() == "fulfilled"

    why = "notEnough: the bucket has less than is to be taken off"
    assert one.told() == ("refused", why)
    console = one.app.test_client()
    console.set_cookie("jifen_staff", staff_token("checker"))
    page = console.get(f"/staff/reversals/{case}", headers={"Accept-Language": "en"}).text
    assert "The other system did not take it back" in page
    assert why in page
    assert (one.points, one.credited) == (SPENT, "4.0")


def test_two_workers_with_the_same_job_take_it_back_once(given):
    one = given()
    one.undo()
    one.billing.fails(on_adjust("slow", delay_ms=100))
    with database.begin() as session:
        session.execute(text("delete from outbox"))
    barrier = threading.Barrier(2)

    def work(_: int) -> None:
        barrier.wait(10)
        undoing.run(one.config, one.member_id, one.redemption_id)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    one.drain()

    assert (one.state, one.points, one.credited, len(one.adjusts())) == ("reversed", BACK, "0.0", 1)


@pytest.mark.parametrize("where", ["settle", "record"])
def test_a_worker_that_dies_before_it_could_say_so_has_taken_it_back_once(given, monkeypatch, where):
    one, died = given(), []
    module: Any = billing_client if where == "settle" else undoing
    real = getattr(module, where)

    def die_once(*args: Any, **options: Any) -> Any:
        outcome = real(*args, **options) if where == "settle" else None
        if not died:
            died.append(True)
            raise ConnectionError("the process ends here")
        return real(*args, **options) if where == "record" else outcome

    monkeypatch.setattr(module, where, die_once)
    one.undo()

    one.drain()
    assert (one.state, one.points, one.credited) == ("fulfilled", SPENT, "0.0")
    with clock.stopped(clock.now() + timedelta(days=1)):
        one.drain()

    assert (one.state, one.points, one.credited, len(one.adjusts())) == ("reversed", BACK, "0.0", 1)


def test_a_worker_that_comes_back_late_with_a_refusal_ends_no_later_try(given):
    one = given()
    one.undo()
    with database.begin() as session:
        case, first = undoing.note_try(session, one.member_id, one.redemption_id)
        session.execute(text("delete from outbox"))
    with database.begin() as session:
        later = undoing.note_try(session, one.member_id, one.redemption_id)
    assert (first.number, first.sent_before, later[1].number, later[1].sent_before) == (1, False, 2, True)

    refused = Refused("c: r")
    with database.begin() as session:
        undoing.record(session, one.config, one.member_id, one.redemption_id, case, first, refused)

    assert one.told()[0] == "under_way"
    with clock.stopped(clock.now() + timedelta(hours=1)):
        assert one.drain() == "reversed"
    assert len(one.adjusts()) == 1


def test_what_lands_after_it_was_given_up_is_found_by_the_next_reversal_and_not_sent_again(given):
    one = given(billing_tries=1)
    one.undo()
    one.billing.fails(on_adjust("slow", delay_ms=30_000))
    assert one.drain() == "fulfilled"
    assert one.told()[0] == "refused"
    one.billing.fails()  # who waits goes on
    until = time.monotonic() + 3
    while not one.adjusts() and time.monotonic() < until:
        time.sleep(0.01)

    one.undo()

    assert one.drain() == "reversed"
    assert (one.points, one.credited, len(one.adjusts())) == (BACK, "0.0", 1)


def test_of_two_approvals_at_once_one_wins(given):
    one = given()
    maker = caller(one.app, staff_token("support"))
    asked = {"redemption": one.redemption["id"], "text": "it went wrong", "ticket": "T-1"}
    cases = [maker.post("/v1/reversals", asked).json for _ in range(2)]
    checkers = [caller(one.app, staff_token("checker")) for _ in range(2)]
    barrier = threading.Barrier(2)

    def approve(number: int) -> Any:
        barrier.wait(10)
        seen = {"content_hash": cases[number]["content_hash"]}
        return checkers[number].post(f"/v1/reversals/{cases[number]['id']}/approve", seen)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(approve, range(2)), key=lambda answer: answer.status_code)
    one.drain()

    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json["type"] in ("/problems/reversal-under-way", "/problems/still-running")
    assert (one.state, one.points, one.credited, len(one.adjusts())) == ("reversed", BACK, "0.0", 1)


def test_what_is_under_way_is_ended_though_it_was_switched_off_meanwhile(given):
    one = given()
    one.undo()
    undoing.register("bill_credit", credits.BACK, on=False)

    assert one.drain() == "reversed"

    assert (one.points, one.credited) == (BACK, "0.0")


def test_who_was_merged_or_erased_is_refused_before_billing_is_asked_and_a_merge_named_after_it(
    given, monkeypatch
):
    one, read = given(), ledger.read

    def merged(session: Any, member_id: int) -> Any:
        return read(session, member_id)._replace(state=State.MERGED)

    with monkeypatch.context() as patched:
        patched.setattr(undoing.ledger, "read", merged)
        assert one.undo().json["type"] == "/problems/member-merged"
    with monkeypatch.context() as patched:
        patched.setattr(undoing.vault, "is_erased", lambda *_: True)
        assert one.undo().json["type"] == "/problems/person-erased"
    one.drain()
    assert one.credited == "5.0"
    one.undo()
    with monkeypatch.context() as patched:
        patched.setattr(undoing.ledger, "read", merged)
        one.drain()

    assert (one.state, one.credited, one.told()) == ("fulfilled", "0.0", ("unclear", "member-merged"))


def test_verify_names_a_note_that_nobody_approved_or_follows(given, owner):
    one = given()
    note = '{"undoing": {"case": "apr_x", "by": "staff:1", "tries": 0, "sent": false}}'
    owner.exec_driver_sql("update redemption set details = details || %s::jsonb", (note,))

    with database.begin() as session:
        found = [finding.text for finding in verify.findings(session)]
    owner.exec_driver_sql("update redemption set details = details - 'undoing'")

    assert found == [
        "it is taken back and no two persons approved it",
        "it is under way and nobody looks what came of it",
    ]
    assert one.state == "fulfilled"
