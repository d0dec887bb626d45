"""What waits for a person of the staff: by permission, within the area, counted up to a hundred, each with its page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from admin.console.approvals.pages import KINDS
from admin.halts import resuming
from admin.tickets import listing, tickets
from base import jobs
from base.approvals import approvals
from base.auth.principals import Staff
from base.halts import halts
from base.proving import proving
from base.web.i18n import lazy_gettext as _
from catalog.disputes import disputing
from merchants.disputes import disputes
from merchants.disputes.models import OPEN as DISPUTE_OPEN
from merchants.payouts import payouts
from merchants.payouts.models import FAILED, RETURNED, UNKNOWN
from merchants.risk import alerts
from merchants.risk.models import OPEN as ALERT_OPEN

MOST = 100
PLACE_OF_HALTS = "/staff/halts"


@dataclass(frozen=True)
class Need:
    """Something that waits: what, how many (MOST: that many or more), how many of them are late, and where they are."""

    label: object
    count: int
    late: int
    href: str

    @property
    def more(self) -> bool:
        return self.count >= MOST


def needs(session: Session, person: Staff, at: datetime) -> list[Need]:
    """What waits for the person, without what there is none of."""
    return [need for finder in FINDERS for need in finder(session, person, at) if need.count]


def _proposals(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    mine = [kind for kind, (_place, topic) in KINDS.items() if topic.READS in person.permissions]
    if not mine:
        return
    found = approvals.listed(session, mine, at, state=approvals.PROPOSED, person=person, limit=MOST)
    yield Need(_("Proposals that wait for a second person"), len(found), 0, "/staff/approvals")


def _disputes(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    if disputing.READS not in person.permissions:
        return
    found = disputes.listed(session, person, state=DISPUTE_OPEN, limit=MOST)
    late = sum(disputing.is_late(row, at) for row in found)
    yield Need(_("Disputes to decide"), len(found), late, "/staff/disputes")


def _tickets(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    if tickets.READS not in person.permissions:
        return
    counts = listing.counts(session, person, at)
    view = listing.OVERDUE if counts[listing.OVERDUE] else listing.OPEN
    open_now, late = (min(counts[one], MOST) for one in (listing.OPEN, listing.OVERDUE))
    yield Need(_("Open tickets"), open_now, late, f"/staff/tickets?view={view}")


def _payouts(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    if "payouts:read" not in person.permissions:
        return
    for state, label in (
        (UNKNOWN, _("Payouts whose answer is not known")),
        (FAILED, _("Payouts that failed")),
        (RETURNED, _("Payouts that the bank returned")),
    ):
        found = payouts.listed(session, person, state=state, limit=MOST)
        yield Need(label, len(found), len(found), f"/staff/payouts?state={state}")


def _alerts(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    if "till-alerts:read" in person.permissions:
        found = alerts.listed(session, ALERT_OPEN, limit=MOST)
        yield Need(_("Alerts about tills"), len(found), 0, "/staff/till-alerts")


def _jobs(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    found = jobs.failed(session, limit=MOST)
    yield Need(_("Background jobs that failed"), len(found), len(found), "/staff/jobs")


def _halts(session: Session, person: Staff, at: datetime) -> Iterator[Need]:
    if resuming.READS not in person.permissions:
        return
    yield Need(_("Actions that are stopped"), len(halts.standing(session)), 0, PLACE_OF_HALTS)
    last = proving.latest(session)
    broken = last.findings if last else 0
    yield Need(_("Rules of the books that do not hold"), min(broken, MOST), broken, PLACE_OF_HALTS)
    missed = int(proving.is_missing(session, at))
    yield Need(_("The books were not proved for hours"), missed, missed, PLACE_OF_HALTS)


FINDERS: tuple[Callable[[Session, Staff, datetime], Iterator[Need]], ...] = (
    _proposals,
    _tickets,
    _disputes,
    _payouts,
    _alerts,
    _jobs,
    _halts,
)
