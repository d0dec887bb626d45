"""What the till shows when something is refused: why, what to tell the customer, what to do next."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from base import clock
from base.auth.guesses import TooManyGuesses
from base.database import StillRunning
from base.errors import Invalid, Problem, Unavailable
from base.web import formats
from base.web.i18n import both, current_language
from base.web.i18n import gettext as _
from catalog.vouchers.refusals import VoucherHeld


@dataclass(frozen=True)
class Refusal:
    """A problem in the words of a shop. `waits`: nothing is wrong with the voucher, it only takes a while."""

    kind: str
    title: str
    facts: str
    say: str
    next_step: str
    waits: bool


def refusal_of(problem: Problem, zone: str | None = None) -> Refusal:
    """The problem in the clerk's language; moments in the merchant's zone, where it is known."""
    language = current_language()
    return Refusal(
        kind=problem.type_name(),
        title=problem.title(language),
        facts=_facts(problem, zone),
        say=getattr(problem, "clerk_zh" if language.startswith("zh") else "clerk_en", "") or _say(problem),
        next_step=problem.next_step(language),
        waits=isinstance(problem, StillRunning | Unavailable | TooManyGuesses | VoucherHeld),
    )


def _facts(problem: Problem, zone: str | None) -> str:
    """When and where, as far as the problem tells."""
    facts = problem.facts
    if "accepted_at" in facts:
        return _used(datetime.fromisoformat(facts["accepted_at"]), facts, zone or formats.DEFAULT_ZONE)
    if "last_day" in facts:
        return str(_("Its last day was %(day)s.", day=formats.day(date.fromisoformat(facts["last_day"]))))
    if "left" in facts:
        return str(_("Left on it: %(number)s.", number=formats.number(facts["left"])))
    if problem.retry_after_s and isinstance(problem, VoucherHeld):
        return str(_("At most %(seconds)s seconds more.", seconds=problem.retry_after_s))
    return problem.detail if isinstance(problem, Invalid) else ""


def _used(at: datetime, facts: dict[str, Any], zone: str) -> str:
    """When and where; at this outlet itself with the clerk, of today the time alone."""
    when = formats.moment(at, zone)
    if not facts.get("here"):
        return str(_("Used on %(moment)s, %(outlet)s.", moment=when, outlet=both(facts.get("outlet"))))
    if clock.day(at, zone) == clock.day(clock.now(), zone):
        when = formats.time_of_day(at, zone)
    return str(_("Already used here %(when)s, clerk %(clerk)s.", when=when, clerk=facts.get("clerk", "")))


def _say(problem: Problem) -> str:
    """For problems that are not about one voucher."""
    if isinstance(problem, TooManyGuesses):
        until = clock.now() + timedelta(seconds=problem.retry_after_s or 60)
        return str(
            _(
                "This till must wait until %(time)s; the next one can help you.",
                time=formats.time_of_day(until),
            )
        )
    if isinstance(problem, StillRunning | Unavailable):
        return str(_("I'm still checking. Please keep the picture open."))
    return ""
