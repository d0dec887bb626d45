"""Why a number is missing or must be read with care: codes, limits and plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEWEST_TREATED_LEAVERS = 50
FEWEST_TREATED_TRIALS = 200
FEWEST_AT_RISK = 5
LEAST_EFFECTIVE_SHARE = 0.2
MOST_IMBALANCE = 0.1
HEAVIEST_SHARE = 0.01
RAREST_EXPOSURE = 0.002
MONTHS_AFTER_CHANGE = 6
LEAST_CHANCE_OF_SPLIT = 0.001

TEXTS: Mapping[str, tuple[str, str]] = {
    "not_an_effect": (
        "A gap compares who redeemed with who did not; it is not an effect of redeeming.",
        "差距只是把兑换过的会员与未兑换的会员相比，不是兑换的效果。",
    ),
    "late_entry": (
        "Some members joined before the records begin: what they redeemed before that is unknown.",
        "部分会员在记录开始之前就已入网，此前的兑换情况未知。",
    ),
    "wrong_on_purpose": (
        "Counts members as redeemers from their first day on; shown only for the size of the error.",
        "把会员从入网第一天起就算作兑换者；仅用来显示误差有多大。",
    ),
    "one_arm_empty": (
        "One of the two groups is empty, so there is nothing to compare.",
        "两组中有一组没有会员，无法比较。",
    ),
    "separation": (
        "While both groups were in view, all who left were of one group: no finite answer.",
        "在两组都有会员在网的时间里，离网的全部来自同一组，得不到有限的结果。",
    ),
    "not_converged": (
        "The fit did not settle on an answer; a covariate may repeat another.",
        "拟合没有收敛；可能有协变量互相重复。",
    ),
    "few_treated_leavers": (
        "Too few members left after redeeming; more months of records would supply them.",
        "兑换之后离网的会员太少；需要更长时间的记录。",
    ),
    "few_at_risk": (
        "At some times fewer members were in view than a figure needs; more months of records would supply them.",
        "某些时点在网会员太少，不足以给出数字；需要更长时间的记录。",
    ),
    "no_trial": (
        "Like has not yet been compared with like on these records, and there is no holdout.",
        "尚未在这些记录上做条件相同的比较，也没有随机留出的对照组。",
    ),
    "adjusted_refused": (
        "With covariates there is no finite answer; the figure without them stands alone.",
        "加入协变量后得不到有限的结果；仅给出未加协变量的数字。",
    ),
    "few_treated_trials": (
        "Too few redemptions to compare; more months of records, or more members, would supply them.",
        "可比较的兑换次数太少；需要更长时间的记录或更多会员。",
    ),
    "low_effective_sample": (
        "After weighting, few members stand for all others; a holdout of 5 % for 6 months would do without weights.",
        "加权之后由少数会员代表其余所有人；随机留出 5% 的会员观察 6 个月就不需要加权。",
    ),
    "imbalance": (
        "Even weighted, the two groups differ in what was known before; a holdout of 5 % for 6 months would make "
        "them alike.",
        "即使加权，两组在兑换之前的特征仍有差别；随机留出 5% 的会员观察 6 个月可使两组相同。",
    ),
    "heavy_weight": (
        "A single member-month would decide the answer: hardly anybody did the opposite. A holdout of 5 % for "
        "6 months would supply them.",
        "单个会员的一个月就会左右结果：几乎没有人做出相反的选择。需要随机留出 5% 的会员观察 6 个月。",
    ),
    "rare_exposure": (
        "So rarely redeemed that members alike in all else, who redeemed, can hardly be found.",
        "兑换极少，几乎找不到其他条件相同而兑换过的会员。",
    ),
    "recent_rule_change": (
        "Price or eligibility changed so lately that members cannot have shown what follows from it.",
        "价格或资格刚刚调整，会员还来不及表现出其影响。",
    ),
    "needs_person_months": (
        "Trials are made month by month: they need a file of whole months (--unit month, or one row per month).",
        "逐月比较需要以整月为单位的文件（--unit month，或每月一行）。",
    ),
    "short_follow_up": (
        "The records end before the whole horizon is over; more months would supply it.",
        "记录在观察期结束之前就已终止；需要更长时间的记录。",
    ),
    "sample_of_members": (
        "Fitted on a fixed part of the members, drawn by a hash of who they are.",
        "按会员散列值抽取固定的一部分会员拟合。",
    ),
    "negative_control_fails": (
        "The same method finds an effect where there can be none, so the two groups are not alike.",
        "同样的方法在不可能有效果的地方也得出了效果，说明两组并不相同。",
    ),
    "sample_ratio": (
        "The arms are not of the sizes that were drawn: something sorted members after the draw.",
        "各组人数与抽签比例不符：抽签之后有因素改变了分组。",
    ),
    "within_month_unknown": (
        "Intervals do not show who redeemed and left in the same month: leaving counts from the month after.",
        "区间数据看不出当月兑换且当月离网的会员：离网从次月开始计算。",
    ),
    "many_parts": (
        "Read a part only where it was asked for before: of twenty intervals one misses the truth by chance.",
        "只有事先提出的分组才可解读：每二十个区间中约有一个会因偶然而偏离真实值。",
    ),
    "one_part": (
        "All members are in one part, so there are no parts to set side by side.",
        "所有会员都在同一组，无法分组比较。",
    ),
    "unlike_before": (
        "In the months before, both groups were not alike even after weighting: something else was under way.",
        "在兑换之前的几个月里，即使加权，两组也不相同：另有因素在起作用。",
    ),
    "nothing_before": (
        "Nothing that members did in the months before is recorded: bills or points would supply it.",
        "没有兑换之前几个月的使用记录；有了账单或积分记录才能给出。",
    ),
    "no_column": (
        "The file has no column for it.",
        "文件中没有相应的列。",
    ),
    "interval_touches_zero": (
        "The interval of the difference touches zero: no effect is shown, so only a lower bound of its price.",
        "差值的区间包含零：未显示出效果，因此只能给出花费的下限。",
    ),
    "no_retained_shown": (
        "Even the best end of the interval keeps nobody: no retained customer shown.",
        "即使取区间最有利的一端也没有多留住会员：未显示留住了客户。",
    ),
    "costs_no_more": (
        "It costs no more than not redeeming, so there is no lower bound of its price.",
        "其花费不高于不兑换，因此没有花费下限。",
    ),
    "no_margin": (
        "No margin was given: the margin from which it pays is shown instead.",
        "未给出利润：改为显示达到收支平衡所需的利润。",
    ),
    "no_redemptions": (
        "Nothing was redeemed in the last 12 months: points are valued at the bill-credit rate.",
        "最近 12 个月没有兑换：积分按话费兑换比例估值。",
    ),
    "no_rate": (
        "No rate of bill credit is in force on this day; add one to see what points are worth.",
        "当日没有生效的话费兑换比例；请先设置兑换比例。",
    ),
    "no_burn_history": (
        "Too little of the last 24 months is known to say how points of this age are spent.",
        "最近 24 个月的记录太少，无法说明该账龄积分的使用情况。",
    ),
    "no_rating": (
        "Nobody rated what was used in this time; ratings after the use would supply this.",
        "期内没有会员对所用权益作出评价；有了评价才能给出。",
    ),
    "few_ratings": (
        "Too few ratings for a share that means something; more time, or a wider area, would supply them.",
        "评价太少，比例没有意义；需要更长的时间或更大的地区范围。",
    ),
    "few_members": (
        "Too few members for a share that means something.",
        "会员太少，比例没有意义。",
    ),
}


@dataclass(frozen=True)
class Reason:
    """One reason: its code, the figure found and the limit it was held against (None if there is none)."""

    code: str
    found: float | None = None
    limit: float | None = None

    def block(self) -> dict[str, object]:
        """As it stands in a report."""
        english, chinese = TEXTS[self.code]
        return {
            "code": self.code,
            "found": self.found,
            "limit": self.limit,
            "text": {"en": english, "zh": chinese},
        }
