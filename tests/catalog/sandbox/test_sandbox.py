"""The sandbox of tills: real signatures and keys, codes that answer the same each time, and nothing of the real world touched."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids
from base.auth.principals import Terminal
from base.auth.signatures import TerminalRefused
from base.errors import Problem, every_problem
from catalog.sandbox.cases import AFTER, CASES, CHECK, DIRECT, MONEY, SINGLE, TEN, VOID, Case
from catalog.vouchers import codes, refusals
from merchants.terminals import clerks, places
from merchants.terminals.models import SANDBOX
from tests.given import Caller, caller, given_shop
from tests.tills import paired

CLERK = {"clerk": "01"}
UNTOUCHED = ("voucher", "acceptance", "void", "till_attempt", "shift", "webhook_event", "posting", "notice")


@pytest.fixture
def desk(app, db) -> Caller:
    shop = given_shop()
    with database.begin() as session:
        terminal = clerks.add_terminal(
            session, session.merge(shop.outlet, load=False), "tea-sandbox", kind=SANDBOX
        )
    return caller(app, None, paired(terminal))


def check(desk: Caller, case: Case, **more):
    return desk.post("/v1/vouchers/check", {"code": case.code} | CLERK | more)


def accept(desk: Caller, case: Case, *, key=None, **more):
    told = {"check_token": check(desk, case).json["check_token"]} | CLERK | more
    return desk.post("/v1/vouchers/accept", told, key=key)


def void(desk: Caller, accepted, **more):
    return desk.post(f"/v1/acceptances/{accepted.json['id']}/void", {"reason": "test"} | CLERK, **more)


def case_of(kind: type[Problem]) -> Case:
    return next(case for case in CASES if case.problem is kind)


def test_a_developer_walks_from_check_to_outcome_and_touches_nothing(desk):
    checked = check(desk, SINGLE).json
    told = {"check_token": checked["check_token"]} | CLERK
    before = desk.get("/v1/acceptances/outcome", key="sale-1").json
    first = desk.post("/v1/vouchers/accept", told, key="sale-1")
    again = desk.post("/v1/vouchers/accept", told, key="sale-1")
    other = desk.post("/v1/vouchers/accept", told | {"units": 1}, key="sale-1")
    outcome = desk.get("/v1/acceptances/outcome", key="sale-1").json
    used = check(desk, SINGLE)
    undone = void(desk, first)
    twice = void(desk, first)

    assert checked["sandbox"] is True
    assert before == {"outcome": "none", "status": None, "answer": None, "sandbox": True}
    assert (first.status_code, first.json["sandbox"], first.json["units"]) == (201, True, 1)
    assert (again.headers["Idempotency-Replayed"], again.json) == ("true", first.json)
    assert other.json["type"] == "/problems/key-reused"
    assert (outcome["outcome"], outcome["answer"]) == ("done", first.json)
    assert (used.json["type"], used.json["here"], used.json["sandbox"]) == (
        "/problems/voucher-already-accepted",
        True,
        True,
    )
    assert (undone.status_code, undone.json["acceptance"], undone.json["sandbox"]) == (
        201,
        first.json["id"],
        True,
    )
    assert twice.json["type"] == "/problems/already-voided"
    assert check(desk, SINGLE).status_code == 200
    with database.begin() as session:
        counted = {table: session.scalar(text(f"select count(*) from {table}")) for table in UNTOUCHED}
    assert counted == dict.fromkeys(UNTOUCHED, 0)


def test_amounts_are_taken_in_parts_until_nothing_is_left(desk):
    first = accept(desk, MONEY, units=1240)
    left = check(desk, MONEY).json["units_left"]
    too_many = accept(desk, MONEY, units=3761)
    not_latest = accept(desk, MONEY) and void(desk, first)

    assert (first.json["units"], first.json["owed_fen"], left) == (1240, 1116, 3760)
    assert (too_many.json["type"], too_many.json["left"]) == ("/problems/too-many-units-left", 3760)
    assert not_latest.json["type"] == "/problems/void-not-latest"
    assert check(desk, MONEY).json["type"] == "/problems/voucher-already-accepted"
    with clock.stopped(clock.now() + timedelta(minutes=11)):
        assert check(desk, MONEY).json["units_left"] == 5000


def test_ten_uses_and_a_direct_acceptance_by_the_code_alone(desk):
    direct = desk.post("/v1/vouchers/accept", {"code": TEN.code, "units": 3} | CLERK)

    assert (direct.status_code, direct.json["units"]) == (201, 3)
    assert check(desk, TEN).json["units_left"] == 7


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.problem], ids=lambda case: case.problem.type_name()
)
def test_each_refusal_comes_by_its_code_where_it_would_come(desk, case):
    answers = {CHECK: lambda: check(desk, case), VOID: lambda: void(desk, accept(desk, case))}
    answers[DIRECT] = lambda: desk.post("/v1/vouchers/accept", {"code": case.code} | CLERK)
    answer = answers.get(case.when, lambda: accept(desk, case))()

    assert (answer.json["type"], answer.json["sandbox"]) == (f"/problems/{case.problem.type_name()}", True)
    assert answer.json["clerk_text"]["zh-CN"]
    assert answer.json["then"] in ("rescan", "wait", "manager", "support")
    assert answer.status_code in (403, 404, 409, 422, 429, 503)


@pytest.mark.parametrize("case", [case for case in CASES if case.when == AFTER], ids=lambda case: case.code)
def test_where_the_result_is_unknown_the_same_key_brings_it(desk, case):
    told = {"check_token": check(desk, case).json["check_token"]} | CLERK
    unknown = desk.post("/v1/vouchers/accept", told, key="sale-1")
    outcome = desk.get("/v1/acceptances/outcome", key="sale-1").json
    again = desk.post("/v1/vouchers/accept", told, key="sale-1")

    assert unknown.status_code in (409, 503)
    assert (outcome["outcome"], outcome["status"]) == ("done", 201)
    assert (again.status_code, again.json) == (201, outcome["answer"])


def test_a_token_lapses_is_of_its_terminal_alone_and_a_released_one_harms_nobody(desk, app):
    token = check(desk, SINGLE).json["check_token"]

    assert desk.post("/v1/vouchers/release", {"check_token": token}).status_code == 204
    with clock.stopped(clock.now() + timedelta(seconds=121)):
        late = desk.post("/v1/vouchers/accept", {"check_token": token} | CLERK)
    forged = desk.post("/v1/vouchers/accept", {"check_token": token[::-1]} | CLERK)
    assert {late.json["type"], forged.json["type"]} == {"/problems/check-lapsed"}


def test_a_clerk_is_named_digits_help_and_a_real_code_is_unknown(desk):
    needed = next(case for case in CASES if case.problem is refusals.DigitsNeeded)

    assert (
        desk.post("/v1/vouchers/check", {"code": SINGLE.code}).json["type"] == "/problems/clerk-not-allowed"
    )
    assert check(desk, needed, digits="12345678").status_code == 200
    assert check(desk, Case(99)).json["type"] == "/problems/voucher-unknown"
    wrong = SINGLE.code[:-1] + ("0" if SINGLE.code[-1] != "0" else "1")
    misread = desk.post("/v1/vouchers/check", {"code": wrong} | CLERK)
    assert (misread.json["type"], misread.json["sandbox"]) == ("/problems/code-misread", True)
    foreign = desk.post(f"/v1/acceptances/{ids.public('acc', 5, 6)}/void", {"reason": "x"} | CLERK)
    assert foreign.json["type"] == "/problems/acceptance-unknown"


def test_neither_a_clerk_nor_a_rule_of_real_tills_gets_in_by_a_sandbox_terminal(desk):
    signed_in = desk.post("/v1/till/sign-ins", {"clerk": "01", "pin": "123456"})
    closed = desk.get("/v1/till/shift")

    assert signed_in.json["type"] == "/problems/sign-in-refused"
    assert closed.status_code == 403
    with pytest.raises(TerminalRefused):
        places.place_of(Terminal(1, 2, 3, is_sandbox=True), "01")


def test_every_refusal_of_a_voucher_has_a_code_and_every_code_a_right_symbol():
    of_vouchers = {kind for kind in every_problem() if kind.__module__ == refusals.__name__}

    assert of_vouchers - {case.problem for case in CASES} == set()
    assert len({case.number for case in CASES}) == len(CASES)
    for case in CASES:
        assert codes.read(case.code).symbols == case.symbols


def test_what_a_terminal_did_is_forgotten_after_a_day(desk):
    accept(desk, SINGLE)
    with clock.stopped(clock.now() + timedelta(days=1, minutes=1)):
        accept(desk, SINGLE)

    with database.begin() as session:
        assert session.scalar(text("select count(*) from sandbox_use")) == 1
