"""Messages on their way through a gateway that does everything wrong: none twice, none lost without a word, none too dear."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import capture_logs

from app.sandbox import sms
from base import calls, clock, database, jobs
from base.config import Config
from base.errors import NotFound
from base.notices import gateway, handing, notices
from base.notices.gateway import Again, Letter, Refused, Taken
from base.notices.models import Notice
from tests.given import ZONE, Caller, caller, given_programme, service_key

PHONE = "13900004711"
NIGHT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai


@dataclass(frozen=True)
class Gateway:
    """The SMS sandbox on loopback, and a look inside."""

    url: str
    inside: FlaskClient

    def fails(self, *plans: dict[str, object]) -> None:
        assert self.inside.put("/sandbox/faults", json=list(plans)).status_code == 200

    @property
    def messages(self) -> dict[str, Any]:
        found: dict[str, Any] = self.inside.get("/sandbox/messages").json
        return found

    @property
    def went_out(self) -> list[int]:
        return [message["sent"] for message in self.messages.values()]


@pytest.fixture
def serving() -> Iterator[Gateway]:
    stand_in = sms.create_sandbox()
    httpd = sms.server(stand_in, 0)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield Gateway(f"http://127.0.0.1:{httpd.port}", stand_in.test_client())
    stand_in.test_client().put("/sandbox/faults", json=[])
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def given(db: Config, serving: Gateway) -> Callable[..., Config]:
    """The configuration with the gateway, its job registered; settings as given."""

    def made(**changed: Any) -> Config:
        settings: dict[str, Any] = {
            "sms_url": serving.url,
            "sms_timeout_s": 0.3,
            "sms_backoff_s": 0,
            "sms_tries": 3,
        }
        config = db.at(**(settings | changed))
        jobs.register(notices.TASK, partial(handing.run, config))
        return config

    return made


def write(config: Config, template: str = "sign-in-code", member_id: int = 7) -> Notice:
    facts = {"sign-in-code": {"code": "123456", "minutes": 10}, "gift-returned": {"points": 5}}[template]
    with database.begin() as session:
        return notices.send(session, config, member_id, PHONE, template, facts, zone=ZONE)


def found(notice: Notice) -> Notice:
    with database.begin() as session:
        return session.get_one(Notice, (notice.member_id, notice.notice_id), populate_existing=True)


def promises() -> list[datetime]:
    with database.begin() as session:
        return list(session.scalars(text("select due_at from outbox order by due_at")))


def run(config: Config, notice: Notice) -> None:
    handing.run(config, notice.member_id, notice.notice_id, ZONE)


def test_a_message_is_handed_over_after_the_commit_and_delivered_by_its_receipt(app, given, serving):
    config = given()
    notice = write(config)
    assert found(notice).state == "written"

    jobs.drain(config.database_url)
    sent = found(notice)
    key = service_key(given_programme(), "notices:receipts")
    told = receipt(caller(app, key), notice, "delivered")

    assert (sent.state, sent.tries, promises()) == ("sent", 1, [])
    (message,) = serving.messages.values()
    assert (message["to"], message["sent"]) == (PHONE, 1)
    assert "123456" in message["text"]
    assert (told.status_code, told.json["state"]) == (200, "delivered")
    assert found(notice).state == "delivered"


def receipt(who: Caller, notice: Notice, state: str, **more: Any) -> Any:
    reference = handing.reference(notice.member_id, notice.notice_id)
    return who.post("/v1/notices/receipts", {"reference": reference, "state": state} | more)


FAULTS: dict[str, tuple[list[dict[str, object]], str, int]] = {
    "refuses": ([{"mode": "refuse"}], "failed", 0),
    "is too busy once": ([{"mode": "refuse", "status": 429, "times": 1}], "sent", 1),
    "is too busy for ever": ([{"mode": "refuse", "status": 429}], "failed", 0),
    "fails once": ([{"mode": "error", "times": 1}], "sent", 1),
    "fails for ever": ([{"mode": "error"}], "failed", 0),
    "is silent once": ([{"mode": "silent", "times": 1, "delay_ms": 700}], "sent", 1),
    "loses its reply once": ([{"mode": "lost_reply", "times": 1}], "sent", 1),
    "loses every reply": ([{"mode": "lost_reply"}], "failed", 1),
    "is slow once": ([{"mode": "slow", "times": 1, "delay_ms": 700}], "sent", 1),
    "answers about another message once": ([{"mode": "wrong", "times": 1}], "sent", 1),
    "answers about others for ever": ([{"mode": "wrong"}], "failed", 1),
    "sends twice by itself": ([{"mode": "double", "times": 1}], "sent", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_gateway_does_wrong_a_message_goes_out_once_at_most_and_its_end_is_known(
    given, serving, fault
):
    plan, state, times = FAULTS[fault]
    config = given()
    serving.fails(*plan)
    notice = write(config)

    jobs.drain(config.database_url)

    ended = found(notice)
    assert (ended.state, sum(serving.went_out)) == (state, times)
    assert (ended.reason is None) == (state == "sent")
    assert promises() == []


def test_a_gateway_that_is_gone_is_asked_again_and_then_the_message_has_failed(given):
    config = given(sms_url="http://127.0.0.1:9")
    notice = write(config)

    jobs.drain(config.database_url)

    assert (found(notice).state, found(notice).tries) == ("failed", 3)
    assert "not taken in 3 tries" in found(notice).reason


def test_a_worker_that_dies_after_the_call_is_followed_by_one_that_sends_nothing_twice(
    given, serving, monkeypatch
):
    config = given()
    notice = write(config)
    with monkeypatch.context() as patched:
        patched.setattr(handing, "record", lambda *_: (_ for _ in ()).throw(RuntimeError("dead")))
        with pytest.raises(RuntimeError):
            run(config, notice)
    (again_at,) = [at for at in promises() if at > clock.now()]
    assert found(notice).state == "due"

    run(config, notice)  # too early: somebody may still be asking
    assert serving.messages.popitem()[1]["asked"] == 1
    with clock.stopped(again_at + timedelta(seconds=1)), database.begin() as session:
        session.execute(text("delete from outbox"))
    with clock.stopped(again_at + timedelta(seconds=1)):
        run(config, notice)

    assert found(notice).state == "sent"
    (message,) = serving.messages.values()
    assert (message["asked"], message["sent"]) == (2, 1)


def test_two_workers_at_once_make_one_try(given, serving):
    config = given()
    notice = write(config)

    workers = [threading.Thread(target=run, args=(config, notice)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert (found(notice).state, found(notice).tries) == ("sent", 1)
    assert serving.messages.popitem()[1]["asked"] == 1


def test_at_night_only_what_is_urgent_goes_and_the_rest_in_the_morning(given, serving):
    config = given()
    with clock.stopped(NIGHT):
        urgent, other = write(config), write(config, "gift-returned", 8)
        run(config, urgent)
        run(config, other)

    assert (found(urgent).state, found(other).state) == ("sent", "written")
    morning = NIGHT + timedelta(hours=9)
    assert found(other).due_at == morning
    assert morning in promises()
    with clock.stopped(morning):
        with database.begin() as session:
            session.execute(text("delete from outbox"))
        run(config, other)
    assert found(other).state == "sent"


def test_a_code_that_waited_too_long_is_not_sent_any_more(given, serving):
    config = given()
    notice = write(config)
    with database.begin() as session:
        facts = {"points": 1, "about": "x", "balance": 2}
        debit = notices.send(session, config, 8, PHONE, "points-spent", facts, zone=ZONE)

    with clock.stopped(clock.now() + timedelta(minutes=10, seconds=1)):
        run(config, notice)
        run(config, debit)

    assert (found(notice).state, found(notice).reason) == ("failed", "too late to be of use")
    assert found(debit).state == "sent"
    assert len(serving.messages) == 1


@pytest.mark.attack("A4")
def test_the_money_of_a_day_stops_batches_at_four_fifths_and_codes_at_its_end(given, serving):
    noon = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    with clock.stopped(noon):
        config = given(sms_price_fen=10, sms_day_fen=100)
        cost = 10 * gateway.parts(text_of(config, write(config, "gift-returned", 1)))
        config = given(sms_price_fen=10, sms_day_fen=5 * cost)
        others = [write(config, "gift-returned", member_id) for member_id in range(10, 15)]
        for notice in others:
            run(config, notice)

        assert [found(notice).state for notice in others] == ["sent"] * 4 + ["written"]
        assert clock.start_of(clock.day(noon, config.zone) + timedelta(days=1), config.zone) in promises()

        codes = [write(config, member_id=member_id) for member_id in (20, 21)]
        for notice in codes:
            run(config, notice)
    states = {found(notice).state for notice in codes}
    assert states <= {"sent", "written"}
    assert "written" in states
    with database.begin() as session:
        assert session.scalar(text("select fen from notice_spend")) <= 5 * cost


def text_of(config: Config, notice: Notice) -> str:
    with database.begin() as session:
        return notices.opened(session, [session.merge(notice)], config.seal_key)[0].text


def test_a_repeated_hand_over_is_paid_once(given, serving):
    config = given(sms_price_fen=7)
    serving.fails({"mode": "error", "times": 2})
    notice = write(config)

    jobs.drain(config.database_url)

    assert found(notice).tries == 3
    with database.begin() as session:
        assert session.scalar(text("select fen from notice_spend")) == 7 * gateway.parts(
            text_of(config, notice)
        )


def test_without_a_gateway_messages_are_written_and_nothing_is_promised(db):
    notice = write(db)

    run(db, notice)

    assert (found(notice).state, promises()) == ("written", [])


# Receipts


def test_that_a_message_arrived_is_never_taken_back_and_a_late_word_that_it_did_counts(app, given):
    config = given()
    notice = write(config)
    jobs.drain(config.database_url)
    who = caller(app, service_key(given_programme(), "notices:receipts"))

    failed = receipt(who, notice, "failed", reason="absent subscriber").json["state"]
    reason = found(notice).reason
    states = [receipt(who, notice, state).json["state"] for state in ("delivered", "failed")]

    assert (failed, reason) == ("failed", "receipt: absent subscriber")
    assert states == ["delivered", "delivered"]
    assert found(notice).reason is None


def test_a_receipt_that_is_faster_than_the_answer_has_the_last_word(app, given, serving, monkeypatch):
    config = given()
    who = caller(app, service_key(given_programme(), "notices:receipts"))
    notice = write(config)
    real = gateway.hand_over

    def overtaken(config: Config, letter: Letter) -> gateway.Outcome:
        real(config, letter)
        receipt(who, notice, "delivered")
        return Again("no answer in time")

    monkeypatch.setattr(handing.gateway, "hand_over", overtaken)
    jobs.drain(config.database_url)

    assert (found(notice).state, found(notice).tries, promises()) == ("delivered", 1, [])
    assert serving.went_out == [1]


def test_a_receipt_is_for_the_gateways_key_and_for_messages_that_went(app, given):
    config = given()
    notice = write(config)
    programme = given_programme()
    gateways = caller(app, service_key(programme, "notices:receipts"))

    assert receipt(gateways, notice, "delivered").status_code == 404  # it never went
    assert receipt(caller(app, service_key(programme, "wallet:any")), notice, "delivered").status_code == 403
    assert receipt(gateways, notice, "lost").status_code == 422
    jobs.drain(config.database_url)
    key = "same"
    first, second = (receipt_under(gateways, notice, key) for _ in range(2))
    assert (first.status_code, second.headers["Idempotency-Replayed"]) == (200, "true")
    with pytest.raises(NotFound), database.begin() as session:
        handing.receipt(session, 1, 2, delivered=True, reason="", at=clock.now())


def receipt_under(who: Caller, notice: Notice, key: str) -> Any:
    reference = handing.reference(notice.member_id, notice.notice_id)
    return who.post("/v1/notices/receipts", {"reference": reference, "state": "delivered"}, key=key)


# What is said on the wire


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (202, b'{"reference": "ntc_1"}', Taken),
        (200, b'{"reference": "ntc_2"}', Again),
        (200, b"", Again),
        (201, b"[1]", Again),
        (422, b'{"reason": "bad number"}', Refused),
        (404, b"<html>a proxy</html>", Again),
        (401, b'{"reason": "key"}', Again),
        (429, b'{"reason": "pace"}', Again),
        (302, b'{"reference": "ntc_1"}', Again),
        (500, b'{"reference": "ntc_1"}', Again),
    ],
)
def test_only_an_answer_about_this_message_takes_it_and_only_the_gateways_own_word_refuses_it(
    status, body, kind
):
    letter = Letter("ntc_1", PHONE, "text")

    outcome = gateway.judge(letter, calls.Answered(status, body, None))  # type: ignore[arg-type]

    assert isinstance(outcome, kind)
    assert PHONE not in repr(letter)


@pytest.mark.parametrize(
    ("text", "parts"), [("", 1), ("字" * 70, 1), ("字" * 71, 2), ("a" * 134, 2), ("字" * 135, 3)]
)
def test_a_text_is_as_many_sms_as_it_fills(text, parts):
    assert gateway.parts(text) == parts


def test_neither_number_nor_text_nor_code_is_in_the_log_or_in_the_clear_in_the_tables(given, serving):
    config = given()
    notice = write(config)
    with database.begin() as session:
        promised = "\n".join(session.execute(text("select args::text from outbox")).scalars())

    with capture_logs() as logs:
        run(config, notice)

    (message,) = serving.messages.values()
    code = re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]", message["text"])[-1]
    with database.begin() as session:
        rows = "\n".join(map(str, session.execute(text("select notice::text from notice")).scalars()))
    assert promised
    for secret in (PHONE, "123456", code, code.replace("-", ""), "验证码"):
        assert secret not in str(logs) + rows
    assert handing.reference(notice.member_id, notice.notice_id) in str(logs)
