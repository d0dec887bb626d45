"""Handing a message to the gateway: note the try, ask without a transaction, record what came of it.

As with bill credit a try is committed before the call together with the promise to look again, so that a worker that dies
loses nothing; the reference makes a repeated hand-over one message. What a day may cost is reserved before the first try:
reminders and the like may use four fifths of it, so that codes still go when a batch has eaten the rest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from base import clock, database, ids, outbox
from base.config import Config
from base.errors import NotFound
from base.notices import gateway, notices, sealing, times
from base.notices.gateway import Letter, Outcome, Refused, Taken
from base.notices.models import DELIVERED, DUE, FAILED, SENT, WRITTEN, Notice
from base.notices.texts import KINDS, Manner

LONGEST_TRY = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
OTHERS_OF_FIVE = 4  # so many fifths of a day's money for what is not urgent
log = structlog.get_logger()


class NoticeUnknown(NotFound):
    """There is no such message."""

    zh = "没有该消息。"


@dataclass(frozen=True)
class Try:
    """A try that was noted."""

    number: int
    letter: Letter


def run(config: Config, member_id: int, notice_id: int, zone: str) -> None:
    """One step of a message on its way; safe to run twice and at any time."""
    if not config.sms_url:
        return
    with database.begin() as session:
        noted = note_try(session, config, member_id, notice_id, zone, clock.now())
    if noted is None:
        return
    outcome = gateway.hand_over(config, noted.letter)
    with database.begin() as session:
        record(session, config, member_id, notice_id, zone, noted, outcome, clock.now())


def note_try(
    session: Session, config: Config, member_id: int, notice_id: int, zone: str, at: datetime
) -> Try | None:
    """Count the try before it is made; None when it is not to be made now, or by somebody else."""
    notice = _locked(session, member_id, notice_id)
    if notice is None or notice.state not in (WRITTEN, DUE):
        return None
    promise: dict[str, Any] = notices.promise(notice, zone)
    if outbox.promised_later(session, **promise):
        return None
    kind = KINDS[notice.template]
    urgent = kind.manner is Manner.URGENT
    if kind.life is not None and at > notice.at + kind.life:
        _to(notice, FAILED, at, "too late to be of use")
        return None
    best = at if urgent else times.after_quiet(max(at, notice.due_at), zone)
    if best > at:
        outbox.put(session, **promise, due_at=best)
        return None
    letter = _letter(session, config, notice)
    if letter is None:
        _to(notice, FAILED, at, "the person was erased")
        return None
    if notice.tries == 0 and not _paid(session, config, letter, at, urgent=urgent):
        log.warning("sms: the money of the day is spent", urgent=urgent)
        tomorrow = clock.start_of(clock.day(at, config.zone) + timedelta(days=1), config.zone)
        outbox.put(session, **promise, due_at=at + timedelta(minutes=1) if urgent else tomorrow)
        return None
    notice.tries += 1
    _to(notice, DUE, at, None)
    outbox.put(session, **promise, due_at=at + LONGEST_TRY)
    return Try(notice.tries, letter)


def record(
    session: Session,
    config: Config,
    member_id: int,
    notice_id: int,
    zone: str,
    noted: Try,
    outcome: Outcome,
    at: datetime,
) -> None:
    """What a try came to. A receipt may have been faster; then it has the last word."""
    notice = _locked(session, member_id, notice_id)
    if notice is None:
        return
    promise: dict[str, Any] = notices.promise(notice, zone)
    outbox.withdraw(session, **promise)
    if notice.state != DUE:
        return
    if isinstance(outcome, Taken):
        notice.sent_at = at
        _to(notice, SENT, at, None)
    elif isinstance(outcome, Refused):
        _to(notice, FAILED, at, f"refused: {outcome.reason}")
    elif noted.number >= config.sms_tries:
        _to(notice, FAILED, at, f"not taken in {noted.number} tries: {outcome.reason}")
    else:
        wait = timedelta(seconds=config.sms_backoff_s * 2 ** min(noted.number - 1, 12))
        outbox.put(session, **promise, due_at=at + min(wait, LONGEST_WAIT))


def receipt(
    session: Session, member_id: int, notice_id: int, *, delivered: bool, reason: str, at: datetime
) -> str:
    """What the gateway says became of a message; the state then. That it arrived is never taken back; NoticeUnknown."""
    notice = _locked(session, member_id, notice_id)
    if notice is None or not notice.tries:
        raise NoticeUnknown()
    if notice.state != DELIVERED:
        notice.sent_at = notice.sent_at or at
        _to(notice, DELIVERED if delivered else FAILED, at, None if delivered else f"receipt: {reason}"[:200])
    return notice.state


def reference(member_id: int, notice_id: int) -> str:
    """A message's public id, which the gateway knows it by."""
    return ids.public("ntc", member_id, notice_id)


def _locked(session: Session, member_id: int, notice_id: int) -> Notice | None:
    return session.get(Notice, (member_id, notice_id), populate_existing=True, with_for_update=True)


def _to(notice: Notice, state: str, at: datetime, reason: str | None) -> None:
    notice.state, notice.changed_at, notice.reason = state, at, reason


def _letter(session: Session, config: Config, notice: Notice) -> Letter | None:
    """The message in clear; None: the person was erased."""
    clear = sealing.opened(session, config.seal_key, [notice]).get(notice.notice_id)
    return Letter(reference(notice.member_id, notice.notice_id), *clear) if clear else None


def _paid(session: Session, config: Config, letter: Letter, at: datetime, *, urgent: bool) -> bool:
    """Reserve what the message costs from the day's money; False when it is not there."""
    cost = gateway.parts(letter.text) * config.sms_price_fen
    most = config.sms_day_fen if urgent else config.sms_day_fen * OTHERS_OF_FIVE // 5
    if cost > most:
        return False
    spent = session.execute(
        text(
            "insert into notice_spend (day, fen) values (:day, :cost) on conflict (day) do update "
            "set fen = notice_spend.fen + excluded.fen where notice_spend.fen + excluded.fen <= :most returning fen"
        ),
        {"day": clock.day(at, config.zone), "cost": cost, "most": most},
    )
    return spent.one_or_none() is not None
