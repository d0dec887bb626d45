"""The messages that jifen ships: what each may name, how urgent it is, and its first texts, in Chinese and English.

They enter the table as version 1, where they stay: what is to be said differently is a later version, not an edit here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

ZH, EN = "zh-CN", "en"
LANGUAGES = (ZH, EN)


class Manner(Enum):
    """How a message may be kept back: not at all, over the night, or over the night and by the caps."""

    URGENT = "urgent"
    SERVICE = "service"
    REMINDER = "reminder"


@dataclass(frozen=True)
class Kind:
    """A kind of message: the placeholders that its texts may name, its manner, its first texts.

    `life`: after so long it is of no use, and is not sent any more; None: late is better than never.
    """

    names: frozenset[str]
    manner: Manner
    texts: Mapping[str, str]
    life: timedelta | None = None


def _kind(names: str, manner: Manner, zh: str, en: str, life: timedelta | None = None) -> Kind:
    return Kind(frozenset(names.split()), manner, {ZH: zh, EN: en}, life)


KINDS: dict[str, Kind] = {
    "payout-route-code": _kind(
        "code account minutes",
        Manner.URGENT,
        "验证码 {code}：将商户结算收款账户变更为 {account}，{minutes} 分钟内有效。如非本人操作，请勿提供验证码并立即联系运营商。",
        "Your code is {code}, for having your payouts sent to {account} from now on; it is valid for {minutes} minutes. "
        "If you did not ask for this, give it to nobody and call the operator at once.",
        timedelta(minutes=10),
    ),
    "payout-route-changed": _kind(
        "account hours",
        Manner.URGENT,
        "商户结算收款账户已变更为 {account}，{hours} 小时内不会付款。如非本人操作，请立即联系运营商。",
        "Your payouts go to {account} from now on; none goes out for {hours} hours. "
        "If this was not you, call the operator at once.",
    ),
    "sign-in-code": _kind(
        "code minutes",
        Manner.URGENT,
        "验证码 {code}，用于登录积分账户，{minutes} 分钟内有效。工作人员绝不会索要，请勿告诉任何人。",
        "Your code is {code}, for signing in to your points; it is valid for {minutes} minutes. "
        "Our staff never ask for it: tell nobody.",
        timedelta(minutes=10),
    ),
    "voucher-accepted": _kind(
        "offer last4",
        Manner.URGENT,
        "您的券「{offer}」(尾号 {last4}) 已核销。",
        "Your voucher {offer} (ending {last4}) was accepted.",
    ),
    "voucher-voided": _kind(
        "offer last4",
        Manner.URGENT,
        "您的券「{offer}」(尾号 {last4}) 的核销已撤销，可再次使用。",
        "The use of your voucher {offer} (ending {last4}) was undone; it is valid again.",
    ),
    "voucher-shown-stale": _kind(
        "offer last4",
        Manner.URGENT,
        "您的券「{offer}」(尾号 {last4}) 的旧二维码多次在收银台出示。请勿把截图发给他人；如非本人操作，请在应用中联系客服。",
        "Old pictures of your voucher {offer} (ending {last4}) were shown at a till several times. "
        "Give nobody a screenshot; if it was not you, ask customer service in the app.",
    ),
    "dispute-opened": _kind(
        "offer last4 until",
        Manner.URGENT,
        "已收到您的反馈：券「{offer}」(尾号 {last4}) 的核销非本人操作。券内剩余部分已冻结，我们将在 {until} 前答复。",
        "You told us that it was not you who used your voucher {offer} (ending {last4}). "
        "What is left of it is frozen; you hear from us by {until}.",
    ),
    "dispute-for-member": _kind(
        "offer last4",
        Manner.SERVICE,
        "关于券「{offer}」(尾号 {last4})：已核实非本人使用，该券已作废，我们将退还相应积分。",
        "About your voucher {offer} (ending {last4}): we agree that it was not you. "
        "The voucher is void, and its points are being given back.",
    ),
    "dispute-for-merchant": _kind(
        "offer last4",
        Manner.SERVICE,
        "关于券「{offer}」(尾号 {last4})：经核实，该次核销有效；券内如有剩余，可继续使用。",
        "About your voucher {offer} (ending {last4}): we found that this use stands. "
        "What is left of it can be used again.",
    ),
    "ticket-received": _kind(
        "number subject until",
        Manner.SERVICE,
        "已收到您的请求（{subject}），编号 {number}，我们将在 {until} 前答复。处理期间您的积分不受影响。",
        "We have your request about {subject}, number {number}; you hear from us by {until}. "
        "Your points stay as they are meanwhile.",
    ),
    "ticket-answered": _kind(
        "number",
        Manner.SERVICE,
        "您的请求 {number} 已有答复，请在应用的“帮助”中查看；我们将在 48 小时内致电回访。",
        "Your request {number} was answered: read it under Help in the app. We call you within 48 hours.",
    ),
    "ticket-not-reached": _kind(
        "number",
        Manner.SERVICE,
        "关于请求 {number}，我们三次致电均未能联系上您，已按现有答复办结；如不满意，可在答复后七天内再次提出。",
        "About your request {number}: we called three times and could not reach you, so it is closed with the answer that you have. "
        "Within seven days of the answer you can take it up again.",
    ),
    "bill-credit-done": _kind(
        "points yuan",
        Manner.URGENT,
        "您用 {points} 积分兑换的话费 {yuan} 元已到账。",
        "Your bill credit of {yuan} for {points} points has arrived.",
    ),
    "bill-credit-failed": _kind(
        "points",
        Manner.SERVICE,
        "话费兑换未成功，{points} 积分已退回。",
        "The bill credit did not go through; {points} points are back.",
    ),
    "bill-credit-back": _kind(
        "points yuan",
        Manner.SERVICE,
        "已到账的话费 {yuan} 元已撤回，{points} 积分已退回。",
        "The bill credit of {yuan} was taken back; {points} points are back.",
    ),
    "service-done": _kind(
        "points offer",
        Manner.URGENT,
        "您用 {points} 积分兑换的「{offer}」已开通。",
        "{offer}, which you got for {points} points, is ready to use.",
    ),
    "service-failed": _kind(
        "points offer",
        Manner.SERVICE,
        "「{offer}」未能开通，{points} 积分已退回。",
        "{offer} could not be switched on; {points} points are back.",
    ),
    "goods-sent": _kind(
        "points offer",
        Manner.URGENT,
        "您用 {points} 积分兑换的「{offer}」已全部发货，物流信息见兑换记录。",
        "{offer}, which you got for {points} points, is on its way; your redemption shows carrier and parcel number.",
    ),
    "goods-ready": _kind(
        "points offer",
        Manner.URGENT,
        "您用 {points} 积分兑换的「{offer}」已发放，请在兑换记录中查看。",
        "{offer}, which you got for {points} points, is there: open it under your redemptions.",
    ),
    "goods-failed": _kind(
        "points offer",
        Manner.SERVICE,
        "「{offer}」未能发出，{points} 积分已退回。",
        "{offer} could not be sent; {points} points are back.",
    ),
    "goods-back": _kind(
        "points offer",
        Manner.SERVICE,
        "「{offer}」已退回或丢失，{points} 积分已退还。",
        "{offer} came back or was lost; {points} points are back.",
    ),
    "bundle-done": _kind(
        "points offer",
        Manner.URGENT,
        "您用 {points} 积分兑换的套餐「{offer}」已全部办理完成。",
        "All of {offer}, which you got for {points} points, is ready.",
    ),
    "bundle-failed": _kind(
        "points offer",
        Manner.SERVICE,
        "套餐「{offer}」中有一项未能办理，已整体取消，{points} 积分已退回。",
        "One part of {offer} could not be done, so all of it was undone; {points} points are back.",
    ),
    "seat-offered": _kind(
        "event until",
        Manner.SERVICE,
        "「{event}」有名额了，请在 {until} 前确认，逾期名额将留给下一位。",
        "A place is free for you: {event}. Confirm it by {until}, or it goes to the next in line.",
    ),
    "gift-begun": _kind(
        "points receiver minutes",
        Manner.URGENT,
        "您向 {receiver} 赠送 {points} 积分，{minutes} 分钟内可撤回。",
        "You are giving {points} points to {receiver}; you can undo it for {minutes} minutes.",
    ),
    "gift-received": _kind(
        "points giver",
        Manner.SERVICE,
        "{giver} 赠送的 {points} 积分已到账。",
        "{points} points have arrived, a gift from {giver}.",
    ),
    "gift-arrived": _kind(
        "points receiver",
        Manner.SERVICE,
        "您赠送的 {points} 积分已到达 {receiver}。",
        "Your {points} points have reached {receiver}.",
    ),
    "gift-returned": _kind(
        "points",
        Manner.SERVICE,
        "您赠送的 {points} 积分未能送达，已退回。",
        "Your gift of {points} points could not be delivered; they are back.",
    ),
    "thaw-code": _kind(
        "code minutes",
        Manner.URGENT,
        "验证码 {code}：解除您的积分冻结，{minutes} 分钟内有效。工作人员绝不会索要，请勿告诉任何人。",
        "Your code is {code}, for thawing your points; it is valid for {minutes} minutes. "
        "Our staff never ask for it: tell nobody.",
        timedelta(minutes=10),
    ),
    "points-frozen": _kind(
        "",
        Manner.URGENT,
        "您的积分已冻结：暂不能兑换和转赠，积分照常累积，已领取的券仍可使用。如非本人操作，请联系客服。",
        "Your points are frozen: nothing is redeemed or given away, you go on collecting, and vouchers you have stay "
        "usable. If this was not you, call customer service.",
    ),
    "number-changed": _kind(
        "",
        Manner.URGENT,
        "您的手机号码已变更，为防他人使用，积分已暂时冻结。请用新号码登录，凭短信验证码解除。如非本人办理，请立即联系客服。",
        "Your number changed, so your points are frozen until you show that this one is yours: sign in with it and thaw them "
        "with a code. If it was not you who changed it, call customer service at once.",
    ),
    "points-thawed": _kind(
        "",
        Manner.URGENT,
        "您的积分冻结已解除，可以照常兑换和转赠。如非本人操作，请立即联系客服。",
        "Your points are thawed and can be redeemed and given away again. If this was not you, call customer service at once.",
    ),
    "step-up-code": _kind(
        "code points offer merchant minutes",
        Manner.URGENT,
        "验证码 {code}：用 {points} 积分兑换「{offer}」（{merchant}），{minutes} 分钟内有效。工作人员绝不会索要，请勿告诉任何人。",
        "Your code is {code}, for redeeming {points} points for {offer} ({merchant}); it is valid for {minutes} minutes. "
        "Our staff never ask for it: tell nobody.",
        timedelta(minutes=10),
    ),
    "voucher-gift-code": _kind(
        "code offer receiver minutes",
        Manner.URGENT,
        "验证码 {code}：将「{offer}」赠送给 {receiver}，{minutes} 分钟内有效。工作人员绝不会索要，请勿告诉任何人。",
        "Your code is {code}, for giving {offer} to {receiver}; it is valid for {minutes} minutes. "
        "Our staff never ask for it: tell nobody.",
        timedelta(minutes=10),
    ),
    "voucher-gift-received": _kind(
        "offer giver",
        Manner.SERVICE,
        "{giver} 赠送您「{offer}」，已放入您的券包。",
        "A gift from {giver}: {offer}. You find it among your vouchers.",
    ),
    "voucher-gift-arrived": _kind(
        "offer receiver",
        Manner.SERVICE,
        "您赠送的「{offer}」已到达 {receiver}。",
        "Your gift {offer} has reached {receiver}.",
    ),
    "voucher-gift-returned": _kind(
        "offer points",
        Manner.SERVICE,
        "您赠送的「{offer}」未能送达，{points} 积分已退回。",
        "Your gift {offer} could not be delivered; your {points} points are back.",
    ),
    "line-cancelled": _kind(
        "points day",
        Manner.SERVICE,
        "您的号码已销户，剩余 {points} 积分已冻结，将于 {day} 清零；如有疑问请在此之前联系客服。",
        "Your line was cancelled. Its {points} points are frozen and will be cleared on {day}; "
        "if this is wrong, call customer service before that day.",
    ),
    "points-spent": _kind(
        "points about balance",
        Manner.URGENT,
        "您的 {points} 积分已使用：{about}，剩余 {balance} 积分。如非本人操作，请立即联系客服。",
        "{points} of your points were spent: {about}. {balance} are left. "
        "If this was not you, call customer service at once.",
    ),
    "points-adjusted": _kind(
        "points balance",
        Manner.SERVICE,
        "经核对，您的积分账户调减 {points} 积分，剩余 {balance} 积分。如有疑问请联系客服。",
        "After a check, {points} points were taken from your account; {balance} are left. "
        "If you have questions, call customer service.",
    ),
    "points-corrected": _kind(
        "points owed balance",
        Manner.SERVICE,
        "因账单更正，扣回 {points} 积分，另欠 {owed} 积分，剩余 {balance} 积分；所欠积分由之后获得的积分抵扣。",
        "After a bill correction {points} points were taken back and {owed} are owed; {balance} are left. "
        "Points that you collect next repay what is owed.",
    ),
    "points-repaid": _kind(
        "points balance",
        Manner.SERVICE,
        "新获得的积分中，{points} 积分已用于抵扣账单更正所欠，剩余 {balance} 积分。",
        "{points} of the points that you collected repaid what was owed after a bill correction; "
        "{balance} are left.",
    ),
    "expiry-ahead": _kind(
        "points last_day days yuan",
        Manner.REMINDER,
        "您有 {points} 积分将于 {last_day} 到期（还有 {days} 天），约值话费 {yuan} 元。"
        "可在积分页面或营业厅兑换话费、商户券等；积分不收手续费，工作人员不会索要验证码。",
        "{points} of your points can be used until {last_day}, {days} days from now; as bill credit they are "
        "worth about {yuan}. Use them on your points page or in a shop of ours. It costs no fee, and nobody of "
        "us asks for a code.",
    ),
    "companion-invited": _kind(
        "",
        Manner.SERVICE,
        "有会员邀请您成为联属伙伴，请登录后确认或拒绝。",
        "A member invites you as a companion; sign in to confirm or decline.",
    ),
    "companion-confirmed": _kind(
        "",
        Manner.SERVICE,
        "您的联属邀请已被确认。",
        "Your invitation as a companion was confirmed.",
    ),
    "tier-up": _kind(
        "tier from_day more",
        Manner.SERVICE,
        "恭喜！您自 {from_day} 起成为{tier}会员{more}",
        "Congratulations: from {from_day} on you are a {tier} member{more}",
    ),
}
# Of no use after some minutes, and nobody should learn to read codes elsewhere than on the own phone.
CODES = ("sign-in-code", "voucher-gift-code", "step-up-code", "thaw-code", "payout-route-code")
REMINDERS = tuple(code for code, kind in KINDS.items() if kind.manner is Manner.REMINDER)
