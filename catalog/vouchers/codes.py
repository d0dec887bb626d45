"""Voucher codes: 12 random symbols of Crockford's base32 (60 bit) and a check symbol over GF(32).

The code is stored as a keyed digest and sealed for its member; it appears in no log, URL or stored answer.
The check symbol (base/check_symbols.py) finds every single wrong symbol and every swap of two.

The picture says `V1:<13 symbols>:<8 digits>`. The digits change every 30 seconds (RFC 6238, SHA-256), so that a photograph
of it is soon worth nothing.

Odds of guessing: a merchant of 10^5 live codes is hit by a random one with 10^5 / 2^60 = 8.7 * 10^-14; a thousand merchants that
guess at their limits for 30 days (6 * 10^6 tries) hit one with 5 * 10^-7. That is enough with the limits and with the merchant's
scope, never without. Digits for a known code: two steps, one or two live peppers, so at most 4 * 10^-8 a try,
and twenty tries in ten minutes (merchants/terminals/guessing.py): 1.2 * 10^-4 a day.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from base import check_symbols, seals
from base.check_symbols import check_symbol
from base.config import Config
from base.errors import Malformed
from base.ids import ALPHABET
from catalog.vouchers.models import Voucher

SYMBOLS = 12
STEP_S = 30
DIGITS = 8
STEPS = 10  # how many pictures a page gets at most: five minutes


class CodeMisread(Malformed):
    """This code was misread or mistyped."""

    zh = "券码读取有误。"
    next_en, next_zh = "Read it once more.", "请重新扫描或输入。"
    clerk_en, clerk_zh = "One moment, I'll read it again.", "请稍等，我再读一次。"
    then = "rescan"


@dataclass(frozen=True)
class Shown:
    """What a till was shown: the twelve symbols, and the changing digits where it saw them."""

    symbols: str
    digits: str | None = None


@dataclass(frozen=True)
class Picture:
    """What the picture says from a moment on, for 30 seconds."""

    from_at: datetime
    text: str

    @property
    def digits(self) -> str:
        return self.text.rpartition(":")[2]


@dataclass(frozen=True)
class Keys:
    """Peppers of the digests by their id (the highest is the newest), and the key of the seals."""

    peppers: dict[int, str]
    seal_key: str

    @staticmethod
    def of(config: Config) -> "Keys":
        return Keys(config.voucher_peppers, config.seal_key)

    @property
    def newest(self) -> int:
        return max(self.peppers)


def fresh() -> str:
    """Twelve random symbols."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SYMBOLS))


def shown(symbols: str) -> str:
    """As people see it: 7M4P-8KQ2-XZ3T8."""
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}{check_symbol(symbols)}"


def picture_text(keys: Keys, pepper_id: int, voucher_id: int, symbols: str, step: int) -> str:
    """What the QR picture says in a step."""
    return f"V1:{symbols}{check_symbol(symbols)}:{digits(keys, pepper_id, voucher_id, step)}"


def pictures(keys: Keys, voucher: Voucher, symbols: str, at: datetime, steps: int = STEPS) -> list[Picture]:
    """The pictures of the next steps, the present one first: what a page may show while it cannot ask."""
    first = step_at(at)
    pepper_id = voucher.pepper_id if voucher.pepper_id in keys.peppers else keys.newest
    return [
        Picture(
            datetime.fromtimestamp(step * STEP_S, UTC),
            picture_text(keys, pepper_id, voucher.voucher_id, symbols, step),
        )
        for step in range(first, first + steps)
    ]


def step_at(at: datetime) -> int:
    """The number of the 30 seconds in which a moment lies."""
    return int(at.timestamp()) // STEP_S


def digits(keys: Keys, pepper_id: int, voucher_id: int, step: int) -> str:
    """The eight digits under the picture in a step; their secret is the voucher's own, made from the pepper."""
    secret = hmac.new(
        keys.peppers[pepper_id].encode(), f"picture:{voucher_id}".encode(), hashlib.sha256
    ).digest()
    return one_time(secret, step)


def one_time(secret: bytes, step: int) -> str:
    """The eight digits of a secret in a step (RFC 4226 and 6238 with SHA-256)."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(keys: Keys, voucher_id: int, shown: str, at: datetime) -> int | None:
    """The step whose digits these are, the present one or the one before; None when they are older, or wrong.

    Digits of every live pepper count: a page may hold pictures that were made before the voucher got a newer one's digest.
    """
    now = step_at(at)
    fits = [
        step
        for step in (now, now - 1)
        for pepper_id in keys.peppers
        if hmac.compare_digest(digits(keys, pepper_id, voucher_id, step), shown)
    ]
    return max(fits, default=None)


def read(text: str, typed_digits: str | None = None) -> Shown:
    """What a typed or scanned code says, however it was written; CodeMisread."""
    code, _, digits_shown = text.strip().upper().removeprefix("V1:").partition(":")
    plain = check_symbols.plain(code)
    if len(plain) != SYMBOLS + 1 or any(symbol not in ALPHABET for symbol in plain):
        raise CodeMisread()
    if check_symbol(plain[:SYMBOLS]) != plain[SYMBOLS]:
        raise CodeMisread()
    found = "".join((digits_shown or typed_digits or "").split())
    if found and not (len(found) == DIGITS and found.isascii() and found.isdigit()):
        raise CodeMisread()
    return Shown(plain[:SYMBOLS], found or None)


def digest(keys: Keys, pepper_id: int, symbols: str) -> bytes:
    """The keyed digest by which a code is found."""
    return hmac.new(keys.peppers[pepper_id].encode(), symbols.encode(), hashlib.sha256).digest()


def digests(keys: Keys, symbols: str) -> list[bytes]:
    """The digests under all live peppers."""
    return [digest(keys, pepper_id, symbols) for pepper_id in keys.peppers]


def sealed(keys: Keys, voucher_id: int, symbols: str) -> bytes:
    """The code for its member's eyes; bound to the voucher."""
    return seals.seal(keys.seal_key, symbols, f"voucher:{voucher_id}")


def opened(keys: Keys, voucher_id: int, code_sealed: bytes) -> str:
    """The twelve symbols again."""
    return seals.opened(keys.seal_key, code_sealed, f"voucher:{voucher_id}")
