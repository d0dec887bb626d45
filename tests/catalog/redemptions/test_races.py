"""Races over HTTP and a real database: exactly one wins, the others hear a 409, nobody a 5xx, and the books agree.

The last test runs the same race against a read-then-write acceptance: it doubles, so these tests can see a race.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.proof import findings
from base import clock, database, ids, jobs
from catalog.vouchers import codes
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import ACCEPTED, Voucher
from merchants import acceptances, terms
from merchants.acceptances import Place, Use
from merchants.models import Acceptance
from merchants.terminals import clerks
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
from tests.owner import forget_everything
from tests.tills import paired


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """All deeds from threads of their own, let go together; what they returned, in their order."""
    barrier = threading.Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def outcome(answers: list[Any]) -> Counter[str]:
    """How often each status and type came; anything but 2xx and 409 is named with its body."""
    told = (
        str(a.status_code)
        if a.status_code < 300
        else f"{a.status_code} {a.json['type'].removeprefix('/problems/')}"
        for a in answers
    )
    return Counter(told)


def again(app: Any, who: Caller) -> Caller:
    """The same person on another connection."""
    return caller(app, who.token)


def second_till(shop: Shop) -> Shop:
    """One more till in the same outlet, with a clerk of its own."""
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, f"{shop.merchant.code}-2")
        clerk = clerks.add_clerk(session, shop.outlet, "02", "654321")
    return Shop(shop.merchant, shop.outlet, terminal, clerk, paired(terminal))


def counted(table: str) -> int:
    with database.begin() as session:
        return session.scalar(text(f"select count(*) from {table}")) or 0


def test_the_last_voucher_is_sold_once(app, db):
    programme, shop = given_programme(), given_shop()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100, stock=1)
    buyers = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(6)]
    quotes = [buyer.quote(offer).json["id"] for buyer in buyers]

    answers = at_once(
        *(
            lambda b=b, q=q: b.post("/v1/redemptions", {"quote": q})
            for b, q in zip(buyers, quotes, strict=True)
        )
    )

    assert outcome(answers) == {"201": 1, "409 sold-out": 5}
    assert sorted(buyer.spendable() for buyer in buyers) == [0] + [100] * 5
    assert counted("voucher") == 1


def test_the_last_points_are_spent_once(app, db):
    programme = given_programme()
    offers = [given_offer(programme, "perk", value_fen=60) for _ in range(6)]
    buyer = caller(app, member_token(given_member(db, programme, points=100)))
    quotes = [buyer.quote(offer).json["id"] for offer in offers]

    answers = at_once(*(lambda q=q: again(app, buyer).post("/v1/redemptions", {"quote": q}) for q in quotes))
    told = outcome(answers)

    assert told.pop("201") == 1
    assert set(told) <= {"409 not-enough-points", "409 quote-changed"}
    assert buyer.spendable() == 40
    assert counted("redemption") == 1


def test_one_quote_is_confirmed_once_whatever_the_keys(app, db):
    programme = given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=100)
    buyer = caller(app, member_token(given_member(db, programme, points=1000)))
    quote = buyer.quote(offer).json["id"]

    answers = at_once(*[lambda: again(app, buyer).post("/v1/redemptions", {"quote": quote})] * 6)
    told = outcome(answers)

    assert told.pop("201") == 1
    assert set(told) <= {"409 quote-ended", "409 still-running"}
    assert (counted("redemption"), counted("outbox"), counted("hold")) == (1, 1, 1)


def test_one_key_from_six_connections_is_one_redemption_with_one_answer(app, db):
    programme = given_programme()
    offer = given_offer(programme, "perk", value_fen=100)
    buyer = caller(app, member_token(given_member(db, programme, points=1000)))
    quote = buyer.quote(offer).json["id"]

    answers = at_once(*[lambda: again(app, buyer).post("/v1/redemptions", {"quote": quote}, key="one")] * 6)
    told = outcome(answers)

    assert told.pop("201") >= 1
    assert set(told) <= {"409 still-running"}
    assert len({a.data for a in answers if a.status_code == 201}) == 1
    assert sum("Idempotency-Replayed" not in a.headers for a in answers if a.status_code == 201) == 1
    assert buyer.spendable() == 900
    assert counted("redemption") == 1


def test_one_key_with_two_bodies_at_once_is_one_redemption(app, db):
    programme = given_programme()
    buyer = caller(app, member_token(given_member(db, programme, points=1000)))
    quotes = [buyer.quote(given_offer(programme, "perk", value_fen=100)).json["id"] for _ in range(2)]

    answers = at_once(
        *(lambda q=q: again(app, buyer).post("/v1/redemptions", {"quote": q}, key="one") for q in quotes)
    )

    assert outcome(answers) in ({"201": 1, "422 key-reused": 1}, {"201": 1, "409 still-running": 1})
    assert buyer.spendable() == 900


def given_voucher(app: Any, db: Any, shop: Shop, *, units: int = 1) -> tuple[Caller, Any, str]:
    """A member with a voucher for the shop: the member, the redemption, the code."""
    programme = given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    redeemed = member.redeem(offer, units).json
    return member, redeemed, member.voucher_code(redeemed)


def test_two_tills_check_one_voucher_and_one_holds_it(app, db):
    shop = given_shop()
    tills = [caller(app, clerk_token(place)) for place in (shop, second_till(shop))]
    _, _, code = given_voucher(app, db, shop)

    answers = at_once(*(lambda t=t: t.check(code) for t in tills))

    assert outcome(answers) == {"200": 1, "409 voucher-held": 1}
    assert all(int(a.headers["Retry-After"]) > 0 for a in answers if a.status_code == 409)


def test_a_voucher_is_accepted_once_at_one_till_and_never_at_a_second(app, db):
    shop = given_shop()
    first, second = (caller(app, clerk_token(place)) for place in (shop, second_till(shop)))
    _, _, code = given_voucher(app, db, shop)
    held = first.check(code).json["check_token"]

    answers = at_once(
        *[lambda: again(app, first).post("/v1/vouchers/accept", {"check_token": held})] * 4,
        lambda: second.post("/v1/vouchers/accept", {"check_token": held}),
        lambda: second.check(code),
    )

    assert [a.status_code for a in answers[:4]].count(201) == 1
    assert {a.status_code for a in answers} <= {201, 409}
    assert counted("acceptance") == 1


def test_a_voucher_of_two_units_is_never_used_three_times(app, db):
    shop = given_shop()
    till = caller(app, clerk_token(shop))
    _, _, code = given_voucher(app, db, shop, units=2)

    def check_and_accept_one() -> Any:
        mine = again(app, till)
        checked = mine.check(code)
        if checked.status_code != 200:
            return checked
        return mine.post("/v1/vouchers/accept", {"check_token": checked.json["check_token"], "units": 1})

    answers = [answer for _ in range(3) for answer in at_once(*[check_and_accept_one] * 4)]

    assert {a.status_code for a in answers} <= {201, 409}
    assert outcome(answers)["201"] == counted("acceptance") <= 2


def test_accept_against_cancel_has_one_winner(app, db):
    shop = given_shop()
    till = caller(app, clerk_token(shop))
    for number in range(6):
        programme = given_programme(f"p{number}")
        offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
        member = caller(app, member_token(given_member(db, programme, points=100)))
        redeemed = member.redeem(offer).json
        code = member.voucher_code(redeemed)

        def check_and_accept(code: str = code) -> Any:
            checked = till.check(code)
            if checked.status_code != 200:
                return checked
            return till.post("/v1/vouchers/accept", {"check_token": checked.json["check_token"]})

        cancel = f"/v1/redemptions/{redeemed['id']}/cancel"
        accepted, cancelled = at_once(check_and_accept, lambda m=member, c=cancel: m.post(c))

        won = [a.status_code < 300 for a in (accepted, cancelled)]
        assert won.count(True) == 1, (accepted.json, cancelled.json)
        assert {accepted.status_code, cancelled.status_code} <= {200, 201, 409}
        assert member.spendable() == (100 if won[1] else 0)


def test_a_redemption_is_cancelled_once(app, db):
    member, redeemed, _ = given_voucher(app, db, given_shop())

    answers = at_once(*[lambda: again(app, member).post(f"/v1/redemptions/{redeemed['id']}/cancel")] * 5)

    assert outcome(answers)["200"] == 1
    assert {a.status_code for a in answers} <= {200, 409}
    assert member.spendable() == 1000


def test_a_seat_is_given_back_once_and_its_place_can_be_taken_again_once(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 1, "waiting": 0})
    members = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(4)]
    redeemed = members[0].redeem(offer).json

    gone = at_once(*[lambda: again(app, members[0]).post(f"/v1/redemptions/{redeemed['id']}/cancel")] * 4)
    quotes = [member.quote(offer).json["id"] for member in members]
    taken = at_once(
        *(
            lambda m=m, q=q: m.post("/v1/redemptions", {"quote": q})
            for m, q in zip(members, quotes, strict=True)
        )
    )

    assert outcome(gone)["200"] == 1
    assert outcome(taken) == {"201": 1, "409 event-full": 3}


def test_an_acceptance_is_voided_once(app, db):
    shop = given_shop()
    till = caller(app, clerk_token(shop))
    _, _, code = given_voucher(app, db, shop)
    accepted = till.accept(code).json["id"]

    answers = at_once(
        *[lambda: again(app, till).post(f"/v1/acceptances/{accepted}/void", {"reason": "wrong item"})] * 5
    )

    assert outcome(answers) == {"201": 1, "409 already-voided": 4}
    assert counted("void") == 1
    assert till.accept(code).status_code == 201


def test_a_voucher_voided_and_used_again_is_not_voided_by_the_older_acceptance(app, db):
    shop = given_shop()
    till = caller(app, clerk_token(shop))
    _, _, code = given_voucher(app, db, shop, units=2)

    def accept_one() -> str:
        token = till.check(code).json["check_token"]
        return str(till.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).json["id"])

    first, second = accept_one(), accept_one()

    refused = till.post(f"/v1/acceptances/{first}/void", {"reason": "the first"})
    undone = [
        till.post(f"/v1/acceptances/{a}/void", {"reason": "in order"}).status_code for a in (second, first)
    ]

    assert (refused.status_code, refused.json["type"]) == (409, "/problems/void-not-latest")
    assert undone == [201, 201]


def test_a_storm_of_redemptions_spends_what_is_there_and_no_more(app, db):
    programme = given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=70)
    member = caller(app, member_token(given_member(db, programme, points=1000)))

    def redeem_five() -> list[Any]:
        mine, done = again(app, member), []
        for _ in range(5):
            quote = mine.quote(offer)
            answer = (
                mine.post("/v1/redemptions", {"quote": quote.json["id"]})
                if quote.status_code == 201
                else quote
            )
            while answer.status_code == 409 and answer.json["type"] != "/problems/not-enough-points":
                quote = mine.quote(offer)  # somebody else took the points that were quoted
                answer = (
                    mine.post("/v1/redemptions", {"quote": quote.json["id"]})
                    if quote.status_code == 201
                    else quote
                )
            done.append(answer)
        return done

    answers = [answer for done in at_once(*[redeem_five] * 8) for answer in done]

    assert len(answers) == 40
    assert outcome(answers) == {"201": 1000 // 70, "409 not-enough-points": 40 - 1000 // 70}
    assert member.spendable() == 1000 % 70
    assert counted("hold") == counted("outbox") == 1000 // 70


def test_two_workers_take_each_outbox_row_once(app, db):
    programme = given_programme()
    offer = given_offer(programme, "bill_credit", value_fen=10)
    member = caller(app, member_token(given_member(db, programme, points=1000)))
    for _ in range(8):
        assert member.redeem(offer).status_code == 201

    def move() -> int:
        with database.begin() as session:
            return jobs.move(session)

    moved = at_once(*[move] * 4)

    assert sum(moved) == 8
    assert (counted("outbox"), counted("procrastinate_jobs")) == (0, 8)


# The negative control: without the conditional UPDATE and the acceptance's own constraint the same race doubles.


def test_the_same_race_doubles_when_the_acceptance_reads_before_it_writes(app, db):
    shop = given_shop()
    _, _, code = given_voucher(app, db, shop)
    both_have_read = threading.Barrier(2)

    def naive_accept(number: int) -> bool:
        keys = Keys.of(db)
        with database.begin() as session:
            voucher = session.scalars(
                select(Voucher).where(Voucher.digest.in_(codes.digests(keys, codes.read(code).symbols)))
            ).one()
            if voucher.state == ACCEPTED:
                return False
            both_have_read.wait(10)
            voucher.units_left, voucher.state, voucher.use_no = 0, ACCEPTED, number
            place = Place(
                shop.merchant.merchant_id,
                shop.outlet.outlet_id,
                shop.terminal.terminal_id,
                shop.clerk.clerk_id,
            )
            use = Use(voucher.member_id, voucher.voucher_id, number, 1, 100, 100, voucher.last4, {"en": "x"})
            house = terms.house(session, place.merchant_id, clock.now())
            acceptances.record(session, use, place, house, clock.now())
        return True

    answers = at_once(lambda: naive_accept(1), lambda: naive_accept(2))

    assert answers == [True, True]
    with database.begin() as session:
        doubled = session.scalars(select(Acceptance)).all()
        assert len(doubled) == 2
        assert {f.rule for f in findings(session)} == {"acceptance", "books"}
    forget_everything(db)


@pytest.mark.parametrize("guarded", [True, False])
def test_the_unique_index_alone_also_stops_it_and_without_it_the_race_doubles(app, db, owner, guarded):
    shop = given_shop()
    _, _, code = given_voucher(app, db, shop)
    both_have_read = threading.Barrier(2)
    if not guarded:
        owner.execute(text("drop index acceptance_once"))

    def naive_accept() -> bool:
        with suppress(IntegrityError), database.begin() as session:
            digests = codes.digests(Keys.of(db), codes.read(code).symbols)
            voucher = session.scalars(select(Voucher).where(Voucher.digest.in_(digests))).one()
            both_have_read.wait(10)
            place = Place(
                shop.merchant.merchant_id,
                shop.outlet.outlet_id,
                shop.terminal.terminal_id,
                shop.clerk.clerk_id,
            )
            use = Use(voucher.member_id, voucher.voucher_id, 1, 1, 100, 100, voucher.last4, {"en": "x"})
            house = terms.house(session, place.merchant_id, clock.now())
            acceptances.record(session, use, place, house, clock.now())
            return True
        return False

    answers = at_once(naive_accept, naive_accept)
    forget_everything(db)
    if not guarded:
        owner.execute(
            text(
                "create unique index acceptance_once on acceptance (member_id, voucher_id, use_no) where void_id is null"
            )
        )

    assert sorted(answers) == ([False, True] if guarded else [True, True])


def test_an_id_is_never_given_twice():
    made = at_once(*[lambda: [ids.new_id() for _ in range(5000)]] * 4)

    assert len({number for numbers in made for number in numbers}) == 20_000
    assert all(numbers == sorted(numbers) for numbers in made)
