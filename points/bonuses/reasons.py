"""What stands behind the posting of a bonus: the rule, the occasion and its day, as a sentence in both languages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from points.bonuses.models import Bonus, BonusRule
from points.bonuses.occasions import GOODWILL, OCCASIONS, Occasion
from points.kinds import Kind
from points.models import PostingRow

ZH, EN = "zh-CN", "en"
OF_BONUS = "bonus "  # how the reference of such a posting begins


@dataclass(frozen=True, slots=True)
class Reason:
    """A bonus with the version of the rule that gave it: `points` of one bonus by the rule (of goodwill at most)."""

    code: str
    names: dict[str, str]
    occasion: str
    on: date
    ref: str
    points: int
    from_day: date

    @property
    def occasion_names(self) -> dict[str, str]:
        """What the occasion is called; one that is no longer in the list stands for itself."""
        found = OCCASIONS.get(self.occasion, Occasion(self.occasion, self.occasion))
        return {ZH: found.zh, EN: found.en}

    def explains(self, posting: PostingRow) -> bool:
        """Whether the rule gives the posting's points."""
        return posting.amount <= self.points if self.occasion == GOODWILL else posting.amount == self.points

    def sentence(self, posting: PostingRow) -> dict[str, str]:
        """Why this posting gave its points: {"zh-CN": ..., "en": ...}."""
        occasion, most = self.occasion_names, self.occasion == GOODWILL
        rule_zh = f"按 {self.from_day} 起的规则 {self.code}"
        rule_en = f"by the rule {self.code} of {self.from_day}"
        if most:
            rule_zh += f"，每次至多 {self.points:,} 积分，审批 {self.ref}"
            rule_en += f", at most {self.points:,} at a time, approval {self.ref}"
        unit = "point" if posting.amount == 1 else "points"
        return {
            ZH: f"{self.names[ZH]}（{occasion[ZH]}，{self.on}）：{rule_zh} = {posting.amount:,} 积分",
            EN: f"{self.names[EN]} ({occasion[EN]}, {self.on}): {rule_en} = {posting.amount:,} {unit}",
        }

    def origin(self) -> dict[str, str]:
        """The bonus as where points came from, in both languages."""
        occasion = self.occasion_names
        return {
            ZH: f"{self.on} {self.names[ZH]}（{occasion[ZH]}，规则 {self.code}）",
            EN: f"{self.names[EN]} of {self.on} ({occasion[EN]}, rule {self.code})",
        }


def of_postings(session: Session, member_id: int, rows: Iterable[PostingRow]) -> dict[int, Reason]:
    """The bonus behind each posting of a member that has one, by the posting's number; one statement, or none."""
    seqs = [row.seq for row in rows if row.kind == Kind.EARN and (row.ref or "").startswith(OF_BONUS)]
    if not seqs:
        return {}
    found = session.execute(
        select(Bonus, BonusRule)
        .join(BonusRule, BonusRule.rule_id == Bonus.rule_id)
        .where(Bonus.member_id == member_id, Bonus.seq.in_(seqs))
    )
    return {
        bonus.seq: Reason(
            rule.code, rule.names, rule.occasion, bonus.on_day, bonus.ref, rule.points, rule.from_day
        )
        for bonus, rule in found
    }
