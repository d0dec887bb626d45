"""What F6 breaks at every failpoint: each operation as a deed that can be done again, and what it leaves in the tables.

`begin` makes fresh things for one deed; the deed is done under keys of its own, so that a second time is the same deed.
"""

import csv
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from base import clock, database, jobs, outbox
from base.approvals import approvals
from base.config import Config
from base.errors import Problem
from catalog.offers.models import Offer
from catalog.redemptions import ordering
from merchants.payouts import sending
from merchants.statements import closing
from points import bills, expiry, lots, policies
from points.adjustments import adjustments
from points.bills import BillLineIn
from points.gifts import gifts
from points.gifts import job as gifts_job
from points.members import attribute_files, members
from points.models import Programme
from tests import given
from tests.given import EARNS, Caller, Shop
from tests.merchants.payouts.paying import Treasury, given_account, given_merchant, given_statement, payout_of
from tests.owner import owner

Deed = Callable[[], object]
# What an attempt may leave whatever comes of it (V11), and the queue's own diary.
OF_TRYING = frozenset({"guess", "terminal_nonce", "till_attempt", "procrastinate_events", "sign_in"})
LATER = timedelta(minutes=11)  # then what was promised is due, and who was asked and died is asked again


@dataclass
class Scene:
    """Where the operations take place: one programme, one shop with a till and a cash desk."""

    app: Flask
    config: Config
    folder: Path
    paying: Treasury
    programme: Programme = field(init=False)
    shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.programme = given.given_programme()
        self.shop = given.given_shop(direct_accept=True, **EARNS)
        given.given_promotion_policy(self.programme)
        self.voucher = self._offer("voucher")
        self.scarce = self._offer("voucher", stock=10_000)
        self.credit = given.given_offer(self.programme, "bill_credit", value_fen=100)
        self.till = given.caller(self.app, given.clerk_token(self.shop))
        self.support, self.checker = given.given_person("support"), given.given_person("checker")

    def _offer(self, kind: str, **more: Any) -> Offer:
        merchant_id = self.shop.merchant.merchant_id
        return given.given_offer(
            self.programme, kind, merchant_id=merchant_id, value_fen=10, cancellable=True, **more
        )

    def member(self, points: int = 1_000) -> tuple[int, Caller]:
        member_id = given.given_member(self.config, self.programme, points=points)
        return member_id, given.caller(self.app, given.member_token(member_id))

    def phone_of(self, member_id: int) -> str:
        with database.begin() as session:
            return members.phone_of(session, given.secrets_of(self.config), member_id)

    def code(self, who: Caller) -> str:
        return who.voucher_code(who.redeem(self.voucher).json)


def told(answer: TestResponse) -> object:
    """An answer as a failure where it says that nothing is known."""
    if answer.status_code >= 500:
        raise RuntimeError(f"{answer.status_code} {answer.text[:200]}")
    return answer


def _posting(who: Caller, path: str, body: Any = None) -> Deed:
    key = str(uuid.uuid4())
    return lambda: told(who.post(path, body, key=key))


# What members, tills and billing ask for


def redeem(scene: Scene) -> Deed:
    _, who = scene.member()
    return _posting(who, "/v1/redemptions", {"quote": who.quote(scene.voucher).json["id"]})


def redeem_the_last(scene: Scene) -> Deed:
    _, who = scene.member()
    return _posting(who, "/v1/redemptions", {"quote": who.quote(scene.scarce).json["id"]})


def redeem_a_credit(scene: Scene) -> Deed:
    _, who = scene.member()
    return _posting(who, "/v1/redemptions", {"quote": who.quote(scene.credit).json["id"]})


def cancel(scene: Scene) -> Deed:
    _, who = scene.member()
    return _posting(who, f"/v1/redemptions/{who.redeem(scene.voucher).json['id']}/cancel")


def check(scene: Scene) -> Deed:
    code = scene.code(scene.member()[1])
    return lambda: told(scene.till.check(code))


def accept(scene: Scene) -> Deed:
    token = scene.till.check(scene.code(scene.member()[1])).json["check_token"]
    return _posting(scene.till, "/v1/vouchers/accept", {"check_token": token})


def accept_directly(scene: Scene) -> Deed:
    return _posting(scene.till, "/v1/vouchers/accept", {"code": scene.code(scene.member()[1])})


def void(scene: Scene) -> Deed:
    accepted = scene.till.accept(scene.code(scene.member()[1])).json["id"]
    return _posting(scene.till, f"/v1/acceptances/{accepted}/void", {"reason": "wrong"})


def earn_at_a_till(scene: Scene) -> Deed:
    member_id, _ = scene.member()
    return _posting(scene.till, "/v1/earnings", {"phone": scene.phone_of(member_id), "amount_fen": 10_000})


def give(scene: Scene) -> Deed:
    _, giver = scene.member()
    receiver_id, _ = scene.member()
    return _posting(giver, "/v1/gifts", {"to": scene.phone_of(receiver_id), "points": 7})


def undo_a_gift(scene: Scene) -> Deed:
    _, giver = scene.member()
    receiver_id, _ = scene.member()
    made = giver.post("/v1/gifts", {"to": scene.phone_of(receiver_id), "points": 7}).json["id"]
    return _posting(giver, f"/v1/gifts/{made}/undo")


def tell_lines(scene: Scene) -> Deed:
    with database.begin() as session:
        customers = [members.by_id(session, scene.member()[0]).customer_id for _ in range(3)]
    lines = [
        BillLineIn(one, f"B{uuid.uuid4().hex[:12]}", 1, date(2026, 1, 5), "plan", 1_000) for one in customers
    ]

    def post() -> None:
        with database.begin() as session:
            bills.post_lines(
                session, scene.programme, policies.load(session, scene.programme.programme_id), lines
            )

    return post


# What jobs, commands and two persons do


def let_a_gift_arrive(scene: Scene) -> Deed:
    giver_id, giver = scene.member()
    receiver_id, _ = scene.member()
    told(giver.post("/v1/gifts", {"to": scene.phone_of(receiver_id), "points": 7}))
    with database.begin() as session:
        gift_id = gifts.all_of(session, giver_id, before=None, limit=1)[0].gift_id

    def run() -> None:
        with clock.stopped(clock.now() + LATER):
            gifts_job.run(scene.config, giver_id, gift_id)
            gifts_job.run(scene.config, giver_id, gift_id)
            with database.begin() as session:  # who runs jobs took these promises out of the table
                outbox.withdraw(session, giver_id, gifts.TASK, {"member_id": giver_id, "gift_id": gift_id})

    return run


def credit_a_bill(scene: Scene) -> Deed:
    member_id, who = scene.member()
    name = who.redeem(scene.credit).json["id"]
    from base import ids

    (_, redemption_id), tries = ids.parse("red", name), iter(range(1, 100))

    def run() -> None:
        with clock.stopped(clock.now() + next(tries) * LATER):
            ordering.run(scene.config, member_id, redemption_id)

    return run


def hand_over_what_is_due(scene: Scene) -> Deed:
    _, who = scene.member()
    who.redeem(scene.credit)

    def move() -> None:
        with database.begin() as session:
            jobs.move(session)

    return move


def adjust(scene: Scene) -> Deed:
    member_id, _ = scene.member()
    wanted = adjustments.Wanted("up", 50, "goodwill", "for a test", "T-1")
    with database.begin() as session:
        proposal = adjustments.propose(session, scene.support, member_id, wanted, clock.now()).proposal

    def approve() -> None:
        with database.begin() as session:
            approvals.approve(
                session, scene.checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now()
            )

    return approve


def lapse(scene: Scene) -> Deed:
    member_id, _ = scene.member(0)
    on = clock.day(clock.now(), given.ZONE)
    key = lots.key(on + timedelta(days=1), policies.BILL_POINTS)
    given.given_points(member_id, 50, last_day=lots.last_day(key))
    day = on + timedelta(days=3)

    def sweep() -> None:
        with database.begin() as session:
            expiry.sweep(session, scene.programme, [member_id], day, clock.start_of(day, given.ZONE))

    return sweep


def seal(scene: Scene) -> Deed:
    shop = given_merchant()
    from merchants import items
    from merchants.items import Amounts
    from merchants.models import ADJUSTMENT

    with database.begin() as session:
        items.add(
            session, shop.merchant_id, ADJUSTMENT, Amounts(500), at=clock.now(), reason="test", actor="test"
        )
    period = given.period_to(clock.day(clock.now(), given.ZONE))

    def close() -> None:
        with database.begin() as session:
            closing.close(session, shop, period, period.to_at + timedelta(minutes=5))

    return close


def pay(scene: Scene) -> Deed:
    merchant = given_merchant()
    given_account(scene.paying.config, scene.paying.twin, merchant)
    statement = given_statement(merchant, 500)
    scene.paying.run()
    payout, tries = payout_of(statement), iter(range(100))

    def step() -> None:
        with clock.stopped(scene.paying.now + next(tries) * timedelta(hours=2)):
            sending.step(scene.paying.config, payout.merchant_id, payout.statement_no)

    return step


def take_in_lines(scene: Scene) -> Deed:
    return _file(scene, ("customer_id", "bill_id", "line_no", "bill_day", "line_type", "amount_fen"),
                 lambda who: (who, f"B{uuid.uuid4().hex[:12]}", 1, "2026-01-05", "plan", 1_000), bills.take_in)  # fmt: skip


def take_in_facts(scene: Scene) -> Deed:
    return _file(scene, ("customer_id", "name", "from_day", "value"), lambda who: (who, "area", "2026-01-05", "3301"),
                 attribute_files.take_in)  # fmt: skip


def _file(
    scene: Scene, head: tuple[str, ...], row: Callable[[str], tuple[Any, ...]], take: Callable[..., object]
) -> Deed:
    file = scene.folder / f"{uuid.uuid4().hex}.csv"
    with database.begin() as session, file.open("w", newline="", encoding="utf-8") as out:
        customers = [members.by_id(session, scene.member()[0]).customer_id for _ in range(3)]
        csv.writer(out).writerows([head, *map(row, customers)])
    return lambda: take(scene.programme, file, quiet=True)


OPERATIONS: dict[str, Callable[[Scene], Deed]] = {
    begin.__name__: begin
    for begin in (
        redeem,
        redeem_the_last,
        redeem_a_credit,
        cancel,
        check,
        accept,
        accept_directly,
        void,
        earn_at_a_till,
        give,
        undo_a_gift,
        tell_lines,
        let_a_gift_arrive,
        credit_a_bill,
        hand_over_what_is_due,
        adjust,
        lapse,
        seal,
        pay,
        take_in_lines,
        take_in_facts,
    )
}
# These are several transactions: an attempt may leave some of them done.
IN_STEPS = frozenset({"let_a_gift_arrive", "credit_a_bill", "pay", "take_in_lines", "take_in_facts"})


# What is left


def rows(config: Config) -> Counter[str]:
    """How many rows each table has."""
    with owner(config) as connection:
        names = [
            name
            for name in connection.scalars(
                text(
                    "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
                )
            )
            if name not in OF_TRYING
        ]
        counted = " union all ".join(
            f"select '{name}' as name, count(*) as many from {name}" for name in names
        )
        return Counter(dict(map(tuple, connection.execute(text(counted)))))


def more(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """What was added, and (below zero) what went."""
    return {name: after[name] - before[name] for name in after | before if after[name] != before[name]}


@contextmanager
def refusals_count_as_done() -> Iterator[None]:
    """A second time may be refused because the first one was done: what is left in the tables tells."""
    with suppress(Problem):
        yield
