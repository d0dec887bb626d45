"""Vouchers past their last day: set expired, and what was left of each written down once. Every read knows it before.

Which vouchers are due is found by their last day in the zone of their merchant. One that a till holds waits until the hold
has ended, one that was used in part a day more, in which its last use may be undone, a frozen one stays. The walk looks from
some days before the latest day that it has come to, and at what was thawed after its last day; so it may stop anywhere. It
passes nothing by: of two walks one waits for the other, and for whoever changes a voucher that is due.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import clock, database
from base.patience import patiently
from catalog.vouchers.models import VoucherLapse

BATCH = 500
LONGEST = timedelta(days=36_500)
BACK = timedelta(days=5)  # zones, and those that wait a day more
LOCK = "vouchers.lapsing"
ONE_DAY = timedelta(days=1)


def step(session: Session, at: datetime, *, limit: int = BATCH) -> int:
    """Set some vouchers expired whose last day is over, soonest first; how many. StillRunning where others take for long."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(LOCK, 0))))
    latest = session.scalar(select(func.max(VoucherLapse.last_day)))
    asked = _asked(at, limit) | {"since": latest - BACK if latest else clock.day(at, "UTC") - LONGEST}
    done = len(database.rows(session, _LAPSE, asked))
    return done or len(database.rows(session, _LAPSE_THAWED, asked))


def due(session: Session, at: datetime) -> int:
    """How many there are, frozen ones left out."""
    return int(database.rows(session, _COUNT, _asked(at, None))[0].due)


def nightly() -> bool:
    """For the worker: the next batch; whether there are more."""
    return patiently(step, clock.now()) == BATCH


def _asked(at: datetime, limit: int | None) -> dict[str, object]:
    # No zone is further than a day ahead: what lies behind is compared in the merchant's own.
    return {"at": at, "before": at.date() + 2 * ONE_DAY, "limit": limit}


_DUE = """join merchant m on m.merchant_id = v.merchant_id
where v.last_day < %(before)s and v.last_day < (%(at)s::timestamptz at time zone m.zone)::date
  and (v.units_left = v.units or v.last_day < (%(at)s::timestamptz at time zone m.zone)::date - 1)
  and (v.state = 'issued' or v.state = 'held' and v.held_until <= %(at)s)"""
_COUNT = f"select count(*) due from voucher v {_DUE}"
_THAWED = "voucher_freeze f join voucher v on v.member_id = f.member_id and v.voucher_id = f.voucher_id"


def _lapse(found: str) -> str:
    return f"""
with due as (
  select v.member_id, v.voucher_id from {found}
  order by v.last_day, v.member_id, v.voucher_id limit %(limit)s for update of v),
lapsed as (
  update voucher v set state = 'expired', held_by = null, held_until = null, token_digest = null
  from due where v.member_id = due.member_id and v.voucher_id = due.voucher_id
  returning v.member_id, v.voucher_id, v.units_left, v.units, v.booked_fen, v.cash_fen, v.last_day)
insert into voucher_lapse (member_id, voucher_id, units, booked_fen, cash_fen, lapsed_at, last_day)
select member_id, voucher_id, units_left, div(booked_fen::numeric * units_left, units)::bigint,
  div(cash_fen::numeric * units_left, units)::bigint, %(at)s, last_day from lapsed
returning voucher_id
"""


_LAPSE = _lapse(f"voucher v {_DUE} and v.last_day >= %(since)s")
_LAPSE_THAWED = _lapse(f"{_THAWED} {_DUE}")
