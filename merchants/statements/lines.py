"""Lines: what happened at a merchant and is on no statement yet, put on one by the database itself; and read again in order.

An anti-join, not the interval alone, so that what was recorded late is on the next statement and nothing is lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from base import database, ids
from merchants.models import RESERVE_IN, RESERVE_OUT, MerchantItem
from merchants.statements.models import CARRIED_IN, Statement

AT_ONCE = 5_000
LATEST = timedelta(days=32)
# Everything that gets a line. What was done at a till is worth what was written then, its undoing the same the other way;
# points that members earned are owed by the merchant, as far as they came out of no pack.
THINGS = (
    "select 'acceptance' as kind, a.merchant_id, a.member_id, a.acceptance_id as source_id, a.recorded_at, "
    "a.owed_fen, a.fee_fen, a.vat_fen, a.terms_id from acceptance a "
    "union all select 'void', v.merchant_id, v.member_id, v.void_id, v.recorded_at, "
    "-a.owed_fen, -a.fee_fen, -a.vat_fen, null::bigint from void v "
    "join acceptance a on a.member_id = v.member_id and a.acceptance_id = v.acceptance_id "
    "union all select i.kind, i.merchant_id, i.member_id, i.item_id, i.recorded_at, "
    "i.owed_fen, i.fee_fen, i.vat_fen, null::bigint from merchant_item i "
    "union all select 'earning', e.merchant_id, e.member_id, e.earning_id, e.recorded_at, "
    "-e.price_fen, 0, 0, e.terms_id from merchant_earning e "
    "union all select 'earning-reversal', r.merchant_id, r.member_id, r.reversal_id, r.recorded_at, "
    "e.price_fen, 0, 0, null::bigint from earning_reversal r "
    "join merchant_earning e on e.member_id = r.member_id and e.earning_id = r.earning_id"
)
_OF_MEMBERS = {"acceptance": "acc", "void": "voi", "earning": "ern", "earning-reversal": "erv"}
_ON_NONE = (
    f"from ({THINGS}) t where t.merchant_id = %(merchant)s and t.recorded_at < %(before)s and t.recorded_at >= %(since)s "
    "and not exists (select from statement_line l where l.merchant_id = %(merchant)s and l.statement_no >= %(oldest)s "
    "and l.kind = t.kind and l.member_id = t.member_id and l.source_id = t.source_id)"
)
_SUMS = (
    "count(*) as lines, sum(owed_fen)::bigint as owed_fen, sum(fee_fen)::bigint as fee_fen, "
    "sum(vat_fen)::bigint as vat_fen, array_agg(distinct terms_id) filter (where terms_id is not null) as terms"
)
_PUT = (
    f"with found as (select t.* {_ON_NONE}), made as ("
    "insert into statement_line (merchant_id, statement_no, line_no, kind, member_id, source_id, recorded_at, "
    "owed_fen, fee_fen, vat_fen) select merchant_id, %(number)s, "
    "%(after)s + row_number() over (order by recorded_at, source_id, kind, member_id), kind, member_id, source_id, "
    f"recorded_at, owed_fen, fee_fen, vat_fen from found) select kind, {_SUMS} from found group by kind"
)
_BY_PERIOD = (
    f"select width_bucket(recorded_at, %(bounds)s::text::timestamptz[]) as number, kind, {_SUMS} "
    f"{_ON_NONE} group by 1, 2"
)
_WAITING = (
    "select kind, member_id, source_id, recorded_at, owed_fen, fee_fen, vat_fen "
    f"{_ON_NONE} and (recorded_at, source_id, kind, member_id) > "
    "(%(at)s, %(source)s, %(kind)s, %(member)s) order by recorded_at, source_id, kind, member_id limit %(limit)s"
)
_STORED = (
    "select line_no, kind, member_id, source_id, recorded_at, owed_fen, fee_fen, vat_fen from statement_line "
    "where merchant_id = %s and statement_no = %s and line_no > %s order by line_no limit %s"
)


@dataclass(frozen=True)
class Back:
    """How far back something without a line is looked for: to a moment, and in the lines of which statements.

    What happened after a moment is on no statement that was sealed before it. Closing always takes everything; who only looks,
    and often, need not read all that a merchant ever did.
    """

    since: datetime
    oldest: int


EVER = Back(datetime(1970, 1, 1, tzinfo=UTC), 0)


@dataclass(frozen=True)
class Sum:
    """What the lines of a kind add up to (fen), how many they are, and which versions of terms they name."""

    lines: int
    owed_fen: int
    fee_fen: int
    vat_fen: int
    terms: tuple[int, ...] = ()

    @property
    def net_fen(self) -> int:
        return self.owed_fen - self.fee_fen - self.vat_fen

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.lines + other.lines,
            self.owed_fen + other.owed_fen,
            self.fee_fen + other.fee_fen,
            self.vat_fen + other.vat_fen,
            (*self.terms, *other.terms),
        )


Sums = dict[str, Sum]
NOTHING = Sum(0, 0, 0, 0)


def total(sums: Sums) -> Sum:
    """All kinds together."""
    return sum(sums.values(), NOTHING)


def shown(sums: Sums) -> dict[str, dict[str, int]]:
    """Sums by kind as a statement keeps them."""
    names = ("lines", "owed_fen", "fee_fen", "vat_fen")
    return {kind: {name: getattr(found, name) for name in names} for kind, found in sums.items()}


def put(session: Session, merchant_id: int, number: int, before: datetime, *, after: int) -> Sums:
    """Give everything of before a moment that has no line one on this statement, in order from the line `after` on."""
    found = database.rows(
        session, _PUT, _asked(merchant_id, before, EVER) | {"number": number, "after": after}
    )
    return {row.kind: _sum(row) for row in found}


def put_carried(session: Session, previous: Statement, number: int) -> Sum:
    """The first line: what the statement before carried."""
    row = (previous.merchant_id, number, 1, CARRIED_IN, 0, previous.statement_no, previous.to_at)
    return _put_one(session, (*row, previous.carried_fen, 0, 0))


def put_item(session: Session, number: int, line_no: int, item: MerchantItem) -> Sum:
    """A line for an item that is made with the statement."""
    row = (
        item.merchant_id, number, line_no, item.kind, item.member_id, item.item_id, item.recorded_at,
        item.owed_fen, item.fee_fen, item.vat_fen,
    )  # fmt: skip
    return _put_one(session, row)


def by_period(
    session: Session, merchant_id: int, bounds: Iterable[datetime], back: Back = EVER
) -> list[Sums]:
    """What has no line, added up for each period by its end; all that is older counts to the first one."""
    ends = list(bounds)
    found = database.rows(
        session, _BY_PERIOD, _asked(merchant_id, ends[-1], back) | {"bounds": database.array(ends)}
    )
    sums: list[Sums] = [{} for _ in ends]
    for row in found:
        sums[row.number][row.kind] = _sum(row)
    return sums


def back_from(session: Session, previous: Statement | None) -> Back:
    """As far back as anything comes late: what is later still is on a statement with whatever else there is."""
    if previous is None:
        return EVER
    since = previous.to_at - LATEST
    rows = database.rows(
        session,
        "select min(statement_no) as oldest from statement where merchant_id = %s and sealed_at >= %s",
        (previous.merchant_id, since),
    )
    return Back(since, rows[0].oldest)


def first_waiting(session: Session, merchant_id: int, before: datetime, back: Back = EVER) -> datetime | None:
    """When the earliest thing without a line happened; None: nothing before this moment."""
    rows = database.rows(
        session, f"select min(t.recorded_at) as at {_ON_NONE}", _asked(merchant_id, before, back)
    )
    found: datetime | None = rows[0].at
    return found


def waiting(
    session: Session,
    merchant_id: int,
    before: datetime,
    back: Back,
    *,
    after: tuple[datetime, int, str, int] | None = None,
    limit: int,
) -> list[Any]:
    """Things without a line in the order of their lines, from after (moment, source, kind, member) on."""
    at, source, kind, member = after or (back.since, -1, "", 0)
    place = {"at": at, "source": source, "kind": kind, "member": member, "limit": limit}
    return database.rows(session, _WAITING, _asked(merchant_id, before, back) | place)


def stored(session: Session, statement: Statement, *, after: int = 0) -> Iterator[Any]:
    """The lines of a statement in order, however many, with a few thousand in memory."""
    while rows := page(session, statement.merchant_id, statement.statement_no, after=after):
        yield from rows
        after = rows[-1].line_no


def page(
    session: Session, merchant_id: int, number: int, *, after: int = 0, limit: int = AT_ONCE
) -> list[Any]:
    """Some lines of a statement, from after a number on."""
    return database.rows(session, _STORED, (merchant_id, number, after, limit))


def public_id(merchant_id: int, kind: str, member_id: int, source_id: int) -> str:
    """The public id of what a line is about: acceptance, void, earning, its reversal, item, or the statement before."""
    if kind in _OF_MEMBERS:
        return ids.public(_OF_MEMBERS[kind], member_id, source_id)
    return ids.public("stm" if kind == CARRIED_IN else "itm", merchant_id, source_id)


def moved_in_reserve(sums: Sums) -> int:
    """By how much these lines raise what is in reserve (fen)."""
    return -sum(sums[kind].owed_fen for kind in (RESERVE_IN, RESERVE_OUT) if kind in sums)


def _asked(merchant_id: int, before: datetime, back: Back) -> dict[str, Any]:
    return {"merchant": merchant_id, "before": before, "since": back.since, "oldest": back.oldest}


def _put_one(session: Session, row: tuple[Any, ...]) -> Sum:
    database.driver(session).execute(_PUT_ONE, row)
    owed, fee, vat = row[-3:]
    return Sum(1, owed, fee, vat)


_PUT_ONE = (
    "insert into statement_line (merchant_id, statement_no, line_no, kind, member_id, source_id, recorded_at, "
    "owed_fen, fee_fen, vat_fen) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def _sum(row: Any) -> Sum:
    return Sum(row.lines, row.owed_fen, row.fee_fen, row.vat_fen, tuple(row.terms or ()))
