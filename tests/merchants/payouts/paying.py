"""Merchants with sealed statements, a twin of Stripe with an account for each, and two persons who approve runs."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from base import clock, database
from base.approvals import approvals
from base.auth.principals import Staff
from base.config import Config
from merchants import items, merchants, terms
from merchants.cycles import Period
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, Merchant
from merchants.payout_routes import routes
from merchants.payout_routes.models import BANK, ENABLED, STRIPE, StripeAccount
from merchants.payout_routes.routes import Contact, Details
from merchants.payouts import events, payouts, releases, rounds, runs
from merchants.payouts.models import Payout
from merchants.payouts.runs import Wanted
from merchants.payouts.stripe import told_of
from merchants.statements import closing
from merchants.statements.models import Statement
from tests.engines import wire_again
from tests.given import LONG_AGO, ZONE, given_person
from tests.stripe_twin import endpoints
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin

DAY = timedelta(days=1)
TRANSFERS = "POST /v1/transfers"
PLENTY_FEN = 10**11
SECRET = "whsec_" + "c" * 32
_numbers = itertools.count(1)


def given_merchant(name: str = "", **more: object) -> Merchant:
    """A merchant with terms and nothing sold."""
    code = name or f"shop-{next(_numbers)}"
    with database.begin() as session:
        made = merchants.add(
            session, code, {"zh-CN": code, "en": code}, zone=ZONE, currency="CNY", city="Hangzhou"
        )
        terms.add(
            session, made.merchant_id, LONG_AGO, price_bp=9000, fee_bp=0, vat_bp=0, void_window_s=900, **more
        )
    return made


def given_bank(config: Config, merchant: Merchant, number: str = "6222020000001234") -> None:
    """The merchant is paid at a bank, since long ago."""
    details = Details(BANK, holder="Tea House", bank="A Bank", number=number)
    _route(config, merchant, details)


def given_account(config: Config, twin: Twin, merchant: Merchant) -> str:
    """The merchant has an account at Stripe, onboarded, and is paid there since long ago."""
    found = twin_account(twin, merchant)
    at = clock.now() - 10 * DAY
    with database.begin() as session:
        session.add(
            StripeAccount(
                merchant_id=merchant.merchant_id, at=at, looked_at=at, country="HK", state=ENABLED, needs="",
                account=found, payouts_on=True, tries=0,
            )
        )  # fmt: skip
    _route(config, merchant, Details(STRIPE, account=found))
    return found


def twin_account(twin: Twin, merchant: Merchant) -> str:
    from tests.stripe_twin import accounts
    from tests.stripe_twin.core import Call

    with twin.lock:
        made = accounts.create(
            twin, Call("", "", {"country": "HK", "default_currency": "cny", "capabilities": {"transfers": {"requested": True}}, "type": "express"})
        )  # fmt: skip
    twin.onboard(made["id"])
    return str(made["id"])


def _route(config: Config, merchant: Merchant, details: Details) -> None:
    at = clock.now() - 10 * DAY
    with database.begin() as session:
        routes.add(
            session, config.seal_key, merchant.merchant_id, details, Contact("Li", "13900001234"), "test", at,
            holds_until=at,
        )  # fmt: skip


def given_statement(merchant: Merchant, fen: int) -> Statement:
    """A sealed statement over one item of so many fen."""
    with database.begin() as session:
        items.add(
            session,
            merchant.merchant_id,
            ADJUSTMENT,
            Amounts(fen),
            at=clock.now(),
            reason="test",
            actor="test",
        )
        at = clock.now() + timedelta(seconds=1)
        return sealed(session, merchant.merchant_id, at)


def given_debt(merchant: Merchant, fen: int) -> Statement:
    """A statement below zero, and the next one, which carries it too: nothing came in that could net it."""
    first = given_statement(merchant, -fen)
    assert first.carried_fen < 0
    with clock.stopped(clock.now() + DAY):
        return given_statement(merchant, -1)


def sealed(session, merchant_id: int, to_at: datetime) -> Statement:
    merchant = merchants.by_id(session, merchant_id)
    day = clock.day(to_at, ZONE)
    period = Period(day, day, to_at - DAY, to_at)
    made = closing.close(session, merchant, period, to_at + timedelta(minutes=5))
    assert made is not None
    return made


def payout_of(statement: Statement) -> Payout:
    with database.begin() as session:
        found = payouts.of_statement(session, statement.merchant_id, statement.statement_no)
        assert found is not None
        return found


def history(statement: Statement) -> list[str]:
    with database.begin() as session:
        found = payouts.of_statement(session, statement.merchant_id, statement.statement_no)
        assert found is not None
        return [step.state for step in payouts.steps_of(session, found)]


def states() -> dict[str, int]:
    """How many payouts stand where."""
    with database.begin() as session:
        rows = session.connection().exec_driver_sql("select state, count(*) as many from payout group by 1")
        return {row.state: row.many for row in rows}


@dataclass
class Treasury:
    """Two persons of finance, the twin, and a clock that tests move forward."""

    config: Config
    twin: Twin
    maker: Staff
    checker: Staff
    began: datetime
    passed: timedelta = field(default_factory=timedelta)

    @property
    def now(self) -> datetime:
        return self.began + self.passed

    @contextmanager
    def stopped(self) -> Iterator[None]:
        with clock.stopped(self.now):
            yield

    def later(self, **passed: int) -> "Treasury":
        self.passed += timedelta(**passed)
        return self

    def proposed(self, route: str = STRIPE, template: str = "plain"):
        with self.stopped(), database.begin() as session:
            until = clock.day(self.now, ZONE) + 400 * DAY
            wanted = Wanted(route, until, template)
            return runs.propose(
                session, self.maker, self.config.seal_key, wanted, "weekly", self.now
            ).proposal

    def approve(self, proposal) -> None:
        with self.stopped(), database.begin() as session:
            approvals.approve(
                session, self.checker, proposal.proposal_id, proposal.content_hash.hex(), self.now
            )

    def run(self, route: str = STRIPE, template: str = "plain") -> None:
        self.approve(self.proposed(route, template))

    def release(self, statement: Statement) -> None:
        """Two persons say that a further version may be sent."""
        with self.stopped(), database.begin() as session:
            payout = payouts.of_statement(session, statement.merchant_id, statement.statement_no)
            assert payout is not None
            proposal = releases.propose(session, self.maker, payout, "looked for it", self.now).proposal
        self.approve(proposal)

    def looks_at_holds(self) -> None:
        with self.stopped():
            rounds.look_at_holds(self.config)

    def polls(self) -> None:
        with self.stopped():
            rounds.poll(self.config)

    def walk(self, times: int = 1) -> "Treasury":
        """What the workers do."""
        for _ in range(times):
            with self.stopped():
                while rounds.walk(self.config):
                    pass
        return self

    def tells(self, post: Callable[[bytes, str], int] | None = None) -> list[int]:
        """Stripe sends its events."""
        self.twin.webhooks.post = lambda path, body, headers: self.takes(body, headers["Stripe-Signature"])
        with self.stopped():
            return self.twin.deliver()

    def takes(self, body: bytes, signature: str) -> int:
        """What the endpoint does."""
        told = told_of(self.config.stripe_connect_secret, body, signature, clock.now())
        with database.begin() as session:
            events.take(session, told, clock.now())
        return 200

    @property
    def transfers(self) -> dict[str, int]:
        """Statement -> how many transfers it has."""
        found: dict[str, int] = {}
        for each in self.twin.all("transfer").values():
            name = each["metadata"]["statement"]
            found[name] = found.get(name, 0) + 1
        return found


@contextmanager
def beside_stripe(db: Config) -> Iterator[Treasury]:
    """This process's workers and commands beside a fresh twin that has money."""
    twin = Twin()
    with serving(twin) as url:
        asked = {"url": "/v1/stripe/connect-events", "enabled_events": ["*"], "connect": True}
        endpoints.make(twin, asked, secret=SECRET)
        config = db.at(
            stripe_secret_key="sk_test_secret",
            stripe_api_base=url,
            stripe_connect_secret=SECRET,
            stripe_timeout_s=2,
        )
        wire_again(config)
        twin.fund(PLENTY_FEN)
        yield treasury(config, twin)


def treasury(config: Config, twin: Twin) -> Treasury:
    made = Treasury(config, twin, given_person("finance"), given_person("finance"), clock.now() + 2 * DAY)
    twin.clock = lambda: made.now.timestamp()
    return made
