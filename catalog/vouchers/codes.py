"""Voucher codes: 12 random symbols of Crockford's base32 (60 bit) and a check symbol over GF(32).

The code is stored as a keyed digest and sealed for its member; it appears in no log, URL or stored answer.
The check symbol (base/check_symbols.py) finds every single wrong symbol and every swap of two.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from base import check_symbols, seals
from base.check_symbols import check_symbol
from base.config import Config
from base.errors import Malformed
from base.ids import ALPHABET

SYMBOLS = 12


class CodeMisread(Malformed):
    """This code was misread or mistyped."""

    zh = "券码读取有误。"
    next_en, next_zh = "Read it once more.", "请重新扫描或输入。"
    clerk_en, clerk_zh = "One moment, I'll read it again.", "请稍等，我再读一次。"


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


def picture_text(symbols: str) -> str:
    """What the QR picture says."""
    return f"V1:{symbols}{check_symbol(symbols)}"


def read(text: str) -> str:
    """The twelve symbols of a typed or scanned code, however it was written; CodeMisread."""
    plain = check_symbols.plain(text.upper().removeprefix("V1:"))
    if len(plain) != SYMBOLS + 1 or any(symbol not in ALPHABET for symbol in plain):
        raise CodeMisread()
    if check_symbol(plain[:SYMBOLS]) != plain[SYMBOLS]:
        raise CodeMisread()
    return plain[:SYMBOLS]


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
