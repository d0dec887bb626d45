"""Which terms rule a statement: the version in force on the day on which its period begins, for all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from merchants import business_days
from merchants.cycles import Calendar, Period
from merchants.models import CLOSED, LEAVING, Merchant, Terms, TermsConfirmation
from merchants.statements import reckoning
from merchants.statements.reckoning import Rules
from merchants.terms import NoTermsInForce


@dataclass(frozen=True)
class Ruling:
    """All versions of a merchant's terms that it agreed to, the earliest first, and the days on which banks are open."""

    versions: Sequence[Terms]
    zone: str
    calendar: Calendar
    leaves: bool

    def at(self, begins: datetime) -> Rules:
        """The rules of the period that begins at a moment; of one before all terms, those of the first."""
        day = clock.day(begins, self.zone)
        held = [version for version in self.versions if version.from_day <= day]
        return reckoning.rules(
            held[-1] if held else self.versions[0], self.zone, self.calendar, leaves=self.leaves
        )

    def period(self, after: datetime | None, at: datetime) -> Period:
        """The period in which something of a moment is settled: its own, but never before the last statement's end."""
        if after is None:
            return self.at(at).period_of(at)
        period = self.at(after).period_from(after)
        while at >= period.to_at:
            period = self.at(period.to_at).period_from(period.to_at)
        return period

    def looks_until(self, period: Period) -> datetime:
        """The end of a period's draft time."""
        return self.at(period.from_at).looks_until(period)


def load(session: Session, merchant: Merchant) -> Ruling:
    """What rules a merchant's statements; NoTermsInForce where nothing was ever agreed."""
    versions = session.scalars(
        select(Terms)
        .join(TermsConfirmation, TermsConfirmation.terms_id == Terms.terms_id)
        .where(Terms.merchant_id == merchant.merchant_id)
        .order_by(Terms.from_day)
    ).all()
    if not versions:
        raise NoTermsInForce()
    return Ruling(versions, merchant.zone, business_days.load(session), merchant.state in (LEAVING, CLOSED))
