"""The stand-ins of other systems on loopback, and for each kind that asks one: an offer of it, and how to make each case happen.

`asked(kind)` redeems 500 of 1,000 points; `Asked.drain` lets the jobs run. CASES tells by case which faults bring it about.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.sandbox.billing import create_sandbox, server
from base import clock, database, ids, jobs
from base.config import Config
from catalog.goods import following, goods
from catalog.offers.models import Offer
from catalog.redemptions import course, ordering, redemptions
from points.models import Programme
from points.wallets import wallets
from tests.catalog.redemptions.test_races import at_once  # noqa: F401
from tests.given import (
    ELECTRONIC,
    Caller,
    caller,
    given_bundle,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)

HELD, SPENT, BACK = (500, 500), (500, 0), (1000, 0)  # spendable and held, of 1,000 points
LOST_AND_MUTE = ({"mode": "lost_reply"}, {"mode": "error", "on": "look_up"})
SYSTEM = {"bill_credit": "billing", "service": "ordering", "goods": "fulfilment", "bundle": "ordering"}
# What the other system does, and what the redemption is then. `unknown` is known once the faults are gone.
CASES: dict[str, tuple[tuple[dict[str, object], ...], str]] = {
    "fulfil": ((), "fulfilled"),
    "fail": (({"mode": "refuse"},), "failed"),
    "unknown": (LOST_AND_MUTE, "unknown"),
}


@dataclass(frozen=True)
class StandIn:
    """The sandbox: its address, and the way to look into it beside its wire."""

    url: str
    inside: FlaskClient

    def fails(self, system: str, *plans: dict[str, object]) -> None:
        """From now on `billing`, `ordering` or `fulfilment` does so; without plans it behaves."""
        path = "/sandbox/faults" if system == "billing" else f"/sandbox/{system}/faults"
        assert self.inside.put(path, json=list(plans)).status_code == 200

    def does(self, kind: str, case: str) -> str:
        """Make a case of CASES happen to redemptions of a kind; the state that they come to."""
        plans, state = CASES[case]
        self.fails(SYSTEM[kind], *plans)
        return state

    def behaves(self) -> None:
        for system in set(SYSTEM.values()):
            self.fails(system)

    def move(self, reference: str, **changes: object) -> None:
        """Move the goods of a reference at their provider by hand."""
        path = f"/sandbox/fulfilment/orders/{reference}"
        assert self.inside.put(path, json=changes).status_code == 200

    def ordered(self, system: str, reference: str) -> int:
        """How many orders a system has under a reference that it did not refuse."""
        from app.sandbox import orders

        kept = orders.of(self.inside.application, system)
        name = kept.protocol.reference
        return sum(order[name] == reference and order["state"] != "refused" for order in kept.orders)


@contextmanager
def serving() -> Iterator[StandIn]:
    """The sandbox on loopback."""
    stand_in = create_sandbox()
    httpd = server(stand_in, 0)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield StandIn(f"http://127.0.0.1:{httpd.port}", stand_in.test_client())
    finally:
        httpd.shutdown()
        httpd.server_close()


def wired(db: Config, stand_in: StandIn, **changed: Any) -> Config:
    """The jobs of this process ask the stand-in, three times, without waiting in between."""
    settings: dict[str, Any] = {
        "billing_url": stand_in.url,
        "ordering_url": stand_in.url,
        "fulfilment_url": f"{stand_in.url}/fulfilment",
        "billing_timeout_s": 0.3,
        "billing_tries": 3,
        "billing_backoff_s": 0,
    }
    config = db.at(**(settings | changed))
    jobs.register(ordering.TASK, partial(ordering.run, config))
    jobs.register(goods.TASK, partial(following.run, config))
    return config


def offer_of(programme: Programme, kind: str, **more: Any) -> Offer:
    """An offer for 500 points of a kind; a bundle is a voucher and a service."""
    if kind == "electronic":
        return given_offer(programme, "goods", value_fen=500, form=ELECTRONIC, **more)
    if kind == "voucher":
        return given_offer(
            programme, kind, value_fen=500, merchant_id=given_shop().merchant.merchant_id, **more
        )
    if kind == "bundle":
        parts = (
            offer_of(programme, "voucher", state="paused"),
            offer_of(programme, "service", state="paused"),
        )
        return given_bundle(programme, *parts, value_fen=500, **more)
    return given_offer(programme, kind, value_fen=500, **more)


@dataclass(frozen=True)
class Asked:
    """A member with 1,000 points who redeemed 500 of them, and a way to let the jobs' time pass."""

    config: Config
    app: Flask
    member: Caller
    stand_in: StandIn
    offer: Offer
    member_id: int
    redemption_id: int

    @property
    def reference(self) -> str:
        return ids.public("red", self.member_id, self.redemption_id)

    @property
    def path(self) -> str:
        return f"/v1/redemptions/{self.reference}"

    def drain(self) -> str:
        """Run all that is due; the redemption's state then."""
        jobs.drain(self.config.database_url or "")
        return self.state

    @property
    def state(self) -> str:
        with database.begin() as session:
            return redemptions.find(session, self.member_id, self.redemption_id).state

    @property
    def points(self) -> tuple[int, int]:
        with database.begin() as session:
            shown = wallets.show(session, self.member_id, clock.now())
        return shown.spendable, shown.wallet.held

    def shown(self) -> Any:
        """The redemption as its member sees it."""
        return self.member.get(self.path).json

    def timeline(self) -> list[str]:
        return [step["state"] for step in self.shown()["timeline"]]

    def reverse(self) -> None:
        """Undo it by a person's word."""
        with database.begin() as session:
            redemptions.reverse(
                session, self.member_id, self.redemption_id, course.JOB, clock.now(), "for a test"
            )


def asked(
    app: Flask,
    db: Config,
    stand_in: StandIn,
    kind: str,
    *,
    units: int = 1,
    offer: Offer | None = None,
    programme: Programme | None = None,
    **changed: Any,
) -> Asked:
    """A member redeems an offer of a kind; `changed`: settings of the jobs."""
    config = wired(db, stand_in, **changed)
    programme = programme or given_programme()
    member_id = given_member(db, programme, points=1000)
    offer = offer or offer_of(programme, kind)
    member = caller(app, member_token(member_id))
    answer = member.redeem(offer, units)
    assert answer.status_code == 201, answer.json
    redemption_id = ids.parse("red", answer.json["id"])[1]
    return Asked(config, app, member, stand_in, offer, member_id, redemption_id)
