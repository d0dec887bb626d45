"""What members and staff say to each other: plain words, kept under the member's own key alone, so that they end with the person."""

import unicodedata

from sqlalchemy.orm import Session

from base import seals, vault
from base.config import Config
from base.errors import Invalid

MOST_WORDS = 2_000


class BadWords(Invalid):
    """These words are too long (2,000 characters at most), or are not plain text."""

    zh = "内容过长（最多 2000 字）或含有无法保存的字符。"
    next_en, next_zh = "Make them shorter and send them again.", "请缩短后重新提交。"


def plain(text: str) -> str:
    """Words as they are kept: lines end the same way, nothing around them; Invalid where they cannot be kept."""
    words = unicodedata.normalize(
        "NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()
    )
    if len(words) > MOST_WORDS or any(
        unicodedata.category(one) in ("Cc", "Cs") for one in words.replace("\n", "")
    ):
        raise BadWords()
    return words


def sealed(session: Session, config: Config, member_id: int, text: str, bound_to: str) -> bytes | None:
    """Words under the member's own key; None without any. BadWords, PersonErased."""
    words = plain(text)
    if not words:
        return None
    return seals.seal(vault.keys_for(session, config.seal_key, [member_id])[member_id], words, bound_to)


def opened(session: Session, config: Config, member_id: int, kept: bytes | None, bound_to: str) -> str | None:
    """The words again; None where there were none, or the person was erased."""
    key = vault.keys_there(session, config.seal_key, [member_id]).get(member_id) if kept else None
    return seals.opened(key, kept, bound_to) if key and kept else None
