"""What of personal data may be seen without a reason: one home of all masks, and how much each may show at most.

A mask never tells more than its line says, whatever it is given: what does not look as expected is hidden whole.
"""

import re

STARS = "****"
_CITY = re.compile(r"[\u4e00-\u9fff]{1,6}")
_PLACE_ENDS = ("市", "省", "自治区")
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
_ID = re.compile(r"[0-9]{14}[0-9]*[0-9X]", re.ASCII)


def phone(number: str | None) -> str:
    """138****1234: the first three and last four of a number of eleven digits or more; of a shorter one the last two."""
    if not number or not _NUMBER.fullmatch(number) or len(number) < 7:
        return STARS
    return f"{number[:3]}{STARS}{number[-4:]}" if len(number) >= 11 else f"{STARS}{number[-2:]}"


def name(text: str | None) -> str | None:
    """张*: the first character of two or more."""
    if not text:
        return None
    return f"{text[0]}*" if len(text) > 1 else "*"


def mail(address: str | None) -> str | None:
    """a***@***: the first character of what stands before the @."""
    if not address:
        return None
    before, at, _ = address.partition("@")
    return f"{before[0]}***@***" if at and len(before) > 1 else "***@***"


def id_number(text: str | None) -> str | None:
    """1101**********1234: the first four and last four of an identity number of 15 digits or more, else nothing of it."""
    if not text:
        return None
    return f"{text[:4]}{'*' * (len(text) - 8)}{text[-4:]}" if _ID.fullmatch(text) else STARS


def address(text: str | None) -> str | None:
    """浙江省杭州市***: province and city, six characters at most; what begins otherwise is hidden whole."""
    if not text:
        return None
    first = _CITY.match(text.strip())
    shown = first.group() if first else ""
    ends = [shown.find(word) + len(word) for word in _PLACE_ENDS if word in shown]
    return f"{shown[: max(ends)]}***" if ends else "***"
