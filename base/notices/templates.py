"""Templates of messages: checked before they count, versioned by moment, filled in without letting a link through.

No message of ours leads anywhere or asks for card, password or code: a text that does is refused, and a link inside a
value (a merchant's name, say) is cut out.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.errors import Conflict, Invalid, NotFound
from base.notices.models import NoticeTemplate
from base.notices.texts import EN, KINDS, LANGUAGES, ZH

Fact = int | str | Mapping[str, str]  # a mapping: by language
Facts = Mapping[str, Fact]
SHIPPED_FROM = datetime(1970, 1, 1, tzinfo=UTC)
MOST_TEXT = 500
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_BRACES = re.compile(r"[{}]")
_LINK = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[!-~]*|www\.[!-~]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}[!-~]*"
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}(?![a-z])[!-~]*",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"银行卡|信用卡|卡号|有效期限|安全码|支付密码|密码|\bcard\b|\bcvv\b|\bcvc\b|\bpin\b|password|bank account",
    re.IGNORECASE,
)


class TemplateUnknown(NotFound):
    """There is no kind of message by that name."""

    zh = "没有该消息模板。"


class TemplateLacksLanguage(Invalid):
    """A template needs a text in every language."""

    zh = "模板必须包含所有语言的文本。"


class TemplatePlaceholderUnknown(Invalid):
    """The template names a value that this kind of message does not have."""

    zh = "模板使用了该消息没有的占位符。"


class TemplateHasLink(Invalid):
    """No message leads to a page: the template has an address in it."""

    zh = "消息中不得包含任何网址。"


class TemplateAsksForCard(Invalid):
    """No message asks for a card, a password or a bank account."""

    zh = "消息不得索要银行卡、密码等信息。"


class TemplateVersionTaken(Conflict):
    """A template is never edited, and a later version begins later."""

    zh = "模板不可修改；新版本的生效时间必须更晚。"


@dataclass(frozen=True)
class Version:
    """The texts of a kind of message at a moment."""

    code: str
    version: int
    texts: Mapping[str, str]

    def filled(self, language: str | None, facts: Facts) -> str:
        """The text in one language, or in all one after the other. KeyError when a fact is missing."""
        wanted = LANGUAGES if language is None else (language,)
        return " ".join(_fill(self.texts[tag], tag, facts) for tag in wanted)


def check(code: str, texts: Mapping[str, str]) -> None:
    """Whether texts can be a template of this kind; one of the errors above, or nothing."""
    if code not in KINDS:
        raise TemplateUnknown(template=code[:64])
    if set(texts) != set(LANGUAGES) or not all(0 < len(text.strip()) <= MOST_TEXT for text in texts.values()):
        raise TemplateLacksLanguage(languages=list(LANGUAGES), most_characters=MOST_TEXT)
    for language, text in texts.items():
        plain = unicodedata.normalize("NFKC", text)
        unknown = set(_PLACEHOLDER.findall(text)) - KINDS[code].names
        if unknown or _BRACES.search(_PLACEHOLDER.sub("", text)):
            raise TemplatePlaceholderUnknown(language=language, unknown=sorted(unknown))
        if _LINK.search(_PLACEHOLDER.sub("", plain)) or _LINK.search(plain):
            raise TemplateHasLink(language=language)
        if _ASKS.search(plain):
            raise TemplateAsksForCard(language=language)


def change(
    session: Session, code: str, texts: Mapping[str, str], from_at: datetime, actor: str
) -> NoticeTemplate:
    """A later version, in force from a moment on; what `check` raises, TemplateVersionTaken."""
    check(code, texts)
    latest = may_begin(session, code, from_at)
    kept: NoticeTemplate | None = session.scalar(
        insert(NoticeTemplate)
        .values(code=code, version=latest + 1, from_at=from_at, texts=dict(texts), actor=actor)
        .on_conflict_do_nothing()
        .returning(NoticeTemplate)
    )
    if kept is None:
        raise TemplateVersionTaken()
    return kept


def may_begin(session: Session, code: str, from_at: datetime) -> int:
    """The number of the latest version, behind which one may begin at a moment; TemplateVersionTaken."""
    latest = versions(session, code)[0]
    if from_at <= latest.from_at:
        raise TemplateVersionTaken(since=latest.from_at.isoformat())
    return latest.version


def versions(session: Session, code: str) -> Sequence[NoticeTemplate]:
    """Every version of a kind of message, the latest first; TemplateUnknown."""
    if code not in KINDS:
        raise TemplateUnknown(template=code[:64])
    _seed(session)
    asked = select(NoticeTemplate).where(NoticeTemplate.code == code)
    return session.scalars(asked.order_by(NoticeTemplate.version.desc())).all()


def in_force(session: Session, codes: Iterable[str], at: datetime) -> dict[str, Version]:
    """The version of each kind that counts at a moment; TemplateUnknown. The shipped ones enter by themselves."""
    wanted = set(codes)
    if unknown := wanted - KINDS.keys():
        raise TemplateUnknown(template=min(unknown)[:64])
    found = _read(session, wanted, at)
    if any(code not in found for code in wanted):
        _seed(session)
        found = _read(session, wanted, at)
    return found


def _read(session: Session, codes: set[str], at: datetime) -> dict[str, Version]:
    rows = session.execute(
        select(NoticeTemplate.code, NoticeTemplate.version, NoticeTemplate.texts)
        .where(NoticeTemplate.code.in_(codes), NoticeTemplate.from_at <= at)
        .order_by(NoticeTemplate.code, NoticeTemplate.version)
    )
    return {row.code: Version(row.code, row.version, row.texts) for row in rows}  # the last one stays


def _seed(session: Session) -> None:
    """The shipped texts as version 1; one that is there already stays as it is."""
    rows = [
        {"code": code, "version": 1, "from_at": SHIPPED_FROM, "texts": dict(kind.texts), "actor": "shipped"}
        for code, kind in sorted(KINDS.items())
    ]
    session.execute(insert(NoticeTemplate).values(rows).on_conflict_do_nothing())


def _fill(text: str, language: str, facts: Facts) -> str:
    def value(found: re.Match[str]) -> str:
        fact = facts[found[1]]
        if isinstance(fact, Mapping):
            fact = fact.get(language) or fact.get(ZH) or next(filter(None, fact.values()), "")
        return without_links(str(fact))

    return _PLACEHOLDER.sub(value, text)


def by_language(on: date) -> dict[str, str]:
    """A day as a fact: 2026年12月31日 or 2026-12-31."""
    return {ZH: f"{on.year}年{on.month}月{on.day}日", EN: on.isoformat()}


def without_links(text: str) -> str:
    """A value as it may stand in a message: an address in it is cut out, in full-width letters too."""
    plain = unicodedata.normalize("NFKC", text)
    return _LINK.sub("…", plain) if _LINK.search(plain) else text
