"""A rule in words, in both languages: one sentence a condition, so that a person sees what it asks."""

from collections.abc import Mapping, Sequence

from base.money import yuan_text
from points.groups.models import CLASSES, RANKS
from points.lines.states import LineState
from points.lines.words import STATES
from points.members.attributes import HIGHEST_RISK
from points.members.facts import CONTACT, GROUP, PERSON
from points.segments.rules import Conditions, Rule

ZH, EN = "zh-CN", "en"
Words = dict[str, str]
KINDS = {
    PERSON: ("个人", "a person"),
    GROUP: ("集团", "a group"),
    CONTACT: ("集团联系人", "a group's contact"),
}
CLASS_WORDS = dict(
    zip(
        CLASSES,
        (("百强", "top 100"), ("A 类", "class A"), ("B 类", "class B"), ("C 类", "class C")),
        strict=True,
    )
)
RANK_WORDS = dict(
    zip(RANKS, (("高层领导", "senior"), ("中层领导", "middle"), ("普通成员", "ordinary")), strict=True)
)
ADDS_ONLY = (
    "用到离网风险等级：只可用于增加关怀和优惠，不得据此减少任何人的权益；不向会员显示。",
    "Asks for the risk grade: it may only add care and offers, never take anything from anybody; members never see it.",
)
Names = Mapping[str, Mapping[str, str]]


def told(rule: Rule, areas: Names, programmes: Names) -> list[Words]:
    """What the rule asks, a sentence each; `areas` and `programmes`: names by code, where there are any."""
    lines = [_pair(zh, en) for zh, en in _lines(rule.who, areas, programmes)]
    without = list(_lines(rule.but_not, areas, programmes))
    if without:
        zh, en = ("；".join(pair[0] for pair in without), "; ".join(pair[1] for pair in without))
        lines.append(
            _pair(f"不包括同时符合以下条件的会员：{zh}", f"Not those of whom all of this is true: {en}")
        )
    return lines


def adds_only() -> Words:
    """What a rule that asks for risk may be used for."""
    return _pair(*ADDS_ONLY)


def _lines(asked: Conditions, areas: Names, programmes: Names) -> Sequence[tuple[str, str]]:
    listed = (
        ("品牌", "Brand", _named(asked.programmes, programmes)),
        ("类型", "Kind", [KINDS[kind] for kind in asked.kinds]),
        ("集团类别", "Class of the group", [CLASS_WORDS[one] for one in asked.classes]),
        ("职级", "Rank in the group", [RANK_WORDS[one] for one in asked.ranks]),
        ("地区", "Area", _named(asked.areas, areas)),
        ("等级", "Tier", [(code, code) for code in asked.tiers]),
        ("兴趣（已同意使用）", "Interest, with consent", [(code, code) for code in asked.interests]),
        ("号码状态", "State of the line", [STATES[LineState(one)] for one in asked.lines]),
        ("生日月份", "Month of birth", [(f"{m} 月", str(m)) for m in asked.birthday_months]),
    )
    lines = [
        (f"{zh}：{'、'.join(w[0] for w in values)}", f"{en}: {' or '.join(w[1] for w in values)}")
        for zh, en, values in listed
        if values
    ]
    if asked.birthday_this_month:
        lines.append(("本月生日", "Birthday this month"))
    yuan = [None if fen is None else yuan_text(fen) for fen in (asked.arpu_from_fen, asked.arpu_below_fen)]
    lines += _band("ARPU（元）", "ARPU (yuan)", *yuan)
    if asked.asks_for_risk:
        least = asked.risk_at_least or 0
        most = HIGHEST_RISK if asked.risk_at_most is None else asked.risk_at_most
        lines.append((f"离网风险等级：{least} 至 {most} 星", f"Risk grade: {least} to {most} stars"))
    months = [
        None if count is None else str(count)
        for count in (asked.tenure_from_months, asked.tenure_below_months)
    ]
    return lines + _band("在网月数", "Full months as a member", *months)


def _band(zh: str, en: str, least: str | None, below: str | None) -> list[tuple[str, str]]:
    if least is None and below is None:
        return []
    if below is None:
        return [(f"{zh}：{least} 及以上", f"{en}: {least} or more")]
    if least is None:
        return [(f"{zh}：低于 {below}", f"{en}: below {below}")]
    return [(f"{zh}：{least} 起，低于 {below}", f"{en}: from {least}, below {below}")]


def _named(codes: Sequence[str], names: Names) -> list[tuple[str, str]]:
    pairs = [names.get(code, {}) for code in codes]
    return [(pair.get(ZH, code), pair.get(EN, code)) for code, pair in zip(codes, pairs, strict=True)]


def _pair(zh: str, en: str) -> Words:
    return {ZH: zh, EN: en}
