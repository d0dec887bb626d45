"""Notices: messages for people, written in the transaction of what they tell and handed to a gateway after it.

A message is written once, from the template in force, and carries a code that proves it. What is not urgent waits for the
end of the quiet hours; a reminder over a cap is kept as suppressed, with the reason. Without a gateway (development) it
stays written, and a page shows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, ids, outbox, vault
from base.config import Config
from base.failpoints import failpoint
from base.notices import counting, genuine, sealing, templates, times
from base.notices.models import SUPPRESSED, WRITTEN, Notice
from base.notices.templates import Facts
from base.notices.texts import EN, KINDS, ZH, Manner

TASK = "notice"
SIGNED = {ZH: "验真码 {code}", EN: "Check code {code}", None: "验真码 Check code {code}"}


@dataclass(frozen=True)
class Wanted:
    """A message to be written: for whom and to which number, of which kind, with which facts.

    `zone` is the programme's, for the quiet hours; `language` None: all. `seq`: the member's posting that it tells;
    `subject`: the public id of what it is about, which a page may lead to.
    """

    member_id: int
    receiver: str
    template: str
    facts: Facts
    zone: str
    language: str | None = None
    seq: int | None = None
    channel: str = "sms"
    subject: str | None = None


@dataclass(frozen=True)
class Message:
    """A notice, opened."""

    at: datetime
    channel: str
    receiver: str
    text: str
    state: str
    template: str
    due_at: datetime
    reason: str | None
    subject: str | None = None
    notice_id: int = 0


def send(
    session: Session,
    config: Config,
    member_id: int,
    receiver: str,
    template: str,
    facts: Facts,
    *,
    zone: str,
    language: str | None = None,
    seq: int | None = None,
    subject: str | None = None,
) -> Notice:
    """Leave a message for a receiver; it goes after the commit, when it may."""
    wanted = Wanted(member_id, receiver, template, facts, zone, language, seq, subject=subject)
    return send_many(session, config, [wanted])[0]


def send_many(session: Session, config: Config, wanted: Sequence[Wanted]) -> list[Notice]:
    """Leave messages for receivers, in the order given."""
    at = clock.now()
    versions = templates.in_force(session, {one.template for one in wanted}, at)
    counts = _counts(session, wanted, at)
    keys = vault.keys_for(session, config.seal_key, {one.member_id for one in wanted})
    written = []
    for one in wanted:
        reason = None
        manner = KINDS[one.template].manner
        if manner is Manner.REMINDER:
            reason = counts[one.zone][one.member_id].reached
            if reason is None:
                counts[one.zone][one.member_id] = counts[one.zone][one.member_id].more()
        due_at = at if manner is Manner.URGENT else times.after_quiet(at, one.zone)
        written.append(_written(config, one, keys[one.member_id], versions[one.template], at, due_at, reason))
    session.add_all(written)
    session.flush()
    failpoint("notice_written")
    if config.sms_url:
        for one, notice in zip(wanted, written, strict=True):
            if notice.state == WRITTEN:
                outbox.put(session, **promise(notice, one.zone), due_at=notice.due_at)
    return written


def promise(notice: Notice, zone: str) -> dict[str, Any]:
    """The outbox row of handing a message over."""
    args = {"member_id": notice.member_id, "notice_id": notice.notice_id, "zone": zone}
    return {"member_id": notice.member_id, "task": TASK, "args": args}


def is_told(session: Session, member_id: int, template: str, subject: str) -> bool:
    """Whether the member has a message of this kind about this very thing."""
    asked = select(Notice.notice_id).where(
        Notice.member_id == member_id, Notice.template == template, Notice.subject == subject
    )
    return session.scalar(asked.limit(1)) is not None


def latest(session: Session, seal_key: str, limit: int = 50) -> list[Message]:
    """The newest messages, for the development page."""
    rows = session.scalars(select(Notice).order_by(Notice.notice_id.desc()).limit(limit))
    return opened(session, rows, seal_key)


def of_member(
    session: Session,
    member_id: int,
    *,
    before: int | None,
    limit: int,
    but: Sequence[str] = (),
    held_back: bool = False,
) -> list[Notice]:
    """A member's messages, newest first, from before an id on, without kinds left out; `held_back`: also those over a cap."""
    states = [] if held_back else [SUPPRESSED]
    values = (member_id, states, list(but), before, before, limit)
    return database.copies(session, Notice, _OF_MEMBER, values)


_OF_MEMBER = (
    f"select {database.columns(Notice)} from notice where member_id = %s and state <> all(%s::text[]) and template <> all(%s::text[]) "
    "and (%s::bigint is null or notice_id < %s) order by notice_id desc limit %s"
)


def report(session: Session, since: datetime, until: datetime) -> dict[str, dict[str, int]]:
    """What became of the messages written from one moment to another: kind -> state -> how many; without tests."""
    found: dict[str, dict[str, int]] = {}
    for row in by_day(session, since, until, "UTC"):
        states = found.setdefault(row.template, {})
        states[row.state] = states.get(row.state, 0) + row.count
    return {template: dict(sorted(states.items())) for template, states in sorted(found.items())}


class Reported(NamedTuple):
    """So many messages of a kind that were written on a day are in a state."""

    day: date
    template: str
    state: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


def by_day(session: Session, since: datetime, until: datetime, zone: str) -> list[Reported]:
    """The same by the day of a zone, the newest day first: days that are over as they were counted last, the others as of now."""
    first, last = clock.day(since, zone), clock.day(until, zone)
    kept = counting.kept(session, first, last, zone)
    found = [Reported(*row) for row in kept if since <= clock.start_of(row[0], zone) and row[0] < last]
    known = {row.day for row in found}
    for day, following in counting.spans(first, last, known):
        begins, ends = max(since, clock.start_of(day, zone)), min(until, clock.start_of(following, zone))
        found += [Reported(*row) for row in counting.count(session, begins, ends, zone)]
    order = sorted((row for row in found if row.count), key=lambda row: (row.template, row.state))
    return sorted(order, key=lambda row: row.day, reverse=True)


def opened(session: Session, rows: Iterable[Notice], seal_key: str) -> list[Message]:
    """Messages with their receivers and texts; those to erased persons are left out."""
    rows = list(rows)
    clear = sealing.opened(session, seal_key, rows)
    return [
        Message(
            at=row.at,
            channel=row.channel,
            receiver=clear[row.notice_id][0],
            text=clear[row.notice_id][1],
            state=row.state,
            template=row.template,
            due_at=row.due_at,
            reason=row.reason,
            subject=row.subject,
            notice_id=row.notice_id,
        )
        for row in rows
        if row.notice_id in clear
    ]


def _written(
    config: Config,
    one: Wanted,
    key: str,
    version: templates.Version,
    at: datetime,
    due_at: datetime,
    reason: str | None,
) -> Notice:
    notice_id, code = ids.new_id(), genuine.fresh()
    language = one.language if one.language in SIGNED else None
    text = f"{version.filled(language, one.facts)} {SIGNED[language].format(code=genuine.shown(code))}"
    return Notice(
        member_id=one.member_id,
        notice_id=notice_id,
        seq=one.seq,
        version=version.version,
        at=at,
        due_at=due_at,
        changed_at=at,
        state=WRITTEN if reason is None else SUPPRESSED,
        template=one.template,
        channel=one.channel,
        language=language,
        reason=reason,
        subject=one.subject,
        code_digest=genuine.digest(config, code),
        receiver_sealed=sealing.sealed(key, notice_id, one.receiver),
        text_sealed=sealing.sealed(key, notice_id, text),
        keyed=True,
    )


def _counts(session: Session, wanted: Sequence[Wanted], at: datetime) -> dict[str, dict[int, times.Count]]:
    """The members' reminders of the day on which theirs would go, by zone."""
    found: dict[str, dict[int, times.Count]] = {}
    reminded = [one for one in wanted if KINDS[one.template].manner is Manner.REMINDER]
    for zone in sorted({one.zone for one in reminded}):
        on = clock.day(times.after_quiet(at, zone), zone)
        members = [one.member_id for one in reminded if one.zone == zone]
        found[zone] = times.reminders(session, members, on, zone)
    return found
