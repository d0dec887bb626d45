"""Club perks on the course of redemptions: paid from what the member's tier allows, or by points, alone or with guests.

What is used of an allowance is counted in the redemption's own transaction, in the member's own rows, and given back with it.
The redemption is the right to one use; that it was used is told by the provider (uses.py).
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock, outbox
from base.errors import Conflict, Invalid
from catalog.offers.models import PERK, Offer
from catalog.perks import forms, uses
from catalog.perks.forms import ENTITLEMENT, POINTS, Form
from catalog.redemptions import course as steps
from catalog.redemptions import courses
from catalog.redemptions.courses import Asked, Course, Terms, Wish
from catalog.redemptions.models import Redemption
from points import programmes
from points.companions import companions
from points.entitlements import entitlements
from points.entitlements.entitlements import EntitlementUsedUp, NotEntitled, Standing, TooManyGuests
from points.members import members


class PayChoice(Invalid):
    """This perk cannot be paid in that way."""

    zh = "该权益不支持所选的支付方式。"
    next_en, next_zh = "Choose one of the ways that are named.", "请选择所列的支付方式。"


class NoCompanion(Conflict):
    """Only a companion that you are linked with can come along."""

    zh = "只有与您建立联属关系的会员可以同行。"
    next_en, next_zh = "Link with your companion first, or come alone.", "请先建立联属关系，或单独前往。"


def _price(session: Session, wish: Wish) -> Terms:
    """Who pays for whom: the member's own use, and each guest's."""
    courses.only(wish, "pay", "guests", "companion")
    form, guests = forms.of(wish.offer), int(wish.asked.get("guests", 0))
    _open(session, wish.offer, form, wish.at)
    if guests > form.guests.most:
        raise TooManyGuests(most=form.guests.most)
    details: dict[str, Any] = {"guests": guests} if guests else {}
    if guests and (form.guests.named or wish.asked.get("companion")):
        details["companion_id"] = _companion(session, wish)
    each = wish.offer.value_fen
    payable = [each * form.guests.price_percent // 100] * guests if form.guests.price_percent else []
    draws = []
    if guests and form.guests.counter:
        draws.append(_draw(session, wish, form.guests.counter, times=guests))
    under_own = guests if form.guests.price_percent is None and not form.guests.counter else 0
    own = _own(session, wish, form, under_own)
    if own is None:
        payable += [each] * (1 + under_own)
    else:
        draws.append(own)
    details |= {"pay": POINTS if own is None else ENTITLEMENT} | ({"draws": draws} if draws else {})
    people = 1 + guests
    return Terms(each * people, wish.offer.cost_fen * people, sum(payable) or None, details)


def _own(session: Session, wish: Wish, form: Form, guests: int) -> dict[str, Any] | None:
    """What the member's own use takes of an allowance; None: points pay. PayChoice, EntitlementUsedUp, NotEntitled."""
    alone = (
        wish.spender_id is None and not wish.cash_fen
    )  # an allowance is a person's own, and is all of the price
    ways = [way for way in form.pay if way == POINTS or alone]
    chosen = wish.asked.get("pay")
    if not ways or chosen not in (None, *ways):
        raise PayChoice(f"choose of: {', '.join(ways or form.pay)}", field="pay", choices=ways)
    for way in [chosen] if chosen else ways:
        if way == POINTS:
            return None
        try:
            return _draw(session, wish, form.perk or "", times=1, guests=guests)
        except (EntitlementUsedUp, NotEntitled, TooManyGuests):
            if chosen or way == ways[-1]:
                raise
    return None


def _draw(session: Session, wish: Wish, perk: str, *, times: int, guests: int = 0) -> dict[str, Any]:
    """So many uses of an allowance as they would be taken now, and how it stands before."""
    member = members.by_id(session, wish.member_id)
    programme = programmes.by_id(session, wish.offer.programme_id)
    found = entitlements.find(session, member, programme, perk, clock.day(wish.at, programme.zone))
    if found is None or not found.allowance.allowed:
        raise NotEntitled(tiers=sorted(found.rule.uses) if found else [])
    if guests > found.rule.guests:
        raise TooManyGuests(most=found.rule.guests)
    taken = times + (guests if found.rule.guests_take_uses else 0)
    if found.allowance.left < taken:
        raise EntitlementUsedUp(
            allowed=found.allowance.allowed, left=found.allowance.left, resets_on=str(found.period.until)
        )
    return {"perk": perk, "times": times, "guests": guests, "uses": taken} | _standing(found)


def _standing(found: Standing) -> dict[str, Any]:
    left, allowed, day = found.allowance.left, found.allowance.allowed, found.period.until
    return {
        "left": left,
        "allowed": allowed,
        "resets_on": str(day),
        "words": {
            "zh-CN": f"使用您的权益额度：{allowed} 次中剩余 {left} 次，{day} 重置。",
            "en": f"From your allowance: {left} of {allowed} left, resets on {day}.",
        },
    }


def _companion(session: Session, wish: Wish) -> int:
    linked = companions.of(session, wish.spender_id or wish.member_id)
    if not linked:
        raise NoCompanion()
    return linked[0]


def _open(session: Session, offer: Offer, form: Form, at: datetime) -> None:
    """PerkClosed, with the next day that is not, in words."""
    forms.refuse_closed(form, clock.day(at, programmes.by_id(session, offer.programme_id).zone))


def _check(session: Session, asked: Asked) -> None:
    """The day may have become another one since the quote."""
    _open(session, asked.offer, forms.of(asked.offer), asked.at)


def _give(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    """What the quote drew from allowances is counted now; EntitlementUsedUp when another use was first."""
    draws = redemption.details.get("draws") or []
    if draws:
        taken = [use_id for draw in draws for use_id in _take(session, redemption, draw, at)]
        redemption.details = redemption.details | {"uses": taken}
    rule = forms.of(offer).no_show_rule
    if rule is not None:
        outbox.put(session, **uses.promise(redemption), due_at=uses.ends_at(redemption, rule))


def _take(session: Session, redemption: Redemption, draw: dict[str, Any], at: datetime) -> list[int]:
    member = members.by_id(session, redemption.member_id)
    on = clock.day(at, programmes.by_id(session, member.programme_id).zone)
    ref, actor = steps.reference(redemption), f"member:{redemption.member_id}"
    taken = [
        entitlements.use(session, member, draw["perk"], draw["guests"], on, ref, actor, at)
        for _ in range(draw["times"])
    ]
    return [row.use_id for row, _ in taken]


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """The right ends with the redemption, and its uses are back in their own period; PerkUsed once it was used."""
    uses.refuse_used(session, redemption)
    for use_id in redemption.details.get("uses") or []:
        entitlements.undo(session, redemption.member_id, use_id, "redemption", at)
    outbox.withdraw(session, **uses.promise(redemption))


COURSE = Course(PERK, holds=False, begin=_give, take_back=_take_back, check=_check, price=_price)
