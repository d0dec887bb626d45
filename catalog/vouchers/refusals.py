"""Why a voucher is not taken: each refusal with its sentence for the clerk, and what the till does then.

`then`: rescan, wait, manager (call one) or support (the customer's app, or a case).
"""

from base.errors import Conflict, Invalid, NotAllowed, NotFound


class VoucherUnknown(NotFound):
    """This voucher is not known here."""

    zh = "查不到该券。"
    next_en, next_zh = "Ask the customer to open it again in their app.", "请顾客在应用中重新打开该券。"
    clerk_en = "I can't find this one. Please open it again in your app."
    clerk_zh = "我查不到这张券，请您在应用里重新打开。"
    then = "rescan"


class VoucherAlreadyAccepted(Conflict):
    """This voucher was already accepted."""

    zh = "该券已核销。"
    next_en, next_zh = "The customer's app shows where and when.", "顾客的应用中可查看核销时间和门店。"
    clerk_en, clerk_zh = (
        "It was used already; your app shows when and where.",
        "这张券已经用过了，您的应用里可以看到时间和门店。",
    )
    then = "support"


class VoucherHeld(Conflict):
    """This voucher is open at another till."""

    zh = "该券正在另一收银台处理。"
    next_en, next_zh = "Wait until the other till lets it go.", "请等待另一收银台处理完。"
    clerk_en, clerk_zh = "It is open at another till. A moment, please.", "另一个收银台正在处理，请稍等。"
    then = "wait"


class VoucherExpired(Conflict):
    """This voucher has run out."""

    zh = "该券已过期。"
    next_en, next_zh = "The customer's app shows the details.", "顾客的应用中可查看详情。"
    clerk_en, clerk_zh = "It ran out; your app shows the details.", "这张券已过期，您的应用里有详情。"
    then = "support"


class VoucherCancelled(Conflict):
    """This voucher was handed back."""

    zh = "该券已退回。"
    next_en, next_zh = "The customer's app shows the details.", "顾客的应用中可查看详情。"
    clerk_en, clerk_zh = "It was handed back; your app shows the details.", "这张券已退回，您的应用里有详情。"
    then = "support"


class VoucherNotUsable(Conflict):
    """This voucher cannot be used now."""

    zh = "该券暂不可用。"
    next_en, next_zh = "The customer's app says whom to ask.", "顾客的应用中有联系方式。"
    clerk_en, clerk_zh = (
        "It can't be used right now. Your app says whom to ask.",
        "这张券暂时不能用，您的应用里有联系方式。",
    )
    then = "support"


class CheckLapsed(Conflict):
    """The check is too old; nothing was taken."""

    zh = "查券结果已失效，没有核销。"
    next_en, next_zh = "Scan the voucher once more.", "请重新扫描该券。"
    clerk_en, clerk_zh = "I'll scan it once more.", "我再扫一次。"
    then = "rescan"


class TooManyUnitsLeft(Invalid):
    """That is more than is left on this voucher."""

    zh = "超过该券剩余额度。"
    clerk_en, clerk_zh = "There is less left on it.", "券内剩余不足。"
    then = "rescan"


class MemberDaysOnly(NotAllowed):
    """This voucher is for member days alone."""

    zh = "该券仅限会员日使用。"
    next_en, next_zh = "Come back on one of the days that are named.", "请在所列会员日使用。"
    clerk_en, clerk_zh = (
        "It is for member days; your app says which.",
        "这张券只能在会员日使用，您的应用里有日期。",
    )
    then = "support"


class WrongOutlet(NotAllowed):
    """This voucher is for other outlets."""

    zh = "该券不适用于本门店。"
    next_en, next_zh = "Go to one of the outlets that are named.", "请前往所列门店使用。"
    clerk_en, clerk_zh = (
        "It is for other shops of ours; your app says which.",
        "这张券适用于我们的其他门店，您的应用里有列出。",
    )
    then = "support"


class OutsideHours(NotAllowed):
    """This voucher cannot be used at this hour."""

    zh = "当前不在该券的可用时段。"
    next_en, next_zh = "Come back at one of the hours that are named.", "请在所列时段使用。"
    clerk_en, clerk_zh = (
        "It is for other hours; your app says which.",
        "这张券在其他时段可用，您的应用里有列出。",
    )
    then = "support"


class VoidNotLatest(Conflict):
    """Only the latest use of a voucher can be undone."""

    zh = "只能撤销最近一次使用。"
    clerk_en, clerk_zh = "I can't undo it here; I'll open a case for you.", "这里无法撤销，我为您提交工单。"
    then = "support"


class VoidLimit(Conflict):
    """This voucher was accepted and undone too often."""

    zh = "该券反复核销撤销次数过多。"
    next_en, next_zh = "Open a case for support.", "请提交工单处理。"
    clerk_en, clerk_zh = "I can't undo it here; I'll open a case for you.", "这里无法撤销，我为您提交工单。"
    then = "support"


class CodeStale(Conflict):
    """This picture is old, or was shown to a till before."""

    zh = "该二维码已过时或已出示过。"
    next_en, next_zh = "Let the picture change and scan it again.", "请等二维码刷新后再扫。"
    clerk_en = "Please let the picture refresh and show it again."
    clerk_zh = "请等二维码刷新后再出示一次。"
    then = "rescan"


class DigitsNeeded(NotAllowed):
    """The eight digits under the picture are needed for this voucher."""

    zh = "该券需要二维码下方的八位数字。"
    next_en, next_zh = (
        "Scan the picture, or type the eight digits under it.",
        "请扫描二维码，或输入其下方的八位数字。",
    )
    clerk_en, clerk_zh = (
        "Please read me the eight digits under the picture.",
        "请告诉我二维码下方的八位数字。",
    )
    then = "rescan"


class DirectAcceptOff(NotAllowed):
    """This merchant's terms do not allow accepting without a check."""

    zh = "该商户的条款不允许免查券直接核销。"
    next_en, next_zh = "Check the voucher first, then accept it.", "请先查券，再核销。"
    clerk_en, clerk_zh = "I'll scan it once more.", "我再扫一次。"
    then = "rescan"
