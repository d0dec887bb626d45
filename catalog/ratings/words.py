"""The words of ratings: stars, what made the difference; and what is hidden in what members write before others read it."""

import re
import unicodedata
from collections.abc import Collection

STARS: dict[int, dict[str, str]] = {
    1: {"zh-CN": "很不满意", "en": "very poor"},
    2: {"zh-CN": "不满意", "en": "poor"},
    3: {"zh-CN": "一般", "en": "fair"},
    4: {"zh-CN": "满意", "en": "good"},
    5: {"zh-CN": "很满意", "en": "very good"},
}
REASONS: dict[str, dict[str, str]] = {
    "value": {"zh-CN": "性价比", "en": "Value for the points"},
    "ease": {"zh-CN": "使用方便程度", "en": "How easy it was"},
    "service": {"zh-CN": "服务态度", "en": "Service"},
    "waiting": {"zh-CN": "等候时间", "en": "Waiting time"},
    "quality": {"zh-CN": "品质", "en": "Quality"},
    "information": {"zh-CN": "说明是否清楚", "en": "What was said beforehand"},
}
MOST_WORDS = 500
FAULTS: dict[str, dict[str, str]] = {
    "stars": {"zh-CN": "请选择一至五颗星", "en": "choose one to five stars"},
    "reasons": {"zh-CN": "请从列出的原因中选择", "en": "choose from the list"},
    "long": {"zh-CN": f"最多 {MOST_WORDS} 个字", "en": f"at most {MOST_WORDS} characters"},
    "plain": {"zh-CN": "只能填写普通文字", "en": "plain text only"},
}
HIDDEN = "•••"
_MAIL = re.compile(r"[^\s@<>，。]+@[^\s@<>，。]+")
_DIGITS = re.compile(r"\d(?:[ \-]?\d){3,}")  # four or more: a telephone or card number, a code, an account


def tidied(text: str) -> str:
    """What was written, with one kind of line end and without blanks around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def faults(stars: object, reasons: Collection[str], text: str) -> dict[str, str]:
    """Field -> what is wrong with it (a key of FAULTS); empty where nothing is. `text` is tidied."""
    found = {}
    if not (isinstance(stars, int) and stars in STARS):
        found["stars"] = "stars"
    if set(reasons) - set(REASONS):
        found["reasons"] = "reasons"
    if len(text) > MOST_WORDS:
        found["words"] = "long"
    elif not {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, text.replace("\n", ""))):
        found["words"] = "plain"
    return found


def masked(text: str) -> str:
    """The same for others to read: numbers of four or more digits and mail addresses are hidden."""
    return _DIGITS.sub(HIDDEN, _MAIL.sub(HIDDEN, text))
