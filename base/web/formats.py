"""How numbers, money and times read on a page, in the language of the request.

What Babel has said of a value in a language is kept: a page says the same prices and days to everybody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal
from flask import Flask, current_app, has_app_context, has_request_context

from base import clock
from base.money import yuan_text
from base.web.i18n import current_language, locale, ngettext

DEFAULT_ZONE = "Asia/Shanghai"
OWN_MONEY = {"CNY": "¥#,##0.00"}  # read at home, in English as well: CN¥ is how others tell it from the yen
MOST_KEPT = 10_000
_called: ContextVar[dict[str, str] | None] = ContextVar("called", default=None)


def init(app: Flask, zone: str = DEFAULT_ZONE) -> None:
    """Make the filters known to templates; `zone` is the IANA name in which moments are shown."""
    app.config["ZONE"] = zone
    for one in (fen, points, unit, number, signed, percent, day, month_day, month, moment, time_of_day, iso):
        app.add_template_filter(one)


def fen(amount: int | None, currency: str = "CNY") -> str:
    """Money: 1250 -> ¥12.50, in either of our languages. Nothing known is a dash."""
    if amount is None:
        return "—"
    return _money(amount, currency, locale())


def points(amount: int | None) -> str:
    """Points with their unit: 1234 -> 1,234 分 or 1,234 points, or by the name that the programme has for them."""
    if amount is None:
        return "—"
    if named := _named():
        return f"{number(amount)} {_form(named, amount)}"
    return str(ngettext("%(number)s point", "%(number)s points", amount, number=number(amount)))


def unit(amount: int) -> str:
    """The unit alone: 分, points, or the programme's own."""
    named = _named()
    return _form(named, amount) if named else str(ngettext("point", "points", amount))


def named_as(app: Flask, names_of: Callable[[], dict[str, str] | None]) -> None:
    """Who tells what points are called for whoever asks: a name for each language; None: points."""
    app.extensions["jifen_unit"] = names_of


@contextmanager
def calling(names: dict[str, str] | None) -> Iterator[None]:
    """Points called as in a programme, for whoever does not belong to it: the preview of what its members see."""
    token = _called.set(names)
    try:
        yield
    finally:
        _called.reset(token)


def _named() -> dict[str, str] | None:
    if (called := _called.get()) is not None:
        return called
    names_of: Callable[[], dict[str, str] | None] = (
        current_app.extensions.get("jifen_unit", lambda: None) if has_request_context() else lambda: None
    )
    return names_of()


def _form(named: dict[str, str], amount: int) -> str:
    """The name in the language of the request, in its form for one where there is such a form."""
    language = current_language()
    return named.get(f"{language}-one", named[language]) if amount == 1 else named[language]


def number(amount: int | None) -> str:
    """A whole number with separators: 1234 -> 1,234, in either of our languages."""
    return "—" if amount is None else f"{amount:,}"


def signed(amount: int) -> str:
    """A movement: 120 -> +120, -120 -> −120 (a true minus sign, which lines up with the plus)."""
    return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{number(abs(amount))}"


def percent(basis_points: int | None) -> str:
    """Basis points as per cent: 1250 -> 12.5%."""
    if basis_points is None:
        return "—"
    return _percent(basis_points, locale())


def day(on: date | datetime | str | None) -> str:
    """A day: 2026年3月5日 or Mar 5, 2026. A moment gives its day in the app's zone; a text is a day as documents have it."""
    on = date.fromisoformat(on) if isinstance(on, str) else on
    return "—" if on is None else _medium(_day(on), locale())


def month_day(on: date | datetime | None) -> str:
    """A day of the present year, short: 3月5日 or Mar 5."""
    return "—" if on is None else _skeleton("MMMd", _day(on), locale())


def month(on: date) -> str:
    """The month of a day: 2026年3月 or March 2026."""
    return _skeleton("yMMMM", on, locale())


def moment(at: datetime | None, zone: str | None = None) -> str:
    """A moment to the minute: 2026年3月5日 14:30 or Mar 5, 2026 14:30."""
    return "—" if at is None else f"{_medium(_day(at, zone), locale())} {time_of_day(at, zone)}"


def time_of_day(at: datetime | None, zone: str | None = None) -> str:
    """Hour and minute: 14:30."""
    return "—" if at is None else f"{_here(at, zone):%H:%M}"


def iso(at: date | datetime) -> str:
    """For machines, as in <time datetime=...>: 2026-03-05 or 2026-03-05T06:30:00+00:00."""
    return at.isoformat(timespec="seconds") if isinstance(at, datetime) else at.isoformat()


@lru_cache(MOST_KEPT)
def _money(fen: int, currency: str, spoken: Locale) -> str:
    return str(format_currency(Decimal(yuan_text(fen)), currency, OWN_MONEY.get(currency), spoken))


@lru_cache(MOST_KEPT)
def _percent(basis_points: int, spoken: Locale) -> str:
    return f"{format_decimal(Decimal(basis_points) / 100, format='#,##0.##', locale=spoken)}%"


@lru_cache(MOST_KEPT)
def _medium(on: date, spoken: Locale) -> str:
    return str(format_date(on, "medium", locale=spoken))


@lru_cache(MOST_KEPT)
def _skeleton(which: str, on: date, spoken: Locale) -> str:
    return str(format_skeleton(which, on, locale=spoken))


def _day(at: date | datetime, zone: str | None = None) -> date:
    return _here(at, zone).date() if isinstance(at, datetime) else at


def _here(at: datetime, zone: str | None = None) -> datetime:
    configured = current_app.config.get("ZONE", DEFAULT_ZONE) if has_app_context() else DEFAULT_ZONE
    return at.astimezone(clock.zone(zone or configured))
