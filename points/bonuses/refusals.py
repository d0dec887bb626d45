"""Why a bonus is not given, by name."""

from base.errors import Conflict, Invalid, NotAllowed, NotFound, OverLimit


class BonusRuleUnknown(NotFound):
    """There is no such bonus rule."""

    zh = "没有该奖励规则。"


class BonusNotRunning(Conflict):
    """This bonus is not given for that day."""

    zh = "该奖励在该日期不生效。"
    next_en, next_zh = (
        "Look at the days from which and until which it is given.",
        "请查看奖励的起止日期。",
    )


class NotTheOccasion(Conflict):
    """That day is not the occasion of this bonus."""

    zh = "该日期不符合该奖励的发放时机。"
    next_en, next_zh = "Name the day of the occasion itself.", "请填写发放时机当天的日期。"


class BonusNotForMember(NotAllowed):
    """This bonus is for other members."""

    zh = "该会员不符合该奖励的条件。"
    next_en, next_zh = "Look at what it asks for.", "请查看奖励的条件。"


class BonusCapReached(OverLimit):
    """No more of these bonuses are given."""

    zh = "该奖励已达上限。"
    next_en, next_zh = (
        "Wait for the day on which the count begins anew, if one is named.",
        "如注明了重新计数的日期，请届时再试。",
    )


class BudgetUsedUp(OverLimit):
    """What was set aside for this bonus has been given."""

    zh = "该奖励的预算已用完。"
    next_en, next_zh = (
        "A later version of the rule may bring another budget.",
        "规则的后续版本可能增加预算。",
    )


class NeedsTwoPersons(NotAllowed):
    """Goodwill is given by two persons, never by a system."""

    zh = "关怀积分须由两名员工发放，系统不可以。"
    next_en, next_zh = "Propose it at /v1/goodwill.", "请通过 /v1/goodwill 提出申请。"


class BadBonus(Invalid):
    """This cannot be a bonus."""

    zh = "奖励内容不正确。"


class BadBonusRule(Invalid):
    """This cannot be a bonus rule."""

    zh = "奖励规则不正确。"
