"""A redemption that waits for its cash part, the Stripe twin beside it, and a clock that tests move."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from base import clock, database, ids, jobs, outbox
from base.config import Config
from base.http import settings
from catalog.cash import job, parts
from catalog.cash.models import CashPart
from catalog.redemptions import redemptions
from catalog.redemptions.models import FAILED, FULFILLED, PENDING
from catalog.redemptions.redemptions import BILL_CREDIT_TASK
from points import ledger, programmes
from points.kinds import Kind
from points.members import members
from points.wallets import wallets
from tests.given import Caller, caller, given_member, given_offer, given_programme, member_token
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin

HELD, SPENT, BACK = (500, 500), (500, 0), (1000, 0)  # spendable and held, of 1,000 points
FEN = 1250


def _ends(state: str, kind: Kind) -> job.Hook:
    """What a redemption's course does, in small: its state and its hold end together."""

    def hook(session: Session, member_id: int, redemption_id: int, at: datetime) -> None:
        redemption = redemptions.find(session, member_id, redemption_id)
        redemptions.to(session, redemption, PENDING, state, at)
        programme = programmes.by_id(session, members.by_id(session, member_id).programme_id)
        ledger.post(session, redemptions.follow_up(redemption, kind, programme, at))

    return hook


COURSE = job.Course(paid=_ends(FULFILLED, Kind.CAPTURE), gave_up=_ends(FAILED, Kind.RELEASE))


@dataclass
class Paying:
    """A member who redeemed 500 of 1,000 points and is to pay 12.50 as well."""

    config: Config
    twin: Twin
    member: Caller
    member_id: int
    redemption_id: int
    began: datetime
    passed: timedelta = field(default_factory=timedelta)

    @property
    def reference(self) -> str:
        return ids.public("red", self.member_id, self.redemption_id)

    def at(self, **passed: int) -> "Paying":
        """So long after the redemption (never back): all that is due is done."""
        self.passed = max(self.passed, timedelta(**passed))
        with clock.stopped(self.began + self.passed):
            jobs.drain(self.config.database_url or "")
        return self

    def step(self, course: job.Course = COURSE) -> None:
        with clock.stopped(self.began + self.passed):
            job.step(self.config, course, self.member_id, self.redemption_id)

    def rule(self, deed: Callable[..., None]) -> None:
        """parts.stop or parts.refund, at this moment."""
        with database.begin() as session:
            deed(session, self.member_id, self.redemption_id, self.began + self.passed)

    def pays(self) -> str:
        (intent,) = self.twin.all("payment_intent").values()
        return str(self.twin.succeed(intent["id"])["id"])

    def tells(self) -> list[int]:
        """Stripe sends its events, signed with the time that it is."""
        with clock.stopped(self.began + self.passed):
            return self.twin.deliver()

    @property
    def part(self) -> CashPart:
        with database.begin() as session:
            return parts.find(session, self.member_id, self.redemption_id)

    @property
    def stands(self) -> tuple[str, str, tuple[int, int]]:
        """The cash part, the redemption, and the points spendable and held."""
        with database.begin() as session:
            state = redemptions.find(session, self.member_id, self.redemption_id).state
            shown = wallets.show(session, self.member_id, clock.now())
        return self.part.state, state, (shown.spendable, shown.wallet.held)

    @property
    def money(self) -> int:
        """What the twin has taken and not given back, in fen."""
        paid = [c for c in self.twin.all("charge").values() if c["paid"]]
        return int(sum(c["amount_captured"] - c["amount_refunded"] for c in paid))


@pytest.fixture
def paying(app: Flask, db: Config) -> Iterator[Paying]:
    twin = Twin()
    with serving(twin) as url:
        endpoint = twin.create_endpoint({"url": "/v1/stripe/events", "enabled_events": ["*"]})
        config = db.at(
            stripe_secret_key="sk_test_secret",
            stripe_api_base=url,
            stripe_webhook_secret=endpoint["secret"],
            stripe_timeout_s=2,
        )
        before = app.extensions["jifen_config"]
        settings.keep(app, config)
        jobs.register(parts.TASK, partial(job.step, config, COURSE))
        yield _begun(app, config, twin)
        settings.keep(app, before)


def _begun(app: Flask, config: Config, twin: Twin) -> Paying:
    programme = given_programme()
    member_id = given_member(config, programme, points=1000)
    member = caller(app, member_token(member_id))
    redeemed = member.redeem(given_offer(programme, "bill_credit", value_fen=500)).json
    _, redemption_id = ids.parse("red", redeemed["id"])
    began = clock.now()
    with database.begin() as session:
        args: dict[str, Any] = {"member_id": member_id, "redemption_id": redemption_id}
        outbox.withdraw(session, member_id, BILL_CREDIT_TASK, args)  # here only the cash part is looked at
        parts.open(session, member_id, redemption_id, FEN, "CNY", began)
    door = app.test_client()
    twin.webhooks.post = lambda path, body, headers: door.post(path, data=body, headers=headers).status_code
    paying = Paying(config, twin, member, member_id, redemption_id, began)
    twin.clock = lambda: (paying.began + paying.passed).timestamp()
    return paying
