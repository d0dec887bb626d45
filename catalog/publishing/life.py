"""The life of an offer, read off what is stored: draft, in review, scheduled, live, paused, ended; and how it is paused and ended.

To pause is an act of safety: one person does it at once, and one takes it up again. To end is for good, and takes a second
person than who paused it, which the database itself asks for. Vouchers and places that were given stay what they are.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from base import audit, ids
from base.approvals import approvals
from base.approvals.approvals import ForHeadquarters, NotAPerson
from base.approvals.models import APPROVED
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid, NotAllowed
from catalog.offers.models import ENDED, HISTORY, LIVE, PAUSED, OfferState
from catalog.offers.offers import OfferUnknown
from catalog.publishing.wording import is_plain

DRAFT, IN_REVIEW, SCHEDULED, DISCARDED = "draft", "in_review", "scheduled", "discarded"
LIVES = (DRAFT, IN_REVIEW, SCHEDULED, LIVE, PAUSED, ENDED, DISCARDED)
OF_OFFERS = (SCHEDULED, LIVE, PAUSED, ENDED)
MOST_REASON = 500


class NotInThatState(Conflict):
    """The offer is in another state."""

    zh = "该权益处于其他状态。"
    next_en, next_zh = "Look at the offer again.", "请重新查看该权益。"


class PausedByYourself(NotAllowed):
    """Who paused an offer does not end it for good."""

    zh = "暂停权益的人不能自行将其永久终止。"
    next_en, next_zh = "Ask another person to end it.", "请由另一人终止。"


class BadReason(Invalid):
    """Say why, in a line of at most 500 characters."""

    zh = "请用一行文字（至多 500 字）说明原因。"


def life_of(
    at: datetime,
    *,
    review: str | None = APPROVED,
    begins_at: datetime | None = None,
    until_at: datetime | None = None,
    state: str = LIVE,
    discarded: bool = False,
) -> str:
    """One of LIVES. `review`: what became of the last proposal of a draft (None: none was made); an offer was approved."""
    if review == approvals.PROPOSED:
        return IN_REVIEW
    if review != APPROVED:
        return DISCARDED if discarded else DRAFT
    if state == ENDED or (until_at is not None and until_at <= at):
        return ENDED
    if state == PAUSED:
        return PAUSED
    return SCHEDULED if begins_at is None or begins_at > at else LIVE


def pause(session: Session, person: Principal, offer_id: int, reason: str, at: datetime) -> OfferState:
    """Nobody redeems it from now on; NotInThatState unless it is live. OfferUnknown, BadReason, ForHeadquarters."""
    values = {"state": PAUSED, "paused_by": _who(person)}
    return _change(session, person, offer_id, LIVE, values, reason, at)


def resume(session: Session, person: Principal, offer_id: int, reason: str, at: datetime) -> OfferState:
    """It can be redeemed again, as it was approved; NotInThatState unless it is paused, and as `pause`."""
    _who(person)
    return _change(session, person, offer_id, PAUSED, {"state": LIVE, "paused_by": None}, reason, at)


def end(session: Session, person: Principal, offer_id: int, reason: str, at: datetime) -> OfferState:
    """A paused offer ends for good, by another person than who paused it; PausedByYourself, and as `pause`."""
    known = session.get(OfferState, offer_id, populate_existing=True)
    if known is not None and known.state == PAUSED and known.paused_by == _who(person):
        raise PausedByYourself()
    values = {"state": ENDED, "ended_by": _who(person)}
    return _change(session, person, offer_id, PAUSED, values, reason, at)


def _change(session: Session, person: Principal, offer_id: int, old: str, values: dict[str, object], reason: str, at: datetime) -> OfferState:  # fmt: skip
    if not is_plain(reason, MOST_REASON):
        raise BadReason(field="reason")
    mine = OfferState.paused_by.is_distinct_from(
        values.get("ended_by", 0)
    )  # paused by whoever ends it meanwhile
    changed = session.scalar(
        update(OfferState)
        .where(OfferState.offer_id == offer_id, OfferState.state == old, OfferState.kind != HISTORY, mine)
        .values(**values, reason=reason, changed_at=at)
        .returning(OfferState)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        known = session.get(OfferState, offer_id, populate_existing=True)
        if known is None or known.kind == HISTORY:
            raise OfferUnknown()
        raise NotInThatState(state=known.state, needed=old)
    what = {(LIVE, PAUSED): "paused", (PAUSED, LIVE): "resumed", (PAUSED, ENDED): "ended"}[old, changed.state]
    audit.write(session, person.actor, f"offer.{what}", ids.public("off", offer_id), reason=reason)
    return changed


def _who(person: Principal) -> int:
    if not isinstance(person, Staff):
        raise NotAPerson()
    if person.area:
        raise ForHeadquarters()
    return person.staff_id
