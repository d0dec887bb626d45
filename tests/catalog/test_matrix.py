"""Every kind of offer x {fulfil, fail, unknown, cancel, reverse}, over HTTP: a kind without its scenario fails here.

What a kind cannot do is a case as well: it is tried, refused by name, and nothing has changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from flask import Flask

from base import clock, database, ids, jobs
from base.config import Config
from catalog.bill_credit import credits
from catalog.offers import models
from catalog.offers.models import Offer
from catalog.redemptions import course, courses, ordering, undoing
from points.members import members
from points.models import Programme
from tests.conftest import Billing
from tests.given import (
    ADDRESS,
    Caller,
    Shop,
    caller,
    gift_code,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)

POINTS, PRICE = 1000, 100
UNTOUCHED, HELD, SPENT = (POINTS, 0), (POINTS - PRICE, PRICE), (POINTS - PRICE, 0)
FRIEND = "13700002222"


@dataclass
class World:
    """A member with points, a merchant, and every other side as a stand-in."""

    app: Flask
    config: Config
    programme: Programme
    shop: Shop
    billing: Billing
    member: Caller
    member_id: int
    made: dict[str, Any] = field(default_factory=dict)
    waits: timedelta = timedelta(0)

    def drain(self) -> None:
        """Everything that is due; of a kind that waits first, after its time and step by step."""
        with clock.stopped(clock.now() + self.waits):
            for _ in range(4 if self.waits else 1):
                jobs.drain(self.config.database_url or "")

    def points(self) -> tuple[int, int]:
        shown = self.member.get("/v1/members/me/wallet").json
        return shown["spendable"], shown["held"]

    def seen(self, redemption: dict[str, Any]) -> dict[str, Any]:
        return self.member.get(f"/v1/redemptions/{redemption['id']}").json


@dataclass(frozen=True)
class Scenario:
    """How a kind is offered and redeemed, and how its other side is made to refuse or to be silent, if it has one.

    `quotes`: what the quote asks besides. `asks`: what the redemption needs besides the quote. `hands_out`: how staff do it
    where no member does. `price`: what it costs. `waits`: how long before it is given. `reversible`: what the second person
    is told, where it is not.
    """

    offer: Callable[[World], dict[str, Any]]
    quotes: Callable[[World], dict[str, Any]] = lambda world: {}
    asks: Callable[[World], dict[str, Any]] = lambda world: {}
    hands_out: Callable[[World, Offer, int], Any] | None = None
    price: int = PRICE
    waits: timedelta = timedelta(0)
    refuses: Callable[[World], None] | None = None
    is_silent: Callable[[World], None] | None = None
    speaks: Callable[[World], None] | None = None
    sold_out: str = "sold-out"
    reversible: str | None = None


def _of_a_merchant(world: World) -> dict[str, Any]:
    return {"merchant_id": world.shop.merchant.merchant_id}


def _hand_out(world: World, offer: Offer, member_id: int) -> Any:
    """A trial card by two persons; the last answer, with the redemption where there is one."""
    maker, checker = (caller(world.app, staff_token(role)) for role in ("support", "checker"))
    said = {"offer": offer.code, "text": "opened a branch", "expected": "a contract"}
    case = maker.post("/v1/trial-cards", said | {"member": ids.public("mbr", member_id)})
    if case.status_code != 201:
        return case
    place, seen = f"/v1/trial-cards/{case.json['id']}/approve", {"content_hash": case.json["content_hash"]}
    approved = checker.post(place, seen)
    return Handed(approved.status_code, {"id": approved.json["redemption"]})


class Handed(NamedTuple):
    """What a redemption that staff made answers, as one over HTTP would."""

    status_code: int
    json: dict[str, Any]


def _to_a_friend(world: World) -> dict[str, Any]:
    world.made["friend"] = given_member(world.config, world.programme, phone=FRIEND)
    return {"to": FRIEND}


def _friend_leaves(world: World) -> None:
    """Between the giving and the arriving."""
    world.made["leaves"] = True


def _parts(world: World) -> dict[str, Any]:
    """A voucher and a service."""
    tea = given_offer(world.programme, "voucher", **_of_a_merchant(world))
    parts = (tea, given_offer(world.programme, "service"))
    return {"form": {"parts": [{"offer": part.code, "units": 1} for part in parts]}, "cancellable": False}


def _fails(system: str) -> dict[str, Callable[[World], None]]:
    """What to do to the stand-in of a system."""
    return {
        "refuses": lambda world: world.billing.others_fail(system, {"mode": "refuse"}),
        "is_silent": lambda world: world.billing.others_fail(
            system, {"mode": "lost_reply"}, {"mode": "error", "on": "look_up"}
        ),
        "speaks": lambda world: world.billing.others_fail(system),
    }


BILLING = {
    "refuses": lambda world: world.billing.fails({"mode": "refuse"}),
    "is_silent": lambda world: world.billing.fails(
        {"mode": "lost_reply"}, {"mode": "error", "on": "look_up"}
    ),
    "speaks": lambda world: world.billing.fails(),
}
SCENARIOS: dict[str, Scenario] = {
    "bill_credit": Scenario(lambda world: {}, **BILLING, reversible="credit-is-on-the-bill"),
    "voucher": Scenario(_of_a_merchant),
    "perk": Scenario(lambda world: {}),
    "trial_card": Scenario(_of_a_merchant, hands_out=_hand_out, price=0),
    "gift": Scenario(
        lambda world: _of_a_merchant(world) | {"cancellable": False},
        quotes=_to_a_friend,
        asks=lambda world: {"code": gift_code(world.config, world.member_id)},
        waits=timedelta(minutes=11),
        refuses=_friend_leaves,
    ),
    "service": Scenario(lambda world: {}, **_fails("ordering"), reversible="service-is-ordered"),
    "goods": Scenario(
        lambda world: {},
        asks=lambda world: {"address": ADDRESS},
        **_fails("fulfilment"),
        reversible="goods-not-back",
    ),
    "bundle": Scenario(_parts, **_fails("ordering"), reversible="bundle-not-undoable"),
    "event": Scenario(lambda world: {"form": {"capacity": 1, "waiting": 0}}, sold_out="event-full"),
}
KINDS = sorted(SCENARIOS)


@pytest.fixture
def world(app: Flask, db: Config, billing: Billing) -> World:
    programme = given_programme()
    member_id = given_member(db, programme, points=POINTS)
    others = {"ordering_url": billing.url, "fulfilment_url": f"{billing.url}/fulfilment"}
    config = db.at(billing_url=billing.url, billing_timeout_s=1, billing_tries=2, **others)
    member = caller(app, member_token(member_id))
    return World(app, config, programme, given_shop(), billing, member, member_id)


def offered(world: World, kind: str, **more: Any) -> Offer:
    world.waits = SCENARIOS[kind].waits
    values = {"value_fen": PRICE, "cancellable": True} | SCENARIOS[kind].offer(world) | more
    return given_offer(world.programme, kind, **values)


def redeemed(world: World, kind: str, offer: Offer) -> Any:
    scenario = SCENARIOS[kind]
    if scenario.hands_out is not None:
        return scenario.hands_out(world, offer, world.member_id)
    quote = world.member.quote(offer, **scenario.quotes(world)).json["id"]
    made = world.member.post("/v1/redemptions", {"quote": quote} | scenario.asks(world))
    if world.made.get("leaves"):
        with database.begin() as session:
            members.leave(session, world.made["friend"], clock.now().date())
    return made


def spent(kind: str) -> tuple[int, int]:
    return POINTS - SCENARIOS[kind].price, 0


def reversed_by_two(world: World, redemption: dict[str, Any]) -> Any:
    maker, checker = (caller(world.app, staff_token(role)) for role in ("support", "checker"))
    asked = {"redemption": redemption["id"], "text": "it went wrong", "ticket": "T-1"}
    case = maker.post("/v1/reversals", asked)
    if case.status_code != 201:
        return case
    return checker.post(
        f"/v1/reversals/{case.json['id']}/approve", {"content_hash": case.json["content_hash"]}
    )


def ends(world: World, redemption: dict[str, Any], state: str, points: tuple[int, int]) -> None:
    """State, timeline and wallet say the same."""
    seen = world.seen(redemption)
    assert (seen["state"], world.points()) == (state, points)
    steps = [
        step["state"] for step in seen["timeline"] if step["state"] in course.MOVES
    ]  # not those of goods
    assert steps[0] == "requested"
    assert steps[-1] == state
    assert all(later in course.MOVES[earlier] for earlier, later in pairwise(steps))


def test_every_kind_that_the_code_knows_has_a_course_and_a_scenario(world):
    known = {
        value
        for name, value in vars(models).items()
        if name.isupper()
        and isinstance(value, str)
        and name not in ("LIVE", "PAUSED", "ENDED", "BASIC", "VALUE_ADDED", "EXTENSION", "HISTORY")
    }

    assert {one.kind for one in courses.every()} == known == set(SCENARIOS)


@pytest.mark.parametrize("kind", KINDS)
def test_fulfil(world, kind):
    redemption = redeemed(world, kind, offered(world, kind)).json
    world.drain()

    ends(world, redemption, "fulfilled", spent(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_fail(world, kind):
    """The other side says no, or nothing is left at the last moment: the points are where they were."""
    scenario, offer = SCENARIOS[kind], offered(world, kind)
    if scenario.refuses is not None:
        scenario.refuses(world)
        redemption = redeemed(world, kind, offer).json
        world.drain()
        ends(world, redemption, "failed", UNTOUCHED)
        return
    if courses.of(kind).counts_stock:
        offer = offered(world, kind, stock=1)
    if scenario.hands_out is not None:
        somebody = given_member(world.config, world.programme)
        assert scenario.hands_out(world, offer, somebody).status_code == 200
        assert redeemed(world, kind, offer).json["type"] == f"/problems/{scenario.sold_out}"
        return
    other = caller(world.app, member_token(given_member(world.config, world.programme, points=POINTS)))
    quote = world.member.quote(offer).json["id"]
    assert other.redeem(offer).status_code == 201

    refused = world.member.post("/v1/redemptions", {"quote": quote} | scenario.asks(world))

    assert (refused.status_code, refused.json["type"]) == (409, f"/problems/{scenario.sold_out}")
    assert world.points() == UNTOUCHED
    assert world.member.get("/v1/redemptions").json["data"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_unknown(world, kind):
    """The other side is silent: the points stay set aside until somebody knows; a kind that asks nobody never waits."""
    scenario = SCENARIOS[kind]
    if scenario.is_silent is None:
        assert not ordering.asks(kind)
        return
    jobs.register(ordering.TASK, lambda **args: ordering.run(world.config, **args))
    scenario.is_silent(world)
    redemption = redeemed(world, kind, offered(world, kind)).json
    for _ in range(4):
        world.drain()
    ends(world, redemption, "unknown", HELD)

    scenario.speaks(world)
    for looks in (2, 4, 6):
        with clock.stopped(clock.now() + ordering.LOOK_AGAIN * looks):
            world.drain()
    with clock.stopped(clock.now() + ordering.LOOK_AGAIN * 7):
        assert world.seen(redemption)["state"] in ("fulfilled", "failed")
        assert world.points() in (SPENT, UNTOUCHED)


@pytest.mark.parametrize("kind", KINDS)
def test_cancel(world, kind):
    redemption = redeemed(world, kind, offered(world, kind)).json

    answer = world.member.post(f"/v1/redemptions/{redemption['id']}/cancel")
    world.drain()

    assert answer.status_code == 200
    ends(world, redemption, "cancelled", UNTOUCHED)
    again = world.member.post(f"/v1/redemptions/{redemption['id']}/cancel")
    assert again.status_code == 409


@pytest.mark.parametrize("kind", KINDS)
def test_reverse(world, kind):
    """Two persons undo it, whatever the offer lets members do; where the kind cannot, nothing changes."""
    redemption = redeemed(world, kind, offered(world, kind, cancellable=False)).json
    world.drain()

    answer = reversed_by_two(world, redemption)

    if SCENARIOS[kind].reversible is not None:
        assert answer.json["type"] == f"/problems/{SCENARIOS[kind].reversible}"
        ends(world, redemption, "fulfilled", spent(kind))
        return
    assert answer.status_code == 200, answer.json
    ends(world, redemption, "reversed", UNTOUCHED)
    with database.begin() as session:
        lots = session.connection().exec_driver_sql("select count(*) from posting where kind = 10").scalar()
    assert lots == (SCENARIOS[kind].price > 0)
    assert reversed_by_two(world, redemption).json["type"] == "/problems/not-reversible"


def test_reverse_where_billing_takes_credits_back(world):
    """The bill is as before, and then the points are in their lots; a kind that nobody takes back is refused as ever."""
    undoing.register("bill_credit", credits.BACK, on=True)
    redemption = redeemed(world, "bill_credit", offered(world, "bill_credit", cancellable=False)).json
    world.drain()
    with database.begin() as session:
        account = members.by_id(session, world.member_id).customer_id
    assert world.billing.balance(account) == "1.0"

    answer = reversed_by_two(world, redemption)

    assert (answer.status_code, answer.json["outcome"]) == (200, "under_way")
    ends(world, redemption, "fulfilled", SPENT)
    world.drain()
    ends(world, redemption, "reversed", UNTOUCHED)
    assert world.billing.balance(account) == "0.0"
    assert reversed_by_two(world, redemption).json["type"] == "/problems/not-reversible"
