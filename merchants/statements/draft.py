"""Drafts: what would be on the next statements now, while a period goes on and until it is sealed. Nothing is stored."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from merchants.cycles import Period
from merchants.models import Merchant
from merchants.statements import closing, lines, reckoning, reserves, ruling, settling
from merchants.statements.lines import Back, Sums
from merchants.statements.reckoning import Outcome
from merchants.statements.reserves import Kept
from merchants.statements.ruling import Ruling

OPEN, DRAFT = "open", "draft"


@dataclass(frozen=True)
class Draft:
    """A statement as it would be now. Open: its period goes on; draft: the merchant may look and dispute until `until`.

    `back`: where its lines are looked for (what came late is older than its period).
    """

    period: Period
    state: str
    until: datetime
    outcome: Outcome
    due_day: date
    back: Back


def draft_of(session: Session, merchant: Merchant, at: datetime) -> Draft:
    """The next statement as it would be now. NoTermsInForce."""
    return drafts_of(session, merchant, at)[0]


def drafts_of(session: Session, merchant: Merchant, at: datetime) -> list[Draft]:
    """Each period that is over, has something on it and is not sealed yet, the earliest first; last the one that goes on."""
    terms = ruling.load(session, merchant)
    previous = closing.latest(session, merchant.merchant_id)
    back = lines.back_from(session, previous)
    since = settling.waits_since(session, merchant, terms, previous, at, back)
    periods = [terms.period(previous.to_at if previous else None, since or at)]
    while periods[-1].to_at <= at:
        periods.append(terms.period(periods[-1].to_at, periods[-1].to_at))
    things = lines.by_period(session, merchant.merchant_id, [period.to_at for period in periods], back)
    kept = reserves.kept(session, merchant, terms)
    opening = previous.carried_fen if previous else 0
    return _chain(terms, opening, list(zip(periods, things, strict=True)), kept, back, at)


def find(session: Session, merchant: Merchant, last_day: date, at: datetime) -> Draft:
    """The draft of the period that ends with a day; StatementUnknown."""
    for one in drafts_of(session, merchant, at):
        if one.period.last == last_day:
            return one
    raise closing.StatementUnknown()


def lines_of(
    session: Session,
    merchant: Merchant,
    draft: Draft,
    *,
    after: tuple[datetime, int, str, int] | None = None,
    limit: int,
) -> list[Any]:
    """Its lines in order, from after (moment, source, kind, member) on: kind, member_id, source_id, recorded_at, amounts."""
    return lines.waiting(
        session, merchant.merchant_id, draft.period.to_at, draft.back, after=after, limit=limit
    )


def _chain(
    terms: Ruling,
    opening: int,
    found: list[tuple[Period, Sums]],
    kept: list[Kept],
    back: Back,
    at: datetime,
) -> list[Draft]:
    drafts = []
    for period, things in found:
        rules = terms.at(period.from_at)
        released = [one for one in kept if one.until < period.to_at]
        kept = [one for one in kept if one.until >= period.to_at]
        outcome = reckoning.reckon(
            rules, opening, things, sum(one.left_fen for one in released), len(released)
        )
        state = OPEN if period.to_at > at else DRAFT
        if outcome is None and state == DRAFT:
            continue
        outcome = outcome or Outcome({}, opening, 0, 0, opening)
        until, due_day = rules.looks_until(period), rules.due_day(period)
        drafts.append(Draft(period, state, until, outcome, due_day, back))
        opening, back = outcome.carried_fen, Back(period.to_at, back.oldest)
    return drafts
