"""What the ledger refuses, by name."""

from base.errors import Conflict, Invalid, NotAllowed, NotFound, OverLimit


class NotEnoughPoints(Conflict):
    """There are not enough points."""

    zh = "积分不足。"
    next_en, next_zh = "Choose something smaller or collect a little more.", "请选择所需积分较少的权益。"


class QuoteChanged(Conflict):
    """The points of this quote are no longer the ones that would be taken."""

    zh = "报价所依据的积分已变化。"
    next_en, next_zh = "Ask for a fresh quote.", "请重新获取报价。"


class HoldEnded(Conflict):
    """This hold has ended; its points are back."""

    zh = "该笔预留已结束，积分已退回。"


class MoreThanLeft(Conflict):
    """More than is left of the original."""

    zh = "超过原交易的剩余数量。"


class StillLapsed(Conflict):
    """No extension gives these points a last day to come."""

    zh = "没有公告延长这些积分的有效期。"


class MemberUnknown(NotFound):
    """There is no such member."""

    zh = "没有该会员。"


class MemberTooNew(NotAllowed):
    """This line is too new to redeem points."""

    zh = "入网时间不足，暂不能兑换。"
    next_en, next_zh = (
        "Wait until the day that is named; your points are kept.",
        "请等到注明的日期，积分会保留。",
    )


class MemberFrozen(NotAllowed):
    """This line is frozen; its points are kept."""

    zh = "号码已冻结，积分保留但暂不能使用。"
    next_en, next_zh = (
        "Wait for what ends it; your points are kept until then.",
        "请等待注明的解冻条件，积分会一直保留。",
    )


class PointsFrozen(NotAllowed):
    """These points are frozen: nothing is redeemed and nothing given away."""

    zh = "积分已冻结，暂不能兑换或转赠。"
    next_en, next_zh = (
        "You go on collecting. Thaw them under Me, Safety, with a code to your number.",
        "积分照常累积。可在「我的」—「账户安全」中用短信验证码解除冻结。",
    )


class MemberClosed(NotAllowed):
    """This line was cancelled."""

    zh = "号码已销户。"
    next_en, next_zh = "Sign in with the number you use today.", "请使用现在的号码登录。"


class MemberMerged(NotAllowed):
    """This member was merged into another one."""

    zh = "该会员已并入另一会员。"
    next_en, next_zh = "Use the membership that it was merged into.", "请使用并入后的会员账户。"


class SpendingNotAllowed(NotAllowed):
    """You may not spend the points of this group."""

    zh = "您不能使用该集团的积分。"
    next_en, next_zh = "Ask whoever looks after the group.", "请联系集团的管理人员。"


class OverCap(OverLimit):
    """This is more than you may spend for the group this month."""

    zh = "超过您本月可使用的集团积分额度。"
    next_en, next_zh = (
        "Choose something smaller, or wait for the day that is named.",
        "请选择所需积分较少的权益，或等到注明的日期。",
    )


class LineForbids(NotAllowed):
    """The programme does not allow this for a line in this state."""

    zh = "该积分计划不允许此状态的号码进行该操作。"
    next_en, next_zh = "Ask customer service from when it will be possible.", "请向客服咨询何时可以操作。"


class LineStillOpen(Conflict):
    """Only the points of a cancelled line are cleared."""

    zh = "只有已销户号码的积分才会清零。"


class PointsHeld(Conflict):
    """Points are still set aside; end those first."""

    zh = "仍有预留中的积分，请先处理。"


class PointsOutOfRange(Invalid):
    """Points are whole numbers from 1 to 1,000,000,000,000,000."""

    zh = "积分必须是 1 到 1000 万亿之间的整数。"


class LotsFull(Conflict):
    """This wallet has as many lots as it can hold."""

    zh = "该账户的积分批次已满。"
    next_en, next_zh = "Redeem some points first, then try again.", "请先兑换部分积分后再试。"
