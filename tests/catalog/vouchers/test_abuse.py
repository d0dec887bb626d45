"""The abuse cases of the till by their numbers in the design: what a cheat tries, and what it comes to.

Elsewhere: 9 (no acceptance without a network yet); 14, 18 and 21 tests/merchants/test_abuse.py; 15 to 17 and 19 are about payouts
and merchants' files, which are not there yet.
"""

import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from base import clock, database, jobs
from base.auth import signatures
from base.http.settings import keep
from base.notices import notices
from catalog.vouchers import codes, till
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import Voucher
from merchants.models import Acceptance
from merchants.risk import alerts, watching
from merchants.risk.models import Alert
from merchants.terminals import clerks, guessing, keys
from merchants.terminals.models import MANAGER, POS, Attempt, Terminal
from points import programmes
from tests.engines import wire_again
from tests.given import (
    Caller,
    Shop,
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.tills import Signer, paired

NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
def shop(db):
    return given_shop(direct_accept=True)


@pytest.fixture
def counter(app, shop):
    return caller(app, clerk_token(shop))


@pytest.fixture
def member(app, db):
    return caller(app, member_token(given_member(db, given_programme(), points=900_000)))


def given_code(member: Caller, shop: Shop, *, units: int = 1, value_fen: int = 100) -> str:
    with database.begin() as session:
        programme = programmes.by_code(session, "gotone")
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=value_fen)
    return member.voucher_code(member.redeem(offer, units).json)


def given_desk(app, shop: Shop, code: str) -> Caller:
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, code, kind=POS)
    return caller(app, None, paired(terminal))


def given_till(app, shop: Shop, code: str, role: str = "clerk") -> Caller:
    """One more browser till of the outlet with a clerk of its own."""
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, code)
        clerk = clerks.add_clerk(session, shop.outlet, code, shop.clerk.pin_hash, role=role)
    return caller(app, clerk_token(replace(shop, terminal=terminal, clerk=clerk, signer=paired(terminal))))


def picture(db, at: datetime | None = None) -> str:
    """What the picture of the only voucher says at a moment."""
    with database.begin() as session:
        voucher, stored = session.scalars(select(Voucher)).one(), Keys.of(db)
        symbols = codes.opened(stored, voucher.voucher_id, voucher.code_sealed)
        return codes.pictures(stored, voucher, symbols, at or clock.now(), steps=1)[0].text


def kind(answer) -> str:
    return answer.json["type"].removeprefix("/problems/")


def at_once(app, desks: list[Caller], path: str, body: dict) -> list:
    barrier = threading.Barrier(len(desks))

    def send(desk: Caller):
        own = caller(app, desk.token, desk.signer)
        barrier.wait(10)
        return own.post(path, body)

    with ThreadPoolExecutor(len(desks)) as pool:
        return list(pool.map(send, desks))


def counted(model) -> int:
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_abuse_1_of_many_tills_at_once_one_takes_the_voucher_and_the_others_hear_409(app, shop, member):
    desks = [given_desk(app, shop, f"desk-{number}") for number in range(12)]

    for _ in range(3):
        body = {"code": given_code(member, shop), "clerk": "01"}
        told = Counter(answer.status_code for answer in at_once(app, desks, "/v1/vouchers/accept", body))

        assert told == {201: 1, 409: 11}
    assert counted(Acceptance) == 3


def test_abuse_2_a_lost_answer_is_asked_for_with_the_same_key(app, shop, counter, member):
    token = counter.check(given_code(member, shop)).json["check_token"]
    unknown = counter.get("/v1/acceptances/outcome", key="k1").json
    first = counter.post("/v1/vouchers/accept", {"check_token": token}, key="k1")

    again = counter.post("/v1/vouchers/accept", {"check_token": token}, key="k1")
    other = counter.post("/v1/vouchers/accept", {"check_token": token, "units": 1}, key="k1")
    asked = counter.get("/v1/acceptances/outcome", key="k1").json

    assert unknown == {"outcome": "none", "status": None, "answer": None}
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert (other.status_code, kind(other)) == (422, "key-reused")
    assert asked == {"outcome": "done", "status": 201, "answer": first.json}
    assert counted(Acceptance) == 1


def test_abuse_2_another_till_learns_nothing_of_a_key_that_is_not_its_own(app, shop, counter, member):
    counter.post(
        "/v1/vouchers/accept",
        {"check_token": counter.check(given_code(member, shop)).json["check_token"]},
        key="k1",
    )

    assert given_till(app, shop, "tea-2").get("/v1/acceptances/outcome", key="k1").json["outcome"] == "none"


@pytest.mark.attack("A11")
def test_abuse_3_a_picture_is_good_for_one_check_and_for_a_minute(app, db, shop, counter, member):
    given_code(member, shop)
    shown = picture(db)
    elsewhere = given_till(app, shop, "tea-2")

    checked = counter.check(shown)
    renewed = counter.check(shown)
    counter.post("/v1/vouchers/release", {"check_token": renewed.json["check_token"]})
    sold_on = elsewhere.check(shown)
    with clock.stopped(clock.now() + timedelta(seconds=61)):
        old = elsewhere.check(shown)
        fresh = elsewhere.check(picture(db))

    assert (checked.status_code, renewed.status_code, fresh.status_code) == (200, 200, 200)
    assert (sold_on.status_code, kind(sold_on), sold_on.json["then"]) == (409, "code-stale", "rescan")
    assert (old.status_code, kind(old)) == (409, "code-stale")


def test_abuse_2_a_key_that_took_one_members_voucher_takes_no_other_members(app, db, shop, counter, member):
    with database.begin() as session:
        programme = programmes.by_code(session, "gotone")
    friend = caller(app, member_token(given_member(db, programme, points=900_000)))
    mine, theirs = (
        {"check_token": counter.check(given_code(who, shop)).json["check_token"]} for who in (member, friend)
    )

    first = counter.post("/v1/vouchers/accept", mine, key="k1")
    other = counter.post("/v1/vouchers/accept", theirs, key="k1")

    assert (first.status_code, other.status_code, kind(other)) == (201, 422, "key-reused")
    assert counted(Acceptance) == 1


def test_abuse_3_digits_are_not_tried_until_they_fit(app, db, shop, counter, member):
    code = given_code(member, shop)
    desk = given_desk(app, shop, "desk-1")
    with clock.stopped(NOON):
        wrong = f"{(int(picture(db)[-8:]) + 1) % 10**8:08d}"
        tried = [
            kind(who.post("/v1/vouchers/check", {"code": code, "digits": wrong, "clerk": "01"}))
            for who in [counter, desk] * (guessing.STALE_TRIES // 2)
        ]

        locked = [
            counter.check(picture(db)),
            desk.post("/v1/vouchers/accept", {"code": picture(db), "clerk": "01"}),
        ]
        typed = counter.check(code)
    with clock.stopped(NOON + timedelta(minutes=10, seconds=1)):
        opened = counter.check(picture(db))

    assert set(tried) == {"code-stale"}
    assert [kind(answer) for answer in locked] == ["too-many-guesses"] * 2
    assert (typed.status_code, opened.status_code) == (200, 200)


@pytest.mark.parametrize("steps_away", [-2, 1, 2])
def test_abuse_3_digits_of_another_time_are_refused(db, shop, counter, member, steps_away):
    given_code(member, shop)
    with clock.stopped(NOON):
        text_then = picture(db, NOON + steps_away * timedelta(seconds=30))

        assert kind(counter.check(text_then)) == "code-stale"


def test_abuse_3_the_step_before_is_still_good(db, shop, counter, member):
    given_code(member, shop)
    with clock.stopped(clock.now() + timedelta(hours=1)):
        assert counter.check(picture(db, clock.now() - timedelta(seconds=30))).status_code == 200


@pytest.mark.attack("A3")
def test_abuse_4_ten_unknown_codes_lock_a_till_for_a_quarter_of_an_hour_and_somebody_is_told(
    app, shop, counter, member
):
    code = given_code(member, shop)
    wrong = [kind(counter.check(codes.shown(codes.fresh()))) for _ in range(guessing.TRIES)]

    locked = counter.check(code)
    with clock.stopped(clock.now() + timedelta(minutes=14)):
        still = counter.check(code)
    with clock.stopped(clock.now() + timedelta(minutes=15, seconds=2)):
        opened = counter.check(code)

    assert set(wrong) == {"voucher-unknown"}
    assert (locked.status_code, kind(locked), locked.json["then"]) == (429, "too-many-guesses", "wait")
    assert 890 <= int(locked.headers["Retry-After"]) <= 901
    assert (still.status_code, opened.status_code) == (429, 200)
    with database.begin() as session:
        assert [row.rule for row in session.scalars(select(Alert))] == [alerts.GUESSING]


@pytest.mark.attack("A3")
def test_abuse_4_a_merchant_is_locked_after_two_hundred_unknown_codes_a_day(app, shop, counter):
    given_unknown_tries(shop, guessing.MERCHANT_TRIES - 1, apart=timedelta(minutes=3))
    last = counter.check(codes.shown(codes.fresh()))

    locked = given_till(app, shop, "tea-2").check(codes.shown(codes.fresh()))

    assert (kind(last), kind(locked)) == ("voucher-unknown", "too-many-guesses")
    with database.begin() as session:
        rules = set(session.scalars(select(Alert.rule)))
    assert alerts.MERCHANT_GUESSING in rules


def test_abuse_4_while_all_tills_together_guess_the_answers_are_slow_and_somebody_is_told(
    app, shop, counter, monkeypatch
):
    monkeypatch.setattr(till, "SLOWED_S", 0.3)
    for number in range(5):
        given_unknown_tries(given_shop(f"shop{number}"), guessing.FLEET_TRIES // 5, apart=timedelta(0))

    began = time.monotonic()
    answer = counter.check(codes.shown(codes.fresh()))

    assert kind(answer) == "voucher-unknown"
    assert time.monotonic() - began >= 0.3
    with database.begin() as session:
        assert alerts.FLEET_GUESSING in set(session.scalars(select(Alert.rule)))


@pytest.mark.attack("A3")
def test_abuse_4_unknown_and_foreign_codes_are_answered_with_the_same_bytes_after_the_same_time(
    app, db, shop, counter, member
):
    foreign = given_code(member, given_shop("cake"))
    wire_again(db)
    slow = db.at(unknown_floor_ms=60)
    keep(app, slow)
    told: dict[str, list[float]] = {"foreign": [], "unknown": []}
    bodies = set()
    for _ in range(4):
        for name, code in (("foreign", foreign), ("unknown", codes.shown(codes.fresh()))):
            began = time.perf_counter()
            answer = counter.check(code)
            told[name].append(time.perf_counter() - began)
            body = {key: value for key, value in answer.json.items() if key != "request_id"}
            bodies.add((answer.status_code, str(sorted(body.items(), key=str))))
    keep(app, db)

    assert len(bodies) == 1
    assert min(statistics.mean(each) for each in told.values()) >= 0.06


def given_unknown_tries(shop: Shop, count: int, *, apart: timedelta) -> None:
    with database.begin() as session:
        for number in range(count):
            session.add(
                Attempt(
                    terminal_id=shop.terminal.terminal_id,
                    attempt_id=number + 1,
                    merchant_id=shop.merchant.merchant_id,
                    outlet_id=shop.outlet.outlet_id,
                    clerk_id=shop.clerk.clerk_id,
                    at=clock.now() - number * apart - timedelta(seconds=1),
                    deed="check",
                    problem=guessing.UNKNOWN,
                )
            )


@pytest.mark.attack("A10")
def test_abuse_5_accepting_and_undoing_has_its_window_its_till_its_reason_and_its_witness(
    app, db, shop, counter, member
):
    done = counter.accept(given_code(member, shop)).json["id"]
    path = f"/v1/acceptances/{done}/void"

    elsewhere = given_till(app, shop, "tea-2").post(path, {"reason": "wrong thing"})
    without = counter.post(path, {})

    assert (elsewhere.status_code, kind(elsewhere)) == (404, "acceptance-unknown")
    assert without.status_code == 422
    jobs.drain(db.database_url)
    with database.begin() as session:
        told = [message.text for message in notices.latest(session, db.seal_key)]
    assert len(told) == 1


def test_abuse_5_the_manager_has_until_the_cut_off_and_nobody_longer(app, db, shop, member):
    with clock.stopped(NOON):  # 12:00 in the merchant's zone
        counter = caller(app, clerk_token(shop))
        first = counter.accept(given_code(member, shop)).json["id"]
        second = counter.accept(given_code(member, shop)).json["id"]
    manager = None
    with clock.stopped(NOON + timedelta(hours=11, minutes=59)):
        manager = given_till(app, shop, "tea-3", MANAGER)
        evening = manager.post(f"/v1/acceptances/{first}/void", {"reason": "wrong thing"})
        clerk_late = caller(app, clerk_token(shop)).post(f"/v1/acceptances/{second}/void", {"reason": "x"})
    with clock.stopped(NOON + timedelta(hours=12, seconds=1)):
        past = manager.post(f"/v1/acceptances/{second}/void", {"reason": "wrong thing"})

    assert evening.status_code == 201
    assert (clerk_late.status_code, kind(clerk_late)) == (409, "void-too-late")
    assert (past.status_code, kind(past), past.json["then"]) == (409, "void-too-late", "support")


def test_abuse_6_a_typed_code_of_some_value_needs_the_digits_of_the_picture(db, shop, counter, member):
    code = given_code(member, shop, value_fen=5_100)

    typed = counter.check(code)
    wrong = counter.post("/v1/vouchers/check", {"code": code, "digits": "00000000"})
    digits = picture(db).rpartition(":")[2]
    right = counter.post("/v1/vouchers/check", {"code": code, "digits": f"{digits[:4]} {digits[4:]}"})

    assert (typed.status_code, kind(typed), typed.json["then"]) == (403, "digits-needed", "rescan")
    assert kind(wrong) == "code-stale"
    assert right.status_code == 200


def test_abuse_6_up_to_the_limit_of_the_terms_the_code_is_enough(shop, counter, member):
    assert counter.check(given_code(member, shop, value_fen=5_000)).status_code == 200


@pytest.mark.attack("A21")
def test_abuse_7_a_revoked_till_is_out_and_a_copied_key_freezes_it(app, shop, counter, member):
    code = given_code(member, shop)
    assert counter.check(code).status_code == 200
    thief = Signer(shop.terminal.terminal_id, shop.signer.private)
    stolen = caller(app, counter.token, thief).check(code)
    after = counter.check(code)

    assert (stolen.status_code, kind(stolen)) == (401, "terminal-refused")
    assert after.status_code == 401
    assert counted(Acceptance) == 0

    other = given_shop("cake")
    desk = caller(app, clerk_token(other))
    known = desk.check(code)
    with database.begin() as session:
        keys.revoke(session, session.get_one(Terminal, other.terminal.terminal_id), clock.now())
    assert (known.status_code, desk.check(code).status_code) == (404, 401)
    assert signatures.KEPT_S < 5  # another process asks afresh after this time


@pytest.mark.attack("A11")
def test_abuse_8_a_request_that_was_recorded_is_worth_nothing(app, shop, counter, member):
    code = given_code(member, shop)
    token = counter.check(code).json["check_token"]
    body = f'{{"check_token": "{token}"}}'.encode()
    headers = shop.signer.headers("POST", "/v1/vouchers/accept", body) | {
        "Authorization": f"Bearer {counter.token}",
        "Idempotency-Key": "k1",
    }
    client = app.test_client()

    answers = [
        client.post("/v1/vouchers/accept", data=body, content_type="application/json", headers=headers)
        for _ in range(5)
    ]

    assert [answer.status_code for answer in answers] == [201] + [401] * 4
    assert {kind(answer) for answer in answers[1:]} == {"replayed"}
    assert counted(Acceptance) == 1


def test_abuse_10_parts_that_race_never_take_more_than_there_is(app, shop, member):
    desks = [given_desk(app, shop, f"desk-{number}") for number in range(8)]
    body = {"code": given_code(member, shop, units=10), "units": 3, "clerk": "01"}

    told = Counter(answer.status_code for answer in at_once(app, desks, "/v1/vouchers/accept", body))

    assert told[201] == 3
    assert set(told) <= {201, 409, 422}
    with database.begin() as session:
        assert session.scalar(select(Voucher.units_left)) == 1


def test_abuse_11_what_a_till_holds_is_not_handed_back(app, db, shop, counter):
    owner = caller(app, member_token(given_member(db, given_programme(), points=9_000)))
    with database.begin() as session:
        offer = given_offer(
            programmes.by_code(session, "gotone"), "voucher", merchant_id=shop.merchant.merchant_id
        )
    redeemed = owner.redeem(offer).json
    counter.check(owner.voucher_code(redeemed))

    refused = owner.post(f"/v1/redemptions/{redeemed['id']}/cancel")
    with clock.stopped(clock.now() + timedelta(seconds=db.check_hold_s + 1)):
        afterwards = owner.post(f"/v1/redemptions/{redeemed['id']}/cancel")

    assert (refused.status_code, kind(refused)) == (409, "voucher-held")
    assert afterwards.status_code == 200


def test_abuse_12_what_was_used_is_not_handed_back(app, db, shop, counter):
    owner = caller(app, member_token(given_member(db, given_programme(), points=9_000)))
    with database.begin() as session:
        offer = given_offer(
            programmes.by_code(session, "gotone"), "voucher", merchant_id=shop.merchant.merchant_id
        )
    redeemed = owner.redeem(offer).json
    counter.accept(owner.voucher_code(redeemed))

    refused = owner.post(f"/v1/redemptions/{redeemed['id']}/cancel")

    assert (refused.status_code, kind(refused)) == (409, "voucher-already-accepted")
    assert counted(Acceptance) == 1


def test_abuse_13_an_acceptance_is_undone_once(app, shop, counter, member):
    done = counter.accept(given_code(member, shop)).json["id"]

    told = Counter(
        answer.status_code
        for answer in at_once(app, [counter] * 6, f"/v1/acceptances/{done}/void", {"reason": "wrong thing"})
    )

    assert told == {201: 1, 409: 5}


@pytest.mark.attack("A1")
def test_abuse_20_what_belongs_to_another_merchant_looks_unknown(app, shop, counter, member):
    other = caller(app, clerk_token(given_shop("cake")))
    code = given_code(member, shop)
    token = counter.check(code).json["check_token"]
    done = counter.post("/v1/vouchers/accept", {"check_token": token}).json["id"]

    assert kind(other.check(code)) == "voucher-unknown"
    assert kind(other.post("/v1/vouchers/accept", {"check_token": token})) == "check-lapsed"
    assert kind(other.post(f"/v1/acceptances/{done}/void", {"reason": "x"})) == "acceptance-unknown"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_abuse_22_the_cut_off_is_the_merchants_midnight_also_when_clocks_change(
    app, db, shop, member, zone, owner
):
    owner.execute(text("update merchant set zone = :zone"), {"zone": zone})
    changes = {"America/New_York": date(2026, 11, 1), "Australia/Lord_Howe": date(2026, 10, 4)}
    on = changes.get(zone, date(2026, 6, 1))
    midnight = clock.start_of(on + timedelta(days=1), zone)
    with clock.stopped(midnight - timedelta(minutes=5)):
        counter = caller(app, clerk_token(shop))
        first = counter.accept(given_code(member, shop)).json["id"]
        second = counter.accept(given_code(member, shop)).json["id"]
    with clock.stopped(midnight - timedelta(seconds=1)):
        in_time = counter.post(f"/v1/acceptances/{first}/void", {"reason": "x"})
    with clock.stopped(midnight + timedelta(seconds=1)):
        late = counter.post(f"/v1/acceptances/{second}/void", {"reason": "x"})

    assert (in_time.status_code, late.status_code) == (201, 409)


def test_every_refusal_has_a_sentence_in_both_languages_and_a_next_step(app, shop, counter, member):
    answer = counter.check(codes.shown(codes.fresh()))

    assert answer.json["clerk_text"]["en"].startswith("I can't find this one")
    assert "查不到" in answer.json["clerk_text"]["zh-CN"]
    assert answer.json["then"] == "rescan"


def test_refused_tries_are_kept_though_their_transaction_was_rolled_back(app, shop, counter, member):
    code = given_code(member, shop)
    counter.accept(code)
    counter.check(code)
    counter.check(codes.shown(codes.fresh()))

    with database.begin() as session:
        kept = list(session.scalars(select(Attempt).order_by(Attempt.attempt_id)))
        watching.walk(session, clock.now())

    assert [(row.deed, row.problem) for row in kept] == [
        ("check", "voucher-already-accepted"),
        ("check", "voucher-unknown"),
    ]
    assert kept[0].voucher_id is not None
    assert kept[1].voucher_id is None


def test_a_repeat_scan_says_here_when_and_by_whom(app, shop, counter, member):
    code = given_code(member, shop)
    done = counter.accept(code).json

    here = counter.check(code).json

    assert (here["here"], here["clerk"], here["outlet"]) == (True, "01", shop.outlet.names)
    assert here["accepted_at"] == done["recorded_at"]


def test_without_the_terms_leave_a_cash_desk_checks_first(app, db, member):
    strict = given_shop("cake")
    desk = given_desk(app, strict, "cake-desk")

    answer = desk.post("/v1/vouchers/accept", {"code": given_code(member, strict), "clerk": "01"})

    assert (answer.status_code, kind(answer)) == (403, "direct-accept-off")
