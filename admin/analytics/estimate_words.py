"""What the trials say, in sentences: the estimated effect with its interval, what could explain it, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Texts = dict[str, str]
Block = Mapping[str, Any]

EXPERIMENT = "experiment"
CANNOT_SAY: Texts = {
    "en": (
        "Whether redeeming keeps members cannot be said from this: keen members redeem more and leave less. "
        "Comparing like with like, or a holdout of 5 % of the members for 6 months, would tell."
    ),
    "zh": (
        "仅凭这些数字不能判断兑换是否留住了会员：活跃的会员本来就兑换得多、离网得少。"
        "需要在条件相同的会员之间比较，或随机留出 5% 的会员观察 6 个月。"
    ),
}
VARIANTS: dict[str, Texts] = {
    "washout_ever": {"en": "first redemptions only", "zh": "仅首次兑换"},
    "washout_6": {"en": "6 months without a redemption before", "zh": "此前 6 个月未兑换"},
    "washout_12": {"en": "12 months without a redemption before", "zh": "此前 12 个月未兑换"},
    "horizon_6": {"en": "followed for 6 months", "zh": "观察 6 个月"},
    "horizon_12": {"en": "followed for 12 months", "zh": "观察 12 个月"},
    "horizon_18": {"en": "followed for 18 months", "zh": "观察 18 个月"},
    "trimmed_1_99": {"en": "weights cut at 1 and 99 %", "zh": "权重在 1% 与 99% 处截断"},
    "involuntary_as_leaves": {
        "en": "fraud, death and debt counted as leaving too",
        "zh": "欺诈、死亡与欠费也计为离网",
    },
    "start_next_month": {"en": "counted from the month after", "zh": "从次月开始计算"},
}


def estimate_lines(report: Block, tongue: str) -> list[str]:
    """The headline first, to stand right under the raw gap; then the second headline."""
    trials = report["trials"]
    months = trials["horizon"]
    labels = {
        "en": (
            "Estimated effect of redeeming now",
            f"Estimated effect against redeeming nothing for {months} months",
        ),
        "zh": ("估计效果（当月兑换与当月不兑换相比）", f"估计效果（与连续 {months} 个月不兑换相比）"),
    }[tongue]
    colon = tell(tongue, ": ", "：")
    return [
        label + colon + effect_sentence(trials[name], months, tongue)
        for label, name in zip(labels, ("itt", "per_protocol"), strict=True)
    ]


def effect_sentence(effect: Block, months: int, tongue: str) -> str:
    """One estimate with its interval; "no effect shown" where that holds 0; what is missing where refused."""
    if effect["risk_difference_pp"] is None:
        return refusal(effect["reasons"], tongue)
    difference, (low, high) = effect["risk_difference_pp"], effect["interval_pp"]
    shown = "" if low > 0 or high < 0 else tell(tongue, "; no effect shown", "；未显示出效果")
    retained = effect["retained_per_1000"]
    if tongue == "zh":
        kept = f"，相当于每 1,000 次兑换多留住 {retained:.0f} 名" if high < 0 else ""
        return (
            f"{months} 个月内每 100 名会员{fewer(difference, tongue)}（{difference:+.1f} 个百分点，"
            f"95% 区间：{low:+.1f} 至 {high:+.1f}）{kept}{shown}。"
        )
    kept = f", {retained:.0f} members retained per 1,000 redemptions" if high < 0 else ""
    return (
        f"{fewer(difference, tongue)} within {months} months ({difference:+.1f} percentage points, "
        f"95 % interval: {low:+.1f} to {high:+.1f}){kept}{shown}."
    )


def fewer(difference_pp: float, tongue: str) -> str:
    """A difference of shares as "x fewer of 100 members left"."""
    size = f"{abs(difference_pp):.1f}"
    if tongue == "zh":
        return f"{'少' if difference_pp < 0 else '多'}离网 {size} 名"
    return f"{size} {'fewer' if difference_pp < 0 else 'more'} of 100 members left"


def kind_lines(report: Block, tongue: str) -> list[str]:
    """Each kind against none, with its interval or what is missing."""
    trials = report["trials"]
    colon = tell(tongue, ": ", "：")
    return [
        tell(tongue, "Estimated effect by kind, ", "各类别的估计效果，")
        + name
        + colon
        + effect_sentence(block["itt"], trials["horizon"], tongue)
        for name, block in trials["kinds"].items()
    ]


def check_lines(report: Block, tongue: str) -> list[str]:
    """What the raw gap is made of, what could explain the estimate, and the other ways of asking."""
    lines = []
    parts, found = report["waterfall"], report["sensitivity"]
    if parts["effect_pp"] is not None:
        raw, time, choice, effect = (
            f"{parts[name]:+.1f}"
            for name in ("raw_gap_pp", "immortal_time_pp", "measured_choice_pp", "effect_pp")
        )
        lines.append(
            tell(
                tongue,
                f"What the raw gap is made of: of {raw} percentage points, {time} are months in which to redeem, "
                f"{choice} are a choice that could be measured, {effect} are the estimated effect.",
                f"原始差距的构成：{raw} 个百分点中，{time} 来自可兑换月份的多少，{choice} 来自可测量的选择，"
                f"{effect} 是估计效果。",
            )
        )
    if found["tipping_point"] is not None:
        lines.append(
            tell(tongue, "What could explain it: ", "可能的解释：") + found["tipping_point"]["text"][tongue]
        )
        point, end = found["e_value"], found["e_value_interval"]
        lines.append(
            tell(
                tongue,
                f"The same as a risk ratio (E-value): {point:.2f}; {end:.2f} for the end of the interval nearer to no "
                "difference.",
                f"以风险比表示（E 值）：{point:.2f}；对区间中较接近无差别的一端为 {end:.2f}。",
            )
        )
    for name in ("negative_control", "placebo"):
        if found[name]["difference_pp"] is not None:
            lines.append(_control(name, found[name], tongue))
    return lines + [_variant(one, tongue) for one in found["variants"] if one["itt_pp"] is not None]


def _control(name: str, block: Block, tongue: str) -> str:
    low, high = block["interval_pp"]
    label = {
        "negative_control": {"en": "Something that redeeming cannot change", "zh": "兑换不可能改变的结果"},
        "placebo": {"en": "A redemption that gave nothing", "zh": "未给出任何东西的兑换"},
    }[name][tongue]
    return tell(
        tongue,
        f"{label}: {block['difference_pp']:+.1f} percentage points (95 % interval: {low:+.1f} to {high:+.1f}).",
        f"{label}：{block['difference_pp']:+.1f} 个百分点（95% 区间：{low:+.1f} 至 {high:+.1f}）。",
    )


def _variant(one: Block, tongue: str) -> str:
    name = VARIANTS[one["name"]][tongue]
    low, high = one["interval_pp"]
    if low is None:
        return tell(
            tongue,
            f"Asked otherwise, {name}: {one['itt_pp']:+.1f}.",
            f"换一种问法（{name}）：{one['itt_pp']:+.1f}。",
        )
    return tell(
        tongue,
        f"Asked otherwise, {name}: {one['itt_pp']:+.1f} percentage points "
        f"(95 % interval: {low:+.1f} to {high:+.1f}).",
        f"换一种问法（{name}）：{one['itt_pp']:+.1f} 个百分点（95% 区间：{low:+.1f} 至 {high:+.1f}）。",
    )


def tipping(odds: float, itt: Block) -> Texts:
    """How strong an unseen trait would have to be."""
    lowers = itt["risk_difference_pp"] is None or itt["risk_difference_pp"] <= 0
    return {
        "en": (
            f"an unseen trait of every second member would explain it all if it made the odds of redeeming {odds:.2f} "
            f"times as high and those of leaving {odds:.2f} times as {'low' if lowers else 'high'}."
        ),
        "zh": (
            f"如果每两名会员中有一名具有某种未记录的特征，它使兑换的几率变为 {odds:.2f} 倍、使离网的几率"
            f"{'降为' if lowers else '变为'}{'其 ' if lowers else ' '}{odds:.2f} {'分之一' if lowers else '倍'}，"
            "就足以解释全部差异。"
        ),
    }


def verdict(code: str, evidence: str, headline: Block | None, report: Block) -> Texts:
    """One sentence in each language (with what is missing, where nothing can be said)."""
    return {tongue: _verdict(code, evidence, headline, report, tongue) for tongue in ("en", "zh")}


def _verdict(code: str, evidence: str, headline: Block | None, report: Block, tongue: str) -> str:
    if code == "cannot_say" or headline is None:
        why = [] if headline is None else [reason["text"][tongue] for reason in headline["reasons"][:1]]
        return tell(tongue, " ", "").join([CANNOT_SAY[tongue], *why])
    months = report["trials"]["horizon"]
    difference, (low, high) = headline["risk_difference_pp"], headline["interval_pp"]
    between = tell(
        tongue,
        f"{abs(difference):.1f} {'fewer' if difference < 0 else 'more'} of 100 members left within {months} months "
        f"(95 % interval: {low:+.1f} to {high:+.1f} percentage points)",
        f"{months} 个月内每 100 名会员{fewer(difference, tongue)}（95% 区间：{low:+.1f} 至 {high:+.1f} 个百分点）",
    )
    if code == "no_effect_shown":
        return tell(
            tongue,
            f"Whether redeeming keeps members: no effect shown; the estimate is that {between}.",
            f"兑换是否留住会员：未显示出效果；估计为 {between}。",
        )
    if evidence == EXPERIMENT:
        return tell(
            tongue,
            f"Members drawn at random to be asked to redeem left {'less' if code == 'works' else 'more'}: {between}.",
            f"随机抽取、被邀请兑换的会员离网更{'少' if code == 'works' else '多'}：{between}。",
        )
    return tell(
        tongue,
        f"Among members alike in all that is recorded, those who redeemed left {'less' if code == 'works' else 'more'}: "
        f"an estimated {between}; only a trait that nobody recorded could explain it otherwise.",
        f"在已记录条件相同的会员中，兑换的会员离网更{'少' if code == 'works' else '多'}：估计 {between}；"
        "除非有未记录的特征造成这一差异。",
    )


def refusal(reasons: Any, tongue: str) -> str:
    """No figure, and what is missing."""
    texts = [tell(tongue, "no figure.", "无法给出数字。")]
    for reason in reasons:
        found, limit = reason["found"], reason["limit"]
        counted = reason["code"] in ("few_treated_leavers", "few_treated_trials") and found is not None
        figures = tell(tongue, f" (Found {found}, needed {limit}.)", f"（现有 {found}，需要 {limit}。）")
        texts.append(reason["text"][tongue] + figures * counted)
    return tell(tongue, " ", "").join(texts)


def tell(tongue: str, english: str, chinese: str) -> str:
    """The one or the other."""
    return chinese if tongue == "zh" else english
