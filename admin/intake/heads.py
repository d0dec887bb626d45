"""What files call their columns, in Chinese and in English: which of ours each probably stands for."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from base.csv_files import NOTES

_LEFT_OUT = re.compile(r"[\s_\-.*:：()（）\[\]【】/]+")
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("客户编号", "客户号", "客户ID", "用户编号", "用户ID", "会员编号", "customer", "customer no", "account"),
    "joined_on": ("入网日期", "入网时间", "入会日期", "开户日期", "joined", "join date", "joining day"),
    "left_on": ("离网日期", "退网日期", "销户日期", "left", "leave date"),
    "phone": ("手机号", "手机号码", "电话", "联系电话", "mobile", "phone number", "msisdn"),
    "tier": ("等级", "会员等级", "级别", "客户级别", "level"),
    "tier_from": ("等级生效日", "等级生效日期", "级别生效日期", "tier since"),
    "birthday": ("生日", "birth day"),
    "area": ("地区", "归属地", "区域", "地市", "行政区划", "region"),
    "arpu_fen": ("ARPU", "ARPU分", "月均消费", "月均消费分", "middle bill"),
    "risk": ("风险", "风险等级", "risk grade"),
    "name": ("姓名", "客户姓名", "集团名称", "单位名称", "full name"),
    "second_phone": ("备用电话", "第二联系电话", "other phone"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "e-mail", "mail"),
    "address": ("地址", "联系地址", "通信地址", "postal address"),
    "id_number": ("证件号", "证件号码", "身份证号", "身份证号码", "identity card"),
    "bill_id": ("账单编号", "账单号", "账单ID", "bill", "bill no", "invoice"),
    "line_no": ("行号", "账单行号", "序号", "明细序号", "line number"),
    "bill_day": ("账单日", "账单日期", "出账日期", "账期", "bill date"),
    "line_type": ("费用类型", "费用科目", "科目", "消费类型", "type", "charge type"),
    "amount_fen": ("金额", "金额分", "应收金额", "应收金额分", "amount"),
    "waived_fen": ("减免金额", "减免", "优惠金额", "减免金额分", "waived"),
    "paid_fen": ("实缴金额", "已缴金额", "实收金额", "实缴金额分", "paid"),
    "group": ("集团", "集团编号", "集团客户编号", "group id", "group no"),
    "class": ("类别", "集团类别", "集团级别", "积分类别", "积分类型", "group class"),
    "contact": ("联系人", "联系人编号", "成员编号", "contact id"),
    "rank": ("职级", "联系人职级", "联系人级别", "position"),
    "cap_points": ("月度上限", "月上限积分", "使用上限", "每月积分上限", "cap", "monthly cap"),
    "cost_centre": ("成本中心", "cost center"),
    "event_id": ("事件编号", "事件ID", "流水号", "event", "event no"),
    "state": ("状态", "号码状态", "线路状态", "status"),
    "since": ("生效日期", "发生日期", "起始日期", "from", "effective"),
    "reason": ("原因", "说明", "why"),
    "clearing_day": ("清零日", "清零日期", "积分清零日期", "clear date"),
    "to_customer": ("转入客户", "过户后客户编号", "新客户编号", "new customer"),
    "key": ("批次键", "唯一键", "记录编号", "记录号", "record", "unique key"),
    "last_day": ("有效期至", "失效日期", "到期日", "到期日期", "valid until", "expiry", "expires"),
    "points": ("积分", "积分数", "积分余额", "balance"),
    "source": ("来源", "来源系统", "origin"),
    "value_fen": ("价值", "价值分", "积分价值", "value"),
    "earned_on": ("获得日期", "积分获得日期", "earned"),
}  # fmt: skip


def guessed(heads: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Head -> column, each column once, the first head that fits; heads that fit nothing are left out."""
    by_name = {
        _plain(name): column
        for column in reversed(columns)
        for name in (*OTHER_NAMES.get(column, ()), column)
    }
    by_name |= {_plain(column): column for column in columns}
    found: dict[str, str] = {}
    for exact in (True, False):  # a column's own name goes before whatever else it is called
        for head in heads:
            column = by_name.get(_plain(head))
            fits = column is not None and column not in found.values() and head not in found
            if column is not None and fits and head not in NOTES and (not exact or head == column):
                found[head] = column
    return found


def digest(heads: Sequence[str]) -> bytes:
    """By which files with exactly these columns are known again."""
    return hashlib.sha256(json.dumps(list(heads)).encode()).digest()


def _plain(name: str) -> str:
    return _LEFT_OUT.sub("", name).casefold()
