"""Whole ways over HTTP through the balancer, each step maybe at another web; each says Failed where a promise is not kept."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pyotp
from sqlalchemy import select

from admin.staff import second_factor
from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth import passwords
from base.config import Config
from merchants.terminals import clerks
from tests import codes, given
from tests.given import ZONE, given_person
from tests.machines.client import Failed, Someone, until
from tests.merchants.payouts.paying import DAY, given_merchant, given_statement, payout_of
from tests.second_factor import shown_by
from tests.torture.money import Money
from tests.torture.world import Person, Till, World

PASSWORD = "a long password"
CREDITED_S, PAID_S = 60.0, 90.0


@dataclass
class Journeys:
    """What the journeys are made of."""

    config: Config
    world: World
    money: Money
    port: int
    told: "Counter[str]" = field(default_factory=Counter)
    numbers: "count[int]" = field(default_factory=count)
    one_run_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def someone(self, token: str = "", till: Till | None = None, **cookies: str) -> Someone:
        return Someone(self.port, self.told, token, till, dict(cookies))

    def person(self) -> Person:
        """The next member; each journey has one of its own as long as there are enough."""
        return self.world.people[next(self.numbers) % len(self.world.people)]

    # What the programme's people do

    def sign_in_and_redeem(self) -> None:
        """A phone number, the code of the message, a quote, a redemption, a code for the till, and out again."""
        who = self.person()
        member = self.someone(self._signed_in(who))
        before = member.read("/v1/members/me/wallet")["spendable"]
        bought = self._redeem(member, self.world.vouchers[0])
        if member.read("/v1/members/me/wallet")["spendable"] != before - bought["price_points"]:
            raise Failed("the wallet is not what it was less the price")
        member.post(f"/v1/redemptions/{bought['id']}/cancel", expects=200)
        if member.read("/v1/members/me/wallet")["spendable"] != before:
            raise Failed("what was cancelled did not come back")

    def a_voucher_at_a_till(self) -> None:
        """Accepted by a signed till, used at once for its member, voided, accepted once more."""
        which = next(self.numbers) % len(self.world.shops)
        tills = [till for till in self.world.tills if till.shop is self.world.shops[which]]
        member = self.someone(self.person().token)
        bought = self._redeem(member, self.world.vouchers[which])
        voucher = member.read(f"/v1/vouchers/{bought['voucher']}")
        first, second = (self.someone(till=till) for till in tills)
        taken = {"code": voucher["code"], "clerk": "01"}
        accepted = first.post("/v1/vouchers/accept", taken).json
        self._is(member, bought["voucher"], "accepted")
        second.post("/v1/vouchers/accept", taken, expects=409)
        first.post(f"/v1/acceptances/{accepted['id']}/void", {"reason": "wrong", "clerk": "01"})
        self._is(member, bought["voucher"], "issued")
        second.post("/v1/vouchers/accept", taken)
        self._is(member, bought["voucher"], "accepted")

    def a_gift(self) -> None:
        """Points to another member: both see it at once; taken back, both have what they had."""
        giver, receiver = self.person(), self.person()
        one = self.someone(giver.token)
        before = one.read("/v1/members/me/wallet")["spendable"]
        gift = one.post("/v1/gifts", {"to": receiver.phone, "points": 7}).json
        if one.read("/v1/members/me/wallet")["spendable"] != before - 7:
            raise Failed("the gift did not leave the giver")
        one.post(f"/v1/gifts/{gift['id']}/undo", expects=200)
        if one.read("/v1/members/me/wallet")["spendable"] != before:
            raise Failed("a gift that was undone did not come back")

    def a_bill(self) -> None:
        """Billing tells lines, points are there; a bill credit is carried out by whichever worker lives."""
        who = self.person()
        member, billing = self.someone(who.token), self.someone(self.world.service)
        before = member.read("/v1/members/me/wallet")["spendable"]
        line = {"customer_id": who.customer, "bill_id": f"M{ids.new_id()}", "line_no": 1, "bill_day": str(clock.day(clock.now(), ZONE)),
                "line_type": "plan", "amount_fen": 1_000}  # fmt: skip
        billing.post("/v1/bill-lines", {"lines": [line]}, expects=200)
        if member.read("/v1/members/me/wallet")["spendable"] != before + 10:
            raise Failed("the bill's points are not there")
        credit = self._redeem(member, self.world.credit)["id"]
        until(
            lambda: member.read(f"/v1/redemptions/{credit}")["state"] == "fulfilled",
            "a bill credit",
            CREDITED_S,
        )

    def a_statement_and_a_payout(self) -> None:
        """A statement is sealed, its merchant reads it behind the wall, two of finance sign in and pay it, a worker sends it."""
        merchant = given_merchant(f"paid{ids.new_id()}")
        self.money._account(merchant)
        statement = given_statement(merchant, 12_345)
        name = ids.public("stm", statement.merchant_id, statement.statement_no)
        with database.begin() as session:
            owner = clerks.add_person(
                session, merchant.merchant_id, None, "01", passwords.hashed("246813"), "owner"
            )
        pages = self.someone(jifen_merchant=given.merchant_token(owner))
        if "123.45" not in pages.read("/merchant/statements"):
            raise Failed("the merchant does not see the statement")
        listed = self.someone(given.staff_token("finance")).read(f"/v1/statements?merchant={merchant.code}")
        if [one["id"] for one in listed["data"]] != [name]:
            raise Failed(f"finance sees {listed['data']}, not {name}")
        with self.one_run_at_a_time:
            self._paid_by_two()
        until(lambda: payout_of(statement).state in ("sent", "paid"), "a payout", PAID_S)

    def _paid_by_two(self) -> None:
        maker, checker = self._staff("finance-maker"), self._staff("finance-checker")
        day = str(clock.day(clock.now() + 40 * DAY, ZONE))
        made = maker.fill(
            "/staff/payouts",
            "/staff/payouts/runs",
            route="stripe",
            until=day,
            template="plain",
            reason="weekly",
        )
        place = made.headers["location"]
        checker.fill(place, f"{place}/approve")

    # Steps

    def _signed_in(self, who: Person) -> str:
        """A code is good once: whoever does not know whether it was taken asks for another, as a person would."""
        nobody = self.someone()
        for _ in range(3):
            nobody.post(
                "/v1/sign-ins/code", {"programme": self.world.programme.code, "phone": who.phone}, expects=202
            )
            code = codes.code_of(self.config, who.member_id, "sign-in-code")
            body = {"programme": self.world.programme.code, "phone": who.phone, "code": code}
            try:
                return str(nobody.post("/v1/sign-ins", body).json["token"])
            except Failed as error:
                last = error
                self.told["another code"] += 1
        raise last

    def _staff(self, role: str) -> Someone:
        """Signed in at the console, by password and the code of an authenticator; who does not know whether it was taken types the next."""
        found = given_person(role)
        with database.begin() as session:
            row = session.scalars(select(StaffRow).where(StaffRow.staff_id == found.staff_id)).one()
            email, secret = row.email, pyotp.random_base32()
            second_factor.enrol(session, self.config, row, secret, clock.now())
        for steps in range(2):
            try:
                return self._entered(email, shown_by(secret, steps))
            except Failed as error:
                last = error
                self.told["another code"] += 1
        raise last

    def _entered(self, email: str, code: str) -> Someone:
        who = self.someone()
        who.fill("/staff/sign-in", "/staff/sign-in", email=email, password=PASSWORD)
        who.fill("/staff/second-factor", "/staff/second-factor", code=code)
        who.read("/staff")
        return who

    def _redeem(self, member: Someone, offer: Any) -> Any:
        quote = member.post("/v1/quotes", {"offer": self.world.offer(offer), "units": 1}).json["id"]
        return member.post("/v1/redemptions", {"quote": quote}).json

    def _is(self, member: Someone, voucher: str, state: str) -> None:
        found = member.read(f"/v1/vouchers/{voucher}")["state"]
        if found != state:
            raise Failed(f"the member sees {found}, not {state}")


WAYS: dict[str, Callable[[Journeys], None]] = {
    "sign in, quote, redeem, cancel": Journeys.sign_in_and_redeem,
    "voucher at two tills": Journeys.a_voucher_at_a_till,
    "gift": Journeys.a_gift,
    "bill and bill credit": Journeys.a_bill,
    "statement, console, payout": Journeys.a_statement_and_a_payout,
}
