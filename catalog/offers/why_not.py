"""Why an offer is not for a member at a moment, in words. Pure.

Of several reasons one is told, in this order: that there is such an offer at all is not told to whom it is hidden from;
then what is about the member, as it will not come by waiting; then what time brings, with the first moment at which all of
that holds together.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from base import clock
from base.errors import Conflict, NotAllowed, Problem
from catalog.offers import eligibility_words as words
from catalog.offers.eligibility import Contact, Rule
from catalog.offers.offers import OfferUnknown
from points.members.facts import Facts


class NotForTheseContacts(NotAllowed):
    """This offer is for contacts of certain groups."""

    zh = "该权益仅限指定集团的联系人。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


class NotInThisArea(NotAllowed):
    """This offer is only for certain areas."""

    zh = "该权益仅限指定地区。"
    next_en, next_zh = "Choose an offer of your own area.", "请选择您所在地区的权益。"


class NeedsTier(NotAllowed):
    """This offer needs another tier."""

    zh = "该权益需要相应等级。"
    next_en, next_zh = (
        "Look what the tier takes, or choose another offer.",
        "请查看升级条件，或选择其他权益。",
    )


class NotInvited(NotAllowed):
    """This offer is for invited members."""

    zh = "该权益仅限受邀会员。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


class NeedsInterest(NotAllowed):
    """This offer is for members with certain interests."""

    zh = "该权益面向有相应兴趣的会员。"
    next_en, next_zh = "You can tell your interests in your profile.", "可在个人资料中填写兴趣。"


class NotForThisBill(NotAllowed):
    """This offer is for certain amounts of the monthly bill."""

    zh = "该权益仅限指定月消费范围。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


class NotForThisLine(NotAllowed):
    """This offer is not for a line in this state."""

    zh = "该权益不适用于此状态的号码。"
    next_en, next_zh = "Choose another offer.", "请选择其他权益。"


class AnotherChannel(NotAllowed):
    """This offer is to be had by another channel."""

    zh = "该权益须通过其他渠道办理。"
    next_en, next_zh = "Use the channel that is named.", "请使用注明的渠道。"


class NotYet(Conflict):
    """This offer is not open to you at this time."""

    zh = "您暂时不能兑换该权益。"
    next_en, next_zh = "Come back at the time that is named.", "请在注明的时间再来。"


class LineTooYoung(NotYet):
    """Your line is too young for this offer."""

    zh = "您的入网时间不足，暂不能兑换该权益。"


class NotYourBirthdayMonth(NotYet):
    """This offer is for the month of one's birthday."""

    zh = "该权益仅限生日当月。"


class NotMemberDay(NotYet):
    """This offer is open on member days."""

    zh = "该权益仅在会员日开放。"


class ClosedThatDay(NotYet):
    """This offer is closed today."""

    zh = "该权益今日不开放。"


class OfferOutsideHours(NotYet):
    """This offer is open at certain hours."""

    zh = "该权益仅在指定时段开放。"


def why_not(
    rule: Rule,
    facts: Facts,
    at: datetime,
    zone: str,
    channel: str,
    *,
    names: words.Names = words.NO_NAMES,
    until: datetime | None = None,
) -> Problem | None:
    """Why the offer is not for a member at a moment by a channel, in words; None where it is.

    `possible_from` says from when, as far as time alone decides and the offer lasts as long (`until`).
    """
    if rule.is_empty:
        return None
    if rule.hides(facts):
        return OfferUnknown()
    for holds, told in _WHO:
        if not holds(rule, facts, channel):
            return told(rule, facts, names)
    times = rule.times(facts)
    if times.hold(at, zone):
        return None
    moment = times.next(at, zone)
    return _when(rule, facts, at, zone, moment if until is None or moment is None or moment < until else None)


Holds = Callable[[Rule, Facts, str], bool]
Told = Callable[[Rule, Facts, words.Names], Problem]

_WHO: tuple[tuple[Holds, Told], ...] = (
    (
        lambda rule, facts, channel: not rule.contacts or any(_is(facts, one) for one in rule.contacts),
        lambda rule, facts, names: NotForTheseContacts(explanation=words.contacts(rule.contacts)),
    ),
    (
        lambda rule, facts, channel: not rule.areas or any(facts.area.startswith(a) for a in rule.areas),
        lambda rule, facts, names: NotInThisArea(explanation=words.areas(rule.areas, names)),
    ),
    (
        lambda rule, facts, channel: not rule.tiers or not set(rule.tiers).isdisjoint(facts.tiers),
        lambda rule, facts, names: NeedsTier(
            tiers=list(rule.tiers), explanation=words.tiers(rule.tiers, facts.tiers, names)
        ),
    ),
    (
        lambda rule, facts, channel: not rule.segments or not facts.segments.isdisjoint(rule.segments),
        lambda rule, facts, names: NotInvited(explanation=words.invited()),
    ),
    (
        lambda rule, facts, channel: not rule.interests or not facts.interests.isdisjoint(rule.interests),
        lambda rule, facts, names: NeedsInterest(explanation=words.interests(rule.interests)),
    ),
    (
        lambda rule, facts, channel: _between(facts.arpu_fen, rule.arpu_from_fen, rule.arpu_below_fen),
        lambda rule, facts, names: NotForThisBill(
            explanation=words.band(rule.arpu_from_fen, rule.arpu_below_fen)
        ),
    ),
    (
        lambda rule, facts, channel: not rule.birthday_month or facts.birthday_month is not None,
        lambda rule, facts, names: NotYourBirthdayMonth(explanation=words.no_birthday()),
    ),
    (
        lambda rule, facts, channel: not rule.lines or facts.line.state in rule.lines,
        lambda rule, facts, names: NotForThisLine(explanation=words.lines(rule.lines, facts.line)),
    ),
    (
        lambda rule, facts, channel: not rule.channels or channel in rule.channels,
        lambda rule, facts, names: AnotherChannel(
            channels=list(rule.channels), explanation=words.channels(rule.channels)
        ),
    ),
)


def _is(facts: Facts, asked: Contact) -> bool:
    """Whether a member is a contact, or is the group itself, of that class and rank."""
    group_class, rank = asked
    return any(group_class == c and rank in (None, r) for c, r in facts.contact_of)


def _between(value: int | None, least: int | None, below: int | None) -> bool:
    if least is None and below is None:
        return True
    return value is not None and (least is None or value >= least) and (below is None or value < below)


def _when(rule: Rule, facts: Facts, at: datetime, zone: str, moment: datetime | None) -> Problem:
    """What time has to bring: the first of these that does not hold at the moment that is asked for."""
    on = clock.day(at, zone)
    times = rule.times(facts)
    said: dict[str, Any] = {"possible_from": moment.isoformat()} if moment else {}
    if times.from_day and on < times.from_day:
        months = facts.tenure_months
        return LineTooYoung(
            explanation=words.too_young(months, rule.tenure_months, times.from_day, moment), **said
        )
    if times.month is not None and on.month != times.month:
        return NotYourBirthdayMonth(explanation=words.birthday(moment), **said)
    if times.member_days and not times.member_days.hold(on):
        return NotMemberDay(explanation=words.member_days(times.member_days, moment), **said)
    shut = next((days for days in times.closed if days.hold(on)), None)
    if shut:
        return ClosedThatDay(explanation=words.shut(shut, moment), **said)
    return OfferOutsideHours(explanation=words.hours(times.hours, moment), **said)
