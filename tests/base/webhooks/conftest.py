"""Receivers, and the words of tests about webhooks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from base import clock, database
from base.auth.principals import Staff
from base.config import Config
from base.webhooks import deliveries, endpoints, webhooks
from base.webhooks.endpoints import Wanted
from base.webhooks.models import Delivery, Endpoint, Event
from points.models import Programme
from tests.base.webhooks.receivers import Receiver, receiving
from tests.given import given_member, given_programme

STAFF = Staff(1, frozenset({"editor"}))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@dataclass(frozen=True)
class World:
    """A programme with a member, and a receiver that wants to know of redemptions."""

    config: Config
    programme: Programme
    member_id: int
    receiver: Receiver
    endpoint: Endpoint
    secret: str

    def publish(
        self, *numbers: int, member_id: int | None = None, type: str = "jifen.redemption.pending"
    ) -> None:
        for n in numbers:
            with database.begin() as session:
                webhooks.publish(
                    session, member_id or self.member_id, type, f"red_{n}", {"n": n}, clock.now()
                )

    def run(self, member_id: int | None = None) -> None:
        deliveries.run(self.config, member_id or self.member_id, self.endpoint.endpoint_id)

    def states(self, member_id: int | None = None) -> list[tuple[int, str, int]]:
        """n, state and tries of each delivery, in the order of their events."""
        asked = (
            select(Event.data["n"].as_integer(), Delivery.state, Delivery.tries)
            .join(Event, (Event.member_id == Delivery.member_id) & (Event.event_id == Delivery.event_id))
            .where(
                Delivery.endpoint_id == self.endpoint.endpoint_id,
                Delivery.member_id == (member_id or self.member_id),
            )
            .order_by(Delivery.event_id)
        )
        with database.begin() as session:
            return [(n, state, tries) for n, state, tries in session.execute(asked)]

    def now(self) -> Endpoint:
        with database.begin() as session:
            return session.get_one(Endpoint, self.endpoint.endpoint_id, populate_existing=True)


@pytest.fixture
def given(db: Config, receiver: Receiver) -> Callable[..., World]:
    def made(*types: str, config: Config = db, **more: Any) -> World:
        programme = given_programme()
        member_id = given_member(db, programme, points=1000)
        wanted = Wanted(receiver.url, types or ("jifen.redemption.*",), "-")
        with database.begin() as session:
            endpoint, secret = endpoints.create(
                session, db.seal_key, STAFF, programme.code, wanted, clock.now()
            )
        return World(config, programme, member_id, receiver, endpoint, secret)

    return made


@pytest.fixture
def world(given: Callable[..., World]) -> World:
    return given()
