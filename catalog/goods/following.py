"""What became of goods after they were sent: looked up at their provider until they have arrived and cannot come back.

The next look is promised before this one is made, so that a worker that dies loses nothing. What the provider tells counts
like a person's word: brought back or lost reverses the redemption, once.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from catalog.goods import goods, orders, provider
from catalog.goods.models import DELIVERED, LOST, SHIPPED, GoodsOrder
from catalog.goods.orders import NotReturnable
from catalog.goods.provider import Seen, Wanted
from catalog.redemptions import course
from catalog.redemptions.outcomes import Done, Ended, NotFound, Outcome
from points.refusals import MemberMerged

LOOK_EVERY = {SHIPPED: timedelta(hours=6), DELIVERED: timedelta(days=1)}
LONGEST_WAY = timedelta(days=90)  # what has not arrived by then is a person's to ask about
log = structlog.get_logger()


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """One look at an order that was sent; safe to run twice and at any time."""
    with database.begin() as session:
        wanted = _promised(session, config, member_id, redemption_id)
    if wanted is None:
        return
    outcome = provider.look_up(config.fulfilment_url, wanted, timeout_s=float(config.billing_timeout_s))
    log.info("goods", outcome=type(outcome).__name__)
    with database.begin() as session:
        _record(session, config, member_id, redemption_id, outcome)


def _promised(session: Session, config: Config, member_id: int, redemption_id: int) -> Wanted | None:
    """What to look for, the next look promised; None when there is nothing to look for any more, or somebody looks later."""
    order, at = orders.find(session, member_id, redemption_id), clock.now()
    kept = goods.promise(member_id, redemption_id)
    if not _goes_on(session, order, at) or outbox.promised_later(session, **kept):
        return None
    goods.follow(session, order, at + LOOK_EVERY[order.state])
    return orders.wanted(session, config.seal_key, order)


def _goes_on(session: Session, order: GoodsOrder, at: datetime) -> bool:
    if order.state == SHIPPED:
        return at < (order.shipped_at or order.ordered_at) + LONGEST_WAY
    last_look = (
        orders.last_moment(session, order) + LOOK_EVERY[DELIVERED]
    )  # what came back on the last evening
    return order.state == DELIVERED and order.return_days > 0 and at <= last_look


def _record(
    session: Session, config: Config, member_id: int, redemption_id: int, outcome: Outcome | NotFound
) -> None:
    if not (isinstance(outcome, Done | Ended) and isinstance(outcome.told, Seen)):
        return
    at, seen = clock.now(), outcome.told
    order = orders.find(session, member_id, redemption_id, locked=True)
    orders.advance(session, config.seal_key, order, seen, at)
    if not isinstance(outcome, Ended) or order.state in orders.GONE:
        return
    try:
        with session.begin_nested():
            if seen.state == LOST:
                orders.lost(session, member_id, redemption_id, course.JOB, at, outcome.reason)
            elif seen.state not in provider.NOT_GIVEN:
                came_at = min(at, orders.last_moment(session, order))  # in time, and seen a day later at most
                orders.returned(session, member_id, redemption_id, course.JOB, came_at, outcome.reason)
    except (NotReturnable, MemberMerged):  # the latter: nothing comes back to a wallet that is no more
        log.warning("goods that cannot come back", reference=seen.reference)
        return
    goods.tell_back(session, config, order)
