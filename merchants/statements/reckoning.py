"""What a statement comes to, pure: what stays in reserve, what is paid and when, what is carried to the next one."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from base.money import share
from merchants import cycles
from merchants.cycles import Calendar, Period
from merchants.models import RESERVE_IN, RESERVE_OUT, Terms
from merchants.statements.lines import NOTHING, Sum, Sums, total
from merchants.statements.models import CARRIED_IN

_APART = (CARRIED_IN, RESERVE_IN, RESERVE_OUT)


@dataclass(frozen=True)
class Rules:
    """The terms of a statement: one version for all of it. `minimum_fen`: what is less is carried."""

    zone: str
    cycle: str
    cutoff_minute: int
    draft_days: int
    pay_days: int
    reserve_bp: int
    reserve_days: int
    minimum_fen: int
    calendar: Calendar = field(default_factory=dict)

    def period_of(self, at: datetime) -> Period:
        """The period that holds a moment."""
        return cycles.period_of(self.cycle, self.cutoff_minute, self.zone, at)

    def period_from(self, at: datetime) -> Period:
        """The period that begins where the one before ended; shorter where cycle or cut-off have changed meanwhile."""
        day = cycles.day_of(self.cutoff_minute, self.zone, at)
        return replace(self.period_of(at), first=day, from_at=at)

    def looks_until(self, period: Period) -> datetime:
        """The end of its draft time: until then the merchant may look and dispute, then it is sealed."""
        last = cycles.business_days_after(period.last, self.draft_days, self.calendar)
        return max(period.to_at, cycles.end_of(last, self.cutoff_minute, self.zone))

    def due_day(self, period: Period) -> date:
        """When what is payable is paid."""
        return cycles.business_days_after(period.last, self.pay_days, self.calendar)


@dataclass(frozen=True)
class Outcome:
    """What a statement comes to (fen): the sums of its kinds, what goes into reserve, what is paid, what is carried."""

    sums: Sums
    opening_fen: int
    reserve_in_fen: int
    payable_fen: int
    carried_fen: int

    @property
    def whole(self) -> Sum:
        """All its lines added up."""
        return total(self.sums)


def rules(version: Terms, zone: str, calendar: Calendar, *, leaves: bool = False) -> Rules:
    """The rules of a version of terms; a merchant that leaves gets what is left, be it less than the minimum."""
    return Rules(
        zone=zone,
        cycle=version.cycle,
        cutoff_minute=version.cutoff_minute,
        draft_days=version.draft_days,
        pay_days=version.pay_days,
        reserve_bp=version.reserve_bp,
        reserve_days=version.reserve_days,
        minimum_fen=0 if leaves else version.minimum_fen,
        calendar=calendar,
    )


def reckon(rules: Rules, opening_fen: int, things: Sums, released_fen: int, releases: int) -> Outcome | None:
    """What comes of a period; None where nothing happened and nothing is to be paid: then there is no statement.

    Into reserve goes a share of what the period itself earned, less what was owed from before; what was carried because it
    was small gave its share already. So a share never makes the net negative.
    """
    if not things and not releases and not pays(opening_fen, rules.minimum_fen):
        return None
    sums = dict(things)
    if opening_fen:
        sums[CARRIED_IN] = Sum(1, opening_fen, 0, 0)
    if releases:
        sums[RESERVE_OUT] = sums.get(RESERVE_OUT, NOTHING) + Sum(releases, released_fen, 0, 0)
    own = sum(found.net_fen for kind, found in things.items() if kind not in _APART)
    kept = share(max(own + min(opening_fen, 0), 0), rules.reserve_bp)
    if kept:
        sums[RESERVE_IN] = sums.get(RESERVE_IN, NOTHING) + Sum(1, -kept, 0, 0)
    net = total(sums).net_fen
    paid = net if pays(net, rules.minimum_fen) else 0
    return Outcome(sums, opening_fen, kept, paid, net - paid)


def pays(net_fen: int, minimum_fen: int) -> bool:
    """Whether a net is paid; else it is carried."""
    return net_fen > 0 and net_fen >= minimum_fen
