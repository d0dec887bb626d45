"""Parts of the members and the months around a redemption, in sentences of both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from admin.analytics.cuts import NAMES, OTHERS
from admin.analytics.estimate_words import fewer, refusal, tell

Texts = Mapping[str, str]
Block = Mapping[str, Any]

CUTS: Mapping[str, Texts] = {
    "tenure": {"en": "months as a member", "zh": "入网月数"},
    "usage": {"en": "use before", "zh": "此前的使用量"},
    "contract": {"en": "months to the end of the contract", "zh": "距合约到期月数"},
    "city": {"en": "city", "zh": "城市"},
    "brand": {"en": "brand", "zh": "品牌"},
}
STEPS: Mapping[str, Texts] = {
    "low": {"en": "low", "zh": "低"},
    "middle": {"en": "middle", "zh": "中"},
    "high": {"en": "high", "zh": "高"},
    OTHERS: {"en": "others", "zh": "其他"},
}
NOBODY_BEFORE: Texts = {
    "en": (
        "Before a redemption nobody can have left, for who had left could not redeem. These months show what members "
        "did instead: after weighting both groups should have been alike in them too, though the weights did not see them."
    ),
    "zh": (
        "兑换之前不可能有人离网，因为已离网的会员无法兑换。因此这些月份显示的是会员的使用情况："
        "加权之后两组在这些月份也应当相同，尽管权重并未用到它们。"
    ),
}
NOTHING_AFTER: Texts = {
    "en": (
        "After it only those who are still there use anything, and redeeming may have chosen who that is: "
        "what they use is therefore not compared."
    ),
    "zh": "兑换之后只有仍在网的会员才有使用量，而兑换本身可能影响谁仍在网，因此不比较兑换之后的使用量。",
}


def part(cut: str, group: Block, tongue: str) -> str:
    """What a part of the members is called; a city or brand by its own name."""
    low, below = group["from"], group["below"]
    if cut == "usage" or group["name"] == OTHERS:
        return STEPS[group["name"]][tongue]
    if low is None and below is None:
        return str(group["name"])
    if low is None:
        return tell(tongue, f"under {below:.0f}", f"不足 {below:.0f}")
    if below is None:
        return tell(tongue, f"{low:.0f} and more", f"{low:.0f} 及以上")
    return tell(tongue, f"{low:.0f} to {below - 1:.0f}", f"{low:.0f} 至 {below - 1:.0f}")


def lines(report: Block, tongue: str) -> list[str]:
    """What parts of the members show, then the months around a redemption; nothing of reports that hold neither."""
    cuts, study = report.get("cuts"), report.get("event_study")
    found = [] if cuts is None else list(_parts(cuts, tongue))
    return found + ([] if study is None else list(_months(study, tongue)))


def _parts(cuts: Block, tongue: str) -> Iterator[str]:
    if cuts["status"] == "refused":
        return
    yield tell(tongue, "Parts of the members. ", "会员分组。") + cuts["reasons"][0]["text"][tongue]
    for cut in (one for one in NAMES if one in cuts):
        label = tell(tongue, f"Estimated effect by {CUTS[cut]['en']}", f"按{CUTS[cut]['zh']}的估计效果")
        if cuts[cut]["status"] == "refused":
            yield label + tell(tongue, ": ", "：") + refusal(cuts[cut]["reasons"], tongue)
        for group in cuts[cut]["groups"]:
            name = tell(tongue, f", {part(cut, group, 'en')}: ", f"（{part(cut, group, 'zh')}）：")
            yield label + name + _effect(group, tongue)


def _effect(group: Block, tongue: str) -> str:
    if group["risk_difference_pp"] is None:
        return refusal(group["reasons"], tongue)
    difference, (low, high) = group["risk_difference_pp"], group["interval_pp"]
    shown = "" if low > 0 or high < 0 else tell(tongue, "; no effect shown", "；未显示出效果")
    return tell(
        tongue,
        f"{fewer(difference, 'en')} ({difference:+.1f} percentage points, 95 % interval: {low:+.1f} to {high:+.1f}){shown}.",
        f"每 100 名会员{fewer(difference, 'zh')}（{difference:+.1f} 个百分点，95% 区间：{low:+.1f} 至 {high:+.1f}）{shown}。",
    )


def _months(study: Block, tongue: str) -> Iterator[str]:
    if study["leaving"] is None:
        return
    for name, block in study["before"].items():
        if (found := furthest(block)) is not None:
            value, months = found
            yield tell(
                tongue,
                f"Check of the months before ({name}): at most {abs(value):.2f} standard deviations apart, in month -{months}.",
                f"兑换之前各月的核对（{name}）：相差最多 {abs(value):.2f} 个标准差，出现在第 -{months} 个月。",
            )
    after = study["leaving"]
    told = [
        f"{month}: {value:+.1f} ({low:+.1f} {tell(tongue, 'to', '至')} {high:+.1f})"
        for month, value, low, high in zip(
            *(after[name] for name in ("month", "difference_pp", "low", "high")), strict=True
        )
    ]
    yield (
        tell(
            tongue,
            "Who left in which month after redeeming, of 100 who began, in percentage points (95 % interval): ",
            "兑换后各月离网的会员（每 100 名起始会员，百分点，95% 区间）：",
        )
        + tell(tongue, "; ", "；").join(told)
        + tell(tongue, ".", "。")
    )


def furthest(before: Block) -> tuple[float, int] | None:
    """The largest difference of the months before, and how many months before that was; None where none is told."""
    told = [
        (value, -month)
        for month, value in zip(before["month"], before["difference"], strict=True)
        if value is not None and month < 0
    ]
    return max(told, key=lambda one: abs(one[0])) if told else None
