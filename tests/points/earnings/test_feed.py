"""Billing tells lines, payments and corrections over HTTP: each has its effect once, and a wrong one harms no other."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.proof import findings
from base import clock, database, ids
from points import bills, ledger, line_history, policies
from points.bills import BillLineIn
from points.deeds import Request
from points.imports import CHUNK
from points.kinds import Kind, State
from points.members import members
from points.members.members import Enrolment
from points.models import BillLine, BillPayment, PostingRow, Programme
from points.programmes import ProgrammeClosed
from tests.given import LONG_AGO, ZONE, Caller, caller, given_programme, secrets_of, service_key

DAY = "2025-03-05"
LINE = {
    "customer_id": "C1",
    "bill_id": "B1",
    "line_no": 1,
    "bill_day": DAY,
    "line_type": "plan",
    "amount_fen": 10_000,
}
PAYMENT = {
    "customer_id": "C1",
    "payment_id": "P1",
    "bill_id": "B1",
    "line_no": 1,
    "paid_day": DAY,
    "paid_fen": 4_000,
}
CORRECTION = {
    "customer_id": "C1", "correction_id": "K1", "bill_id": "B1", "line_no": 1, "correction_day": DAY, "amount_fen": 7_000
}  # fmt: skip
THERE = {"status": "there", "points": 0, "name": None, "reason": None}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def customers(db, programme):
    """C1 to C5: customer id -> member id."""
    with database.begin() as session:
        rows = [Enrolment(f"C{number}", LONG_AGO) for number in range(1, 6)]
        return members.enrol_many(session, programme, secrets_of(db), rows)


@pytest.fixture
def billing(app, programme, customers):
    return caller(app, service_key(programme, "bills:write"))


def tell(billing: Caller, path: str, *told: dict):
    return billing.post(f"/v1/bill-{path}", {path: list(told)})


def answers(billing: Caller, path: str, *told: dict) -> list[dict]:
    answer = tell(billing, path, *told)
    assert answer.status_code == 200, answer.json
    return answer.json["answers"]


def posted(points: int, name: str = "plan") -> dict:
    return {"status": "posted", "points": points, "name": name, "reason": None}


def reasons(told: list[dict]) -> list[str]:
    """Why each was refused."""
    assert {(one["status"], one["points"], one["name"]) for one in told} == {("refused", 0, None)}
    return [one["reason"] for one in told]


def balance(member_id: int) -> int:
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def pending(member_id: int) -> int:
    with database.begin() as session:
        return line_history.pending(session, member_id)


def count(table, *which) -> int:
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(table).where(*which))


def verified() -> bool:
    with database.begin() as session:
        return not list(findings(session))


# Once


def test_a_line_earns_once_however_often_it_is_told(billing, customers):
    first = answers(billing, "lines", LINE)
    again = answers(billing, "lines", LINE, LINE)

    assert (first, again) == ([posted(100)], [THERE, THERE])
    assert (balance(customers["C1"]), count(PostingRow), count(BillLine)) == (100, 1, 1)


def test_a_changed_line_is_refused_with_what_to_send_instead(billing, customers):
    answers(billing, "lines", LINE, LINE | {"line_no": 2, "paid_fen": 0})

    changed = answers(
        billing,
        "lines",
        LINE | {"amount_fen": 10_001},
        LINE | {"line_type": "data"},
        LINE | {"bill_day": "2025-03-06"},
        LINE | {"line_no": 2, "paid_fen": 10_000},
    )

    assert reasons(changed) == ["changed: send a correction"] * 3 + ["paid_fen: changed; send a payment"]
    assert balance(customers["C1"]) == 100


def test_a_line_from_a_file_is_there_for_the_feed(billing, programme, customers):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        line = BillLineIn("C1", "B1", 1, clock.now().date().replace(2025, 3, 5), "plan", 10_000)
        bills.post_lines(session, programme, versions, [line])

    assert answers(billing, "lines", LINE) == [THERE]
    assert reasons(answers(billing, "lines", LINE | {"waived_fen": 1})) == ["changed: send a correction"]
    assert balance(customers["C1"]) == 100


def test_a_pending_line_is_paid_and_then_corrected(billing, customers):
    member = customers["C1"]
    line = answers(billing, "lines", LINE | {"paid_fen": 0})
    after_the_line = (balance(member), pending(member))
    payment = answers(billing, "payments", PAYMENT)
    after_the_payment = (balance(member), pending(member))
    lowered = answers(billing, "corrections", CORRECTION)
    taken_back = answers(billing, "corrections", CORRECTION | {"correction_id": "K2", "amount_fen": 1_000})

    assert (line, after_the_line) == ([posted(0)], (0, 100))
    assert (payment, after_the_payment) == ([posted(40)], (40, 60))
    assert (lowered, taken_back) == ([posted(0)], [posted(-30)])
    assert (balance(member), pending(member)) == (10, 0)
    again = [
        answers(billing, "lines", LINE | {"paid_fen": 0}),
        answers(billing, "payments", PAYMENT),
        answers(billing, "corrections", CORRECTION),
    ]
    assert again == [[THERE]] * 3
    assert (balance(member), count(PostingRow)) == (10, 2)
    assert verified()


def test_what_was_spent_already_is_owed_after_a_correction(billing, customers):
    answers(billing, "lines", LINE)
    with database.begin() as session:
        key = ledger.key("test", "spend")
        ledger.post(session, Request(customers["C1"], key, Kind.REDEEM, 90, clock.now(), ZONE))

    assert answers(billing, "corrections", CORRECTION) == [posted(-30)]
    with database.begin() as session:
        wallet = ledger.read(session, customers["C1"])
    assert (wallet.balance, wallet.debt) == (0, 20)


def test_payments_and_corrections_of_one_line_are_taken_in_the_order_sent(billing, customers):
    answers(billing, "lines", LINE | {"paid_fen": 0})

    paid = answers(
        billing,
        "payments",
        *[PAYMENT | {"payment_id": f"P{n}", "paid_fen": 3_333} for n in range(3)],
        PAYMENT | {"payment_id": "P9", "paid_fen": 2},
        PAYMENT | {"payment_id": "P9", "paid_fen": 1},
        PAYMENT | {"payment_id": "P9", "paid_fen": 1},
        PAYMENT | {"payment_id": "P0", "paid_fen": 1},
    )

    assert paid[:3] == [posted(33)] * 3
    assert reasons([paid[3], paid[6]]) == [
        "paid_fen: is more than the 1 that are still to be paid",
        "changed: a payment is never edited; send a correction of the bill line",
    ]
    assert paid[4:6] == [posted(1), THERE]
    assert balance(customers["C1"]) == 100


# One harms no other


def test_in_a_mixed_call_each_gets_its_own_answer_in_its_place(billing, customers):
    told = answers(
        billing,
        "lines",
        LINE,
        LINE | {"customer_id": "nobody"},
        LINE | {"customer_id": "C2", "line_type": "data", "waived_fen": 5_000},
        LINE | {"customer_id": "C3", "line_type": "roaming"},
        LINE,
        LINE | {"amount_fen": 1},
        LINE | {"line_no": 2, "amount_fen": -1},
        LINE | {"line_no": 2**40},
        LINE | {"line_no": 2, "amount_fen": 2**63 - 1},
        LINE | {"line_no": 2, "waived_fen": 10_001},
        LINE | {"line_no": 2, "paid_fen": 10_001},
        LINE | {"line_no": 2, "bill_day": "2999-01-01"},
        LINE | {"customer_id": "C4"},
    )

    assert [told[n] for n in (0, 2, 4, 12)] == [posted(100), posted(50, "data"), THERE, posted(100)]
    assert reasons([told[n] for n in (1, 3, *range(5, 12))]) == [
        "customer_id: no such customer in this programme",
        "line_type: no rule is in force for roaming on 2025-03-05; the line waits for one",
        "changed: send a correction",
        "amount_fen: is negative; send a correction",
        "line_no: must lie between 0 and 2147483647",
        "amount_fen: is over 10000000000000",
        "waived_fen: must lie between 0 and the amount",
        "paid_fen: must lie between 0 and the amount less what is waived",
        "bill_day: lies in the future",
    ]
    assert [balance(customers[one]) for one in ("C1", "C2", "C3", "C4")] == [100, 50, 0, 100]


def test_a_line_that_waited_earns_once_there_is_a_rule(billing, programme, customers):
    roaming = LINE | {"line_type": "roaming"}
    assert answers(billing, "lines", roaming)[0]["status"] == "refused"
    with database.begin() as session:
        policies.add_earn_rule(session, programme.programme_id, "roaming", LONG_AGO, points=2, per_fen=100)

    assert answers(billing, "lines", roaming) == [posted(200, "roaming")]
    assert balance(customers["C1"]) == 200


@pytest.mark.parametrize(
    ("path", "good", "wrong"),
    [
        ("payments", PAYMENT, [
            ({"bill_id": "B404"}, "bill_id: this customer has no such bill line in this programme"),
            ({"customer_id": "nobody"}, "bill_id: this customer has no such bill line in this programme"),
            ({"payment_id": "P2", "paid_fen": 0}, "paid_fen: must be more than 0"),
            ({"payment_id": "P2", "paid_fen": -(2**63) + 1}, "paid_fen: must be more than 0"),
            ({"payment_id": "P2", "paid_fen": 1, "paid_day": "2999-01-01"}, "paid_day: lies in the future"),
        ]),
        ("corrections", CORRECTION, [
            ({"line_no": 2**40}, "bill_id: this customer has no such bill line in this programme"),
            ({"amount_fen": 8_000}, "changed: a correction is never edited; send another one"),
            ({"correction_id": "K2", "amount_fen": -1}, "amount_fen: must lie between 0 and 10000000000000"),
            ({"correction_id": "K2", "waived_fen": 7_001}, "waived_fen: 7001 does not lie between 0 and the amount"),
            ({"correction_id": "K2", "correction_day": "2025-03-04"},
             "correction_day: lies before the line's latest word, of 2025-03-05"),
        ]),
    ],
)  # fmt: skip
def test_a_wrong_payment_or_correction_leaves_the_right_one_alone(billing, customers, path, good, wrong):
    answers(billing, "lines", LINE | {"paid_fen": 5_000})

    first, *others = answers(billing, path, good, *[good | changes for changes, _ in wrong])

    assert first["status"] == "posted"
    assert reasons(others) == [reason for _, reason in wrong]


def test_a_member_who_left_is_refused_and_the_next_one_is_posted(billing, customers):
    with database.begin() as session:
        members.leave(session, customers["C1"], clock.now().date() - timedelta(days=1))

    left, other = answers(billing, "lines", LINE, LINE | {"customer_id": "C2"})

    assert left["reason"].startswith("customer_id: the customer left on ")
    assert other == posted(100)


def test_a_suspended_line_earns_all_the_same(billing, customers):
    with database.begin() as session:
        ledger.set_state(session, customers["C1"], State.FROZEN)

    assert answers(billing, "lines", LINE) == [posted(100)]


def test_hundreds_in_one_call(billing, customers):
    many = [LINE | {"customer_id": f"C{n % 5 + 1}", "line_no": n} for n in range(CHUNK)]

    assert answers(billing, "lines", *many) == [posted(100)] * 500
    assert answers(billing, "lines", *many[::-1]) == [THERE] * 500
    assert {balance(member_id) for member_id in customers.values()} == {100 * 100}


# Whose


def test_a_system_tells_of_its_own_programme_alone(app, billing, customers):
    answers(billing, "lines", LINE | {"paid_fen": 0})
    stranger = caller(app, service_key(given_programme("other"), "bills:write"))

    told = [
        answers(stranger, path, one)
        for path, one in (
            ("lines", LINE | {"line_no": 2}),
            ("payments", PAYMENT),
            ("corrections", CORRECTION),
        )
    ]

    unknown = "bill_id: this customer has no such bill line in this programme"
    assert [reasons(one) for one in told] == [
        ["customer_id: no such customer in this programme"], [unknown], [unknown]
    ]  # fmt: skip
    assert (balance(customers["C1"]), count(PostingRow), count(BillPayment)) == (0, 0, 0)


def test_a_closed_programme_takes_nothing(billing, programme, customers):
    answers(billing, "lines", LINE | {"paid_fen": 0})
    with database.begin() as session:
        session.get(Programme, programme.programme_id).closed_at = clock.now()

    told = [
        tell(billing, path, one)
        for path, one in (
            ("lines", LINE | {"line_no": 2}),
            ("payments", PAYMENT),
            ("corrections", CORRECTION),
        )
    ]

    closed = f"/problems/{ProgrammeClosed.type_name()}"
    assert [(one.status_code, one.json["type"]) for one in told] == [(409, closed)] * 3
    assert (count(BillLine), count(PostingRow)) == (1, 0)


def test_a_key_for_operations_does_not_open_the_feed(app, programme, customers):
    other = caller(app, service_key(programme, "wallet:post", "wallet:issue"))

    assert tell(other, "lines", LINE).status_code == 403
    assert tell(caller(app), "lines", LINE).status_code == 401


# What cannot be read is refused as a whole


@pytest.mark.parametrize(
    ("path", "one", "pointer"),
    [
        ("lines", LINE | {"amount_fen": 1.0}, "/lines/1/amount_fen"),
        ("lines", LINE | {"amount_fen": "1"}, "/lines/1/amount_fen"),
        ("lines", LINE | {"amount_fen": 2**63}, "/lines/1/amount_fen"),
        ("lines", LINE | {"line_no": True}, "/lines/1/line_no"),
        ("lines", LINE | {"paid_fen": None}, "/lines/1/paid_fen"),
        ("lines", LINE | {"bill_day": "05.03.2025"}, "/lines/1/bill_day"),
        ("lines", LINE | {"bill_day": 20250305}, "/lines/1/bill_day"),
        ("lines", LINE | {"bill_id": ""}, "/lines/1/bill_id"),
        ("lines", LINE | {"bill_id": "B" * 65}, "/lines/1/bill_id"),
        ("lines", LINE | {"bill_id": " B1"}, "/lines/1/bill_id"),
        ("lines", LINE | {"bill_id": "B\u20281"}, "/lines/1/bill_id"),
        ("lines", LINE | {"points": 1_000}, "/lines/1/points"),
        ("lines", {"customer_id": "C1"}, None),
        ("payments", PAYMENT | {"amount_fen": 1}, "/payments/1/amount_fen"),
        ("payments", PAYMENT | {"paid_fen": 0.5}, "/payments/1/paid_fen"),
        ("corrections", CORRECTION | {"line_type": "data"}, "/corrections/1/line_type"),
        ("corrections", CORRECTION | {"waived_fen": None}, "/corrections/1/waived_fen"),
    ],
)
def test_one_that_cannot_be_read_refuses_the_call_by_its_field(billing, customers, path, one, pointer):
    good = {"lines": LINE, "payments": PAYMENT, "corrections": CORRECTION}[path]

    answer = tell(billing, path, good, one)

    assert answer.status_code == 422
    assert pointer is None or [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert (count(BillLine), count(PostingRow)) == (0, 0)


@pytest.mark.parametrize("path", ["lines", "payments", "corrections"])
def test_none_and_more_than_five_hundred_are_too_few_and_too_many(billing, customers, path):
    one = {"lines": LINE, "payments": PAYMENT, "corrections": CORRECTION}[path]

    none, many = tell(billing, path), tell(billing, path, *[one] * 501)

    assert (none.status_code, many.status_code) == (422, 422)
    assert billing.post(f"/v1/bill-{path}", {path: [one], "programme": "gotone"}).status_code == 422
    assert tell(billing, path, *[one] * 500).status_code == 200


# At once


def both_at_once(app, programme, monkeypatch, *calls: list[dict]) -> list[list[dict]]:
    """The answers to calls that all look for their lines before any of them has written one."""
    looked = threading.Barrier(len(calls))
    real, waited = bills._rater, threading.local()

    def rater(*args):
        if not getattr(waited, "done", False):
            waited.done = True
            looked.wait(10)
        return real(*args)

    monkeypatch.setattr(bills, "_rater", rater)
    told: dict[int, list[dict]] = {}

    def run(number: int, lines: list[dict]) -> None:
        mine = caller(app, service_key(programme, "bills:write"))
        answer = tell(mine, "lines", *lines)
        while answer.status_code == 409 and answer.json["type"] == "/problems/still-running":
            answer = tell(mine, "lines", *lines)
        told[number] = answer.json["answers"]

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [told[number] for number in range(len(calls))]


def test_of_two_calls_at_once_with_the_same_lines_one_has_an_effect(app, programme, customers, monkeypatch):
    lines = [LINE | {"customer_id": f"C{n % 5 + 1}", "line_no": n} for n in range(20)]

    one, other = both_at_once(app, programme, monkeypatch, lines, lines[::-1])

    effects = [{a["status"], b["status"]} for a, b in zip(one, other[::-1], strict=True)]
    assert effects == [{"posted", "there"}] * 20
    assert (sum(map(balance, customers.values())), count(PostingRow)) == (2_000, 20)
    assert verified()


@pytest.mark.parametrize("paid", [{}, {"paid_fen": 0}], ids=["same points", "no points yet"])
def test_of_two_calls_at_once_that_contradict_each_other_one_is_refused(
    app, programme, customers, monkeypatch, paid
):
    lines = [LINE | paid, LINE | paid | {"amount_fen": 10_001}]

    told = both_at_once(app, programme, monkeypatch, *[[line] for line in lines])

    assert sorted(one[0]["status"] for one in told) == ["posted", "refused"]
    assert {one[0]["reason"] for one in told} == {None, "changed: send a correction"}
    assert count(BillLine) == 1


def test_of_ten_payments_at_once_each_counts_once(app, billing, programme, customers):
    answers(billing, "lines", LINE | {"paid_fen": 0})
    told: list[str] = []

    def pay(number: int) -> None:
        mine = caller(app, service_key(programme, "bills:write"))
        payment = PAYMENT | {"payment_id": f"P{number % 5}", "paid_fen": 1_000}
        answer = tell(mine, "payments", payment)
        while answer.status_code == 409 and answer.json["type"] == "/problems/still-running":
            answer = tell(mine, "payments", payment)
        told.append(answer.json["answers"][0]["status"])

    threads = [threading.Thread(target=pay, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["posted"] * 5 + ["there"] * 5
    assert (balance(customers["C1"]), pending(customers["C1"])) == (50, 50)


# What the member sees


def test_what_was_told_explains_itself(app, programme, billing, customers):
    answers(billing, "lines", LINE | {"paid_fen": 0})
    answers(billing, "payments", PAYMENT)

    reader = caller(app, service_key(programme, "wallet:any"))
    [row] = reader.get(f"/v1/members/{ids.public('mbr', customers['C1'])}/postings").json["data"]

    assert (row["points"], row["ref"]) == (40, "bill B1 line 1 payment P1")
    assert row["explanation"]["en"].startswith("Payment P1 of 40.00 yuan on bill B1 line 1")
