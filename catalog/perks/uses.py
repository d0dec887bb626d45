"""A perk at its provider: used once by the member who is there, with guests or alone; or not used in time."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database, outbox
from base.config import Config
from base.errors import Conflict, NotAllowed
from catalog.offers import offers
from catalog.offers.models import PERK
from catalog.perks import forms
from catalog.perks.forms import GIVEN_BACK, NoShow
from catalog.perks.models import CAME, MISSED, PerkUse
from catalog.redemptions import course
from catalog.redemptions.models import CANCELLED, FULFILLED, Redemption
from points import programmes
from points.entitlements.entitlements import TooManyGuests
from points.refusals import MemberMerged

TASK = "unused_perk"


class PerkUsed(Conflict):
    """This perk was used already, or was missed."""

    zh = "该权益已使用或已过期未使用。"
    next_en, next_zh = "Redeem it once more for another use.", "如需再次使用请重新兑换。"


class PerkNotThere(Conflict):
    """This is no perk that can be used."""

    zh = "该兑换不是可使用的会员权益。"


class GuestAlone(NotAllowed):
    """Guests come with the member, never without."""

    zh = "同行人须与会员本人一同使用。"
    next_en, next_zh = "Ask the member to come to the desk.", "请会员本人到场。"


def use(
    session: Session, redemption: Redemption, guests: int, *, present: bool, actor: str, at: datetime
) -> PerkUse:
    """The member is there, with so many of the guests that were paid for; the same once more changes nothing.

    GuestAlone, TooManyGuests, PerkNotThere, PerkUsed, PerkClosed.
    """
    if not present:
        raise GuestAlone()
    offer = offers.version(session, redemption.version_id)
    _locked(session, redemption)
    before = of(session, redemption)
    if before is not None and (before.outcome, before.guests) == (CAME, guests):
        return before
    refuse_used(session, redemption)
    if redemption.kind != PERK or redemption.state != FULFILLED:
        raise PerkNotThere(state=redemption.state)
    paid = int(redemption.details.get("guests", 0))
    if guests > paid:
        raise TooManyGuests(most=paid)
    on = clock.day(at, programmes.by_id(session, offer.programme_id).zone)
    forms.refuse_closed(forms.of(offer), on)
    outbox.withdraw(session, **promise(redemption))
    return _write(session, redemption, guests, CAME, actor, at)


def missed(session: Session, redemption: Redemption, at: datetime) -> None:
    """Its time is over: by the offer's rule it counts as used, or everything goes back. Before that, or once used, nothing."""
    offer = offers.version(session, redemption.version_id)
    rule = forms.of(offer).no_show_rule
    course.awaits_money(session, redemption)  # the cash part is locked before the rest, as by who cancels
    _locked(session, redemption)
    if rule is None or redemption.state != FULFILLED or of(session, redemption) is not None:
        return
    if at < ends_at(redemption, rule):
        if not outbox.promised_later(session, **promise(redemption)):
            outbox.put(session, **promise(redemption), due_at=ends_at(redemption, rule))
    elif rule.counts_as == GIVEN_BACK:
        course.give_back(session, redemption, CANCELLED, course.JOB, at, "not used in time")
    else:
        _write(session, redemption, 0, MISSED, course.JOB.actor, at)


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """The job: what became of a perk that nobody used; safe to run twice and at any time."""
    try:
        with database.begin() as session:
            missed(session, session.get_one(Redemption, (member_id, redemption_id)), clock.now())
    except MemberMerged:  # nothing comes back to a wallet that is no more: the use counts as missed
        with database.begin() as session:
            redemption = session.get_one(Redemption, (member_id, redemption_id))
            if of(session, redemption) is None:
                _write(session, redemption, 0, MISSED, course.JOB.actor, clock.now())


def of(session: Session, redemption: Redemption) -> PerkUse | None:
    """The use of a perk, if there was one."""
    return session.get(PerkUse, (redemption.member_id, redemption.redemption_id), populate_existing=True)


def refuse_used(session: Session, redemption: Redemption) -> None:
    """PerkUsed when it was used or missed."""
    found = of(session, redemption)
    if found is not None:
        raise PerkUsed(outcome=found.outcome, at=found.at.isoformat())


def ends_at(redemption: Redemption, rule: NoShow) -> datetime:
    """Until when it can be used before the rule for who does not come holds."""
    return redemption.at + timedelta(days=rule.after_days)


def promise(redemption: Redemption) -> dict[str, Any]:
    """The outbox row that looks whether a perk was used."""
    args = {"member_id": redemption.member_id, "redemption_id": redemption.redemption_id}
    return {"member_id": redemption.member_id, "task": TASK, "args": args}


def _locked(session: Session, redemption: Redemption) -> None:
    """Its row is ours: neither a cancelling nor another use comes beside this one."""
    mine = (
        Redemption.member_id == redemption.member_id,
        Redemption.redemption_id == redemption.redemption_id,
    )
    session.execute(select(Redemption.state).where(*mine).with_for_update())
    session.refresh(redemption)


def _write(
    session: Session, redemption: Redemption, guests: int, outcome: str, actor: str, at: datetime
) -> PerkUse:
    programme_id = offers.version(session, redemption.version_id).programme_id
    session.execute(
        insert(PerkUse).values(
            member_id=redemption.member_id,
            redemption_id=redemption.redemption_id,
            at=at,
            on_day=clock.day(at, programmes.by_id(session, programme_id).zone),
            guests=guests,
            outcome=outcome,
            actor=actor,
        )
    )
    return session.get_one(PerkUse, (redemption.member_id, redemption.redemption_id))
