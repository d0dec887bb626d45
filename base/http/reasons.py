"""What is wrong with a field, in Chinese for pages: rules and schemas say it in English, as the API's clients read it.

Each reason that a rule, a schema or marshmallow itself can give stands here once, with {} for what it names; a test
looks for those that are missing. What is not in the table stays as it is.
"""

import re
from functools import cache

from base.web.i18n import current_language

CHINESE = {
    # lengths, numbers, choices
    "must be 1 to {} characters without control characters": "须为 1 至 {} 个字符，不含控制字符",
    "must be {} to {} characters without control characters": "须为 {} 至 {} 个字符，不含控制字符",
    "at most {} characters without control characters": "最多 {} 个字符，不含控制字符",
    "must be 1 to {} characters that can be printed": "须为 1 至 {} 个可显示的字符",
    "must be 1 to {} characters, as bills name it": "须为 1 至 {} 个字符，与账单上的写法一致",
    "must be 1 to {} characters": "须为 1 至 {} 个字符",
    "1 to {} characters": "须为 1 至 {} 个字符",
    "must be at most {} characters": "最多 {} 个字符",
    "must have no spaces around it and only characters that can be printed": "首尾不能有空格，且只能含可显示的字符",
    "must be a whole number": "须为整数",
    "a number without sign": "须为不带符号的整数",
    "must be from {} to {} basis points": "须为 {} 至 {} 个基点",
    "must be from {} to {} fen": "须为 {} 至 {} 分",
    "must be from {} to {}": "须为 {} 至 {}",
    "must be 1 to {}": "须为 1 至 {}",
    "are at most {}": "最多 {} 个",
    "must be one of {}": "须为下列之一：{}",
    "is one of {}": "须为下列之一：{}",
    "at least one of {}": "须至少选择其一：{}",
    "one of: {}": "须为下列之一：{}",
    "one of {}": "须为下列之一：{}",
    "name one of: {}": "须指明其一：{}",
    "at least one": "至少选择一项",
    "needed": "必填",
    "is needed": "必填",
    "say why": "请说明原因",
    "{} is stopped for all programmes together": "{} 已在全部计划中一并停用",
    "needs zh-CN and en, each 1 to {} characters": "须有中英文，各 1 至 {} 个字符",
    "needs {}, each from {} to {} basis points": "须包含 {}，各为 {} 至 {} 个基点",
    # codes, numbers of things, addresses
    "is 1 to 40 small letters, digits and dashes": "须为 1 至 40 个小写字母、数字或连字符",
    "must be 1 to 32 small letters, digits and dashes": "须为 1 至 32 个小写字母、数字或连字符",
    "must be 1 to 32 small letters, digits or dashes (ASCII) and begin with a letter": (
        "须为 1 至 32 个小写字母、数字或连字符，并以字母开头"
    ),
    "is not 1 to 32 letters, digits, dots, dashes or underscores (ASCII)": "须为 1 至 32 个字母、数字、点、连字符或下划线",
    "1 to 20 letters, digits or dashes, for example 07": "须为 1 至 20 个字母、数字或连字符，例如 07",
    "1 to 30 of a-z, 0-9 and -, as in desk-2": "须为 1 至 30 个小写字母、数字或连字符，例如 desk-2",
    "is the number of a case: a letter, then letters, digits, dots, dashes": "须为工单号：以字母开头，后接字母、数字、点或连字符",
    "is a phone number of 5 to 15 ASCII digits": "须为 5 至 15 位数字的电话号码",
    "6 to 15 digits": "须为 6 至 15 位数字",
    "8 to 32 digits, or an IBAN, without spaces": "须为 8 至 32 位数字或 IBAN，不含空格",
    "must be a mail address of at most {} characters": "须为邮箱地址，最多 {} 个字符",
    "a name of a time zone, for example Asia/Shanghai": "须为时区名称，例如 Asia/Shanghai",
    "must be an IANA time zone such as Asia/Shanghai": "须为时区名称，例如 Asia/Shanghai",
    "must be a file, or an https address": "须为文件或 https 地址",
    "base64url": "须为 base64url",
    "is not base64": "不是 base64",
    "must be a JSON object of texts": "须为由文本组成的 JSON 对象",
    "32 bytes of Ed25519 or an uncompressed point of P-256, as base64url": (
        "须为 32 字节的 Ed25519 公钥或未压缩的 P-256 公钥，以 base64url 表示"
    ),
    "the public half of an Ed25519 key, as PEM or base64": "须为 Ed25519 公钥，PEM 或 base64 格式",
    "this is a private key: keep it, and send its public half": "这是私钥，请自行保管，只提交公钥",
    # days and times
    "a day: YYYY-MM-DD": "须为日期：YYYY-MM-DD",
    "must be a date": "须为日期",
    "a month: YYYY-MM": "须为月份：YYYY-MM",
    "must be today or later, within ten years": "须为今天或以后，且在十年之内",
    "must be today or later": "须为今天或以后",
    "must be tomorrow or later": "须为明天或以后",
    "must not lie in the future": "不能是将来的日期",
    "is today, or up to 30 days ago": "须为今天或过去 30 天之内",
    "lies in the past; what was granted is not changed afterwards": "日期已过；已授予的不再更改",
    "lies 0 to {} days after the first day": "须在起始日之后 0 至 {} 天",
    "must lie between {} and {}": "须在 {} 与 {} 之间",
    "must lie between the years {} and {}": "须在 {} 年与 {} 年之间",
    "must lie after {}: what was bought is not priced anew": "须晚于 {}：已兑换的不重新计价",
    "must lie after {}: what was earned is not earned anew": "须晚于 {}：已获得的积分不重新计算",
    "must not be before from_day": "不能早于起始日",
    "must not lie before from_day": "不能早于起始日",
    "must not come before the first day, nor lie twenty years ahead": "不能早于起始日，也不能超过二十年",
    "a version begins on this day already": "该日已有一个版本生效",
    "not understood: {}; for example 1-5 09:00-21:00": "无法识别：{}；例如 1-5 09:00-21:00",
    "days are 1 (Monday) to 7, each once, in order": "星期为 1（周一）至 7，依次各出现一次",
    "from and until are HH:MM, and not the same": "起止时间为 HH:MM，且不能相同",
    "at most {} spans": "最多 {} 个时段",
    # offers, rates, points
    "stands alone: name an offer or a kind, not both": "只能填其一：权益或类型",
    "no offer of this programme": "该积分计划没有这一权益",
    "no tier of this programme": "该积分计划没有这一等级",
    "no area that has a name or a member": "没有这一地区",
    "is needed with a class: the lot to take from": "选择积分类别时必填：从哪一批次扣减",
    "is needed for a member day, and for nothing else": "仅会员日需要填写",
    "cannot be asked of who has just joined": "新入网会员不适用",
    "of this code is {}": "该代码的场景为 {}",
    "must be 0, which gives nothing, or enough for one bonus": "须为 0（不发放），或至少够发一次",
    "names tiers, each with 1 to {} uses in a period": "须按等级填写，每期各 1 至 {} 次",
    "is on no ladder that has begun by {}": "截至 {}，没有任何等级体系包含它",
    "must name at least one class from 0 to {}": "须至少填写一个类别，0 至 {}",
    "must add up to {} basis points, not {}": "合计须为 {} 个基点，目前为 {}",
    "is needed: which area it is for": "必填：用于哪个地区",
    "is not named here: receive it, then set it aside for the area": "此处不填：先入库，再分配给地区",
    "must be up to {} more or less, and not 0": "增减不超过 {}，且不能为 0",
    "must be below 0: what is written off is gone": "须小于 0：核销即减少",
    "is less than risk_at_least": "小于下限",
    "nothing lies below it": "没有更低的值",
    "name either the member or the customer": "会员与客户编号只填其一",
    "one of customer_id and phone": "客户编号与电话号码只填其一",
    "must lie between 0 and the amount": "须在 0 与金额之间",
    "must lie between 0 and the amount less what is waived": "须在 0 与减免后的金额之间",
    "an offer keeps its programme, kind and code": "权益的积分计划、类型和代码不能更改",
    "needs programme, kind and code; or an offer": "须填写积分计划、类型和代码，或指明一个权益",
    "takes plain texts, whole numbers, true, false and null, {} deep and {} long at most": (
        "只能含文本、整数、true、false 和 null，最多 {} 层、{} 个"
    ),
    # merchants and their money
    "amount and tax must add up to the total": "金额与税额之和须等于总额",
    "is no acceptance of this merchant": "不是该商户的核销记录",
    "must not be nothing at all": "不能全部为零",
    "needed together with payout_route": "填写收款方式时必填",
    "needed for a bank account": "银行账户必填",
    "is stripe or bank": "须为 stripe 或 bank",
    "the account at Stripe is not ready": "Stripe 账户尚未就绪",
    "the merchant has left": "该商户已退出",
    "a clerk or manager belongs to an outlet": "店员和店长须归属一个门店",
    "must be above 0 where members earn points here without a pack": "会员在此不用积分包而获得积分时，须大于 0",
    "must be above 0 where reserve_bp is, and nowhere else": "有保证金比例时须大于 0，否则不填",
    "must be from void_window_s to {} seconds": "须不小于撤销时限，且不超过 {} 秒",
    "must be named where brand_bp is above 0, and nowhere else": "品牌分摊大于 0 时必填，否则不填",
    "must leave, with merchant_bp, at most 10000 basis points": "与商户分摊之和不能超过 10000 个基点",
    "must not be below draft_days: nothing is paid before it is sealed": "不能小于核对天数：封账之前不付款",
    "must not be below fee_fixed_fen": "不能低于固定手续费",
    "name an acceptance or a line, one of them": "核销记录与结算明细只填其一",
    "either check_token or code": "核验凭证与券码只填其一",
    # whom it is about, what is done
    "for the staff alone, and so is channel": "仅工作人员可填，渠道亦然",
    "is needed: whose looks": "必填：查询谁的查看记录",
    "says what is to be done on that day": "请说明当天要做什么",
    "are not of this kind: {}": "不属于该类文件的列：{}",
    "which programme?": "请指明积分计划",
    "an endpoint of a merchant has none: leave it out": "商户的接收地址不填此项",
    # marshmallow
    "Missing data for required field.": "必填",
    "Field may not be null.": "不能为空",
    "Invalid value.": "内容不正确",
    "Invalid input type.": "内容类型不正确",
    "Unknown field.": "未知字段",
    "Not a valid string.": "须为文本",
    "Not a valid utf-8 string.": "须为 UTF-8 文本",
    "Not a valid number.": "须为数字",
    "Not a valid integer.": "须为整数",
    "Not a valid boolean.": "须为是或否",
    "Not a valid list.": "须为列表",
    "Not a valid mapping type.": "须为键值对",
    "Not a valid date.": "须为日期",
    "Not a valid time.": "须为时间",
    "Not a valid datetime.": "须为日期时间",
    "Not a valid naive datetime.": "须为不带时区的日期时间",
    "Not a valid aware datetime.": "须为带时区的日期时间",
    "{} cannot be formatted as a {}.": "{} 无法转换为 {}",
    "Not a valid {}.": "不是有效的 {}",
    "Not a valid email address.": "须为邮箱地址",
    "Not a valid URL.": "须为网址",
    "Not a valid UUID.": "须为 UUID",
    "Not a valid period of time.": "须为时长",
    "Special numeric values (nan or infinity) are not permitted.": "须为有限的数字",
    "Number too large.": "数字过大",
    "Invalid type.": "类型不正确",
    "Must be one of: {}.": "须为下列之一：{}",
    "One or more of the choices you made was not in: {}.": "所选内容须在下列之中：{}",
    "Shorter than minimum length {}.": "长度不足 {}",
    "Longer than maximum length {}.": "长度超过 {}",
    "Length must be between {} and {}.": "长度须在 {} 与 {} 之间",
    "Length must be {}.": "长度须为 {}",
    "Must be greater than or equal to {} and less than or equal to {}.": "须在 {} 与 {} 之间",
    "Must be greater than or equal to {}.": "不能小于 {}",
    "Must be less than or equal to {}.": "不能大于 {}",
    "Must be greater than {}.": "须大于 {}",
    "Must be less than {}.": "须小于 {}",
    "String does not match expected pattern.": "格式不正确",
    "must be {}, as the statement says": "须为 {}，与结算单一致",
    "must be {}": "须为 {}",
}


# What the fields of forms are called there; others by the name they have.
FIELDS = {
    "amount_fen": "金额（分）", "area": "地区", "case": "工单号", "code": "代码", "columns": "列", "contact_phone": "联系电话",
    "customer_id": "客户编号", "direction": "方向", "email": "邮箱", "fields": "字段", "from": "起始日", "from_day": "生效日",
    "hours": "营业时间", "kind": "类型", "language": "语言", "last_day": "有效期至", "lot_class": "积分类别", "member": "会员",
    "month": "月份", "months": "月数", "name": "姓名", "names": "名称", "next_on": "下次日期", "next_step": "下一步", "note": "备注",
    "number": "编号", "offer": "权益", "outlet": "门店", "password": "密码", "per_fen": "每（分）", "period": "周期", "phone": "手机号码",
    "points": "积分", "price_fen": "价款（分）", "programme": "积分计划", "purpose": "目的", "reason": "原因", "reference": "参考号",
    "result": "结果", "role": "角色", "roles": "角色", "route": "收款方式", "shares": "占比", "subject": "说明", "text": "说明",
    "ticket": "工单号", "tier": "等级", "title": "标题", "units": "数量", "until": "截止日", "until_day": "截止日", "verdict": "结论",
    "words": "内容", "zone": "时区",
}  # fmt: skip


def in_chinese(reason: str) -> str:
    """The reason in Chinese; as it is where the table has none."""
    for pattern, chinese in _patterns():
        if found := pattern.fullmatch(reason):
            return chinese.format(*found.groups())
    return reason


def here(reason: str) -> str:
    """The reason in the language of the page."""
    return in_chinese(reason) if current_language() == "zh-CN" else reason


def detail_in_chinese(detail: str) -> str:
    """The same of "name: reason; name: reason"; a part that is not in the table stays as it is."""
    return "；".join(_named(*part.partition(": ")) for part in detail.split("; "))


def errors_in_chinese(errors: list[dict[str, str]]) -> tuple[list[dict[str, str]], str]:
    """The same of fields by their pointers, and of all of them together."""
    told = [one | {"detail": in_chinese(one["detail"])} for one in errors]
    return told, "；".join(_named(one["pointer"].lstrip("/"), ":", one["detail"]) for one in errors)


def _named(name: str, colon: str, reason: str) -> str:
    if not colon:
        return in_chinese(name)
    told = in_chinese(reason)
    return (
        f"{FIELDS.get(name, name)}：{told}" if name and told != reason else f"{name}: {reason}".lstrip(": ")
    )


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What says more comes before what would fit it as well."""
    by_length = sorted(CHINESE.items(), key=lambda entry: -len(entry[0].replace("{}", "")))
    return tuple((_pattern(english), chinese) for english, chinese in by_length)


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in english.split("{}")), re.DOTALL)
