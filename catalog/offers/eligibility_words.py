"""What an offer asks of members and times, a sentence each in both languages. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from base.channels import CHANNELS
from base.money import yuan_text
from catalog.offers.times import EVERY_DAY, MINUTES_A_DAY, Days, Hours, MemberDays, clock_face
from points.lines.states import Line, LineState
from points.lines.words import STATES
from points.preferences.preferences import ALL_INTERESTS
from points.segments.words import CLASS_WORDS, RANK_WORDS

ZH, EN = "zh-CN", "en"
Words = dict[str, str]
Pair = tuple[str, str]
MONTHS = ("January", "February", "March", "April", "May", "June", "July",
          "August", "September", "October", "November", "December")  # fmt: skip
WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIERS: dict[str, Pair] = {
    "silver": ("银卡", "Silver"),
    "gold": ("金卡", "Gold"),
    "platinum": ("白金卡", "Platinum"),
    "diamond": ("钻石卡", "Diamond"),
} | {f"star{n}": (f"{n} 星", f"{n} star{'s' if n > 1 else ''}") for n in range(1, 8)}


@dataclass(frozen=True, slots=True)
class Names:
    """What a programme calls its tiers, and what areas are called, by code; a code without a name stands for itself."""

    tiers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    areas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def tier(self, code: str) -> Pair:
        return _named(self.tiers.get(code), TIERS.get(code, (code, code)))

    def area(self, code: str) -> Pair:
        return _named(self.areas.get(code), (code, code))


NO_NAMES = Names()


def contacts(asked: Iterable[tuple[str, str | None]]) -> Words:
    """Only for contacts of a class, maybe of a rank."""
    pairs = []
    for group_class, rank in asked:
        zh, en = CLASS_WORDS[group_class]
        of_rank = RANK_WORDS[rank] if rank else ("联系人", "")
        pairs.append((f"{zh}集团{of_rank[0]}", f"{of_rank[1]} contacts of {en} groups".strip()))
    return _said("仅限", "Only for ", _or(pairs))


def areas(codes: Sequence[str], names: Names) -> Words:
    """Only in these areas."""
    return _said("仅限", "Only in ", _or([names.area(code) for code in codes]))


def tiers(codes: Sequence[str], own: Sequence[str], names: Names) -> Words:
    """Which tiers it takes, and which the member has."""
    has = [names.tier(code) for code in own]
    zh, en = _or([names.tier(code) for code in codes])
    mine = (
        ("，您是" + "、".join(one[0] for one in has), "; you have " + " and ".join(one[1] for one in has))
        if has
        else ("，您还没有等级", "; you have no tier")
    )
    return _pair(f"需要{zh}{mine[0]}。", f"Needs {en}{mine[1]}.")


def invited() -> Words:
    """Of a segment nothing is said, not even its name."""
    return _pair("该权益仅限受邀会员。", "Only for members who were invited.")


def interests(codes: Sequence[str]) -> Words:
    """Only for members who told one of these, and that it may be used."""
    pairs = [(ALL_INTERESTS[code][ZH], ALL_INTERESTS[code][EN].lower()) for code in codes]
    zh, en = _or(pairs)
    return _pair(f"仅限对{zh}感兴趣并同意使用该信息的会员。", f"Only for members interested in {en} who agreed that we use it.")  # fmt: skip


def band(least: int | None, below: int | None) -> Words:
    """Only for monthly bills from an amount up to another."""
    zh = "、".join(
        part
        for part in (
            f"不低于 {yuan_text(least)} 元" if least is not None else "",
            f"低于 {yuan_text(below)} 元" if below is not None else "",
        )
        if part
    )
    en = " and ".join(
        part
        for part in (
            f"{yuan_text(least)} yuan or more" if least is not None else "",
            f"below {yuan_text(below)} yuan" if below is not None else "",
        )
        if part
    )
    return _pair(f"仅限月均消费{zh}的客户。", f"Only for monthly bills of {en}.")


def no_birthday() -> Words:
    """The month of the birthday is not known."""
    return _pair(
        "仅限生日当月；我们没有您的生日信息。", "Only in the month of your birthday, which we do not know."
    )


def lines(states: Sequence[str], line: Line) -> Words:
    """In which states a line may be, and in which it is."""
    zh, en = _or([_small(STATES[LineState(one)]) for one in states])
    own = _small(STATES[line.state])
    return _pair(f"仅限{zh}的号码，您的号码{own[0]}。", f"Only for lines that are {en}; yours is {own[1]}.")


def channels(codes: Sequence[str]) -> Words:
    """By which channels it is to be had."""
    return _said("请通过", "Only by ", _or([(CHANNELS[c][ZH], CHANNELS[c][EN]) for c in codes]), "办理")


def too_young(months: int, needed: int, from_day: date, moment: datetime | None) -> Words:
    """How old the line is, how old it has to be, and from when it is."""
    zh, en = _day(from_day)
    later = ("", "") if moment is None or moment.date() == from_day else _next(moment)
    count = f"{months} month{'' if months == 1 else 's'}"
    return _pair(
        f"您的入网时间为 {months} 个月，需满 {needed} 个月：{zh}起{later[0]}。",
        f"Your line is {count} old and needs {needed}: from {en}{later[1]}.",
    )


def birthday(moment: datetime | None) -> Words:
    """Only in the month of one's birthday, and when that is."""
    return _with_next("仅限您的生日当月", "Only in the month of your birthday", moment)


def member_days(days: MemberDays, moment: datetime | None) -> Words:
    """Only on member days, which ones, and when the next one is."""
    pairs = []
    if days.days:
        zh = "、".join(f"{day} 日" for day in days.days)
        en = _or([("", _nth(day)) for day in days.days])[1]
        pairs.append((f"每月 {zh}", f"the {en} of each month"))
    if days.weekdays:
        zh, en = _weekdays(days.weekdays)
        pairs.append((f"每{zh}", f"each {en}"))
    zh, en = _or(pairs)
    return _with_next(f"仅限{zh}", f"Only on {en}", moment)


def shut(days: Days, moment: datetime | None) -> Words:
    """Closed from a day to a day."""
    first, last = _day(days.first), _day(days.last)
    if days.first == days.last:
        return _with_next(f"{first[0]}不开放", f"Closed on {first[1]}", moment, "从", "open from")
    zh, en = f"{first[0]}至{last[0]}不开放", f"Closed from {first[1]} to {last[1]}"
    return _with_next(zh, en, moment, "从", "open from")


def hours(windows: Sequence[Hours], moment: datetime | None) -> Words:
    """At which hours, and when that is next."""
    zh, en = _or([_window(one) for one in windows])
    return _with_next(f"仅限{zh}", f"Only {en}", moment)


PERS: dict[str, Pair] = {
    "day": ("每日", "in a day"),
    "month": ("每月", "in a month"),
    "year": ("每年", "in a year"),
    "ever": ("总共", "in all"),
}


def limit(most: int, used: int, of_all: bool, per: str, days: int | None, moment: datetime | None) -> Words:
    """How many may be had in which time, how many were, and from when there are some again."""
    zh, en = _allowed(most, of_all, per, days)
    zh, en = (f"{zh}，已兑 {used} 份", f"{en}; {used} taken") if of_all else (
        f"{zh}，您已有 {used} 份", f"{en}; you had {used}")  # fmt: skip
    return _with_next(zh, en, moment, "从", "possible from")


def allowed(most: int, of_all: bool, per: str, days: int | None) -> Words:
    """How many may be had in which time."""
    zh, en = _allowed(most, of_all, per, days)
    return {ZH: f"{zh}。", EN: f"{en}."}


def _allowed(most: int, of_all: bool, per: str, days: int | None) -> Pair:
    per_zh, per_en = (f"每 {days} 天内", f"within {days} days") if days else PERS[per]
    return (f"{per_zh}全体会员最多 {most} 份", f"At most {most} {per_en} for all members together") if of_all else (
        f"{per_zh}每人最多 {most} 份", f"At most {most} {per_en} for each member")  # fmt: skip


def _window(one: Hours) -> Pair:
    span = f"{clock_face(one.from_minute)}-{clock_face(one.until_minute)}"
    whole = (one.from_minute, one.until_minute) == (0, MINUTES_A_DAY)
    if one.weekdays == EVERY_DAY:
        return ("全天", "at any time") if whole else (f"每日 {span}", f"{span} each day")
    zh, en = _weekdays(one.weekdays)
    return (f"每{zh}", f"on {en}") if whole else (f"每{zh} {span}", f"{span} on {en}")


def _weekdays(days: Sequence[int]) -> Pair:
    zh = "周" + "、".join(WEEKDAYS_ZH[day - 1] for day in days)
    return zh, _or([("", WEEKDAYS[day - 1]) for day in days])[1]


def _with_next(
    zh: str, en: str, moment: datetime | None, before_zh: str = "下次为", before_en: str = "next"
) -> Words:
    if moment is None:
        return _pair(f"{zh}。", f"{en}.")
    when_zh, when_en = _moment(moment)
    on = "" if before_en.endswith("from") else "on "
    return _pair(
        f"{zh}；{before_zh} {when_zh}{'起' if not on else ''}。", f"{en}; {before_en} {on}{when_en}."
    )


def _next(moment: datetime) -> Pair:
    zh, en = _moment(moment)
    return f"，可兑换时间为 {zh}", f", open to you from {en}"


def _moment(moment: datetime) -> Pair:
    zh, en = _day(moment.date())
    if (moment.hour, moment.minute) == (0, 0):
        return zh, en
    return f"{zh} {moment:%H:%M}", f"{en}, {moment:%H:%M}"


def day(on: date) -> Words:
    """A day in words."""
    return _pair(*_day(on))


def moment_words(moment: datetime) -> Words:
    """A moment in words, by its own clock; midnight is the day alone."""
    return _pair(*_moment(moment))


def _day(on: date) -> Pair:
    return f"{on.year} 年 {on.month} 月 {on.day} 日", f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def _nth(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _small(pair: Pair) -> Pair:
    return pair[0], pair[1].lower()


def _named(names: Mapping[str, str] | None, default: Pair) -> Pair:
    return (names.get(ZH, default[0]), names.get(EN, default[1])) if names else default


def _or(pairs: Sequence[Pair]) -> Pair:
    ens = [en for _, en in pairs]
    en = ens[0] if len(ens) == 1 else ", ".join(ens[:-1]) + " or " + ens[-1]
    return "或".join(zh for zh, _ in pairs), en


def _said(zh: str, en: str, pair: Pair, after: str = "") -> Words:
    return _pair(f"{zh}{pair[0]}{after}。", f"{en}{pair[1]}.")


def _pair(zh: str, en: str) -> Words:
    return {ZH: zh, EN: en}
