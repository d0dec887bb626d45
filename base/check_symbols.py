"""The check symbol of codes that people type: over GF(32), in the alphabet of `base.ids`.

c = a*d1 + a^2*d2 + ... with x^5 + x^2 + 1 and a = 2; up to 31 symbols it finds every single wrong one and every swap of
two.
"""

from base.ids import ALPHABET

MOST = 31
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_IGNORED = str.maketrans("", "", " -\u2010\u2011\u2012\u2013\u2014\u3000\t")


def check_symbol(symbols: str) -> str:
    """The symbol that follows these."""
    total, weight = 0, 1
    for symbol in symbols:
        weight = _times(weight, 2)
        total ^= _times(weight, ALPHABET.index(symbol))
    return ALPHABET[total]


def plain(text: str) -> str:
    """A code as people type it, in capitals and without what only parts it; O, I and L are read as digits."""
    return text.upper().translate(_IGNORED).translate(_READ_AS)


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0b100000:
            a ^= 0b100101
        b >>= 1
    return product
