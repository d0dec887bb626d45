"""Many payouts through a Stripe that loses answers, fails, and tells everything five times in whatever order."""

import random

from sqlalchemy import select

from base import database
from merchants.payouts.models import Payout
from merchants.payouts.sending import NOT_FOUND
from merchants.statements.models import Statement
from tests.merchants.payouts.paying import (
    TRANSFERS,
    Treasury,
    given_account,
    given_merchant,
    given_statement,
    states,
)

OLD = "unknown"


def given_many(paying: Treasury, count: int) -> list[Statement]:
    """So many statements of as many merchants."""
    made = []
    for number in range(count):
        merchant = given_merchant()
        given_account(paying.config, paying.twin, merchant)
        made.append(given_statement(merchant, 1_000 + number))
    return made


def loses(paying: Treasury, lost: float = 0.1, failed: float = 0.05) -> None:
    """A share of answers is lost, half of them after the deed; a share of calls fails, some of them for the life of a key."""
    for mode in ("timeout_before", "timeout_after"):
        paying.twin.fails(TRANSFERS, mode, times=None, share=lost / 2)
    for mode in ("503", "500", "500_after", "429"):
        paying.twin.fails(TRANSFERS, mode, times=None, share=failed / 4)
    paying.twin.fails("GET /v1/transfers", "timeout_after", times=None, share=lost)


def until_sent(paying: Treasury, statements: list[Statement], rounds: int = 40) -> None:
    """Workers go on; two persons release what was looked for in vain for a day."""
    for _ in range(rounds):
        paying.later(hours=3).walk()
        standing = states()
        if set(standing) <= {"sent", "paid"}:
            return
        if standing.get(OLD) or standing.get("planned"):
            places = sought()
            released = [one for one in statements if (one.merchant_id, one.statement_no) in places]
            for statement in released:
                paying.release(statement)
            if released or standing.get("planned"):
                paying.run()


def sought() -> set[tuple[int, int]]:
    """Payouts that were looked for in vain."""
    with database.begin() as session:
        rows = session.execute(select(Payout).where(Payout.reason == NOT_FOUND)).scalars()
        return {(one.merchant_id, one.statement_no) for one in rows}


def tells_wildly(paying: Treasury, copies: int = 5, seed: int = 7) -> int:
    """Everything that Stripe has to tell, so many times each, shuffled; how many events came."""
    webhooks = paying.twin.webhooks
    waiting = [one for one in webhooks.waiting for _ in range(copies)]
    random.Random(seed).shuffle(waiting)
    webhooks.waiting = waiting
    return len(paying.tells())
