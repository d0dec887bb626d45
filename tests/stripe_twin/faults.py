"""What goes wrong on purpose: on which route, how, how often."""

import random
from dataclasses import dataclass

# Nothing is done: no answer, 429, 503. In place of the deed and kept under its key: 500. It is done, and then: no answer, 500.
WIRE = {"timeout_before", "429", "503", "slow", "500", "500_after", "timeout_after"}
# Stripe's own no, each on the routes that can say it; `payout_failed` on "payouts", when a payout would arrive.
DEEDS = {
    "card_declined", "requires_action", "refund_pending", "refund_failed",
    "insufficient_funds", "account_restricted", "payout_failed",
}  # fmt: skip
MODES = WIRE | DEEDS
LOST = ("timeout_before", "timeout_after")


class HangUp(Exception):
    """Close the connection without an answer, after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass
class Fault:
    """What the next calls of a route do wrong: so many times, or (None) until it is taken out; each, or a share of them."""

    on: str
    mode: str
    times: int | None = 1
    seconds: float = 0.0
    share: float = 1.0
    account: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(self.mode)

    def strikes(self, route: str, modes: tuple[str, ...], account: str, dice: random.Random) -> bool:
        """Whether this call is its; used up once then."""
        if self.on not in (route, "*") or self.mode not in modes or self.times == 0:
            return False
        if self.account not in (None, account) or (self.share < 1 and dice.random() >= self.share):
            return False
        if self.times is not None:
            self.times -= 1
        return True
