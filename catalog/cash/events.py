"""What Stripe's webhooks tell: a hint, in any order and as often as it likes. The truth is fetched by the job."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import ids
from base.errors import NotFound
from catalog.cash import parts
from catalog.cash.models import CashEvent, CashPart
from merchants.card_payments import Event

TELLING = frozenset({
    "payment_intent.succeeded", "payment_intent.canceled", "charge.refunded", "charge.refund.updated", "refund.created",
    "refund.updated", "refund.failed",
})  # fmt: skip


def on_event(session: Session, event: Event, at: datetime) -> bool:
    """Promise a look at the cash part that a checked event is about; False for what is no news, or not ours."""
    place = _place(event)
    if event.kind not in TELLING or place is None:
        return False
    member_id, redemption_id = place
    if session.get(CashPart, place) is None:
        return False
    fresh = session.scalar(
        insert(CashEvent)
        .values(
            member_id=member_id,
            event_id=event.event_id,
            redemption_id=redemption_id,
            kind=event.kind,
            payment_intent=event.intent,
            at=at,
        )
        .on_conflict_do_nothing()
        .returning(CashEvent.event_id)
    )
    if fresh is None:
        return False
    parts.hint(session, member_id, redemption_id, event.intent, at)
    return True


def _place(event: Event) -> tuple[int, int] | None:
    """Member and redemption that the event's metadata name; None when another system's payment is meant."""
    try:
        member_id, redemption_id = ids.parse("red", event.reference or "")
    except NotFound:
        return None
    return member_id, redemption_id
