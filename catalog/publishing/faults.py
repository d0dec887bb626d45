"""What can be wrong with an offer that is being set up: each fault has a name, and says which field it is about."""

from base.errors import Invalid, NotFound

FILL_IN = ("Fill in the named field.", "请填写标出的内容。")
CORRECT = ("Correct the named field.", "请更正标出的内容。")


class OfferIncomplete(Invalid):
    """Something that an offer needs is missing."""

    zh = "缺少权益必需的内容。"
    next_en, next_zh = FILL_IN


class MissingTranslation(Invalid):
    """A text is there in one language and missing in the other."""

    zh = "缺少另一种语言的文字。"
    next_en, next_zh = "Write the text in Chinese and in English.", "请同时填写中文和英文。"


class BadText(Invalid):
    """This text cannot be kept."""

    zh = "文字不符合要求。"
    next_en, next_zh = CORRECT


class CategoryUnknown(Invalid):
    """There is no such category."""

    zh = "没有该分类。"
    next_en, next_zh = "Choose one of the categories.", "请从分类列表中选择。"


class OfferKindUnknown(Invalid):
    """There is no such kind of offer."""

    zh = "没有该权益类型。"
    next_en, next_zh = "Choose one of the kinds.", "请从类型列表中选择。"


class PictureUnknown(Invalid):
    """There is no such picture."""

    zh = "没有该图片。"
    next_en, next_zh = (
        "Send the picture first, then name the hash that it got.",
        "请先上传图片，再填写返回的编号。",
    )


class PercentageOver100(Invalid):
    """A percentage is a whole number from 0 to 100."""

    zh = "百分比应为 0 到 100 的整数。"
    next_en, next_zh = CORRECT


class EndsBeforeItStarts(Invalid):
    """A time ends before it starts."""

    zh = "结束时间早于开始时间。"
    next_en, next_zh = CORRECT


class StartsInThePast(Invalid):
    """An offer cannot begin in the past: nobody's price is changed afterwards."""

    zh = "权益不能从过去的时间开始：已发生的价格不能更改。"
    next_en, next_zh = (
        "Name a moment to come, or none: then it begins with the approval.",
        "请填写将来的时间，或留空：审批通过即生效。",
    )


class OtherCurrency(Invalid):
    """This is not the currency of the programme."""

    zh = "币种与积分计划不一致。"
    next_en, next_zh = CORRECT


class BadValue(Invalid):
    """What an offer is worth is a positive amount of fen."""

    zh = "权益价值应为正数（分）。"
    next_en, next_zh = CORRECT


class CostMissing(Invalid):
    """An offer without a cost cannot be proposed."""

    zh = "未填写成本的权益不能提交审批。"
    next_en, next_zh = (
        "Say what one unit costs the operator, in fen; 0 where it costs nothing.",
        "请填写每份成本（分）；无成本填 0。",
    )


class BadCost(Invalid):
    """A cost is an amount of fen, not below zero."""

    zh = "成本不能为负数（分）。"
    next_en, next_zh = CORRECT


class BadCashChoice(Invalid):
    """The part in cash is more than nothing and less than the whole value, each choice once."""

    zh = "现金部分应大于零且小于权益价值，且不重复。"
    next_en, next_zh = CORRECT


class BadCount(Invalid):
    """This number is out of its bounds."""

    zh = "数量超出范围。"
    next_en, next_zh = CORRECT


class StockElsewhere(Invalid):
    """The stock of an offer that is there is changed by moves of stock, not by a version."""

    zh = "已有权益的库存通过库存变动调整，不在版本中修改。"
    next_en, next_zh = "Leave the stock out.", "请不要填写库存。"


class MerchantNotActive(Invalid):
    """This merchant takes no part at present."""

    zh = "该商户目前未参与。"
    next_en, next_zh = "Choose another merchant.", "请选择其他商户。"


class ApprovalClassUnknown(Invalid):
    """There is no such class of approval."""

    zh = "没有该审批类别。"
    next_en, next_zh = CORRECT


class CaseMissing(Invalid):
    """An offer of the class extension names its case: member, reason and expected result."""

    zh = "拓展类权益须单项说明对象、理由和预期结果。"
    next_en, next_zh = FILL_IN


class CaseUnknown(NotFound):
    """The member of this case is not there."""

    zh = "没有该单项对象。"
    next_en, next_zh = CORRECT
