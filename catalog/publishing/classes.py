"""The three classes of approval: what each is for, how long a proposal of it waits, who must say yes."""

from dataclasses import dataclass
from datetime import timedelta

from catalog.offers.models import BASIC, EXTENSION, VALUE_ADDED


@dataclass(frozen=True)
class ApprovalClass:
    """`waits`: how long for a decision. `each_case`: names its member, the reason and the result that is expected.

    `second_checker_from_fen`: two checkers from this cost on (None: one is always enough).
    """

    words: dict[str, str]
    before: dict[str, str]
    waits: timedelta
    each_case: bool = False
    second_checker_from_fen: int | None = None


CLASSES: dict[str, ApprovalClass] = {
    BASIC: ApprovalClass(
        {"zh-CN": "基础类：可考核，可验证", "en": "basic: standing, measured"},
        {"zh-CN": "规则审批一次，使用情况事后考核", "en": "the rule is approved once, uses are measured"},
        timedelta(days=7),
    ),
    VALUE_ADDED: ApprovalClass(
        {"zh-CN": "增值类：可灵活授权使用", "en": "value-added: shared, used by delegation"},
        {"zh-CN": "逐项审批，之后在授权预算内使用", "en": "approved per offer, then used within a budget"},
        timedelta(days=3),
    ),
    EXTENSION: ApprovalClass(
        {"zh-CN": "拓展类：单项报批", "en": "extension: each case on its own"},
        {
            "zh-CN": "每项说明对象、理由和预期结果，逐项报批",
            "en": "each case with its member, reason and expected result",
        },
        timedelta(days=2),
        each_case=True,
        second_checker_from_fen=100_000,
    ),
}
