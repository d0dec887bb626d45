"""The twin: all of Stripe that the product uses, and what tests and the demo do to it from outside.

It is a twin: a Flask app for tests and the demo, on loopback, written by us. Passing against it is not a test against
Stripe; no live Stripe call has been made.
"""

from tests.stripe_twin import accounts, balances, disputes, endpoints, payments, payouts
from tests.stripe_twin.core import PLATFORM, Core, Params
from tests.stripe_twin.errors import invalid
from tests.stripe_twin.shapes import Thing


class Twin(Core):
    """One Stripe account with its connected accounts. Each deed here is safe beside running calls."""

    def tick(self) -> None:
        payouts.tick(self)

    def advance(self, seconds: int) -> None:
        """The clock goes on; what is due by then happens. It goes back only while there is no account yet."""
        with self.lock:
            if seconds < 0 and self.all("account"):
                raise invalid(None, "The clock goes back only while there is no account yet.")
            self.day = None if seconds < 0 else self.day
            self.tick()
            self.ahead_s += seconds
            self.note({"ahead_s": self.ahead_s})
            self.tick()
            self.flush()

    def deliver(self) -> list[int]:
        """Send the events that are due; the statuses that came back. Signed by the time of who listens, which nobody advanced."""
        urls = {ident: endpoint["url"] for ident, endpoint in list(self.all("webhook_endpoint").items())}
        return self.webhooks.deliver(urls, self.now(), int(self.clock()), self._taken)

    def _taken(self, event: Thing) -> None:
        with self.lock:
            left = max(0, event["pending_webhooks"] - 1)
            self.change(event, event.get("account", PLATFORM), pending_webhooks=left)
            self.flush()

    # ---- what happens outside of the API

    def fund(self, amount: int, currency: str = "cny", account: str = PLATFORM) -> str:
        """Money from outside; the id of its balance transaction."""
        with self.lock:
            made = balances.fund(self, amount, currency, account)
            self.flush()
            return made

    def create_intent(self, params: Params) -> Thing:
        with self.lock:
            made = payments.create_intent(self, params)
            self.flush()
            return made

    def succeed(self, intent: str) -> Thing:
        """The member pays: the money arrives."""
        with self.lock:
            made = payments.succeed(self, intent)
            self.flush()
            return made

    def end_refund(self, refund: str, state: str) -> None:
        """A refund under way succeeds or fails."""
        with self.lock:
            payments.end_refund(self, refund, state)
            self.flush()

    def dispute(self, charge: str, reason: str = "fraudulent", amount: int | None = None) -> Thing:
        """The holder of the card disputes a charge."""
        with self.lock:
            made = disputes.open_dispute(self, charge, reason, amount)
            self.flush()
            return made

    def end_dispute(self, dispute: str, state: str) -> Thing:
        """The bank decides: won or lost."""
        with self.lock:
            made = disputes.end(self, dispute, state)
            self.flush()
            return made

    def onboard(self, account: str, *, verified: bool = True) -> Thing:
        """The merchant has filled in Stripe's form."""
        with self.lock:
            made = accounts.onboard(self, account, verified=verified)
            self.flush()
            return made

    def restrict(self, account: str, reason: str = "requirements.past_due") -> Thing:
        """Stripe restricts an account; `onboard` lets it go again."""
        with self.lock:
            made = accounts.restrict(self, account, reason)
            self.flush()
            return made

    def fail_payout(self, payout: str, account: str) -> Thing:
        """The bank sends a payout back."""
        with self.lock:
            made = payouts.fail(self, account, payout)
            self.flush()
            return made

    def create_endpoint(self, params: Params, secret: str = "") -> Thing:
        """A webhook endpoint; with a secret of ours where one is given."""
        with self.lock:
            made = endpoints.make(self, params, secret)
            self.flush()
            return made
