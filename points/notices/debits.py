"""Every debit of a member's points is told, whatever made it: a walk over what the ledger has posted, behind its back.

Nothing is written for it where points are posted. The walk follows the moments of the postings, which an index over whole
pages finds (BRIN), and stays behind the oldest transaction that may still post, so that none can appear before its mark.
Postings of one request make one message. Whoever tells a debit himself in its own transaction (a bill credit, for one)
names the posting in his message; the unique key over both lets no second one in. Gifts tell their givers by themselves;
of lapsing points and of cancelled lines members are told ahead.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database
from base.config import Config
from base.notices import notices
from base.notices.notices import Wanted
from base.notices.templates import Fact
from points.kinds import Kind
from points.notices import receivers
from points.notices.models import DEBITS, NoticeWalk
from points.notices.receivers import Receiver

TOLD = (Kind.REDEEM, Kind.CAPTURE, Kind.ADJUST_DOWN, Kind.UNEARN, Kind.OWE, Kind.REPAY)
BEHIND = timedelta(seconds=60)  # a moment may be taken this long before its transaction begins
A_REPORT = timedelta(minutes=10)  # who has read for so long and written nothing will post nothing
STEP = 2_000
ELSEWHERE = {"zh-CN": "其他渠道", "en": "through another channel of ours"}

Names = Mapping[tuple[int, str], Mapping[str, str]]  # (member, reference) -> what was redeemed, by language
NamesOf = Callable[[Session, Collection[tuple[int, str]]], Names]


class Debit(NamedTuple):
    """A posting that takes points, as far as a message needs it."""

    member_id: int
    seq: int
    amount: int
    balance_after: int
    kind: Kind
    at: datetime
    idem: Any
    ref: str | None


@dataclass(frozen=True)
class Step:
    """What a step did, and whether there is more to do at once."""

    looked_at: int
    written: int
    more: bool


def horizon(session: Session, at: datetime) -> datetime:
    """Nothing will be posted any more with a moment before this one."""
    (oldest,) = session.connection().exec_driver_sql(
        "select min(xact_start) from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid() and (backend_xid is not null or xact_start > now() - %s)",
        (A_REPORT,),
    ).one()  # fmt: skip
    return min(at, oldest or at) - BEHIND


def step(session: Session, config: Config, names_of: NamesOf, until: datetime, at: datetime) -> Step:
    """Tell the next debits before a moment; safe to repeat, and of two at once the second finds nothing to do.

    The first step ever only sets the mark: what was posted before it is history.
    """
    mark = _mark(session, until, at)
    if mark is None or mark.until_at is None or mark.until_at >= until:
        return Step(0, 0, more=False)
    rows = _posted(session, mark, until)
    whole = _whole(rows) if len(rows) == STEP else rows
    wanted = list(_messages(session, config, names_of, whole))
    notices.send_many(session, config, wanted)
    more = len(rows) == STEP
    mark.until_at, mark.last_member = (whole[-1].at, whole[-1].member_id) if more else (until, 0)
    mark.looked_at += len(whole)
    mark.written += len(wanted)
    mark.changed_at = at
    return Step(len(whole), len(wanted), more)


def _mark(session: Session, until: datetime, at: datetime) -> NoticeWalk | None:
    """The walk's own row, locked; None: somebody else walks."""
    place = {"programme_id": 0, "task": DEBITS, "subject": ""}
    if session.get(NoticeWalk, tuple(place.values())) is None:
        session.connection().exec_driver_sql(
            "insert into notice_walk (programme_id, task, subject, last_key, last_member, looked_at, written, began_at, "
            "changed_at, until_at) values (0, %s, '', 0, 0, 0, 0, %s, %s, %s) on conflict do nothing",
            (DEBITS, at, at, until),
        )
    return session.scalar(
        select(NoticeWalk)
        .where(*(getattr(NoticeWalk, name) == value for name, value in place.items()))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _posted(session: Session, mark: NoticeWalk, until: datetime) -> list[Debit]:
    rows = database.driver(session).execute(
        "select member_id, seq, amount, balance_after, kind, at, idem, ref from posting "
        "where at >= %s and at < %s and (at, member_id) > (%s, %s) and kind = any(%s::int[]) "
        "order by at, member_id, seq limit %s",
        (mark.until_at, until, mark.until_at, mark.last_member, [int(kind) for kind in TOLD], STEP),
    )
    return [Debit._make((*row[:4], Kind(row[4]), *row[5:])) for row in rows]


def _whole(rows: list[Debit]) -> list[Debit]:
    """Without the last member's moment, which may go on behind the limit; a member has few postings in a moment."""
    last = (rows[-1].at, rows[-1].member_id)
    return [row for row in rows if (row.at, row.member_id) != last] or rows


def _messages(session: Session, config: Config, names_of: NamesOf, rows: Sequence[Debit]) -> Iterator[Wanted]:
    told = _told(session, rows)
    requests = [list(group) for _, group in groupby(rows, key=lambda row: (row.at, row.member_id, row.idem))]
    open_ = [group for group in requests if not any((row.member_id, row.seq) in told for row in group)]
    found = receivers.of_many(session, config, {group[0].member_id for group in open_})
    open_ = [group for group in open_ if group[0].member_id in found]
    names = names_of(session, {(row.member_id, row.ref) for group in open_ for row in group if row.ref})
    for group in open_:
        yield _message(group, found[group[0].member_id], names)


def _told(session: Session, rows: Sequence[Debit]) -> set[tuple[int, int]]:
    found = session.connection().exec_driver_sql(
        "select n.member_id, n.seq from unnest(%s::bigint[], %s::bigint[]) k(member_id, seq) "
        "join notice n on n.member_id = k.member_id and n.seq = k.seq",
        ([row.member_id for row in rows], [row.seq for row in rows]),
    )
    return {(member_id, seq) for member_id, seq in found}


def _message(group: list[Debit], to: Receiver, names: Names) -> Wanted:
    """One message for the postings of one request."""
    amount = {kind: sum(row.amount for row in group if row.kind is kind) for kind in TOLD}
    facts: dict[str, Fact] = {"balance": group[-1].balance_after}
    if amount[Kind.UNEARN] or amount[Kind.OWE]:
        template = "points-corrected"
        facts |= {"points": amount[Kind.UNEARN], "owed": amount[Kind.OWE]}
    elif amount[Kind.ADJUST_DOWN]:
        template, facts = "points-adjusted", facts | {"points": amount[Kind.ADJUST_DOWN]}
    elif amount[Kind.REPAY]:
        template, facts = "points-repaid", facts | {"points": amount[Kind.REPAY]}
    else:
        named = names.get((group[0].member_id, group[0].ref or ""), ELSEWHERE)
        template = "points-spent"
        facts |= {"points": amount[Kind.REDEEM] + amount[Kind.CAPTURE], "about": named}
    first = group[0]
    about = first.ref if (first.ref or "").startswith("red_") else None
    return Wanted(first.member_id, to.phone, template, facts, to.zone, to.language, first.seq, subject=about)
