"""Bill credit against the billing sandbox and against worse servers, over real loopback HTTP."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from structlog.testing import capture_logs

from app.sandbox.billing import create_sandbox, server
from catalog.bill_credit import billing
from catalog.bill_credit.billing import (
    ADJUST,
    Credit,
    Done,
    Found,
    NotFound,
    Outcome,
    Refused,
    Topup,
    Unknown,
    Unreachable,
    Wrong,
    fen_of,
    judge,
    look_up,
    settle,
    top_up,
)
from tests.sparse import examples

DATA = Path(__file__).parents[2] / "data/tmf"
SWAGGER = json.loads((DATA / "TMF654-PrepayBalance-v4.0.0.swagger.json").read_text())
ACCOUNT = "customer-4711"
API = "/tmf-api/prepayBalanceManagement/v4"
_numbers = count(1)


def given_credit(amount_fen: int = 1250) -> Credit:
    return Credit(ACCOUNT, amount_fen, "CNY", f"red_{next(_numbers)}")


class Sandbox:
    """A sandbox that serves, and a way to look into it beside its wire."""

    def __init__(self, url: str, inside: FlaskClient) -> None:
        self.url, self.inside = url, inside

    def faults(self, *faults: dict[str, Any]) -> None:
        assert self.inside.put("/sandbox/faults", json=list(faults)).status_code == 200

    def credited(self, credit: Credit) -> list[Decimal]:
        found = self.inside.get(f"{API}/topupBalance", query_string={"description": credit.reference})
        return [Decimal(str(topup["amount"]["amount"])) for topup in found.json or []]


@pytest.fixture(scope="module")
def serving() -> Iterator[Sandbox]:
    app = create_sandbox()
    httpd = server(app, 0)
    Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    yield Sandbox(f"http://127.0.0.1:{httpd.port}", app.test_client())
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def sandbox(serving: Sandbox) -> Iterator[Sandbox]:
    yield serving
    serving.inside.delete("/sandbox/faults")


# ---- the sandbox behaves


def test_a_credit_reaches_the_bill_once_and_exactly(sandbox):
    credit = given_credit(1999)

    outcome = settle(sandbox.url, credit, sent_before=False)

    assert isinstance(outcome, Done)
    assert sandbox.credited(credit) == [Decimal("19.99")]
    found = look_up(sandbox.url, credit.reference)
    assert found == Found((Topup(outcome.reference, credit.reference, ACCOUNT, 1999, "CNY", "completed"),))


def test_settling_again_finds_the_first_credit(sandbox):
    credit = given_credit()

    first = settle(sandbox.url, credit, sent_before=False)
    again = settle(sandbox.url, credit, sent_before=True)

    assert again == first
    assert len(sandbox.credited(credit)) == 1


def test_a_try_that_never_arrived_is_sent_by_the_next(sandbox):
    credit = given_credit()

    assert isinstance(look_up(sandbox.url, credit.reference), NotFound)
    assert isinstance(settle(sandbox.url, credit, sent_before=True), Done)


@pytest.mark.parametrize("reference", ["红包 1", 'a"b\\c', "x&limit=0#?", "@amount"])
def test_a_reference_of_any_text_is_found_again(sandbox, reference):
    credit = Credit(ACCOUNT, 1, "CNY", f"{reference}-{next(_numbers)}")

    assert isinstance(settle(sandbox.url, credit, sent_before=False), Done)
    assert isinstance(look_up(sandbox.url, credit.reference), Found)


# ---- the sandbox misbehaves


def test_a_refusal_is_definite(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "refuse", "times": 1})

    outcome = settle(sandbox.url, credit, sent_before=False)

    assert outcome == Refused("refused: the billing system refuses this credit")
    assert sandbox.credited(credit) == []


def test_a_failure_is_unknown_then_sent_again_after_a_look(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "error", "times": 1})

    first = settle(sandbox.url, credit, sent_before=False)
    second = settle(sandbox.url, credit, sent_before=True)

    assert first == Unknown("status 500")
    assert isinstance(second, Done)
    assert len(sandbox.credited(credit)) == 1


def test_a_lost_reply_is_unknown_and_the_next_try_finds_exactly_one_credit(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "lost_reply", "times": 1})

    first = settle(sandbox.url, credit, sent_before=False)
    second = settle(sandbox.url, credit, sent_before=True)

    assert isinstance(first, Unknown)
    assert isinstance(second, Done)
    assert len(sandbox.credited(credit)) == 1


def test_silence_is_unknown_within_the_time_allowed(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "silent", "times": 1})
    began = monotonic()

    outcome = settle(sandbox.url, credit, sent_before=False, timeout_s=0.2)

    assert isinstance(outcome, Unknown)
    assert monotonic() - began < 1
    assert sandbox.credited(credit) == []


def test_a_slow_answer_within_the_time_is_done(sandbox):
    sandbox.faults({"mode": "slow", "times": 1, "delay_ms": 100})

    assert isinstance(settle(sandbox.url, given_credit(), sent_before=False, timeout_s=2), Done)


def test_a_credit_that_lands_late_is_found_once_it_has_landed(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "slow", "times": 1, "delay_ms": 30_000})

    first = settle(sandbox.url, credit, sent_before=False, timeout_s=0.2)
    land(sandbox, credit, 1)
    second = settle(sandbox.url, credit, sent_before=True)

    assert isinstance(first, Unknown)
    assert isinstance(second, Done)
    assert len(sandbox.credited(credit)) == 1


def test_sending_again_before_a_late_credit_landed_shows_as_wrong_at_the_next_look(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "slow", "times": 1, "delay_ms": 30_000})

    settle(sandbox.url, credit, sent_before=False, timeout_s=0.2)
    too_early = settle(sandbox.url, credit, sent_before=True)
    land(sandbox, credit, 2)
    later = settle(sandbox.url, credit, sent_before=True)

    assert isinstance(too_early, Done)
    assert isinstance(later, Wrong)
    assert len(later.found) == 2


def land(sandbox: Sandbox, credit: Credit, expected: int) -> None:
    """Let the slow request go on and wait for its credit."""
    sandbox.faults()
    until = monotonic() + 3
    while len(sandbox.credited(credit)) < expected and monotonic() < until:
        Event().wait(0.01)
    assert len(sandbox.credited(credit)) == expected


def test_a_double_credit_is_wrong_at_once_and_ever_after(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "double", "times": 1})

    first = settle(sandbox.url, credit, sent_before=False)
    second = settle(sandbox.url, credit, sent_before=True)

    assert isinstance(first, Wrong)
    assert [topup.amount_fen for topup in first.found] == [1250, 1250]
    assert second == first
    assert len(sandbox.credited(credit)) == 2


def test_a_double_credit_with_a_lost_reply_between_is_wrong(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "lost_reply", "times": 2})

    top_up(sandbox.url, credit)
    top_up(sandbox.url, credit)

    assert isinstance(settle(sandbox.url, credit, sent_before=True), Wrong)


@pytest.mark.parametrize("amount", [12.51, 0.01, 1250])
def test_another_amount_is_wrong(sandbox, amount):
    credit = given_credit(1250)
    sandbox.faults({"mode": "wrong_amount", "times": 1, "amount": amount})

    outcome = settle(sandbox.url, credit, sent_before=False)

    assert isinstance(outcome, Wrong)
    assert [topup.amount_fen for topup in outcome.found] == [round(Decimal(str(amount)) * 100)]


@pytest.mark.parametrize("mode", ["refuse", "error", "silent"])
def test_without_an_answer_to_the_look_nothing_is_sent(sandbox, mode):
    credit = given_credit()
    sandbox.faults({"mode": mode, "on": "look_up", "times": 1, "delay_ms": 1000})

    outcome = settle(sandbox.url, credit, sent_before=True, timeout_s=0.2)

    assert isinstance(outcome, Unknown)
    assert sandbox.credited(credit) == []


def test_a_credit_that_was_answered_stands_though_the_look_after_it_fails(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "error", "on": "look_up", "times": 1})

    assert isinstance(settle(sandbox.url, credit, sent_before=False), Done)


# ---- nobody there


def test_a_refused_connection_is_unreachable_for_a_first_try_and_unknown_for_a_later_one():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    assert isinstance(settle(url, given_credit(), sent_before=False), Unreachable)
    assert isinstance(settle(url, given_credit(), sent_before=True), Unknown)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://"])
def test_an_address_that_is_none_is_a_mistake(url):
    with pytest.raises(ValueError, match="http or https address"):
        top_up(url, given_credit())


# ---- a server that says anything


@contextmanager
def stub(*answers: bytes | Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one a connection, whatever was asked; and what was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                asked.append(whole_request(connection))
                with suppress(ConnectionError):  # the client may have hung up
                    answer(connection) if callable(answer) else connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(5)


def whole_request(connection: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(
        (int(line[16:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def as_list(*topups: dict[str, Any], total: int | None = None) -> bytes:
    """A list of credits as the billing system answers it."""
    count_of_all = len(topups) if total is None else total
    return http(200, json.dumps(topups).encode(), f"X-Total-Count: {count_of_all}")


def told(credit: Credit, **changes: Any) -> dict[str, Any]:
    return {
        "id": "t1",
        "description": credit.reference,
        "amount": {"amount": 12.5, "units": "CNY"},
        "partyAccount": {"id": ACCOUNT},
        "status": "completed",
    } | changes


def test_the_body_that_is_sent_keeps_to_the_published_definition():
    credit = given_credit(1)
    with stub(http(500, b"{}")) as (url, asked):
        top_up(url + "/gateway/", credit)

    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST /gateway{API}/topupBalance HTTP/1.1\r\n".encode())
    assert b'"amount": 0.01,' in body
    definition = Draft4Validator(SWAGGER | {"$ref": "#/definitions/TopupBalance_Create"})
    definition.validate(json.loads(body))
    assert json.loads(body)["description"] == credit.reference


def test_what_takes_a_credit_back_keeps_to_the_published_definition_of_an_adjustment():
    credit = Credit(ACCOUNT, 1250, "CNY", "red_1:back", "reversal apr_1")
    done = {"id": "a1", "description": "red_1:back", "status": "completed", "bucket": {"id": ACCOUNT}}
    right = json.dumps(done | {"amount": {"amount": -12.5, "units": "CNY"}}).encode()
    plus = json.dumps(done | {"amount": {"amount": 12.5, "units": "CNY"}}).encode()
    with stub(http(201, right), http(201, plus)) as (url, asked):
        outcomes = [top_up(url, credit, way=ADJUST) for _ in range(2)]

    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {API}/adjustBalance HTTP/1.1\r\n".encode())
    assert b'"amount": -12.50,' in body
    definition = SWAGGER["definitions"]["AdjustBalance_Create"]
    Draft4Validator(SWAGGER | {"$ref": "#/definitions/AdjustBalance_Create"}).validate(json.loads(body))
    assert set(json.loads(body)) <= set(definition["properties"])
    assert (json.loads(body)["description"], json.loads(body)["reason"]) == ("red_1:back", "reversal apr_1")
    assert outcomes[0] == Done("a1")
    assert isinstance(outcomes[1], Wrong)


def test_taking_back_is_looked_for_among_adjustments_and_never_sent_twice(sandbox):
    credit = given_credit(1999)
    settle(sandbox.url, credit, sent_before=False)
    back = replace(credit, reference=f"{credit.reference}:back", reason="reversal apr_1")
    sandbox.faults({"mode": "lost_reply", "on": "adjust", "times": 1})

    first = settle(sandbox.url, back, sent_before=False, way=ADJUST)
    second = settle(sandbox.url, back, sent_before=True, way=ADJUST)

    assert isinstance(first, Unknown)
    assert isinstance(second, Done)
    found = look_up(sandbox.url, back.reference, way=ADJUST)
    assert isinstance(found, Found)
    assert [topup.amount_fen for topup in found.topups] == [-1999]
    assert isinstance(look_up(sandbox.url, back.reference), NotFound)


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 201 X\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        Event().wait(0.05)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(200, b"<html>Welcome</html>"), id="HTML"),
        pytest.param(http(201, b'{"id": "t1", "amount"'), id="torn JSON"),
        pytest.param(http(201, b"\xff\xfe\x00"), id="no UTF-8"),
        pytest.param(http(201, b"[" * 100_000), id="deep"),
        pytest.param(http(201, b'{"id": NaN}'), id="NaN"),
        pytest.param(http(201, b'{"id": 1e99999999999999999999}'), id="exponent"),
        pytest.param(http(201, b"[]"), id="list"),
        pytest.param(http(201, b"{}"), id="no id"),
        pytest.param(http(201, b"")[:-30], id="torn head"),
        pytest.param(http(202, b'{"id": "t1"}'), id="202"),
        pytest.param(http(307, b"{}", "Location: http://127.0.0.1:1/"), id="redirect"),
        pytest.param(http(403, b"<html>Forbidden by the gateway</html>"), id="gateway 403"),
        pytest.param(http(404, b'{"error": "no route"}'), id="gateway 404"),
        pytest.param(http(408, b'{"code": "c", "reason": "r"}'), id="408"),
        pytest.param(http(503, b'{"code": "c", "reason": "r"}'), id="503"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="not HTTP"),
        pytest.param(b"", id="nothing"),
        pytest.param(_reset, id="reset"),
        pytest.param(_drip, id="drip"),
    ],
)
def test_an_answer_that_says_nothing_definite_is_unknown(answer):
    with stub(answer) as (url, _):
        began = monotonic()
        outcome: Outcome = top_up(url, given_credit(), timeout_s=0.5)

    assert isinstance(outcome, Unknown)
    assert monotonic() - began < 2


def test_an_answer_over_a_megabyte_is_not_read_to_its_end():
    credit = given_credit()
    body = json.dumps(told(credit, reason="x" * 1_100_000)).encode()
    with stub(http(201, body)) as (url, _):
        assert top_up(url, credit) == Unknown("the answer is too large")


@pytest.mark.parametrize("status", [401, 429])
def test_being_turned_away_at_the_door_is_no_refusal_of_the_credit(status):
    with stub(http(status, b'{"code": "c", "reason": "r"}')) as (url, _):
        assert top_up(url, given_credit()) == Unreachable(f"status {status}")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Done),
        ({"status": "created"}, Unknown),
        ({"status": "failed"}, Refused),
        ({"status": "cancelled"}, Refused),
        ({"status": "strange"}, Wrong),
        ({"amount": {"amount": 12.500001, "units": "CNY"}}, Wrong),
        ({"amount": {"amount": "12.50", "units": "CNY"}}, Wrong),
        ({"amount": {"amount": True, "units": "CNY"}}, Wrong),
        ({"amount": {"amount": 12.5, "units": "USD"}}, Wrong),
        ({"amount": None}, Wrong),
        ({"partyAccount": {"id": "somebody else"}}, Wrong),
        ({"description": "another"}, Wrong),
    ],
)
def test_a_created_answer_must_tell_exactly_what_was_asked(changes, kind):
    credit = given_credit(1250)
    with stub(http(201, json.dumps(told(credit, **changes)).encode())) as (url, _):
        assert isinstance(top_up(url, credit), kind)


def test_a_credit_taken_in_but_not_completed_is_not_sent_again():
    credit = given_credit()
    with stub(as_list(told(credit, status="created"))) as (url, asked):
        outcome = settle(url, credit, sent_before=True)

    assert isinstance(outcome, Unknown)
    assert len(asked) == 1


def test_a_credit_that_failed_over_there_is_sent_again():
    credit = given_credit()
    failed = told(credit, status="failed", id="t0")
    created = http(201, json.dumps(told(credit)).encode())
    with stub(as_list(failed), created, as_list(failed, told(credit))) as (url, asked):
        outcome = settle(url, credit, sent_before=True)

    assert outcome == Done("t1")
    assert [line.split(b" ")[0] for line in asked] == [b"GET", b"POST", b"GET"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http(200, b"[]"), id="no total"),
        pytest.param(as_list(total=5), id="not the whole list"),
        pytest.param(http(200, b'{"code": "c"}', "X-Total-Count: 1"), id="no list"),
        pytest.param(http(200, b"[1]", "X-Total-Count: 1"), id="no credits"),
        pytest.param(http(200, b"[]]", "X-Total-Count: 0"), id="no JSON"),
        pytest.param(http(206, b"[]", "X-Total-Count: 0"), id="partial"),
        pytest.param(http(404, b'{"code": "c", "reason": "r"}'), id="404"),
    ],
)
def test_absence_is_believed_only_from_a_whole_list(answer):
    with stub(answer) as (url, _):
        assert isinstance(look_up(url, "red_x"), Unknown)


def test_a_server_that_does_not_filter_is_filtered_here():
    mine, other = given_credit(), given_credit()
    with stub(as_list(told(other), told(mine)), as_list(told(other))) as (url, _):
        found = look_up(url, mine.reference)
        absent = look_up(url, mine.reference)

    assert isinstance(found, Found)
    assert [topup.reference for topup in found.topups] == [mine.reference]
    assert isinstance(absent, NotFound)


# ---- amounts, and what is said in logs


@given(st.integers(1, 10**12))
def test_fen_and_the_number_on_the_wire_round_trip(fen):
    body = billing._request_body(Credit("a", fen, "CNY", "r"))
    read_exactly = json.loads(body, parse_float=Decimal)["amount"]["amount"]
    through_their_float = Decimal(repr(json.loads(body)["amount"]["amount"]))

    assert fen_of(read_exactly) == fen
    assert fen_of(through_their_float) == fen


@settings(max_examples=examples(200))
@given(st.decimals(allow_nan=True, allow_infinity=True) | st.integers() | st.text() | st.none())
def test_only_whole_fen_are_read(amount):
    fen = fen_of(amount)

    assert fen is None or Decimal(fen) == amount * 100


@pytest.mark.parametrize("amount", ["0.3000000000000000000000000000001", "1E+999999", "1E-999999", "0.005"])
def test_no_amount_is_rounded_to_fen(amount):
    assert fen_of(Decimal(amount)) is None


@pytest.mark.parametrize(("amount", "fen"), [("1.0E7", 10**9), ("1E+1", 1000), ("0", 0), ("12.500", 1250)])
def test_other_spellings_of_a_number_are_read(amount, fen):
    assert fen_of(Decimal(amount)) == fen


@pytest.mark.parametrize("amount_fen", [0, -1, 10**15 + 1])
def test_there_is_no_credit_of_nothing(amount_fen):
    with pytest.raises(ValueError, match="fen"):
        Credit(ACCOUNT, amount_fen, "CNY", "r")


def test_two_found_credits_are_wrong_even_if_both_are_right():
    credit = Credit(ACCOUNT, 5, "CNY", "r")
    topup = Topup("t", "r", ACCOUNT, 5, "CNY", "completed")

    assert judge(credit, Found((topup,))) == Done("t")
    assert isinstance(judge(credit, Found((topup, topup))), Wrong)


def test_logs_and_reprs_name_the_reference_and_never_the_account(sandbox):
    credit = given_credit()
    sandbox.faults({"mode": "wrong_amount", "times": 1})

    with capture_logs() as logs:
        outcome = settle(sandbox.url, credit, sent_before=True)

    assert [(line["event"], line["outcome"]) for line in logs] == [
        ("billing.look_up", "NotFound"),
        ("billing.top_up", "Wrong"),
    ]
    assert all(line["reference"] == credit.reference for line in logs)
    assert ACCOUNT not in f"{logs} {credit!r} {outcome!r}"
