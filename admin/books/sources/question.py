"""What a question is, and what many have in common.

A question gives for each fact: at, its key (two numbers), merchant, programme where points move, brand, currency, and the amounts
that the event's rule names, in fen. What a table froze is taken as it is; points that no voucher froze are worth the general rate
of the day. The same questions make the journal, document by document, and the balances, added up by the database.
"""

from dataclasses import dataclass

from admin.books.rules import POINTS, RULES, Rule

KEY = ("at", "first", "second", "merchant_id", "programme_id", "brand", "currency")


@dataclass(frozen=True)
class Source:
    """Where the facts of an event are: the table without which there are none, the question, and what documents are called."""

    event: str
    table: str
    question: str
    prefix: str

    @property
    def rule(self) -> Rule:
        """What the event moves."""
        return RULES[self.event]

    @property
    def moves_points(self) -> bool:
        """Whether it touches what points are worth."""
        return any(POINTS in (move.debit, move.credit) for move in self.rule.moves)


def key(
    at: str,
    first: str,
    second: str,
    *,
    currency: str,
    merchant: str = "0::bigint",
    programme: str = "0::bigint",
    brand: str = "''::text",
) -> str:
    """The columns that every question begins with."""
    given = (at, first, second, merchant, programme, brand, currency)
    return ", ".join(f"{said} as {name}" for said, name in zip(given, KEY, strict=True))


def rate(programme: str, day: str) -> str:
    """Join the general rate of a programme on a day, as w."""
    return (
        f"left join rate w on w.programme_id = {programme} and w.offer_id is null and w.kind is null and w.tier is null "
        f"and w.area = '' and w.from_day <= {day} and (w.until_day is null or w.until_day >= {day})"
    )


def day(moment: str) -> str:
    """The day of a moment in the books' zone."""
    return f"({moment} at time zone %(zone)s)::date"


def value(points: str) -> str:
    """What points are worth at the rate w, rounded down; without a rate nothing."""
    return f"coalesce(div({points}::numeric * w.per_fen, w.points), 0)::bigint"


# What an acceptance moved: the operator's part and what was booked, as far as they meet and beyond. Given: a, an acceptance.
OPERATORS = "(a.owed_fen - a.brand_fen)"
BEYOND = (
    f"greatest({OPERATORS} - a.booked_fen, 0) as subsidy, greatest(a.booked_fen - {OPERATORS}, 0) as margin, "
    "a.brand_fen as brand_part, a.fee_fen as fee, a.vat_fen as vat"
)
