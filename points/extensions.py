"""Extensions: a dated announcement gives lots of a class a later last day; no wallet is rewritten.

An announcement counts from LEAD after it was entered. A posting reads the announcements after it has its own moment, and
what was read is good for moments up to FRESH later: so each posting knows all that count at its moment, the replay of
`verify` finds the same ones, and nobody has to wait for a lock. FRESH and a transaction's life stay well below LEAD.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg import Connection
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict, Invalid
from points import lots
from points.deeds import NOTHING_KNOWN, Known, Request
from points.lots import Calendar, Extension
from points.models import ExtensionRow, Programme
from points.postings import Wallet

LEAD = timedelta(minutes=5)
FRESH = timedelta(minutes=1)
MOST_CLASSES = 1 << lots.CLASS_BITS


class BadExtension(Invalid):
    """An extension names a class, days from and until, and a later last day that is still to come."""

    zh = "延期公告应写明积分类别、到期日起止，以及更晚且尚未到来的有效期。"


class ShorterLife(Conflict):
    """Points keep the last day they have: an extension may only be later."""

    zh = "有效期只能延长，不能缩短。"
    next_en, next_zh = "Choose a later day.", "请选择更晚的日期。"


def proposed(
    session: Session,
    programme: Programme,
    lot_class: int,
    from_day: date,
    until_day: date,
    last_day: date,
    at: datetime,
) -> Extension:
    """The extension as it would count, checked but not kept; BadExtension, ShorterLife."""
    on = clock.day(at + LEAD, programme.zone)
    if not 0 <= lot_class < MOST_CLASSES:
        raise BadExtension(field="class")
    if from_day > until_day or (until_day >= lots.NO_END and from_day != until_day):
        raise BadExtension(field="from")
    if not on < last_day < lots.NO_END:
        raise BadExtension(field="to")
    asked = Extension(lot_class, from_day, until_day, last_day, at + LEAD)
    if from_day < lots.NO_END:
        if last_day <= until_day:
            raise ShorterLife(last_day=str(last_day))
        return asked
    before = [one.last_day for one in read(session).get(programme.programme_id, ()) if _is_first_end(one)
              and one.lot_class == lot_class]  # fmt: skip
    if before and last_day <= max(before):
        raise ShorterLife(last_day=str(max(before)))
    return asked


def announce(
    session: Session,
    programme: Programme,
    lot_class: int,
    from_day: date,
    until_day: date,
    last_day: date,
    *,
    reason: str,
    by: str,
    approval: str,
    at: datetime,
) -> ExtensionRow:
    """From LEAD on, points of a class lapsing from a day to a day last until `last_day`; best as the last step.

    `by` announced it, `approval` names what a second person agreed to. Both days lots.NO_END: points without an end
    get a first one. `at` is the present moment, not that of an earlier proposal: postings made since an older one would
    not have known. What lapsed already comes back through points/restoring.py. BadExtension, ShorterLife.
    """
    global _cached
    asked = proposed(session, programme, lot_class, from_day, until_day, last_day, at)
    if not reason.strip():
        raise BadExtension(field="reason")
    row = ExtensionRow(
        extension_id=ids.new_id(),
        programme_id=programme.programme_id,
        lot_class=lot_class,
        from_day=from_day,
        until_day=until_day,
        last_day=last_day,
        entered_at=at,
        announced_at=asked.announced_at,
        reason=reason.strip(),
        announced_by=by,
        approval=approval,
    )
    session.add(row)
    session.flush()
    _cached = None
    return row


def of(session: Session, programme_id: int, at: datetime) -> Calendar:
    """The extensions of a programme that count at a moment."""
    found = everywhere(database.driver(session), at).get(programme_id)
    return lots.announced(found, at) if found else lots.NO_EXTENSIONS


def read(session: Session) -> dict[int, Calendar]:
    """All extensions by programme as this transaction sees them, those to come included."""
    return _read(database.driver(session))


# For the ledger's shell, which knows no programme


@dataclass(frozen=True, slots=True)
class _Cached:
    """What this process read, of which database, and when."""

    engine: Engine
    at: datetime
    found: dict[int, Calendar]


_cached: _Cached | None = None


def everywhere(connection: Connection, at: datetime) -> dict[int, Calendar]:
    """All extensions by programme, complete for every moment up to `at`; mostly from this process's memory."""
    global _cached
    known, engine = _cached, database.engine()
    if known is None or known.engine is not engine or at > known.at + FRESH:
        now = clock.now()
        known = _cached = _Cached(engine, now, _read(connection))
    return known.found


def add(
    connection: Connection,
    asked: list[tuple[Wallet, Request]],
    known: dict[tuple[int, int], Known],
) -> dict[tuple[int, int], Known]:
    """What was read beside wallets (by member and key), with the calendars of those whose lots an extension may touch."""
    if not asked:
        return known
    found = everywhere(connection, max([max(r.at, w.at) for w, r in asked]))
    if not found:
        return known
    every = [one for calendar in found.values() for one in calendar]
    keys, since = defaultdict[int, set[int]](set), dict[int, date]()
    for wallet, request in asked:
        member_id = wallet.member_id
        keys[member_id].update(
            _keys(wallet, request, known.get((member_id, request.idem.int), NOTHING_KNOWN))
        )
        on = clock.day(max(request.at, wallet.at), request.zone)
        since[member_id] = min(on, since.get(member_id, on))
    touched = [m for m in keys if any(_may_touch(one, keys[m], since[m]) for one in every)]
    programme_of = _programmes(connection, touched)
    complete = dict(known)
    for wallet, request in asked:
        place = (wallet.member_id, request.idem.int)
        if wallet.member_id in programme_of:
            calendar = found.get(programme_of[wallet.member_id], lots.NO_EXTENSIONS)
            complete[place] = complete.get(place, NOTHING_KNOWN)._replace(calendar=calendar)
    return complete


def _keys(wallet: Wallet, request: Request, known: Known) -> Iterator[int]:
    """The lots that a request is about: those there, those it names, those of what it follows."""
    yield from wallet.lots.keys
    yield request.lot_key
    yield from (interval.key for interval in request.quoted)
    for original in (*known.overdue, *([known.original] if known.original else ())):
        yield from (interval.key for interval in original.posting.lots)


def _may_touch(one: Extension, keys: set[int], on: date) -> bool:
    """Whether it can matter for these lots from a day on; lots that are opened from then on have later days."""
    if one.until_day < on or _is_first_end(one):
        return (one.last_day >= on or _is_first_end(one)) and any(map(one.covers, keys))
    return True


def _is_first_end(one: Extension) -> bool:
    return one.from_day == lots.NO_END


def _programmes(connection: Connection, members: Iterable[int]) -> dict[int, int]:
    chosen = list(members)
    if not chosen:
        return {}
    rows = connection.execute(
        "select member_id, programme_id from member where member_id = any(%s::bigint[])",
        (chosen,),
        prepare=True,
    )
    return dict(rows.fetchall())


_ALL = (
    "select programme_id, lot_class, from_day, until_day, last_day, announced_at, extension_id from extension "
    "order by announced_at, extension_id"
)


def _read(connection: Connection) -> dict[int, Calendar]:
    found = defaultdict[int, list[Extension]](list)
    for programme_id, *columns in connection.execute(_ALL, prepare=True):
        found[programme_id].append(Extension(*columns))
    return {programme_id: tuple(rows) for programme_id, rows in found.items()}


# What an announcement would do


def touched(session: Session, members: list[int], asked: Extension) -> tuple[int, int]:
    """How many of these members have points that would live longer, and how many points."""
    rows = session.connection().exec_driver_sql(
        "select lot_key, lot_in, lot_out from wallet where member_id = any(%s)", (members,)
    )
    points = [sum(g - t for k, g, t in zip(*row, strict=True) if asked.covers(k)) for row in rows]
    return sum(count > 0 for count in points), sum(points)
