"""Where to look for a code: the cache leads from its digest to its member, and is believed about nothing else.

Written after the commit of what issues a voucher, and again by whoever had to look without it.
"""

import re
from collections.abc import Iterable

from base import cache
from catalog.vouchers.models import Voucher

LIFE_S = 86_400
MOST_ID = 1 << 63


def write(voucher: Voucher) -> None:
    """From now on this voucher's digest leads to its member."""
    cache.put(_name(voucher.digest), str(voucher.member_id), LIFE_S)


def member_of(digests: Iterable[bytes]) -> int | None:
    """The id of the member at whom one of these digests is to be found; None: not known here."""
    hints = (cache.get(_name(digest)) for digest in digests)
    numbers = (int(text) for text in hints if text and re.fullmatch("[0-9]{1,19}", text))
    return next((number for number in numbers if number < MOST_ID), None)


def _name(digest: bytes) -> str:
    return f"vd:{digest.hex()}"
