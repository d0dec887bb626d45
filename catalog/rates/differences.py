"""What a proposal of rates changes, scope by scope: what holds there before, what afterwards, and by how much."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import Proposal
from base.money import BASIS_POINTS
from catalog.offers.models import Offer
from catalog.rates import proposals, rates
from catalog.rates.models import Rate
from catalog.rates.rates import DAY, Row
from catalog.rates.scopes import PROGRAMME, Book, Scope, What, holds, scope_of
from points import programmes


@dataclass(frozen=True, slots=True)
class Terms:
    """So many points for so many fen; `own`: of the very scope, else of the wider one that holds there."""

    points: int
    per_fen: int
    own: bool
    of: Scope


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a grid beside what holds without it; None: nothing does."""

    row: Row
    before: Terms | None
    after: Terms | None

    @property
    def change_bp(self) -> int | None:
        """By how many basis points the price rises, rounded down; None where there was or is no price."""
        if self.before is None or self.after is None:
            return None
        after, before = self.after.points * self.before.per_fen, self.before.points * self.after.per_fen
        return after * BASIS_POINTS // before - BASIS_POINTS


def of_proposal(session: Session, proposal: Proposal) -> list[Line]:
    """What a proposal changes, as it would now, or as it did."""
    wanted = proposals.wanted_of(session, proposal)
    programme = programmes.by_code(session, wanted.programme)
    versions = rates.versions(session, programme.programme_id)
    named = approvals.reference(proposal.proposal_id)
    there = [rate for rate in versions if rate.approval != named]
    return lines(there, wanted.rows, kinds_of(session, [row.scope for row in wanted.rows]))


def between(session: Session, programme_id: int, before: date, after: date) -> list[Line]:
    """The scopes whose price is another on one day than on an earlier one."""
    versions = rates.versions(session, programme_id)
    first, second = (Book(rate for rate in versions if holds(rate, on)) for on in (before, after))
    scopes = sorted({scope_of(rate) for book in (first, second) for rate in book}, key=lambda one: one.place)
    kinds = kinds_of(session, scopes)
    found = []
    for scope in scopes:
        then, now = _terms(first, scope, kinds), _terms(second, scope, kinds)
        if then != now:
            found.append(Line(Row(scope, after), then, now))
    return found


def lines(versions: Iterable[Rate], rows: Sequence[Row], kinds: dict[int, str]) -> list[Line]:
    """Each row beside what held on the day before, or what holds there in its place. Pure.

    `kinds`: of which kind the offers of the scopes are. A row follows the earlier ones of its scope in the same grid.
    """
    there = list(versions)
    found = []
    for number, row in enumerate(rows):
        scope, day = row.scope, row.from_day
        earlier = [
            one for at, one in enumerate(rows) if at != number and one.scope == scope and _led_to(one, row)
        ]
        book = Book(rate for rate in there if holds(rate, day))
        last = max(earlier, key=lambda one: one.from_day, default=None)
        own = [rate for rate in there if scope_of(rate) == scope and holds(rate, day - DAY)]
        wider = _terms(book, scope, kinds, but=scope)
        before = _own(last or (own[0] if own else None), scope) or wider
        found.append(Line(row, before, wider if row.ends else _own(row, scope)))
    return found


def kinds_of(session: Session, scopes: Iterable[Scope]) -> dict[int, str]:
    """Of which kind the offers are that scopes name."""
    wanted = sorted({scope.offer_id for scope in scopes if scope.offer_id is not None})
    asked = select(Offer.offer_id, Offer.kind).where(Offer.offer_id.in_(wanted))
    return {row.offer_id: row.kind for row in session.execute(asked)} if wanted else {}


def _led_to(one: Row, row: Row) -> bool:
    """Whether a row of the same scope holds on the day before another begins."""
    day = row.from_day - DAY
    return not one.ends and one.from_day <= day and (one.until_day is None or one.until_day >= day)


def _terms(book: Book, scope: Scope, kinds: dict[int, str], but: Scope | None = None) -> Terms | None:
    """What a member of the scope pays for what it names."""
    offer: list[What] = [(scope.offer_id, None)] if scope.offer_id is not None else []
    kind = kinds.get(scope.offer_id) if scope.offer_id is not None else scope.kind
    whats = [*offer, *([(None, kind)] if kind else []), PROGRAMME]
    rate = book.look(whats, (scope.tier,) if scope.tier else (), scope.area, but)
    return Terms(rate.points, rate.per_fen, scope_of(rate) == scope, scope_of(rate)) if rate else None


def _own(one: Rate | Row | None, scope: Scope) -> Terms | None:
    if one is None or one.points is None or one.per_fen is None:
        return None
    return Terms(one.points, one.per_fen, True, scope)
