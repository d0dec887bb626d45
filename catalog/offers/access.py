"""Whether a member may have an offer now: it is there for the member, it is open, and the member meets what it asks.

Members are asked for what they are, a group's spender for what the spender is; whose points pay does not matter here.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.errors import Problem
from catalog.offers import eligibility, offers
from catalog.offers.eligibility import Rule
from catalog.offers.eligibility_words import Names
from catalog.offers.models import Offer
from catalog.offers.offers import Listed, OfferUnknown
from catalog.offers.why_not import why_not
from points.members import areas, facts
from points.members.facts import Facts
from points.models import Programme
from points.segments.models import SegmentVersion
from points.tiers import ladders


def ask(
    session: Session,
    found: Listed,
    programme: Programme,
    member_id: int,
    at: datetime,
    channel: str,
    *,
    quoted: Offer | None = None,
) -> None:
    """Refuses what is not for the member: OfferUnknown where it is hidden, then OfferNotOpen and the like, then who and when.

    `quoted`: the version by which the member was promised it, whose conditions count instead of later ones.
    """
    offer = quoted or found.offer
    rule = rule_of(session, offer)
    who = None if rule.is_empty else facts.of(session, member_id, clock.day(at, programme.zone))
    if who and rule.hides(who):
        raise OfferUnknown()
    refusal = offers.why_closed(found, at)
    if who and refusal is None and why_not(rule, who, at, programme.zone, channel):
        names = names_of(session, programme.programme_id)
        refusal = why_not(rule, who, at, programme.zone, channel, names=names, until=offer.until_at)
    if refusal:
        raise refusal


def closed(
    session: Session, found: Listed, programme: Programme, who: Facts | None, at: datetime, channel: str
) -> Problem | None:
    """What `ask` refuses with; of nobody in particular only whether the offer is open."""
    try:
        if who is None:
            return offers.why_closed(found, at)
        ask(session, found, programme, who.member_id, at, channel)
    except Problem as refusal:
        return refusal
    return None


def rule_of(session: Session, offer: Offer) -> Rule:
    """Whom an offer is for; it hides by what its segments' rules ask for now."""
    rule = eligibility.parse(offer.eligibility) if offer.eligibility else eligibility.EVERYBODY
    if not rule.segments:
        return rule
    return eligibility.parse(offer.eligibility, adds_only(session, rule.segments))


def adds_only(session: Session, segments: Iterable[int] | None = None) -> frozenset[int]:
    """Segments of which any version asks for the risk grade, of all or of these."""
    asked = select(SegmentVersion.segment_id).where(SegmentVersion.adds_only)
    if segments is not None:
        asked = asked.where(SegmentVersion.segment_id.in_(segments))
    return frozenset(session.scalars(asked))


def names_of(session: Session, programme_id: int) -> Names:
    """What the programme calls its tiers, and what areas are called."""
    steps = [step for rule in ladders.load(session, programme_id).versions for step in rule.steps]
    return Names(
        {step.tier: step.names for step in steps}, {area.code: area.names for area in areas.every(session)}
    )
