"""Counting against an offer's limits, so that of two at once the second one counts the first.

One member's units are counted from the redemptions themselves, after the posting has locked the wallet and in a statement
after it. With a group's points each spender is counted apart, as each has a place of their own. What all have together is
a row for each window, taken by one conditional UPDATE as stock is, and only where an offer has such a limit.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.offers import limits as limiting
from catalog.offers.limits import ALL, MEMBER, Counts, Had, Limit, all_reached, check, check_all
from catalog.offers.models import Offer, OfferCount
from catalog.redemptions.models import CANCELLED, FAILED, REVERSED, Redemption
from points import ledger, programmes

GIVEN_BACK = (FAILED, CANCELLED, REVERSED)


def ask(
    session: Session,
    offer: Offer,
    member_id: int,
    spender_id: int | None,
    units: int,
    at: datetime,
    zone: str,
) -> None:
    """LimitReached as confirming so many units now would say."""
    limits = limiting.of(offer.limits)
    if not limits:
        return
    had = of_member(session, offer.offer_id, member_id, spender_id)
    refusal = check(limits, had, units, at, zone, offer.until_at) or check_all(
        limits, counts(session, [offer.offer_id]), offer, units, at, zone
    )
    if refusal:
        raise refusal


def take(session: Session, offer: Offer, redemption: Redemption, zone: str) -> None:
    """Once a redemption is posted and before it is committed: LimitReached where it is one too many; nobody overtakes."""
    limits, at = limiting.of(offer.limits), redemption.at
    if any(limit.of == MEMBER for limit in limits):
        if redemption.posting_seq is None:  # without a posting nothing has locked the wallet yet
            ledger.lock(session, [redemption.member_id])
        had = of_member(
            session, offer.offer_id, redemption.member_id, redemption.spender_id, redemption.redemption_id
        )
        refusal = check(limits, had, redemption.units, at, zone, offer.until_at)
        if refusal:
            raise refusal
    for limit in limits:
        if limit.of == ALL:
            _take_of_all(session, offer, limit, redemption.units, at, zone)


def put_back(session: Session, offer: Offer, redemption: Redemption) -> None:
    """What was given back does not count: its window has as many again. One member's are simply not counted any more."""
    for limit in limiting.of(offer.limits):
        if limit.of == ALL:
            zone = programmes.by_id(session, offer.programme_id).zone
            session.execute(
                update(OfferCount)
                .where(
                    OfferCount.offer_id == offer.offer_id,
                    OfferCount.per == limit.per,
                    OfferCount.first_day == limit.first_day(redemption.at, zone),
                )
                .values(units=OfferCount.units - redemption.units)
            )


def of_member(
    session: Session, offer_id: int, member_id: int, spender_id: int | None, but: int | None = None
) -> list[Had]:
    """The redemptions of an offer that count for a member, or for one spender of a group; without one of them."""
    asked = select(Redemption.at, Redemption.units).where(
        Redemption.member_id == member_id,
        Redemption.offer_id == offer_id,
        Redemption.spender_id.is_not_distinct_from(spender_id),
        Redemption.state.not_in(GIVEN_BACK),
    )
    if but is not None:
        asked = asked.where(Redemption.redemption_id != but)
    return [(row.at, row.units) for row in session.execute(asked)]


def counts(session: Session, offer_ids: Iterable[int]) -> Counts:
    """What all have together of offers, by offer and window."""
    rows = session.execute(
        select(OfferCount.offer_id, OfferCount.per, OfferCount.first_day, OfferCount.units).where(
            OfferCount.offer_id.in_(offer_ids)
        )
    )
    return {(row.offer_id, row.per, row.first_day): row.units for row in rows}


def _take_of_all(session: Session, offer: Offer, limit: Limit, units: int, at: datetime, zone: str) -> None:
    """One statement makes the window's row or raises it, but never over the limit."""
    place = (offer.offer_id, limit.per, limit.first_day(at, zone))
    if units <= limit.most:
        fresh = insert(OfferCount).values(offer_id=place[0], per=place[1], first_day=place[2], units=units)
        taken = session.scalar(
            fresh.on_conflict_do_update(
                index_elements=["offer_id", "per", "first_day"],
                set_={"units": OfferCount.units + units},
                where=OfferCount.units + units <= limit.most,
            ).returning(OfferCount.units)
        )
        if taken is not None:
            return
    raise all_reached(limit, counts(session, [offer.offer_id]).get(place, 0), offer, units, at, zone)
