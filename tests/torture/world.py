"""Who lives in a run: members, shops with signed tills, offers, a billing system; all made by the product's own rules."""

import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from base import clock, database, ids
from base.config import Config
from catalog.offers.models import Offer
from merchants import merchants, terms
from merchants.terminals import clerks
from merchants.terminals.models import POS
from points.members import members
from points.models import Programme
from tests import given
from tests.given import Shop
from tests.tills import Signer, paired

PLENTY = 10_000_000
Header = dict[str, str]


@dataclass
class Person:
    """A member as a client: its sign-in and its number."""

    member_id: int
    token: str
    phone: str
    customer: str


@dataclass
class Till:
    """A cash desk: signs each request with its key; one clerk at a time."""

    signer: Signer
    shop: Shop
    lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self, method: str, path: str, body: Any) -> Header:
        return self.signer.headers(method, path, given.body_of(body))


@dataclass
class World:
    config: Config
    programme: Programme
    people: list[Person]
    shops: list[Shop]
    tills: list[Till]
    vouchers: list[Offer]
    credit: Offer
    scarce: Offer
    service: str
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def offer(self, offer: Offer) -> str:
        return ids.public("off", offer.offer_id)


def made(config: Config, size: int) -> World:
    """So many members with points, three shops of two cash desks each; the process is wired."""
    programme = given.given_programme("torture")
    shops = [given.given_shop(f"shop{number}", direct_accept=True) for number in range(3)]
    tills = [Till(_desk(shop, number), shop) for shop in shops for number in range(2)]
    offers = [
        given.given_offer(
            programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=10, cancellable=True
        )
        for shop in shops
    ]
    credit = given.given_offer(programme, "bill_credit", value_fen=100)
    scarce = given.given_offer(
        programme, "voucher", merchant_id=shops[0].merchant.merchant_id, value_fen=10, stock=50, most_units=1
    )
    return World(
        config, programme, [_person(config, programme, n) for n in range(size)], shops, tills, offers, credit, scarce,
        given.service_key(programme, "bills:write"),
    )  # fmt: skip


def _person(config: Config, programme: Programme, number: int) -> Person:
    phone = f"137{number:08d}"
    member_id = given.given_member(config, programme, points=PLENTY, phone=phone)
    with database.begin() as session:
        customer = members.by_id(session, member_id).customer_id
    return Person(member_id, given.member_token(member_id), phone, customer)


def _desk(shop: Shop, number: int) -> Signer:
    with database.begin() as session:
        terminal = clerks.add_terminal(session, shop.outlet, f"{shop.merchant.code}-pos-{number}", kind=POS)
    return paired(terminal)


def given_debtors(config: Config, world: World, many: int, fen: int) -> list[int]:
    """Merchants of their own with something owed: for settlement and payouts under faults; their ids."""
    from merchants import items
    from merchants.items import Amounts
    from merchants.models import ADJUSTMENT

    made = []
    at = clock.now() - timedelta(days=2)
    for _ in range(many):
        number = next(world.numbers)
        with database.begin() as session:
            merchant = merchants.add(
                session, f"payee{number}", {"zh-CN": "收款商户", "en": "Payee"}, zone=given.ZONE, currency="CNY", city="Hangzhou"
            )  # fmt: skip
            terms.add(
                session,
                merchant.merchant_id,
                given.LONG_AGO,
                price_bp=9_000,
                fee_bp=0,
                vat_bp=0,
                void_window_s=900,
            )
            items.add(
                session,
                merchant.merchant_id,
                ADJUSTMENT,
                Amounts(fen + number),
                at=at,
                reason="torture",
                actor="test",
            )
        made.append(merchant.merchant_id)
    return made


def bill_lines(world: World, people: list[Person], bill: str) -> dict[str, Any]:
    """What billing tells: a line of ten yuan for each of them."""
    day = str(clock.day(clock.now(), given.ZONE))
    return {
        "lines": [
            {"customer_id": one.customer, "bill_id": bill, "line_no": 1, "bill_day": day, "line_type": "plan", "amount_fen": 1_000}
            for one in people
        ]
    }  # fmt: skip


def as_bytes(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
