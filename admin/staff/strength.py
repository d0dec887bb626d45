"""Whether a password is strong enough: long, and not one that a guesser tries early."""

import re
from collections.abc import Iterable

import zxcvbn

from base.errors import Invalid

LEAST, MOST = 12, 200
_LOOKED_AT = 72  # characters; judging takes longer with each of them
_GOOD = 3  # of 0 to 4: more than ten to the eighth guesses


class PasswordTooWeak(Invalid):
    """This password is too easy to guess."""

    zh = "该密码太容易被猜到。"
    next_en = "Take at least 12 characters, no common words in a row, not your name."
    next_zh = "请使用至少 12 个字符，避免常见词语、连续字符和本人姓名。"


def check(password: str, *personal: str) -> None:
    """PasswordTooWeak, unless it is long and hard to guess; `personal`: what somebody would try first of this person."""
    if not LEAST <= len(password) <= MOST:
        raise PasswordTooWeak(f"a password has at least {LEAST} characters, and at most {MOST}")
    bare = _without(password.lower(), personal)
    looked_at = [password] if bare == password.lower() else [password, bare]
    if any(zxcvbn.zxcvbn(one[:_LOOKED_AT] or "a")["score"] < _GOOD for one in looked_at):
        raise PasswordTooWeak()


def _without(text: str, personal: Iterable[str]) -> str:
    """The text without the words of names and addresses: they make no password harder to guess."""
    words = {word for one in personal for word in re.split(r"[\W_]+", one.lower())}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= (3 if word.isascii() else 2):
            text = text.replace(word, "")
    return text
