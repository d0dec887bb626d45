"""The sentences of the retention report in Chinese and English: plain words, an interval with every figure.

They are made from the report's own rounded numbers, so that a page printed from a stored run says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admin.analytics import estimate_words, study_words
from admin.analytics.estimate_words import refusal, tell
from admin.analytics.refusals import FEWEST_AT_RISK

Texts = dict[str, str]
Block = Mapping[str, Any]

MORE_MONTHS: Texts = {
    "en": (
        "Members who stay longer have more months in which to redeem, so those who redeemed would seem "
        "to stay longer even if redeeming changed nothing."
    ),
    "zh": ("在网越久的会员，可以兑换的月份就越多，因此即使兑换毫无作用，兑换过的会员看上去也留得更久。"),
}
ONLY_A_CHECK: Texts = {
    "en": "This takes out the unequal time, not the choice: keen members redeem more and leave less anyway.",
    "zh": "这只排除了时间不等的影响，没有排除选择的影响：活跃的会员本来就兑换得多、离网得少。",
}
UNITS: dict[str, Texts] = {"month": {"en": "months", "zh": "个月"}, "day": {"en": "days", "zh": "天"}}
SAME: dict[str, Texts] = {
    "month": {"en": "in the same month of membership", "zh": "在入网月数相同的会员中"},
    "day": {"en": "on the same day of membership", "zh": "在入网天数相同的会员中"},
}


def why_they_differ(report: Block, share_before: float | None) -> Texts:
    """Why the raw gap and the check at equal time say different things about these very members."""
    return {tongue: _why(report, share_before, tongue) for tongue in ("en", "zh")}


def page(report: Block, tongue: str) -> list[str]:
    """The whole report as lines, raw gap and check adjoining."""
    counts = report["input"]
    total, redeemed, left = (f"{counts[name]:,}" for name in ("members", "ever_exposed", "leavers"))
    english = f"{total} members, {redeemed} of whom redeemed; {left} left."
    chinese = f"会员 {total} 名，其中 {redeemed} 名兑换过；{left} 名已离网。"
    gap, check = report["raw_gap"], report["cox_time_varying"]
    heading = {"en": "Redemption and staying", "zh": "兑换与留存"}
    labels = {
        "en": ("Raw gap - not an effect", "Check at equal time", "Why they differ", "Verdict"),
        "zh": ("原始差距——不是效果", "同等在网时间下的核对", "两者为何不同", "结论"),
    }[tongue]
    warned = tell(tongue, " Caution: ", "注意：") + gap["caution"][tongue]
    if raw := longer(gap, counts["unit"], tongue):
        warned += tell(tongue, " ", "") + raw
    first, second = estimate_words.estimate_lines(report, tongue)
    body = (
        gap_sentence(gap, tongue) + warned,
        check_sentence(report, tongue) if check["hr"] is not None else refusal(check["reasons"], tongue),
        report["why_they_differ"]["text"][tongue],
        report["verdict"]["text"][tongue],
    )
    colon = tell(tongue, ": ", "：")
    lines = [f"{label}{colon}{text}" for label, text in zip(labels, body, strict=True)]
    return [
        heading[tongue],
        {"en": english, "zh": chinese}[tongue],
        "",
        lines[3],
        "",
        lines[0],
        first,
        second,
        *estimate_words.kind_lines(report, tongue),
        *kind_gap_lines(report, tongue),
        *money_lines(report, tongue),
        *estimate_words.check_lines(report, tongue),
        *study_words.lines(report, tongue),
        "",
        lines[1],
        *curve_lines(report, tongue),
        *landmark_lines(report, tongue),
        lines[2],
        *notes(report, tongue),
    ]


def money_lines(report: Block, tongue: str) -> list[str]:
    """What a retained member costs by kind, where the records tell a cost."""
    colon = tell(tongue, ": ", "：")
    return [
        tell(tongue, "Cost by kind, ", "各类别的花费，") + name + colon + block["text"][tongue]
        for name, block in report.get("money", {}).get("kinds", {}).items()
        if block["text"] is not None
    ]


def landmark_lines(report: Block, tongue: str) -> list[str]:
    """Those still there after some months, by whether they had redeemed by then: a check, no estimate."""
    unit = UNITS.get(report["input"]["unit"], UNITS["month"])[tongue]
    lines = []
    for one in report["landmark"]:
        if one["interval_pp"] is None:
            continue
        weighted = one["weighted_difference_pp"]
        difference = one["difference_pp"] if weighted is None else weighted
        low, high = one["interval_pp"]
        apart = estimate_words.fewer(difference, tongue)
        alike = (
            tell(tongue, ", with the given traits alike", "，给定特征相同") if weighted is not None else ""
        )
        shown = "" if low > 0 or high < 0 else tell(tongue, "; no gap shown", "，未显示出差距")
        lines.append(
            tell(
                tongue,
                f"Check after {one['at']:g} {unit}: of those still there, {apart} where they had redeemed by then{alike} "
                f"({difference:+.1f} percentage points, 95 % interval: {low:+.1f} to {high:+.1f}){shown}.",
                f"入网 {one['at']:g} {unit}时的核对：仍在网的会员中，此前已兑换的每 100 名{apart}{alike}"
                f"（{difference:+.1f} 个百分点，95% 区间：{low:+.1f} 至 {high:+.1f}）{shown}。",
            )
        )
    return lines


def hazard(check: Block, unit: str, tongue: str) -> str:
    """A hazard ratio in plain words, with its interval; "no effect shown" where that holds 1."""
    low, high = (100 * (float(bound) - 1) for bound in check["hr_interval"])
    change = _often(100 * (check["hr"] - 1), tongue)
    between = _often(low, tongue), _often(high, tongue)
    when = SAME.get(unit, SAME["month"])[tongue]
    if tongue == "zh":
        text = f"{when}，此前已兑换过的，离网率{change}（95% 区间：{between[0]} 至{between[1]}）"
        return text + "，未显示出效果" * (low <= 0 <= high)
    text = (
        f"{when}, those who had already redeemed left {change} (95 % interval: {between[0]} to {between[1]})"
    )
    return text + "; no effect shown" * (low <= 0 <= high)


def _why(report: Block, share_before: float | None, tongue: str) -> str:
    check, naive, unit = report["cox_time_varying"], report["cox_ever"], report["input"]["unit"]
    sentences = [MORE_MONTHS[tongue]]
    if share_before:
        share = f"{100 * share_before:.0f}"
        sentences.append(
            tell(
                tongue,
                f"Of the recorded time of members who redeemed, {share} % passed before they first did; "
                "a member who leaves at that stage counts as one who never redeemed.",
                f"兑换过的会员有记录的在网时间中，{share}% 在首次兑换之前；"
                "而在这个阶段就离网的会员，被算作从未兑换。",
            )
        )
    if check["hr"] is not None and naive["hr"] is not None:
        wrong = _often(100 * (naive["hr"] - 1), tongue)
        low, high = (_often(100 * (bound - 1), tongue) for bound in naive["hr_interval"])
        right = hazard(check, unit, tongue)
        sentences.append(
            tell(
                tongue,
                f"Counted as redeemers from their first day on, which is wrong, they left {wrong} "
                f"(95 % interval: {low} to {high}). Counted only after they redeemed: {right}.",
                f"如果错误地从入网第一天起就把他们算作兑换者，离网率{wrong}"
                f"（95% 区间：{low} 至{high}）；只从兑换之后算起，则{right}。",
            )
        )
    return _joined([*sentences, ONLY_A_CHECK[tongue]], tongue)


def kind_gap_lines(report: Block, tongue: str) -> list[str]:
    """The raw gap of each kind, its caution in the same line."""
    unit, caution = report["input"]["unit"], report["raw_gap"]["caution"][tongue]
    colon = tell(tongue, ": ", "：")
    return [
        tell(tongue, "Raw gap by kind - not an effect, ", "各类别的原始差距（不是效果），")
        + f"{name}{colon}{gap_sentence(gap, tongue, kind=True)}"
        + tell(tongue, " ", "")
        + longer(gap, unit, tongue)
        + tell(tongue, " Caution: ", "注意：")
        + caution
        for name, gap in report["raw_gap"].get("kinds", {}).items()
        if gap["difference_pp"] is not None
    ]


def gap_sentence(gap: Block, tongue: str, *, kind: bool = False) -> str:
    """The raw gap in words with its interval, or why there is none; `kind`: of one kind, against no redemption at all.

    Never to be shown without its caution.
    """
    if gap["difference_pp"] is None:
        return refusal(gap["reasons"], tongue)
    ever, never, difference = 100 * gap["left_ever"], 100 * gap["left_never"], gap["difference_pp"]
    low, high = gap["interval_pp"]
    shown = "" if low > 0 or high < 0 else tell(tongue, "; no gap shown", "，未显示出差距")
    if tongue == "zh":
        fewer = f"每 100 名会员{'少' if difference < 0 else '多'}离网 {abs(difference):.1f} 名"
        return (
            f"兑换过{'该类' * kind}的会员每 100 名离网 {ever:.1f} 名，从未兑换的离网 {never:.1f} 名：{fewer}"
            f"（{difference:+.1f} 个百分点，95% 区间：{low:+.1f} 至 {high:+.1f}）{shown}。"
        )
    who, nobody = ("ever redeemed it", "never redeemed anything") if kind else ("redeemed", "never did")
    fewer = f"{abs(difference):.1f} {'fewer' if difference < 0 else 'more'} of 100 members left"
    return (
        f"of 100 members who {who} {ever:.1f} left, of 100 who {nobody} {never:.1f}: {fewer} "
        f"({difference:+.1f} percentage points, 95 % interval: {low:+.1f} to {high:+.1f}){shown}."
    )


def longer(gap: Block, unit: str, tongue: str) -> str:
    """The gap in tenure, which is as raw as the one in leaving; nothing where there is none."""
    if gap["tenure_interval"] is None:
        return ""
    units = UNITS.get(unit, UNITS["month"])[tongue]
    apart, low, high = (f"{value:+.1f}" for value in (gap["tenure_difference"], *gap["tenure_interval"]))
    return tell(
        tongue,
        f"The same holds for how long they stayed: {apart} {units} (95 % interval: {low} to {high}).",
        f"平均在网时间的差距（{apart} {units}，95% 区间：{low} 至 {high}）同样如此。",
    )


def check_sentence(report: Block, tongue: str) -> str:
    """The hazard ratio at equal time in words; only where there is one."""
    check, unit = report["cox_time_varying"], report["input"]["unit"]
    text = hazard(check, unit, tongue) + tell(tongue, ".", "。")
    if not check["adjusted"]:
        return text
    equal = hazard(check["adjusted"]["exposed"], unit, tongue)
    return text + tell(tongue, f" With the given traits held equal: {equal}.", f"给定特征相同时：{equal}。")


def curve_lines(report: Block, tongue: str) -> list[str]:
    """Share still there by the state at that time, where both curves reach so far on enough members."""
    unit = UNITS.get(report["input"]["unit"], UNITS["month"])[tongue]
    lines = []
    for time, shares in report["km"]["at"].items():
        if None in shares.values() or any(
            _few(report["km"][arm], float(time)) for arm in ("exposed", "unexposed")
        ):
            continue
        on, off = (_share(report["km"][arm], float(time), tongue) for arm in ("exposed", "unexposed"))
        lines.append(
            tell(
                tongue,
                f"Description, {time} {unit} after joining: {on} of 100 members would remain, leaving as "
                f"those do who have redeemed; {off}, leaving as those do who have not yet.",
                f"描述（入网 {time} {unit}）：每 100 名会员，按已兑换者的离网速度仍在网 {on}，"
                f"按尚未兑换者的离网速度仍在网 {off}。",
            )
        )
    return lines


def _few(curve: Block, time: float) -> bool:
    """Whether fewer members were in view by then than a curve needs: one of them would decide it."""
    seen = [n for one, n in zip(curve["time"], curve["at_risk"], strict=True) if 0 < one <= time]
    return not seen or min(seen) < FEWEST_AT_RISK


def _share(curve: Block, time: float, tongue: str) -> str:
    last = max(i for i, one in enumerate(curve["time"]) if one <= time)
    share, low, high = (curve[part][last] for part in ("survival", "low", "high"))
    if low is None or high is None:
        return f"{100 * share:.1f}"
    low, high = f"{100 * low:.1f}", f"{100 * high:.1f}"
    band = tell(tongue, f" (95 % interval: {low} to {high})", f"（95% 区间：{low} 至 {high}）")
    return f"{100 * share:.1f}{band}"


def notes(report: Block, tongue: str) -> list[str]:
    """What was dropped, left out, or must be read with care; each reason once."""
    counts, curves = report["input"], report["km"]
    reasons = [
        *counts["reasons"],
        *report["trials"]["reasons"],
        *(curves["reasons"] if curves["status"] == "caution" else ()),
    ]
    notes = list(dict.fromkeys(reason["text"][tongue] for reason in reasons))
    if names := ", ".join(counts["dropped_covariates"]):
        notes.append(tell(tongue, f"Columns not used, constant: {names}.", f"未使用的常数列：{names}。"))
    for one in counts["excluded"]:
        count, reason = f"{one['count']:,}", one["reason"]
        notes.append(tell(tongue, f"Left out: {count} ({reason}).", f"已排除：{count}（{reason}）。"))
    return [tell(tongue, "Note: ", "说明：") + note for note in notes]


def _often(percent: float, tongue: str) -> str:
    """A change of the rate of leaving: "12 % less often"."""
    if round(abs(percent)) == 0:
        return tell(tongue, "equally often", "相同")
    size = f"{abs(percent):.0f}"
    if percent < 0:
        return tell(tongue, f"{size} % less often", f"低 {size}%")
    return tell(tongue, f"{size} % more often", f"高 {size}%")


def _joined(sentences: Sequence[str], tongue: str) -> str:
    return tell(tongue, " ", "").join(sentences)
