"""Why a tier is what it is, as a sentence in both languages."""

from datetime import date

from points.explain import EN, ZH, Sentence
from points.tiers.models import TierChange, TierGrant, TierRevocation
from points.tiers.reckoning import FELL, KEPT, Step
from points.tiers.tiers import Held, Told

NONE = {ZH: "无等级", EN: "no tier"}


def names(step: Step | None) -> Sentence:
    """What a tier is called; "no tier" below the first."""
    return dict(step.names) if step else dict(NONE)


def reason(told: Told) -> Sentence:
    """The reason of a line of the history, for the member as well; what staff wrote to each other is not in it."""
    if isinstance(told.what, TierGrant):
        return _granted(told.what)
    if isinstance(told.what, TierRevocation):
        return {ZH: "授予的等级已撤销", EN: "The granted tier was withdrawn"}
    return _changed(told, told.what)


def _granted(row: TierGrant) -> Sentence:
    return {
        ZH: f"由客服授予，至 {row.until_day}",
        EN: f"Granted by customer service until {row.until_day}",
    }


def _changed(told: Told, row: TierChange) -> Sentence:
    earned = {
        ZH: f"{row.window_first} 至 {row.from_day} 累计获得 {row.earned:,} 分",
        EN: f"{row.earned:,} points earned from {row.window_first} to {row.from_day}",
    }
    needed = told.before if row.reason == FELL else told.step
    if needed is None:
        return earned
    zh, en = f"{needed.names[ZH]}需 {needed.points:,} 分", f"{needed.names[EN]} needs {needed.points:,}"
    if row.reason == KEPT:
        return {ZH: f"保级：{earned[ZH]}；{zh}", EN: f"Kept: {earned[EN]}; {en}"}
    return {ZH: f"{earned[ZH]}；{zh}", EN: f"{earned[EN]}; {en}"}


def until(held: Held) -> Sentence | None:
    """Until when the tier is sure, and why; None: as long as as much is earned."""
    if held.until is None:
        return None
    zh, en = _day(held.until)
    if held.by_grant:
        return {ZH: f"授予至{zh}", EN: f"granted until {en}"}
    if held.grace:
        return {ZH: f"宽限至{zh}", EN: f"in grace until {en}"}
    return {ZH: f"保级至{zh}", EN: f"holds until {en}"}


def _day(on: date) -> tuple[str, str]:
    """A day as pages say it in either language."""
    return f"{on.year}年{on.month}月{on.day}日", f"{on:%b} {on.day}, {on.year}"


def missing(held: Held) -> Sentence | None:
    """What the next tier takes; None on the highest."""
    if held.next is None:
        return None
    return {
        ZH: f"再获得 {held.missing:,} 分可升至{held.next.names[ZH]}",
        EN: f"{held.missing:,} points more for {held.next.names[EN]}",
    }
