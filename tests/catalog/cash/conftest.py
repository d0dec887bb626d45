"""A redemption that waits for its cash part, the Stripe twin beside it, and a clock that tests move."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest
from flask import Flask

from base import clock, database, ids, jobs
from base.config import Config
from base.http import settings
from catalog.cash import job, parts
from catalog.cash.models import CashPart
from catalog.redemptions import redemptions
from points.wallets import wallets
from tests.given import Caller, caller, given_member, given_offer, given_programme, given_shop, member_token
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin

HELD, SPENT, BACK = (500, 500), (500, 0), (1000, 0)  # spendable and held, of 1,000 points
FEN = 1250


COURSE = job.Course(paid=redemptions.paid, gave_up=redemptions.not_paid)


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

    def hands_back(self) -> None:
        """The member cancels the redemption, at this moment."""
        with clock.stopped(self.began + self.passed):
            assert self.member.post(f"/v1/redemptions/{self.reference}/cancel").status_code == 200

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
    programme, shop = given_programme(), given_shop()
    member_id = given_member(config, programme, points=1000)
    member = caller(app, member_token(member_id))
    offer = given_offer(
        programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=500 + FEN, cash_choices=[FEN]
    )
    began = clock.now()
    with clock.stopped(began):
        redeemed = member.redeem(offer, cash_fen=FEN).json
    _, redemption_id = ids.parse("red", redeemed["id"])
    door = app.test_client()
    twin.webhooks.post = lambda path, body, headers: door.post(path, data=body, headers=headers).status_code
    paying = Paying(config, twin, member, member_id, redemption_id, began)
    twin.clock = lambda: (paying.began + paying.passed).timestamp()
    return paying
