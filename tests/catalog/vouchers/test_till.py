"""What a till may do with a voucher, and what it is told when it may not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from base import clock, database, ids, jobs
from base.auth.principals import Clerk
from base.notices import notices
from catalog.vouchers import codes, telling, till
from catalog.vouchers.using import MOST_CYCLES
from merchants import terms
from merchants.terminals import clerks, guessing, places
from tests.given import (
    ZONE,
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
from tests.owner import owner
from tests.tills import paired

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def shop(db) -> Shop:
    return given_shop()


@pytest.fixture
def counter(app, shop) -> Caller:
    return caller(app, clerk_token(shop))


def given_voucher(app, db, shop: Shop, *, units: int = 1, **more: Any) -> tuple[Caller, Any, str]:
    """A member with a voucher of this shop: who, the redemption, the code."""
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100, **more)
    member = caller(app, member_token(given_member(db, programme, points=2000)))
    redeemed = member.redeem(offer, units).json
    return member, redeemed, member.voucher_code(redeemed)


def second_till(app, shop: Shop) -> Caller:
    with database.begin() as session:
        place = clerks.add_terminal(session, shop.outlet, "tea-2")
        clerk = clerks.add_clerk(session, shop.outlet, "02", "654321")
    return caller(app, clerk_token(replace(shop, terminal=place, clerk=clerk, signer=paired(place))))


def kind(answer: Any) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def take(counter: Caller, checked: Any, units: int | None = None) -> Any:
    body = {"check_token": checked.json["check_token"]} | ({"units": units} if units else {})
    return counter.post("/v1/vouchers/accept", body)


def test_a_voucher_of_another_merchant_is_unknown_here(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    stranger = caller(app, clerk_token(given_shop("noodles")))

    assert kind(stranger.check(code)) == "voucher-unknown"
    assert counter.check(code).status_code == 200


def test_a_held_voucher_is_free_again_when_its_time_is_over_or_it_is_let_go(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    other = second_till(app, shop)
    held = counter.check(code)

    assert kind(other.check(code)) == "voucher-held"
    assert counter.check(code).status_code == 200
    with clock.stopped(clock.now() + 3 * MINUTE):
        taken_over = other.check(code)
        late = take(counter, held)
    assert taken_over.status_code == 200
    assert kind(late) == "voucher-held"
    released = other.post("/v1/vouchers/release", {"check_token": taken_over.json["check_token"]})
    assert released.status_code == 204
    assert counter.check(code).status_code == 200


def test_a_check_older_than_two_minutes_takes_nothing(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    held = counter.check(code)

    with clock.stopped(clock.now() + 2 * MINUTE):
        assert kind(take(counter, held)) == "check-lapsed"


def test_a_renewed_check_makes_the_older_one_worthless(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    first, second = counter.check(code), counter.check(code)

    assert kind(take(counter, first)) == "check-lapsed"
    assert take(counter, second).status_code == 201


def test_a_check_token_works_at_its_own_till_alone_and_cannot_be_made_up(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    token = counter.check(code).json["check_token"]
    other = second_till(app, shop)

    forged = [token[:-2] + "AA", token[::-1], "x", "A" * 64, token + "A", "é", "%00"]
    told = {kind(counter.post("/v1/vouchers/accept", {"check_token": text})) for text in forged}

    assert told == {"check-lapsed"}
    assert kind(other.post("/v1/vouchers/accept", {"check_token": token})) == "check-lapsed"
    assert counter.post("/v1/vouchers/accept", {"check_token": token}).status_code == 201


def test_a_voucher_lives_to_the_end_of_its_last_day_in_the_merchants_zone(app, db, shop):
    _, _, code = given_voucher(app, db, shop, voucher_days=1)
    midnight = clock.start_of(clock.day(clock.now(), ZONE) + 2 * DAY, ZONE)

    with clock.stopped(midnight - timedelta(seconds=1)):
        counter = caller(app, clerk_token(shop))
        held = counter.check(code)
        assert held.status_code == 200
    with clock.stopped(midnight):
        assert kind(caller(app, clerk_token(shop)).check(code)) == "voucher-expired"
    with clock.stopped(midnight + timedelta(seconds=30)):
        assert take(counter, held).status_code == 201  # the check came in time


def test_an_expired_voucher_is_not_handed_back_for_points(app, db, shop):
    member, redeemed, _ = given_voucher(app, db, shop, voucher_days=1)

    with clock.stopped(clock.now() + 3 * DAY):
        seen = member.get(f"/v1/vouchers/{redeemed['voucher']}").json
        answer = member.post(f"/v1/redemptions/{redeemed['id']}/cancel")

    assert (seen["state"], seen["code"]) == ("expired", None)
    assert (answer.status_code, kind(answer)) == (409, "voucher-expired")
    assert member.spendable() == 1900


def test_parts_of_a_voucher_are_taken_one_by_one_and_the_money_adds_up(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop, units=3)

    answers = [take(counter, counter.check(code), 1) for _ in range(3)]
    too_many = (
        take(counter, counter.check(code), 1)
        if counter.check(code).status_code == 200
        else counter.check(code)
    )

    assert [answer.json["owed_fen"] for answer in answers] == [90, 90, 90]
    assert kind(too_many) == "voucher-already-accepted"


def test_more_units_than_are_left_are_refused_and_nothing_is_taken(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop, units=3)

    answer = take(counter, counter.check(code), 4)

    assert (answer.status_code, kind(answer), answer.json["left"]) == (422, "too-many-units-left", 3)
    assert take(counter, counter.check(code)).json["units"] == 3


def test_after_a_part_was_used_the_rest_is_not_handed_back_whole(app, db, shop, counter):
    member, redeemed, code = given_voucher(app, db, shop, units=2)
    take(counter, counter.check(code), 1)

    answer = member.post(f"/v1/redemptions/{redeemed['id']}/cancel")

    assert (answer.status_code, member.spendable()) == (409, 1800)


def test_a_held_voucher_is_not_handed_back(app, db, shop, counter):
    member, redeemed, code = given_voucher(app, db, shop)
    counter.check(code)
    cancel = f"/v1/redemptions/{redeemed['id']}/cancel"

    assert kind(member.post(cancel)) == "voucher-held"
    with clock.stopped(clock.now() + 3 * MINUTE):
        assert member.post(cancel).status_code == 200
        assert kind(counter.check(code)) == "voucher-cancelled"


# Undoing


def void(counter: Caller, acceptance: Any, reason: str = "wrong item") -> Any:
    return counter.post(f"/v1/acceptances/{acceptance.json['id']}/void", {"reason": reason})


def test_an_acceptance_is_undone_inside_its_window_and_not_after(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    noon = clock.start_of(clock.day(clock.now(), ZONE), ZONE) + timedelta(hours=12)
    with clock.stopped(noon):
        counter = caller(app, clerk_token(shop))
        accepted = counter.accept(code)

    with clock.stopped(noon + timedelta(seconds=901)):
        late = void(counter, accepted)
    with clock.stopped(noon + timedelta(seconds=900)):
        in_time = void(counter, accepted)

    assert (late.status_code, kind(late)) == (409, "void-too-late")
    assert late.json["then"] == "support"
    assert in_time.status_code == 201


def test_an_acceptance_is_not_undone_on_another_business_day(app, db, shop):
    _, _, code = given_voucher(app, db, shop)
    midnight = clock.start_of(clock.day(clock.now(), ZONE) + DAY, ZONE)
    with clock.stopped(midnight - MINUTE):
        counter = caller(app, clerk_token(shop))
        accepted = counter.accept(code)

    with clock.stopped(midnight):
        assert kind(void(counter, accepted)) == "void-too-late"


def test_the_window_is_that_of_the_terms_under_which_it_was_accepted(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    accepted = counter.accept(code)
    with database.begin() as session:
        terms.add(
            session, shop.merchant.merchant_id, clock.day(clock.now(), ZONE),
            price_bp=1, fee_bp=1, vat_bp=1, void_window_s=0,
        )  # fmt: skip

    with clock.stopped(clock.now() + timedelta(seconds=5)):
        assert void(counter, accepted).status_code == 201


def test_only_the_till_that_took_it_undoes_it(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    accepted = counter.accept(code)
    stranger = caller(app, clerk_token(given_shop("noodles")))

    assert kind(void(second_till(app, shop), accepted)) == "acceptance-unknown"
    assert kind(void(stranger, accepted)) == "acceptance-unknown"
    assert void(counter, accepted).status_code == 201


def test_a_part_is_undone_although_the_rest_was_looked_up_meanwhile(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop, units=2)
    accepted = take(counter, counter.check(code), 1)
    counter.check(code)

    assert void(counter, accepted).status_code == 201
    assert take(counter, counter.check(code)).json["units"] == 2


def test_a_part_is_not_undone_while_another_till_holds_the_rest_and_is_afterwards(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop, units=2)
    accepted = take(counter, counter.check(code), 1)
    second_till(app, shop).check(code)

    refused = void(counter, accepted)
    with clock.stopped(clock.now() + 3 * MINUTE):
        undone = void(counter, accepted)

    assert (refused.status_code, undone.status_code) == (409, 201)


@pytest.mark.attack("A10")
def test_accepting_and_undoing_has_an_end(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)

    for _ in range(MOST_CYCLES):
        assert void(counter, counter.accept(code)).status_code == 201
    last = counter.accept(code)

    assert kind(void(counter, last)) == "void-limit"
    assert kind(void(counter, last)) == "void-limit"


# What is said and stored


def test_the_member_is_told_of_every_use_and_its_undoing(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    void(counter, counter.accept(code))

    jobs.drain(db.database_url)
    with database.begin() as session:
        told = [message.text for message in notices.latest(session, db.seal_key)]

    assert len(told) == 2
    assert "valid again" in told[0]
    assert "was accepted" in told[1]
    assert code not in "".join(told)


def test_what_was_told_is_not_told_again_when_its_job_runs_twice(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    accepted = counter.accept(code).json["id"]
    member_id, acceptance_id = ids.parse("acc", accepted)

    for _ in range(2):
        telling.run(db, member_id, acceptance_id, telling.ACCEPTED)
    jobs.drain(db.database_url)

    with database.begin() as session:
        told = [(one.template, one.subject) for one in notices.latest(session, db.seal_key)]
    assert told == [(telling.ACCEPTED, accepted)]


def test_a_use_is_told_before_its_undoing_whichever_job_runs_first(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    accepted = counter.accept(code)
    void(counter, accepted)
    key = ids.parse("acc", accepted.json["id"])

    for template in (telling.VOIDED, telling.ACCEPTED):
        telling.run(db, *key, template)

    with database.begin() as session:
        told = [one.template for one in notices.latest(session, db.seal_key)]
    assert told == [telling.VOIDED, telling.ACCEPTED]  # the newest first


def test_a_code_is_nowhere_in_plain(app, db, shop, counter):
    member, redeemed, code = given_voucher(app, db, shop)
    symbols = codes.read(code).symbols
    counter.accept(code)

    with database.begin() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        rows = [row for table in tables for row in session.scalars(text(f"select t::text from {table} t"))]

    forms = {symbols, code, symbols.encode().hex(), f"V1:{symbols}"}
    assert [row for row in rows if any(form in row for form in forms)] == []
    assert member.get(f"/v1/vouchers/{redeemed['voucher']}").json["code"] is None


def test_a_voucher_is_its_members_alone(app, db, shop):
    _, redeemed, _ = given_voucher(app, db, shop)
    stranger = caller(app, member_token(given_member(db, given_programme("other"))))

    assert kind(stranger.get(f"/v1/vouchers/{redeemed['voucher']}")) == "voucher-unknown"
    assert kind(stranger.get(f"/v1/redemptions/{redeemed['id']}")) == "redemption-unknown"
    assert kind(stranger.post(f"/v1/redemptions/{redeemed['id']}/cancel")) == "redemption-unknown"


def test_guessing_locks_the_till_for_a_while(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    tries = [codes.shown(codes.fresh()) for _ in range(guessing.TRIES)]

    told = [kind(counter.check(each)) for each in tries]
    locked = counter.check(code)

    assert set(told) == {"voucher-unknown"}
    assert (locked.status_code, kind(locked)) == (429, "too-many-guesses")
    assert int(locked.headers["Retry-After"]) > 0
    with clock.stopped(clock.now() + timedelta(minutes=16)):
        assert counter.check(code).status_code == 200


def test_a_mistyped_code_is_no_guess(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")

    told = {kind(counter.check(wrong)) for _ in range(guessing.TRIES + 2)}

    assert told == {"code-misread"}
    assert counter.check(code).status_code == 200


def test_an_older_pepper_still_finds_its_vouchers(app, db, shop):
    _, _, code = given_voucher(app, db, shop)
    turned = db.at(voucher_peppers={**db.voucher_peppers, max(db.voucher_peppers) + 1: "n" * 32})
    clerk = Clerk(
        shop.clerk.clerk_id, shop.terminal.terminal_id, shop.outlet.outlet_id, shop.merchant.merchant_id
    )

    checked, member = till.check(turned, places.place_of(clerk), codes.read(code))

    assert checked.voucher.units_left == 1
    assert "*" in member


def test_where_no_terms_are_in_force_nothing_is_taken(app, db, shop, counter):
    _, _, code = given_voucher(app, db, shop)
    with owner(db) as connection:
        connection.execute(text("update terms set from_day = '2999-01-01'"))

    refused = counter.check(code)
    with owner(db) as connection:
        connection.execute(text("update terms set from_day = '2020-01-01'"))

    assert (refused.status_code, kind(refused)) == (409, "no-terms-in-force")
    assert counter.accept(code).json["owed_fen"] == 90
