"""Operations over HTTP: each once, in batches of hundreds, following only what the same system did."""

import threading
import uuid
from datetime import timedelta

import pytest

from base import clock, database, ids
from points import ledger, policies
from points.kinds import State
from points.operations.operations import MOST
from tests.given import LONG_AGO, Caller, caller, given_member, given_programme, service_key

SCOPES = ("wallet:post", "wallet:issue", "wallet:any")


@pytest.fixture
def programme(db):
    programme = given_programme()
    with database.begin() as session:
        policies.add_expiry_policy(
            session, programme.programme_id, policies.PROMOTION_POINTS, LONG_AGO, months=12
        )
    return programme


@pytest.fixture
def system(app, programme):
    return caller(app, service_key(programme, *SCOPES))


@pytest.fixture
def member(db, programme):
    """The public id of a member with 100 points."""
    return ids.public("mbr", given_member(db, programme, points=100))


def operate(system: Caller, member: str, operation: str, points: int = 0, *, key: str | None = None, **more):
    body = {"operation": operation, "points": points, **more}
    return system.post(f"/v1/members/{member}/operations", body, key=key)


def spendable(system: Caller, member: str) -> int:
    return system.get(f"/v1/members/{member}/wallet").json["spendable"]


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def today() -> str:
    return clock.day(clock.now(), "Asia/Shanghai").isoformat()


def test_what_was_earned_can_be_spent_and_comes_back(system, member):
    earned = operate(system, member, "earn", 50, on=today(), ref="survey 7")
    spent = operate(system, member, "redeem", 120, key="order 1")
    back = operate(system, member, "reverse", 20, of="order 1")

    assert (earned.status_code, earned.json["points"], earned.json["balance"]) == (201, 50, 150)
    assert (spent.json["points"], spent.json["balance"]) == (-120, 30)
    assert sum(lot["points"] for lot in spent.json["lots"]) == 120
    assert (back.json["operation"], back.json["points"], back.json["balance"]) == ("reverse", 20, 50)


def test_a_hold_is_captured_in_parts_and_the_rest_released(system, member):
    operate(system, member, "hold", 60, key="order")

    first = operate(system, member, "capture", 10, of="order")
    rest = operate(system, member, "release", of="order")
    more = operate(system, member, "capture", 1, of="order")

    assert (first.json["held"], rest.json["held"], rest.json["balance"]) == (50, 0, 90)
    assert kind_of(more) == "409 hold-ended"


def test_what_a_bill_no_longer_brings_is_taken_back_and_the_spent_part_is_owed(system, member):
    operate(system, member, "earn", 50, key="gift", on=today())
    operate(system, member, "redeem", 140)

    taken = operate(system, member, "unearn", of="gift")
    repaid = operate(system, member, "earn", 60, on=today())

    assert (taken.json["points"], taken.json["debt"], taken.json["balance"]) == (-10, 40, 0)
    assert [each["operation"] for each in taken.json["beside"]] == ["owe"]
    assert (repaid.json["balance"], repaid.json["debt"]) == (20, 0)
    assert repaid.json["beside"] == [{"operation": "repay", "points": 40}]


def test_points_earned_late_go_to_a_lot_with_some_days_of_grace(system, member):
    late = operate(system, member, "earn", 5, on="2021-03-04")

    last_day = clock.day(clock.now(), "Asia/Shanghai") + timedelta(days=30)
    assert late.json["lots"] == [{"last_day": last_day.isoformat(), "points": 5}]


def test_the_same_key_gives_the_same_bytes_also_after_what_came_later(system, member):
    first = operate(system, member, "redeem", 30, key="one")
    operate(system, member, "reverse", of="one")

    again = operate(system, member, "redeem", 30, key="one")
    other = operate(system, member, "redeem", 31, key="one")

    assert again.data == first.data
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )
    assert kind_of(other) == "422 key-reused"
    assert spendable(system, member) == 100


def test_another_system_neither_follows_nor_meets_the_keys_of_the_first(app, programme, system, member):
    other = caller(app, service_key(programme, *SCOPES))
    operate(system, member, "redeem", 30, key="one")

    followed = operate(other, member, "reverse", of="one")
    same_key = operate(other, member, "redeem", 30, key="one")

    assert kind_of(followed) == "404 operation-unknown"
    assert same_key.json["balance"] == 40


def test_a_key_without_the_right_to_issue_makes_and_takes_back_no_points(app, programme, system, member):
    spender = caller(app, service_key(programme, "wallet:post"))

    earned = operate(spender, member, "earn", 5, on=today())
    in_batch = spender.post(
        "/v1/operations", {"operations": [{"member": member, "key": "k", "operation": "earn", "points": 5}]}
    )

    assert (kind_of(earned), kind_of(in_batch)) == ("403 may-not-issue", "403 may-not-issue")
    assert operate(spender, member, "redeem", 5).status_code == 201
    assert spendable(system, member) == 95


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"operation": "earn", "points": 5}, "422 day-not-here"),
        ({"operation": "earn", "points": 5, "on": "2999-01-01"}, "422 day-not-here"),
        ({"operation": "earn", "points": 5, "on": "2024-01-01", "class": 9}, "404 no-rule-in-force"),
        ({"operation": "earn", "points": 0, "on": "2024-01-01"}, "422 points-out-of-range"),
        ({"operation": "earn", "points": 5, "on": "2024-01-01", "of": "x"}, "404 operation-unknown"),
        ({"operation": "redeem", "points": 0}, "422 points-out-of-range"),
        ({"operation": "redeem", "points": 101}, "409 not-enough-points"),
        ({"operation": "redeem", "points": 2**63}, "422 invalid"),
        ({"operation": "redeem", "points": -1}, "422 invalid"),
        ({"operation": "redeem", "points": 1.5}, "422 invalid"),
        ({"operation": "redeem", "points": "１０"}, "422 invalid"),
        ({"operation": "expire", "points": 1}, "422 invalid"),
        ({"operation": "redeem", "points": 1, "colour": "red"}, "422 invalid"),
        ({"operation": "reverse", "of": "nothing"}, "404 operation-unknown"),
        ({"operation": "capture"}, "404 operation-unknown"),
        ({"operation": "hold", "points": 1, "ends_at": "2020-01-01T00:00:00Z"}, "422 hold-ends-in-the-past"),
        ({"operation": "hold", "points": 1, "ends_at": "2020-01-01T00:00:00"}, "422 invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_moves_nothing(system, member, body, told):
    answer = system.post(f"/v1/members/{member}/operations", body)

    assert kind_of(answer) == told
    assert (spendable(system, member), len(system.get(f"/v1/members/{member}/postings").json["data"])) == (
        100,
        1,
    )


def test_a_capture_of_what_is_no_hold_and_a_stranger_are_refused(app, db, system, member):
    operate(system, member, "redeem", 10, key="spent")
    stranger = ids.public("mbr", given_member(db, given_programme("other"), points=10))

    assert kind_of(operate(system, member, "capture", of="spent")) == "409 more-than-left"
    assert kind_of(operate(system, stranger, "redeem", 1)) == "404 member-unknown"
    assert kind_of(operate(system, "mbr_0", "redeem", 1)).startswith("4")


def test_a_frozen_line_is_refused_by_name(system, member):
    (member_id,) = ids.parse("mbr", member, parts=1)
    with database.begin() as session:
        ledger.set_state(session, member_id, State.FROZEN)

    assert kind_of(operate(system, member, "redeem", 1)) == "403 member-frozen"


def test_hundreds_in_one_call_each_with_its_answer(app, db, programme, system):
    members = [ids.public("mbr", given_member(db, programme, points=10)) for _ in range(20)]
    batch = [
        {"member": members[n % 20], "key": f"k{n}", "operation": "redeem", "points": 1} for n in range(MOST)
    ]

    first = system.post("/v1/operations", {"operations": batch})
    again = system.post("/v1/operations", {"operations": batch})
    too_many = system.post("/v1/operations", {"operations": [*batch, batch[0] | {"key": "more"}]})

    told = [each["status"] for each in first.json["answers"]]
    assert (told.count("posted"), told.count("refused")) == (200, 300)
    assert {each["problem"]["type"] for each in first.json["answers"] if each["problem"]} == {
        "/problems/not-enough-points"
    }
    assert [each["key"] for each in first.json["answers"]] == [each["key"] for each in batch]
    assert again.data == first.data
    assert too_many.status_code == 422
    assert {spendable(system, member) for member in members} == {0}


def test_an_operation_follows_another_of_the_same_batch_wherever_it_stands(system, member):
    batch = [
        {"member": member, "key": "back", "operation": "reverse", "of": "taken"},
        {"member": member, "key": "taken", "operation": "capture", "of": "held"},
        {"member": member, "key": "held", "operation": "hold", "points": 40},
        {"member": member, "key": "a", "operation": "reverse", "of": "b"},
        {"member": member, "key": "b", "operation": "reverse", "of": "a"},
    ]

    answers = system.post("/v1/operations", {"operations": batch}).json["answers"]

    assert [each["status"] for each in answers] == ["posted", "posted", "posted", "refused", "refused"]
    assert {each["problem"]["type"] for each in answers[3:]} == {"/problems/operation-unknown"}
    assert spendable(system, member) == 100


def test_of_twenty_systems_at_once_exactly_as_many_spend_as_there_are_points(app, programme, system, member):
    keys = [service_key(programme, "wallet:post") for _ in range(4)]
    told: list[int] = []

    def spend(number: int) -> None:
        mine = caller(app, keys[number % 4])
        answer = operate(mine, member, "redeem", 10, key=str(uuid.uuid4()))
        while answer.status_code == 409 and answer.json["type"].endswith("still-running"):
            answer = operate(mine, member, "redeem", 10, key=str(uuid.uuid4()))
        told.append(answer.status_code)

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == [201] * 10 + [409] * 10
    assert spendable(system, member) == 0
