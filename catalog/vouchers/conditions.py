"""What the vouchers of an offer are bound to: outlets, weekdays and hours, closed days, uses a day, a first day, a least bill.

All of it stands in the offer's form, and beside it what of the price the merchant itself bears. Days and hours are those of the merchant's zone, by the clock on its wall. Before its first day a voucher is answered like one
that nobody knows, for it is nobody's business yet; whatever else is not met is said to the till with what would be right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import OverLimit, Problem
from base.money import BASIS_POINTS, yuan_text
from catalog.offers import eligibility
from catalog.offers import eligibility_words as words
from catalog.offers.forms import BadForm
from catalog.offers.models import VOUCHER, Offer
from catalog.offers.times import Days, Hours, MemberDays, Times
from catalog.vouchers.models import Voucher
from catalog.vouchers.refusals import MemberDaysOnly, OutsideHours, VoucherUnknown, WrongOutlet
from merchants import merchants
from merchants.acceptances import Place
from merchants.models import Acceptance, Outlet

PARTS: dict[str, type] = {
    "outlets": list,
    "hours": list,
    "uses_a_day": int,
    "first_day": str,
    "least_spend_fen": int,
    "closed": list,
    "merchant_bp": int,
}
MOST_OUTLETS, MOST_USES, MOST_FEN = 200, 100, 10**9
DAY = timedelta(days=1)
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that has to hold; what is empty or None asks nothing. `outlets`: ids.

    `merchant_bp`: of the price, what the merchant bears itself; the terms say it where they say more.
    `least_spend_fen`: from which bill on; the till does not know the bill, so the clerk reads it with the check and keeps to it.
    """

    outlets: frozenset[int] = frozenset()
    hours: tuple[Hours, ...] = ()
    member_days: tuple[int, ...] = ()
    uses_a_day: int | None = None
    first_day: date | None = None
    least_spend_fen: int | None = None
    closed: tuple[Days, ...] = ()
    merchant_bp: int | None = None

    @property
    def times(self) -> Times:
        days = MemberDays(self.member_days) if self.member_days else None
        return Times(member_days=days, hours=self.hours, closed=self.closed)


def of(offer: Offer) -> Conditions:
    """What an offer's form says; BadForm names the part that cannot be read."""
    form = offer.form
    return Conditions(
        outlets=_outlets(form["outlets"]) if "outlets" in form else frozenset(),
        hours=_hours(form["hours"]) if "hours" in form else (),
        member_days=tuple(form.get("days", ())),
        uses_a_day=_whole(form, "uses_a_day", MOST_USES),
        least_spend_fen=_whole(form, "least_spend_fen", MOST_FEN),
        first_day=_day(form["first_day"]) if "first_day" in form else None,
        closed=_closed(form["closed"]) if "closed" in form else (),
        merchant_bp=_whole(form, "merchant_bp", BASIS_POINTS),
    )


def against(session: Session, offer: Offer) -> None:
    """BadForm, unless the outlets that an offer names are its merchant's own."""
    asked = of(offer).outlets
    own = {one.outlet_id for one in merchants.outlets_of(session, offer.merchant_id or 0)} if asked else set()
    for outlet_id in sorted(asked - own):
        raise BadForm(
            field="form.outlets", why=f"{ids.public('out', outlet_id)} is no outlet of this merchant"
        )


def admit(session: Session, voucher: Voucher, offer: Offer, place: Place, at: datetime, zone: str) -> None:
    """Nothing where a voucher may be used here and now; VoucherUnknown, WrongOutlet, MemberDaysOnly, OutsideHours, OverLimit."""
    asked = of(offer)
    today = clock.day(at, zone)
    if asked.first_day is not None and today < asked.first_day:
        raise VoucherUnknown()
    if asked.outlets and place.outlet_id not in asked.outlets:
        raise _wrong_outlet(session, place.merchant_id, asked)
    if asked.member_days and today.day not in asked.member_days:
        raise MemberDaysOnly(days=list(asked.member_days))
    if not asked.times.hold(at, zone):
        raise _outside(asked, today, at, zone)
    if asked.uses_a_day is not None:
        _within(session, voucher, asked, at, zone)


def admit_use(session: Session, voucher: Voucher, offer: Offer, at: datetime, zone: str) -> None:
    """The same of the uses a day alone, once more when a checked voucher is taken: others may have been meanwhile."""
    asked = of(offer)
    if asked.uses_a_day is not None:
        _within(session, voucher, asked, at, zone)


def last_day(offer: Offer, today: date) -> date:
    """Until when a voucher that is issued today is valid: its days count from its first day on."""
    begins = of(offer).first_day
    return max(today, begins or today) + timedelta(days=offer.voucher_days or 0)


def said(session: Session, offer: Offer) -> list[dict[str, str]]:
    """The conditions in sentences for member and clerk, both languages."""
    asked, found = of(offer), []
    if asked.first_day is not None:
        day = words.day(asked.first_day)
        found.append({words.ZH: f"自{day[words.ZH]}起可用。", words.EN: f"Valid from {day[words.EN]}."})
    if asked.outlets:
        found.append(_sentence(_names(session, offer.merchant_id or 0, asked)))
    if asked.member_days:
        found.append(words.member_days(MemberDays(asked.member_days), None))
    if asked.hours:
        found.append(words.hours(asked.hours, None))
    found += [words.shut(days, None) for days in asked.closed]
    if asked.uses_a_day is not None:
        found.append(_limit_words(asked.uses_a_day))
    if asked.least_spend_fen is not None:
        yuan = yuan_text(asked.least_spend_fen)
        found.append(
            {words.ZH: f"单笔消费满 {yuan} 元可用。", words.EN: f"For bills of {yuan} yuan or more."}
        )
    return found


def outlets(session: Session, offer: Offer) -> list[Outlet]:
    """Where its vouchers are valid."""
    asked = of(offer).outlets if offer.kind == VOUCHER else frozenset()
    every = merchants.outlets_of(session, offer.merchant_id or 0)
    return [one for one in every if not asked or one.outlet_id in asked]


def _wrong_outlet(session: Session, merchant_id: int, asked: Conditions) -> WrongOutlet:
    names = _names(session, merchant_id, asked)
    sentence = _sentence(names)
    return WrongOutlet(outlets=names).saying(
        f"It is valid in our shops {_list(names, words.EN)}.",
        sentence[words.ZH].replace("仅限", "这张券适用于"),
        "support",
    )


def _outside(asked: Conditions, today: date, at: datetime, zone: str) -> OutsideHours:
    moment = asked.times.next(at, zone)
    next_at = moment.isoformat() if moment else None
    for days in asked.closed:
        if days.hold(today):
            told = words.shut(days, moment)
            return OutsideHours(explanation=told, next_at=next_at).saying(
                f"It cannot be used today. {told[words.EN]}", f"这张券今天不可用。{told[words.ZH]}", "support"
            )
    sentence = words.hours(asked.hours, moment)
    return OutsideHours(explanation=sentence, next_at=next_at).saying(
        f"It is valid at certain hours. {sentence[words.EN]}", f"这张券{sentence[words.ZH]}", "support"
    )


def _within(session: Session, voucher: Voucher, asked: Conditions, at: datetime, zone: str) -> None:
    """OverLimit where the member's uses of the offer are at the limit of the day.

    The member's vouchers of the offer are locked first, in order: of two at two tills at once the second one counts the first.
    """
    mine = (
        Voucher.member_id == voucher.member_id,
        Voucher.offer_id == voucher.offer_id,
        Voucher.spender_id.is_not_distinct_from(voucher.spender_id),
    )
    locked = select(Voucher.voucher_id).where(*mine).order_by(Voucher.voucher_id).with_for_update()
    vouchers = session.scalars(locked).all()
    today = clock.day(at, zone)
    tomorrow = clock.start_of(today + DAY, zone)
    used = session.scalar(
        select(func.count())
        .select_from(Acceptance)
        .where(
            Acceptance.member_id == voucher.member_id,
            Acceptance.voucher_id.in_(vouchers),
            Acceptance.void_id.is_(None),
            Acceptance.recorded_at >= clock.start_of(today, zone),
            Acceptance.recorded_at < tomorrow,
        )
    )
    if (used or 0) >= (asked.uses_a_day or 0):
        raise _over(asked.uses_a_day or 0, tomorrow, zone)


def _over(most: int, again_at: datetime, zone: str) -> OverLimit:
    again = words.moment_words(again_at.astimezone(clock.zone(zone)))
    sentence = _limit_words(most)
    told = {
        words.ZH: f"{sentence[words.ZH][:-1]}；{again[words.ZH]}起可再次使用。",
        words.EN: f"{sentence[words.EN][:-1]}; again from {again[words.EN]}.",
    }
    return OverLimit(explanation=told, uses_a_day=most, again_at=again_at.isoformat()).saying(
        told[words.EN], told[words.ZH], "support"
    )


def _limit_words(most: int) -> dict[str, str]:
    times = {1: "once", 2: "twice"}.get(most, f"{most} times")
    return {
        words.ZH: f"每人每日最多使用 {most} 次。",
        words.EN: f"It can be used {times} a day by each member.",
    }


def _names(session: Session, merchant_id: int, asked: Conditions) -> list[dict[str, str]]:
    return [one.names for one in merchants.outlets_of(session, merchant_id) if one.outlet_id in asked.outlets]


def _sentence(names: list[dict[str, str]]) -> dict[str, str]:
    return {
        words.ZH: f"仅限{_list(names, words.ZH)}。",
        words.EN: f"Only in these shops: {_list(names, words.EN)}.",
    }


def _list(names: list[dict[str, str]], language: str) -> str:
    every = [one.get(language) or next(iter(one.values())) for one in names]
    if language == words.ZH:
        return "、".join(every)
    return every[0] if len(every) == 1 else ", ".join(every[:-1]) + " and " + every[-1]


def _outlets(value: Any) -> frozenset[int]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_OUTLETS:
        raise BadForm(field="form.outlets", why=f"a list of 1 to {MOST_OUTLETS} ids of outlets")
    try:
        return frozenset(ids.parse("out", str(one), parts=1)[0] for one in value)
    except Problem:
        raise BadForm(field="form.outlets", why="ids of outlets, like out_0KX...") from None


def _hours(value: Any) -> tuple[Hours, ...]:
    try:
        return eligibility.hours(value)
    except Problem as wrong:
        raise BadForm(field="form.hours", why=wrong.detail.removeprefix("hours: ")) from None


def _closed(value: Any) -> tuple[Days, ...]:
    try:
        return eligibility.closed(value)
    except Problem as wrong:
        raise BadForm(field="form.closed", why=wrong.detail.removeprefix("closed: ")) from None


def _whole(form: Mapping[str, Any], name: str, most: int) -> int | None:
    value = form.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadForm(field=f"form.{name}", why=f"a whole number from 1 to {most}")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadForm(field="form.first_day", why="a day like 2026-12-24") from None
