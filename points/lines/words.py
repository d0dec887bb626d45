"""A line's state in one sentence in both languages: which, since when, why, and what ends it."""

from points.lines.states import Line, LineState

ZH, EN = "zh-CN", "en"
Words = dict[str, str]

STATES: dict[LineState, tuple[str, str]] = {
    LineState.NEW: ("新入网", "New"),
    LineState.ACTIVE: ("正常使用", "Active"),
    LineState.SUSPENDED: ("已停机", "Suspended"),
    LineState.PRE_CANCELLED: ("预销户", "About to be cancelled"),
    LineState.TRANSFER: ("过户办理中", "Ownership transfer in progress"),
    LineState.CANCELLED: ("已销户", "Cancelled"),
    LineState.REJOINED: ("重新入网", "Joined again"),
}
# Reasons that the operator's systems send as a word; any other text is shown as it came.
REASONS: dict[str, tuple[str, str]] = {
    "customer_request": ("客户申请", "at the customer's request"),
    "unpaid": ("欠费", "unpaid bill"),
    "lost": ("挂失", "reported lost"),
    "disputed": ("号码归属争议", "the number is disputed"),
    "ported_out": ("携号转网", "moved to another operator"),
    "transferred": ("过户", "ownership transferred"),
}
_ENDS: dict[LineState, tuple[str, str]] = {
    LineState.SUSPENDED: ("复机后恢复", "It ends when the line is resumed"),
    LineState.PRE_CANCELLED: (
        "撤销预销户后恢复",
        "It ends when the cancellation is withdrawn or carried out",
    ),
    LineState.TRANSFER: ("过户完成或撤销后结束", "It ends when the transfer is completed or withdrawn"),
}


def state(line: Line) -> Words:
    """The state in a word or two."""
    return _pair(*STATES[line.state])


def reason(line: Line) -> Words | None:
    """Why it is so; None where nobody said."""
    return None if line.reason is None else _pair(*REASONS.get(line.reason, (line.reason, line.reason)))


def ends(line: Line) -> Words | None:
    """What ends the state; None where nothing will, or nothing has to."""
    if line.from_day is not None:
        return _pair(f"{line.from_day} 起可兑换", f"Points can be redeemed from {line.from_day} on")
    if line.state is LineState.CANCELLED:
        if line.clearing_day is None:
            return None
        return _pair(
            f"剩余积分将于 {line.clearing_day} 清零", f"What is left is cleared on {line.clearing_day}"
        )
    return _pair(*_ENDS[line.state]) if line.state in _ENDS else None


def explained(line: Line) -> Words:
    """All of it in one line."""
    zh, en = STATES[line.state]
    if line.since:
        zh, en = f"{zh}，自 {line.since} 起", f"{en} since {line.since}"
    why, until = reason(line), ends(line)
    if why:
        zh, en = f"{zh}（{why[ZH]}）", f"{en} ({why[EN]})"
    if until:
        zh, en = f"{zh}；{until[ZH]}", f"{en}. {until[EN]}"
    return _pair(f"{zh}。", f"{en}.")


def _pair(zh: str, en: str) -> Words:
    return {ZH: zh, EN: en}
