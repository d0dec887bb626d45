"""What a person may choose: six digits that are not obvious, or, for finance and owners, a password of ten signs or more."""

from base.errors import Invalid
from merchants.terminals.models import FINANCE, OWNER

PIN_DIGITS = 6
LEAST_PASSWORD, MOST_PASSWORD = 10, 200
_UP = "01234567890123456789"
_KEYPAD = ("147258", "258369", "147369", "159357", "357159", "147852", "963852", "741852")


class BadPin(Invalid):
    """A PIN is six digits."""

    zh = "密码为六位数字。"


class ObviousPin(Invalid):
    """This PIN is easy to guess."""

    zh = "该密码太容易被猜到。"
    next_en = "Choose six digits that do not repeat, count up or down, or hold your number."
    next_zh = "请选择不重复、不连号、不含本人工号的六位数字。"


class ShortPassword(Invalid):
    """A password has at least ten characters, and more than four different ones."""

    zh = "登录密码至少十个字符，且至少包含五种不同字符。"


class NotTheSame(Invalid):
    """The two entries are not the same."""

    zh = "两次输入不一致。"
    next_en, next_zh = "Enter it twice, the same both times.", "请重新输入，两次保持一致。"


def takes_password(role: str) -> bool:
    """Whether this role signs in with a password and not with a PIN."""
    return role in (FINANCE, OWNER)


def check(role: str, number: str, secret: str) -> None:
    """BadPin, ObviousPin, ShortPassword."""
    if takes_password(role):
        if not LEAST_PASSWORD <= len(secret) <= MOST_PASSWORD or len(set(secret)) < 5:
            raise ShortPassword()
        return
    if len(secret) != PIN_DIGITS or not (secret.isascii() and secret.isdigit()):
        raise BadPin()
    if is_obvious(secret, number):
        raise ObviousPin()


def is_obvious(pin: str, number: str = "") -> bool:
    """Few different digits, counting up or down, repeated halves or thirds, a way over the keypad, the own number."""
    digits = "".join(sign for sign in number if sign.isdigit())
    return (
        len(set(pin)) < 3
        or pin in _UP
        or pin in _UP[::-1]
        or pin == pin[:3] * 2
        or pin == pin[:2] * 3
        or pin == pin[:3] + pin[:3][::-1]
        or all(pin[at] == pin[at + 1] for at in (0, 2, 4))
        or pin in _KEYPAD
        or (len(digits) >= 4 and digits in pin)
    )
