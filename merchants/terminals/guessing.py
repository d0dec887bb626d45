"""Guess limits: codes that nobody knows are counted by till, by merchant and over all tills, in the database, so that no restart
and no lost cache opens a lock.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import database
from base.auth.guesses import TooManyGuesses
from merchants.acceptances import Place
from merchants.risk import alerts
from merchants.risk.alerts import About
from merchants.terminals.models import Attempt

UNKNOWN = "voucher-unknown"
TRIES, WINDOW, LOCK = 10, timedelta(minutes=10), timedelta(minutes=15)
MERCHANT_TRIES, MERCHANT_WINDOW = 200, timedelta(days=1)
STALE_TRIES, STALE_WINDOW = 20, timedelta(minutes=10)
FLEET_TRIES, FLEET_WINDOW = 1_000, timedelta(minutes=10)


def check(session: Session, place: Place, at: datetime) -> None:
    """TooManyGuesses, with the seconds to wait, while this till or its merchant is locked.

    A till: 15 minutes after ten unknown codes within ten minutes. A merchant: after 200 within a day, until it is fewer.
    """
    row = database.rows(
        session,
        _LATEST,
        (
            *(place.terminal_id, at - LOCK - WINDOW),
            *(place.terminal_id, at - LOCK - WINDOW, TRIES - 1),
            *(place.merchant_id, at - MERCHANT_WINDOW, MERCHANT_TRIES - 1),
        ),
    )[0]
    until = _locked_until(row.latest, row.tenth, row.of_merchant)
    if until and at < until:
        raise TooManyGuesses(retry_after_s=int((until - at).total_seconds()) + 1)


def check_pictures(session: Session, member_id: int, voucher_id: int, at: datetime) -> None:
    """TooManyGuesses once twenty pictures of one voucher were wrong or old within ten minutes, at whatever tills.

    Whoever knows a code but sees no picture would else try eight digits until they fit; so it is 1 in 8,000 in a day.
    """
    since = at - STALE_WINDOW
    for row in database.rows(session, _WRONG_PICTURES, (member_id, voucher_id, since, STALE_TRIES - 1)):
        wait = row.at + STALE_WINDOW - at
        raise TooManyGuesses(
            "old pictures of this voucher were shown too often", retry_after_s=int(wait.total_seconds()) + 1
        )


def counted(session: Session, place: Place, at: datetime) -> None:
    """An unknown code more was kept: alerts, where a limit is reached now."""
    unknown = Attempt.problem == UNKNOWN
    here = session.scalar(
        select(func.count()).where(
            Attempt.terminal_id == place.terminal_id, unknown, Attempt.at > at - WINDOW
        )
    )
    if (here or 0) >= TRIES:
        about = About(
            place.merchant_id,
            f"terminal {place.terminal_id}",
            place.outlet_id,
            place.terminal_id,
            place.clerk_id,
        )
        alerts.put(session, alerts.GUESSING, about, {"tries": here}, at)
    at_merchant = session.scalar(
        select(func.count()).where(
            Attempt.merchant_id == place.merchant_id, unknown, Attempt.at > at - MERCHANT_WINDOW
        )
    )
    if (at_merchant or 0) >= MERCHANT_TRIES:
        alerts.put(
            session,
            alerts.MERCHANT_GUESSING,
            About(place.merchant_id, "merchant"),
            {"tries": at_merchant},
            at,
        )
    if is_fleet_guessing(session, at):
        about = About(alerts.NO_MERCHANT, "fleet")
        alerts.put(session, alerts.FLEET_GUESSING, about, {"at_least": FLEET_TRIES}, at)


def is_fleet_guessing(session: Session, at: datetime) -> bool:
    """Whether so many codes are unknown over all tills that answers to unknown ones are slowed down."""
    some = (
        select(Attempt.attempt_id)
        .where(Attempt.problem == UNKNOWN, Attempt.at > at - FLEET_WINDOW)
        .limit(FLEET_TRIES)
    )
    return (session.scalar(select(func.count()).select_from(some.subquery())) or 0) >= FLEET_TRIES


def _locked_until(
    latest: datetime | None, tenth: datetime | None, of_merchant: datetime | None
) -> datetime | None:
    ends = [of_merchant + MERCHANT_WINDOW] if of_merchant else []
    if latest and tenth and latest - tenth <= WINDOW:
        ends.append(latest + LOCK)
    return max(ends, default=None)


# Asked with every check, so in words that need no compiling.
_OF_TILL = "select at from till_attempt where terminal_id = %s and problem = 'voucher-unknown' and at > %s order by at desc"
_LATEST = (
    f"select ({_OF_TILL} limit 1) as latest, ({_OF_TILL} offset %s limit 1) as tenth, "
    "(select at from till_attempt where merchant_id = %s and problem = 'voucher-unknown' and at > %s "
    "order by at desc offset %s limit 1) as of_merchant"
)
_WRONG_PICTURES = (
    "select at from till_attempt where member_id = %s and voucher_id = %s and problem = 'code-stale' and at > %s "
    "order by at desc offset %s limit 1"
)
