"""Money is whole fen (hundredths) with a currency; percentages are basis points, rounded once."""

from decimal import Context, Decimal, Inexact, InvalidOperation

FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
MAX_FEN = 10**15
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])


def yuan_text(fen: int) -> str:
    """Fen as a plain decimal text: 1250 -> "12.50"."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // FEN_PER_YUAN}.{abs(fen) % FEN_PER_YUAN:02d}"


def parse_yuan(text: str) -> int:
    """A decimal text as fen: "12.5" -> 1250. ValueError for anything that is not whole fen in plain ASCII."""
    text = text.strip()
    if not text.isascii() or any(symbol not in "0123456789.-" for symbol in text):
        raise ValueError(f"not an amount: {text[:40]!r}")
    try:
        fen = _EXACT.multiply(Decimal(text), Decimal(FEN_PER_YUAN))
    except (InvalidOperation, Inexact):
        raise ValueError(f"not an amount: {text[:40]!r}") from None
    if fen != int(fen) or abs(fen) > MAX_FEN:
        raise ValueError(f"not whole fen or out of range: {text[:40]!r}")
    return int(fen)


def share(amount: int, basis_points: int) -> int:
    """That many basis points of an amount, half to even, whole numbers only."""
    return ratio(amount, basis_points, BASIS_POINTS)


def ratio(amount: int, times: int, of: int) -> int:
    """An amount times so many of so many, half to even, whole numbers only."""
    quotient, rest = divmod(amount * times, of)
    if rest * 2 > of or (rest * 2 == of and quotient % 2):
        quotient += 1
    return quotient


def part_of(amount: int, before: int, after: int, units: int) -> int:
    """What the step from `before` to `after` of `units` units gets of an amount; all steps add up to it exactly."""
    return amount * before // units - amount * after // units
