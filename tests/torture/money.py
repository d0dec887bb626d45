"""Statements and payouts while everything happens: merchants of their own, two persons, a provider and a billing system that fail."""

import http.client
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from base import clock, database
from base.approvals import approvals
from base.config import Config
from catalog.redemptions import ordering
from merchants.models import Merchant
from merchants.payout_routes.models import ENABLED, STRIPE, StripeAccount
from merchants.payout_routes.routes import Details
from merchants.payouts import rounds, runs
from merchants.payouts.runs import NothingToPay, Wanted
from tests.given import ZONE, given_person
from tests.merchants.payouts.paying import _route, given_merchant, given_statement
from tests.torture.place import Place
from tests.torture.proxy import LOOPBACK, Fault

DAY = timedelta(days=1)
ROUNDS = 30
TRANSFERS = "POST /v1/transfers"
PROVIDER_FAILS = [
    {"on": TRANSFERS, "mode": mode, "times": None, "share": share}
    for mode, share in (
        ("timeout_before", 0.05), ("timeout_after", 0.05), ("503", 0.02), ("500", 0.02), ("500_after", 0.02), ("429", 0.02),
    )
]  # fmt: skip
BILLING_FAILS = [
    {"mode": "lost_reply", "every": 5, "times": None},
    {"mode": "error", "every": 7, "times": None},
]


@dataclass
class Money:
    """The treasury of a run; everything goes through the provider's proxy."""

    config: Config
    place: Place
    sealed: int = 0
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.maker, self.checker = given_person("finance"), given_person("finance")

    def others_fail(self) -> None:
        """One in five answers of the provider is lost or a failure, its events come five times; billing does alike."""
        self._ask("stripe", "POST", "/twin/faults", PROVIDER_FAILS)
        self._ask("stripe", "POST", "/twin/deliver", {"copies": 5, "shuffled": True})
        self._ask("billing", "PUT", "/sandbox/faults", BILLING_FAILS)

    def others_work(self) -> None:
        self.place.proxies["stripe"].set()
        self._ask("stripe", "DELETE", "/twin/faults")
        self._ask("billing", "DELETE", "/sandbox/faults")

    def statements(self, place: Place, many: int, pick: random.Random) -> int:
        """So many merchants with a sealed statement each, paid by a run that two persons approved."""
        for _ in range(many):
            merchant = given_merchant(f"payee{next(self.numbers)}")
            self._account(merchant)
            given_statement(merchant, pick.randrange(1_000, 100_000))
            self.sealed += 1
        self.run()
        if pick.random() < 0.5:
            place.proxies["stripe"].set(Fault("half-close"))  # for a moment each answer is lost
            time.sleep(1.0)
            place.proxies["stripe"].set()
        return many

    def run(self) -> None:
        at = clock.now()
        try:
            with database.begin() as session:
                wanted = Wanted(STRIPE, clock.day(at, ZONE) + 400 * DAY)
                proposal = runs.propose(
                    session, self.maker, self.config.seal_key, wanted, "weekly", at
                ).proposal
        except NothingToPay:
            return
        with database.begin() as session:
            approvals.approve(
                session, self.checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now()
            )

    def finish(self) -> list[str]:
        """What is under way comes to its end, hours later by our clock; what is not as it must be then."""
        self.others_work()
        for hours in range(1, ROUNDS):
            with clock.stopped(clock.now() + timedelta(hours=hours)):
                self.run()
                while rounds.walk(self.config):
                    pass
                open_still = self._order(hours)
            if set(_states_of_ours()) <= {"sent", "paid"} and not open_still:
                break
        return [*self._payouts_wrong(), *([f"{open_still} credits have no end"] if open_still else [])]

    def _order(self, hours: int) -> int:
        """Bills whose credit nobody knows of are asked about once more; how many are left."""
        with database.begin() as session:
            found = session.connection().exec_driver_sql(
                "select member_id, redemption_id from redemption where kind = 'bill_credit' "
                "and state in ('pending', 'fulfilling', 'unknown') limit 500"
            ).all()  # fmt: skip
        for member_id, redemption_id in found:
            ordering.run(self.config, member_id, redemption_id)
        return len(found)

    def _payouts_wrong(self) -> list[str]:
        """As many transfers as statements, each of the right amount."""
        transfers, told = Counter[str](), self.transfers()
        for each in told:
            transfers[each["metadata"]["statement"]] += 1
        with database.begin() as session:
            owed = (
                session.connection()
                .exec_driver_sql(f"select coalesce(sum(amount_fen), 0), count(*) from payout {_OURS}")
                .one()
            )
        wrong = [f"{name} has {many} transfers" for name, many in transfers.items() if many != 1]
        if (sum(each["amount"] for each in told), len(transfers)) != (int(owed[0]), owed[1]):
            wrong.append(
                f"{len(transfers)} transfers of {sum(each['amount'] for each in told)} fen for {owed[1]} payouts of {owed[0]} fen"
            )
        return wrong + [
            f"{many} payouts are {state}"
            for state, many in _states_of_ours().items()
            if state not in ("sent", "paid")
        ]

    def transfers(self) -> list[dict[str, Any]]:
        """Every transfer that the provider knows."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": 100} | ({"starting_after": found[-1]["id"]} if found else {})
            page = self._ask("stripe", "GET", f"/v1/transfers?{urlencode(query)}")
            found += page["data"]
            if not page["has_more"]:
                return found

    def topups(self) -> list[dict[str, Any]]:
        """Every credit that the billing system knows."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._ask(
                "billing",
                "GET",
                f"/tmf-api/prepayBalanceManagement/v4/topupBalance?offset={len(found)}&limit=100",
            )
            found += page
            if len(page) < 100:
                return found

    def _account(self, merchant: Merchant) -> None:
        form = {
            "country": "HK",
            "default_currency": "cny",
            "type": "express",
            "capabilities[transfers][requested]": "true",
        }
        account = self._ask("stripe", "POST", "/v1/accounts", form)["id"]
        self._ask("stripe", "POST", f"/twin/accounts/{account}/onboard", {})
        at = clock.now() - 10 * DAY
        with database.begin() as session:
            session.add(
                StripeAccount(
                    merchant_id=merchant.merchant_id, at=at, looked_at=at, country="HK", state=ENABLED, needs="",
                    account=account, payouts_on=True, tries=0,
                )
            )  # fmt: skip
        _route(self.config, merchant, Details(STRIPE, account=account))

    def _ask(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """A stand-in itself, beside its proxy."""
        target = self.place.proxies[name].target
        assert isinstance(target, int)
        link = http.client.HTTPConnection(LOOPBACK, target, timeout=10)
        is_form = path.startswith("/v1/") and method == "POST"
        raw = urlencode(body) if is_form else (None if body is None else json.dumps(body))
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        try:
            link.request(
                method,
                path,
                raw,
                {"Content-Type": kind, "Authorization": f"Bearer {self.config.stripe_secret_key}"},
            )
            answer = link.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{name} {method} {path}: {answer.status} {text[:200]!r}")
            return json.loads(text) if text else None
        finally:
            link.close()


# But for those whose statements *job-kill* seals: nobody gave them a way to be paid, so all of theirs are held.
_OURS = "where merchant_id not in (select merchant_id from merchant where code like 'job-%%')"


def _states_of_ours() -> dict[str, int]:
    with database.begin() as session:
        asked = f"select state, count(*) from payout {_OURS} group by state"
        return {row[0]: row[1] for row in session.connection().exec_driver_sql(asked)}
