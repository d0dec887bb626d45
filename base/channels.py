"""Channels: by which way somebody told us something or was reached; one list, and what is not in it is refused."""

from base.errors import Invalid

MEMBER_WEB, API, CONSOLE, JOB = "member_web", "partner_api", "console", "job"
CHANNELS: dict[str, dict[str, str]] = {
    MEMBER_WEB: {"zh-CN": "掌上营业厅", "en": "member web and app"},
    "sms": {"zh-CN": "短信营业厅", "en": "text message"},
    "hotline": {"zh-CN": "10086 热线", "en": "hotline"},
    "group_hotline": {"zh-CN": "集团热线", "en": "group hotline"},
    "hall": {"zh-CN": "营业厅", "en": "service hall"},
    "account_manager": {"zh-CN": "客户经理", "en": "account manager"},
    "telephone_manager": {"zh-CN": "电话经理", "en": "telephone manager"},
    "service_assistant": {"zh-CN": "服务助理", "en": "service assistant"},
    "official_account": {"zh-CN": "公众号", "en": "official account"},
    "group_website": {"zh-CN": "集团网站", "en": "group website"},
    "merchant_terminal": {"zh-CN": "商户终端", "en": "merchant terminal"},
    "merchant_web": {"zh-CN": "商户网站", "en": "merchant web"},
    CONSOLE: {"zh-CN": "运营后台", "en": "console"},
    API: {"zh-CN": "合作方接口", "en": "partner API"},
    "billing_feed": {"zh-CN": "账务接口", "en": "billing feed"},
    "import": {"zh-CN": "批量导入", "en": "import"},
    JOB: {"zh-CN": "后台任务", "en": "job"},
}


class ChannelUnknown(Invalid):
    """There is no such channel."""

    zh = "没有该渠道。"


def checked(channel: str) -> str:
    """The channel; ChannelUnknown."""
    if channel not in CHANNELS:
        raise ChannelUnknown(choices=sorted(CHANNELS))
    return channel
