"""Errors are named kinds: a class, its docstring as the title, keywords as facts.

The kind decides the HTTP status (one table in base/http/problems.py); the class name in kebab-case is the
problem's stable type, documented at /problems/<type>. Rules raise these; nothing in a rule knows HTTP.
"""

import re
from typing import Any, ClassVar, Self


class Problem(Exception):
    """Something could not be done."""

    zh: ClassVar[str] = "操作未能完成。"
    next_en: ClassVar[str] = "Try again; if it happens again, give the request number to support."
    next_zh: ClassVar[str] = "请重试；如仍失败，请把请求编号告诉客服。"
    # At a till: what the clerk says to the customer, and what the till does then (rescan, wait, manager, support).
    clerk_en: str = ""
    clerk_zh: str = ""
    then: str = ""

    def __init__(self, detail: str = "", *, retry_after_s: int | None = None, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.facts = facts

    def saying(self, en: str, zh: str, then: str) -> Self:
        """With a sentence for the clerk that names this case's own hours, places or amounts."""
        self.clerk_en, self.clerk_zh, self.then = en, zh, then
        return self

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return " ".join(
            part for part in (self.title("en"), self.detail, f"({facts})" if facts else "") if part
        )

    @classmethod
    def type_name(cls) -> str:
        """The stable last part of the problem's type: VoucherUnknown -> voucher-unknown."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls, language: str) -> str:
        """What happened, in the reader's language ("en" or "zh-CN")."""
        return cls.zh if language.startswith("zh") else (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    def next_step(cls, language: str) -> str:
        """What the reader can do now."""
        return cls.next_zh if language.startswith("zh") else cls.next_en


class Malformed(Problem):
    """The request could not be read."""

    zh = "无法读取该请求。"
    next_en, next_zh = "Correct the request and send it again.", "请更正后重新发送。"


class NotSignedIn(Problem):
    """Please sign in first."""

    zh = "请先登录。"
    next_en, next_zh = "Sign in and try again.", "请登录后重试。"


class NotAllowed(Problem):
    """You may not do this."""

    zh = "您没有这样做的权限。"
    next_en, next_zh = "Ask somebody whose role allows it.", "请联系有权限的人员。"


class NotFound(Problem):
    """There is nothing here by that name."""

    zh = "没有找到。"
    next_en, next_zh = "Check the number or go back to the list.", "请核对编号或返回列表。"


class Conflict(Problem):
    """The present state does not allow this."""

    zh = "当前状态不允许该操作。"
    next_en, next_zh = "Look at the present state, then decide.", "请查看当前状态后再决定。"


class OverLimit(Problem):
    """This would go over a limit."""

    zh = "超出限额。"
    next_en, next_zh = "Choose a smaller amount or wait for the next period.", "请减少数量或等待下一周期。"


class Invalid(Problem):
    """Some of the values are not valid."""

    zh = "部分内容不正确。"
    next_en, next_zh = "Correct the named fields and send again.", "请更正标出的内容后重新提交。"


class TooMany(Problem):
    """Too many tries in a short time."""

    zh = "尝试次数过多。"
    next_en, next_zh = "Wait a moment before the next try.", "请稍候再试。"


class Unavailable(Problem):
    """The service cannot answer at this moment; nothing was changed."""

    zh = "服务暂时不可用，没有任何变动。"
    next_en, next_zh = "Try again in a few seconds.", "请几秒后重试。"
    clerk_en, clerk_zh = "I'm still checking. Please keep the picture open.", "还在确认，请保持二维码打开。"
    then = "wait"


def field_errors(errors: dict[str, str]) -> Invalid:
    """An Invalid that names fields: {"points": "must be a whole number"}."""
    return Invalid(
        "; ".join(f"{name}: {text}" for name, text in errors.items()),
        errors=[{"pointer": f"/{name}", "detail": text} for name, text in errors.items()],
    )


def every_problem() -> list[type[Problem]]:
    """All named errors of the running program, kinds included, by type name."""
    found: dict[str, type[Problem]] = {}
    todo: list[type[Problem]] = list(Problem.__subclasses__())
    while todo:
        kind = todo.pop()
        found[kind.type_name()] = kind
        todo.extend(kind.__subclasses__())
    return [found[name] for name in sorted(found)]
