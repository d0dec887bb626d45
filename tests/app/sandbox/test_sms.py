"""The SMS sandbox takes a reference once, does wrong only when told to, and sends receipts when asked to."""

import threading

import pytest

from app.sandbox import sms
from base import calls, clock, database
from base.notices import handing, notices
from tests.given import ZONE, caller, given_programme, service_key

MESSAGE = {"reference": "ntc_1", "to": "13900000001", "text": "hello"}


@pytest.fixture
def gateway():
    return sms.create_sandbox().test_client()


def sent(gateway):
    return {name: found["sent"] for name, found in gateway.get("/sandbox/messages").json.items()}


def test_a_reference_goes_out_once_however_often_it_is_handed_over(gateway):
    answers = [gateway.post("/messages", json=MESSAGE) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert {answer.json["reference"] for answer in answers} == {"ntc_1"}
    assert sent(gateway) == {"ntc_1": 1}
    assert answers[0].headers["X-Sandbox"] == sms.NAME


@pytest.mark.parametrize("body", [None, [], {}, {"reference": 1, "to": "x", "text": "y"}])
def test_what_is_no_message_is_refused(gateway, body):
    assert gateway.post("/messages", json=body).status_code == 400
    assert sent(gateway) == {}


@pytest.mark.parametrize(
    ("fault", "status", "times"),
    [("refuse", 422, 0), ("error", 500, 0), ("double", 202, 1), ("wrong", 202, 1), ("lost_reply", 500, 1)],
)
def test_it_does_wrong_as_often_as_it_was_told_and_then_behaves(gateway, fault, status, times):
    gateway.put("/sandbox/faults", json=[{"mode": fault, "times": 1}])

    first, second = (gateway.post("/messages", json=MESSAGE) for _ in range(2))

    assert (first.status_code, second.status_code) == (status, 202)
    assert sent(gateway)["ntc_1"] == 1
    assert second.json["reference"] == "ntc_1"
    assert times <= 1


def test_sent_twice_is_seen(gateway):
    gateway.post("/messages", json=MESSAGE)
    gateway.put("/sandbox/faults", json=[{"mode": "double", "times": 1}])

    gateway.post("/messages", json=MESSAGE)

    assert sent(gateway) == {"ntc_1": 2}


@pytest.mark.parametrize("plan", [{}, [{}], [{"mode": "x"}], [{"mode": "slow", "delay_ms": "1"}]])
def test_a_plan_that_cannot_be_followed_is_refused(gateway, plan):
    assert gateway.put("/sandbox/faults", json=plan).status_code == 400


def test_its_receipts_reach_the_api_and_the_message_is_delivered(app, db):
    key = service_key(given_programme(), "notices:receipts")
    api = caller(app, key)
    stand_in = sms.create_sandbox(
        lambda reference, state: (
            api.post("/v1/notices/receipts", {"reference": reference, "state": state}) and None
        )
    )
    httpd = sms.server(stand_in, 0)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    config = db.at(sms_url=f"http://127.0.0.1:{httpd.port}", sms_timeout_s=5)
    with database.begin() as session:
        notice = notices.send(
            session, config, 7, "13900000001", "gift-received", {"points": 1, "giver": "x"}, zone=ZONE
        )

    with clock.stopped(notice.due_at):
        with database.begin() as session:
            session.connection().exec_driver_sql("delete from outbox")
        handing.run(config, 7, notice.notice_id, ZONE)
    httpd.shutdown()
    httpd.server_close()

    with database.begin() as session:
        found = session.get_one(type(notice), (7, notice.notice_id), populate_existing=True)
    assert (found.state, found.tries) == ("delivered", 1)


def test_receipts_over_http_carry_the_key_and_the_same_idempotency_key_each_time(monkeypatch):
    seen, done = [], threading.Event()

    def call(method, url, target, body, headers, timeout_s):
        seen.append((method, url + target, headers["Authorization"], headers["Idempotency-Key"]))
        done.set()
        return calls.Lost("test")

    monkeypatch.setattr(sms.calls, "call", call)

    sms.receipts_to("http://jifen.example", "jk_1")("ntc_1", "delivered")

    assert done.wait(5)
    assert seen == [("POST", "http://jifen.example/v1/notices/receipts", "Bearer jk_1", "ntc_1-delivered")]
