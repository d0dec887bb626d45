"""Each posting in one sentence, in both languages, recomputed from what is stored: a pure function.

Points of a bill line are reckoned again from its amounts, its rule, its factors and what is paid of it; where that does
not give the posting's points, the sentence says plainly what moved and claims no sum.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from base.money import FEN_PER_YUAN
from points import factors, lots, policies, rating
from points.kinds import Kind
from points.lots import NO_EXTENSIONS, Calendar
from points.models import EarnFactor, PostingRow

ZH, EN = "zh-CN", "en"
Sentence = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What the points of a bill line came from: its amounts, the rule `points` for each `per_fen` fen, its factors, and
    how much of it was paid (None: all).
    """

    bill_id: str
    line_no: int
    amount_fen: int
    waived_fen: int
    points: int
    per_fen: int
    currency: str
    factors: tuple[EarnFactor, ...] = ()
    paid_fen: int | None = None

    @property
    def payable_fen(self) -> int:
        return max(0, self.amount_fen - self.waived_fen)

    @property
    def fraction(self) -> tuple[int, int]:
        """The points of the whole line before they are rounded: over how many parts."""
        return policies.fraction(self.points, self.per_fen, self.payable_fen, self.factors)

    @property
    def result(self) -> int:
        """The points of the whole line."""
        points, parts = self.fraction
        return points // parts

    @property
    def earned(self) -> int:
        """The points of what was paid of it."""
        return rating.share(self.result, self.payable_fen, self.paid_fen)

    @property
    def is_part(self) -> bool:
        """Whether the line was not paid in full."""
        return self.paid_fen is not None and self.paid_fen < self.payable_fen


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction behind a posting: its id, and what the line had earned before it."""

    correction_id: str
    points_before: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment behind a posting: its id and amount, and what the line had earned before it."""

    payment_id: str
    paid_fen: int
    points_before: int


def explain(
    posting: PostingRow,
    reckoning: Reckoning | None = None,
    cause: Correction | Payment | None = None,
    calendar: Calendar = NO_EXTENSIONS,
) -> Sentence:
    """Why this posting moved its points: {"zh-CN": ..., "en": ...}.

    `reckoning` of the bill line as the posting saw it: how it came, or how it stood after its `cause`. `calendar`: the
    extensions of the programme; those announced by the moment of the posting give its last days.
    """
    if reckoning and isinstance(cause, Correction):
        if posting.amount <= abs(reckoning.earned - cause.points_before):
            return _corrected(posting, reckoning, cause)
    elif reckoning and isinstance(cause, Payment):
        if posting.amount == reckoning.earned - cause.points_before:
            return _paid(posting, reckoning, cause)
    elif reckoning and reckoning.earned == posting.amount:
        en = f"{_money(reckoning.amount_fen, reckoning.currency, EN)} on bill {reckoning.bill_id} line {reckoning.line_no}"
        zh = f"账单 {reckoning.bill_id} 第 {reckoning.line_no} 行 {_money(reckoning.amount_fen, reckoning.currency, ZH)}"
        return {ZH: f"{zh}{_sum(reckoning, ZH)}", EN: f"{en}{_sum(reckoning, EN)}"}
    if posting.kind in (Kind.EXPIRE, Kind.RESTORE):
        zh, en = _by_last_day(posting, lots.announced(calendar, posting.at))
    else:
        zh, en = _WORDS[Kind(posting.kind)](posting)
    return {ZH: zh, EN: en}


def question(reckoning: Reckoning) -> Sentence:
    """What a bill line would earn, as the sum behind it."""
    return {
        ZH: f"账单 {_money(reckoning.amount_fen, reckoning.currency, ZH)}{_sum(reckoning, ZH)}",
        EN: f"{_money(reckoning.amount_fen, reckoning.currency, EN)} on a bill{_sum(reckoning, EN)}",
    }


def _corrected(posting: PostingRow, reckoning: Reckoning, correction: Correction) -> Sentence:
    difference = abs(reckoning.earned - correction.points_before)
    bill, line, named = reckoning.bill_id, reckoning.line_no, correction.correction_id
    part_zh = "" if posting.amount == difference else f"（共 {difference:,} 积分）"
    part_en = "" if posting.amount == difference else f" of {difference:,}"
    what_zh, what_en = {
        Kind.EARN: ("补发", "more"),
        Kind.UNEARN: ("收回", "taken back"),
        Kind.OWE: ("因已使用而待偿还", "had been spent and are owed"),
    }[Kind(posting.kind)]
    return {
        ZH: f"账单 {bill} 第 {line} 行更正 {named}：{_money(reckoning.amount_fen, reckoning.currency, ZH)}"
        f"{_sum(reckoning, ZH)}，更正前 {correction.points_before:,} 积分；{what_zh} {posting.amount:,} 积分{part_zh}",
        EN: f"Correction {named} of bill {bill} line {line}: {_money(reckoning.amount_fen, reckoning.currency, EN)}"
        f"{_sum(reckoning, EN)} instead of {correction.points_before:,}; "
        f"{posting.amount:,}{part_en} {what_en}",
    }


def _paid(posting: PostingRow, reckoning: Reckoning, payment: Payment) -> Sentence:
    bill, line, currency = reckoning.bill_id, reckoning.line_no, reckoning.currency
    before_zh = f"，此前 {payment.points_before:,} 积分" if payment.points_before else ""
    before_en = f", {payment.points_before:,} of them before" if payment.points_before else ""
    return {
        ZH: f"账单 {bill} 第 {line} 行付款 {payment.payment_id} {_money(payment.paid_fen, currency, ZH)}："
        f"{_money(reckoning.amount_fen, currency, ZH)}{_sum(reckoning, ZH)}{before_zh}；本次 {posting.amount:,} 积分",
        EN: f"Payment {payment.payment_id} of {_money(payment.paid_fen, currency, EN)} on bill {bill} line {line}: "
        f"{_money(reckoning.amount_fen, currency, EN)}{_sum(reckoning, EN)}{before_en}; {posting.amount:,} now",
    }


def _sum(reckoning: Reckoning, language: str) -> str:
    """ ", less 50.00 waived, 1 point per 1.00 yuan, x2 for 5 stars = 498 points", and what of it is paid."""
    points, parts = reckoning.fraction
    exact = points % parts == 0
    waived, per = (_yuan(fen) for fen in (reckoning.waived_fen, reckoning.per_fen))
    unit_zh, unit_en = (_unit(reckoning.currency, language) for language in (ZH, EN))
    more = "".join(
        f"，{_factor(one, ZH)}" if language == ZH else f", {_factor(one, EN)}" for one in reckoning.factors
    )
    if language == ZH:
        less = f"，减免 {waived} {unit_zh}" if reckoning.waived_fen else ""
        rounded = "" if exact else "，舍去小数"
        said = (
            f"{less}，每 {per} {unit_zh} {reckoning.points:,} 积分{more}{rounded} = {reckoning.result:,} 积分"
        )
    else:
        less = f", less {waived} waived" if reckoning.waived_fen else ""
        rounded = "" if exact else ", rounded down"
        said = f"{less}, {_points(reckoning.points)} per {per} {unit_en}{more}{rounded} = {_points(reckoning.result)}"
    return f"{said}{_part(reckoning, language)}"


def _part(reckoning: Reckoning, language: str) -> str:
    """ "; 100.00 of 249.00 paid = 100 points", where the line was not paid in full."""
    if reckoning.paid_fen is None or not reckoning.is_part:
        return ""
    exact = reckoning.result * reckoning.paid_fen % reckoning.payable_fen == 0
    paid, payable = _yuan(reckoning.paid_fen), _yuan(reckoning.payable_fen)
    if language == ZH:
        return f"；应付 {payable} 已付 {paid}{'' if exact else '，舍去小数'} = {reckoning.earned:,} 积分"
    return f"; {paid} of {payable} paid{'' if exact else ', rounded down'} = {_points(reckoning.earned)}"


def _factor(factor: EarnFactor, language: str) -> str:
    """ "x2 for 5 stars", "+50 % in the birthday month": by how much, and why."""
    how = (
        f"+{factor.percent} %" if factor.adds else f"{'×' if language == ZH else 'x'}{_times(factor.percent)}"
    )
    if factor.kind == factors.BIRTHDAY:
        return f"生日月 {how}" if language == ZH else f"{how} in the birthday month"
    if factor.kind == factors.TENURE:
        years = factor.least_years or 0
        if language == ZH:
            return f"在网满 {years} 年 {how}"
        return f"{how} after {years} {'year' if years == 1 else 'years'} as a customer"
    tier = tier_name(factor.tier or "")[language]
    return f"{tier} {how}" if language == ZH else f"{how} for {tier}"


def _times(percent: int) -> str:
    """200 -> 2, 150 -> 1.5, 5 -> 0.05."""
    return f"{percent // 100}.{percent % 100:02d}".rstrip("0").rstrip(".")


def tier_name(tier: str) -> Sentence:
    """A tier's name in both languages; a code that is not known stands for itself."""
    stars = tier.removeprefix("star")
    if stars in tuple("1234567") and stars != tier:
        return {ZH: f"{stars} 星", EN: f"{stars} star{'' if stars == '1' else 's'}"}
    zh = {"silver": "银卡", "gold": "金卡", "diamond": "钻石卡"}.get(tier)
    return {ZH: zh, EN: tier} if zh else {ZH: f"等级 {tier}", EN: f"tier {tier}"}


def _money(fen: int, currency: str, language: str) -> str:
    return f"{_yuan(fen)} {_unit(currency, language)}"


def _yuan(fen: int) -> str:
    return f"{fen // FEN_PER_YUAN:,}.{fen % FEN_PER_YUAN:02d}"


def _unit(currency: str, language: str) -> str:
    return {ZH: "元", EN: "yuan"}[language] if currency == "CNY" else currency


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count:,} points"


# Postings that no bill line explains

Words = tuple[str, str]  # zh-CN, en


def _plain(zh: str, en: str, *, about: bool = True) -> Callable[[PostingRow], Words]:
    """The points moved, with the reference that the posting names."""

    def words(posting: PostingRow) -> Words:
        named = f": {posting.ref}" if about and posting.ref else ""
        return (
            f"{zh} {posting.amount:,} 积分{named.replace(': ', '：')}",
            f"{_points(posting.amount)} {en}{named}",
        )

    return words


def _spent(zh: str, en: str) -> Callable[[PostingRow], Words]:
    """Points for a redemption, and what they paid for."""

    def words(posting: PostingRow) -> Words:
        gift = (posting.ref or "").startswith("gft_")
        named_zh = f"，{'赠送' if gift else '兑换'} {posting.ref}" if posting.ref else ""
        named_en = f" for {'gift' if gift else 'redemption'} {posting.ref}" if posting.ref else ""
        if posting.value_fen is not None:
            named_zh += f"，价值 {_yuan(posting.value_fen)}"
            named_en += f", worth {_yuan(posting.value_fen)}"
        return f"{zh} {posting.amount:,} 积分{named_zh}", f"{_points(posting.amount)} {en}{named_en}"

    return words


def _of_earlier(zh: str, en: str) -> Callable[[PostingRow], Words]:
    """Points that were moved before, by the posting that is named."""

    def words(posting: PostingRow) -> Words:
        number = posting.rev_of
        return (
            f"第 {number} 笔的 {posting.amount:,} 积分{zh}",
            f"{_points(posting.amount)} of movement {number} {en}",
        )

    return words


def _with_debt(zh: str, en: str) -> Callable[[PostingRow], Words]:
    def words(posting: PostingRow) -> Words:
        return (
            f"{zh} {posting.amount:,} 积分，尚欠 {posting.debt_after:,} 积分",
            f"{_points(posting.amount)} {en}; {posting.debt_after:,} still owed",
        )

    return words


def _by_last_day(posting: PostingRow, calendar: Calendar) -> Words:
    """What lapsed or came back, by last day: the parts add up to the posting."""
    by_day: dict[date, int] = {}
    for lot_key, count in zip(posting.lots[0::3], posting.lots[2::3], strict=True):
        day = lots.last_day(lots.lasting(lot_key, calendar))
        by_day[day] = by_day.get(day, 0) + count
    zh = "，".join(f"{count:,} 有效期至 {day}" for day, count in by_day.items())
    if posting.kind == Kind.RESTORE:
        en = ", ".join(f"{count:,} can be spent until {day}" for day, count in by_day.items())
        return (
            f"有效期延长，恢复第 {posting.rev_of} 笔到期的 {posting.amount:,} 积分：{zh}",
            f"{_points(posting.amount)} that lapsed with movement {posting.rev_of} came back, as their last day was "
            f"extended: {en}",
        )
    en = ", ".join(f"{count:,} could be spent until {day}" for day, count in by_day.items())
    return f"{posting.amount:,} 积分到期：{zh}", f"{_points(posting.amount)} lapsed: {en}"


def purchase_reference(merchant: str, earning: str, amount_fen: int, points: int, per_fen: int) -> str:
    """What the posting of a purchase at a merchant (its code) names, so that its points can be reckoned again."""
    return f"purchase {merchant} {earning} {amount_fen} {points} {per_fen}"


def purchase(ref: str | None) -> Sentence | None:
    """The purchase that a posting names, and the sum behind its points; None where it names none."""
    found = _PURCHASE.fullmatch(ref or "")
    if found is None:
        return None
    merchant, earning, (amount_fen, points, per_fen) = found[1], found[2], map(int, found.group(3, 4, 5))
    result = amount_fen * points // per_fen
    exact = amount_fen * points % per_fen == 0
    amount, per = _yuan(amount_fen), _yuan(per_fen)
    return {
        ZH: f"在商户 {merchant} 消费 {amount}（{earning}），每 {per} {points:,} 积分{'' if exact else '，舍去小数'} = {result:,} 积分",
        EN: f"Purchase of {amount} at {merchant} ({earning}), {_points(points)} per {per}"
        f"{'' if exact else ', rounded down'} = {_points(result)}",
    }


def _earned(posting: PostingRow) -> Words:
    """Points that no bill line explains: of a purchase, or of the first day, which name the system that they come from."""
    if bought := purchase(posting.ref):
        return bought[ZH], bought[EN]
    brought = _OPENING.fullmatch(posting.ref or "")
    if brought is None:
        return _plain("获得", "collected")(posting)
    return (
        f"期初余额 {posting.amount:,} 积分，来自 {brought[1]}",
        f"{_points(posting.amount)} brought over from {brought[1]}",
    )


_PURCHASE = re.compile(r"purchase (\S{1,64}) (ern_[0-9A-Z]{26}) (\d{1,18}) (\d{1,18}) ([1-9]\d{0,17})")
_OPENING = re.compile(r"opening apr_[0-9A-Z]{13} (.+)")
_WORDS: dict[Kind, Callable[[PostingRow], Words]] = {
    Kind.EARN: _earned,
    Kind.UNEARN: _of_earlier("已收回", "taken back"),
    Kind.OWE: _with_debt("因应收回的积分已使用，欠", "to be taken back had been spent and are owed"),
    Kind.REPAY: _with_debt("偿还欠", "repaid what was owed"),
    Kind.REDEEM: _spent("使用", "spent"),
    Kind.HOLD: _spent("预留", "set aside"),
    Kind.CAPTURE: _of_earlier("由预留转为使用", "that were set aside are spent"),
    Kind.RELEASE: _of_earlier("由预留退回", "that were set aside are given back"),
    Kind.TIMEOUT: _of_earlier("因预留到时退回", "that were set aside are given back, as the time ran out"),
    Kind.REVERSE: _of_earlier("因取消退回", "given back after a cancellation"),
    Kind.ADJUST_UP: _plain("调增", "added by an approved adjustment"),
    Kind.ADJUST_DOWN: _plain("调减", "removed by an approved adjustment"),
    Kind.GIFT_OUT: _plain("转赠", "given to another member", about=False),
    Kind.GIFT_IN: _plain("获赠", "received as a gift", about=False),
    Kind.GIFT_RETURN: _plain("转赠退回", "of a gift came back", about=False),
    Kind.MERGE_OUT: _plain("转入合并后的账户", "moved to another membership", about=False),
    Kind.MERGE_IN: _plain("由合并的账户转入", "moved from another membership", about=False),
    Kind.MERGE_DEBT_OUT: _plain("转出所欠", "owed moved to another membership", about=False),
    Kind.MERGE_DEBT_IN: _plain("转入所欠", "owed moved from another membership", about=False),
    Kind.REDATE_OUT: _plain("停机期间到期", "reached their last day during a suspension", about=False),
    Kind.REDATE_IN: _plain("停机后延期", "kept over a suspension, with a later last day", about=False),
    Kind.CLOSE_OUT: _plain("销户清零", "cleared after the line was cancelled", about=False),
}
