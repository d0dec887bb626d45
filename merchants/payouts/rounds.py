"""What every worker does about payouts again and again: send, look for, follow events, poll, look at holds."""

from sqlalchemy import select, tuple_

from base import clock, database
from base.config import Config
from merchants.payout_routes import accounts, routes
from merchants.payouts import events, following, payouts, sending
from merchants.payouts.models import ON_HOLD, Payout
from merchants.recoveries import reversals

EVERY_S, HOLDS_EVERY_S, POLL_EVERY_S = 15, 300, 600
PAGE = 100


def walk(config: Config) -> bool:
    """Everything that is due at Stripe; whether there is more at once."""
    done = [part(config) for part in (accounts.walk, sending.walk, events.walk, reversals.walk)]
    return any(done)


def poll(config: Config) -> bool:
    """What no event told."""
    return following.poll(config)


def look_at_holds(config: Config) -> bool:
    """Let go of payouts that nothing holds any more; never more at once."""
    at, after = clock.now(), (0, 0)
    while True:
        with database.begin() as session:
            place = tuple_(Payout.merchant_id, Payout.statement_no)
            asked = select(Payout).where(Payout.state == ON_HOLD, place > after)
            page = list(session.scalars(asked.order_by(place).limit(PAGE)))
            for payout in page:
                after = (payout.merchant_id, payout.statement_no)
                routes.ensure(session, config.seal_key, payout.merchant_id, at)
                payouts.look_again(session, payout, at)
        if len(page) < PAGE:
            return False
