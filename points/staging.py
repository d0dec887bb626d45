"""The staging tables: lines of a file sorted by member, and the parts that workers do them in.

A part is done in one transaction with its mark, so it is done once, whoever was killed in between. Parts never cut
through a member, and each belongs to one share of the workers: two of them never meet at a wallet.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from base import clock, database

PAGE = 20_000
LAST = 2**63 - 1


Waiting = tuple[int, int, str]  # member (0: no such customer), number and text of a line


class Share(NamedTuple):
    """Every so many-th part is this worker's."""

    number: int
    of: int


ALL = Share(0, 1)


class Part(NamedTuple):
    """Lines that are done together."""

    part_no: int
    first_member: int
    last_member: int
    first_line: int
    last_line: int
    lines: int


@dataclass
class Counts:
    """What became of the rows of one part, or of several."""

    read: int = 0
    posted: int = 0
    already_there: int = 0
    refused: int = 0
    recounted: int = 0
    points: dict[str, int] = field(default_factory=dict)
    preview: dict[str, Any] | None = None
    refusals: list[tuple[int, str]] = field(default_factory=list)


def members_of(session: Session, programme_id: int, customers: Iterable[str]) -> dict[str, int]:
    """The member of each customer. Who left and came back stands under the first membership, so that lines of one
    customer stay together.
    """
    rows = _ask(
        session,
        "select customer_id, min(member_id) from member where programme_id = %s "
        "and customer_id = any(string_to_array(%s, chr(10))) group by customer_id",
        (programme_id, "\n".join(customers)),
    )
    return dict(rows.fetchall())


def keep(
    session: Session,
    import_id: int,
    upto: int,
    read: int,
    lines: Iterable[Waiting],
    refusals: list[tuple[int, str]],
) -> None:
    """Stage the lines read up to one, and the refusals among them."""
    rows = "".join(
        [f"{member_id}\t{import_id}\t{line_no}\t{_escaped(line)}\n" for member_id, line_no, line in lines]
    )
    with (
        database.driver(session).cursor() as cursor,
        cursor.copy("copy staged_line (member_id, import_id, line_no, line) from stdin") as copy,
    ):
        copy.write(rows)
    _ask(
        session,
        "insert into import_part (import_id, part_no, first_member, last_member, first_line, last_line, lines, read, "
        "done_at, refused, refused_lines, reasons) values (%s, %s, 0, 0, 0, %s, %s, %s, %s, %s, %s, %s)",
        (import_id, -upto, upto, len(refusals), read, clock.now(), len(refusals), *_two(refusals)),
    )


def staged_upto(session: Session, import_id: int) -> int:
    """The last line that was read from the file; 1, the header, where none was."""
    [(upto,)] = _ask(
        session, "select min(part_no) from import_part where import_id = %s", (import_id,)
    ).fetchall()
    return max(1, -(upto or 0))


def plan(session: Session, import_id: int, size: int) -> None:
    """Cut what is staged into parts of at least so many lines, between members; lines of nobody anywhere. Once is enough."""
    _take_time(session)
    _ask(
        session,
        "with whose as (select member_id, count(*) as lines from staged_line "
        "where import_id = %(import)s and member_id > 0 group by member_id), "
        "placed as (select member_id, lines, sum(lines) over (order by member_id) - lines as before from whose), "
        "nobodys as (select line_no, row_number() over (order by line_no) - 1 as before from staged_line "
        "where import_id = %(import)s and member_id = 0), "
        "cut as (select min(member_id) as first, max(member_id) as last, 0 as first_line, %(last)s as last_line, "
        "sum(lines)::bigint as lines from placed group by div(before, %(size)s) "
        "union all select 0, 0, min(line_no), max(line_no), count(*) from nobodys group by before / %(size)s) "
        "insert into import_part (import_id, part_no, first_member, last_member, first_line, last_line, lines, read) "
        "select %(import)s, row_number() over (order by first, first_line), first, last, first_line, last_line, lines, 0 "
        "from cut where not exists (select from import_part where import_id = %(import)s and part_no > 0)",
        {"import": import_id, "size": size, "last": LAST},
    )  # fmt: skip


def claim(session: Session, import_id: int, share: Share, after: int) -> Part | None:
    """The next part of a share that is not done and that nobody is at; it is the caller's until the transaction ends."""
    row = _ask(
        session,
        "select part_no, first_member, last_member, first_line, last_line, lines, "
        # A member of very many lines is worked at for longer than a transaction may be idle.
        f"case when lines > {PAGE} then set_config('idle_in_transaction_session_timeout', '0', true) end from import_part "
        "where import_id = %s and part_no > %s and part_no %% %s = %s and done_at is null "
        "order by part_no limit 1 for update skip locked",
        (import_id, after, share.of, share.number),
    ).fetchone()
    return Part(*row[:6]) if row else None


def lines_of(session: Session, import_id: int, part: Part) -> list[tuple[int, str]]:
    """Number and text of each line of a part, member by member, each in the order of the file."""
    rows: list[tuple[int, str]] = _ask(
        session,
        "select line_no, line from staged_line where member_id between %s and %s and import_id = %s "
        "and line_no between %s and %s order by member_id, line_no",
        (part.first_member, part.last_member, import_id, part.first_line, part.last_line),
    ).fetchall()
    return rows


def mark(session: Session, import_id: int, part: Part, counts: Counts) -> None:
    """The part is done, and this became of it."""
    _ask(
        session,
        "update import_part set done_at = %s, posted = %s, already_there = %s, refused = %s, recounted = %s, "
        "points = %s, preview = %s, refused_lines = %s, reasons = %s where import_id = %s and part_no = %s",
        (clock.now(), counts.posted, counts.already_there, counts.refused, counts.recounted, Jsonb(counts.points),
         Jsonb(counts.preview) if counts.preview else None, *_two(counts.refusals), import_id, part.part_no),
    )  # fmt: skip


def undone(session: Session, import_id: int, share: Share = ALL) -> int:
    """How many parts of a share are not done, whoever may be at them."""
    [(count,)] = _ask(
        session,
        "select count(*) from import_part where import_id = %s and part_no > 0 and part_no %% %s = %s "
        "and done_at is null",
        (import_id, share.of, share.number),
    ).fetchall()
    return int(count)


def totals(session: Session, import_id: int) -> Counts:
    """Counts over all parts that are done."""
    [(read, posted, there, refused, recounted)] = _ask(
        session,
        "select coalesce(sum(read), 0)::bigint, coalesce(sum(posted), 0)::bigint, "
        "coalesce(sum(already_there), 0)::bigint, coalesce(sum(refused), 0)::bigint, "
        "coalesce(sum(recounted), 0)::bigint from import_part where import_id = %s and done_at is not null",
        (import_id,),
    ).fetchall()
    points = _ask(
        session,
        "select name, sum(points.value::bigint)::bigint from import_part p, jsonb_each_text(p.points) points(name, value) "
        "where p.import_id = %s and p.done_at is not null group by name order by name",
        (import_id,),
    )
    return Counts(read, posted, there, refused, recounted, dict(points.fetchall()))


def refusals(session: Session, import_id: int, after: int) -> list[tuple[int, str]]:
    """A page of refused lines, number and reason, after a line in the order of the file; empty at the end."""
    rows: list[tuple[int, str]] = _ask(
        session,
        "select r.line_no, r.reason from import_part p, unnest(p.refused_lines, p.reasons) r(line_no, reason) "
        "where p.import_id = %s and r.line_no > %s order by r.line_no limit %s",
        (import_id, after, PAGE),
    ).fetchall()
    return rows


def previews(session: Session, import_id: int) -> Iterator[dict[str, Any]]:
    """What a dry run noted of each part, a hundred parts at a time."""
    after, more = 0, True
    while more:
        rows: list[tuple[int, dict[str, Any]]] = _ask(
            session,
            "select part_no, preview from import_part where import_id = %s and part_no > %s "
            "and preview is not null order by part_no limit 100",
            (import_id, after),
        ).fetchall()
        yield from (preview for _, preview in rows)
        after, more = (rows[-1][0], True) if rows else (after, False)


def clear(session: Session, import_id: int) -> None:
    """Nothing of the file stays in the staging tables."""
    _take_time(session)
    _ask(session, "delete from staged_line where import_id = %s", (import_id,))
    _ask(session, "delete from import_part where import_id = %s", (import_id,))


def left_over(session: Session) -> list[int]:
    """Imports that have staged something and will not be resumed: dry runs that were killed."""
    rows = _ask(
        session,
        "select distinct p.import_id from import_part p left join import_run r on r.import_id = p.import_id "
        "where r.import_id is null or r.ended_at is not null",
        (),
    )
    return [import_id for (import_id,) in rows]


def _take_time(session: Session) -> None:
    """For a statement over all lines of a file there is no deadline."""
    database.take_time(session)


def _ask(session: Session, statement: str, values: Sequence[Any] | dict[str, Any]) -> Cursor:
    connection: Connection = database.driver(session)
    return connection.execute(statement, values, binary=True)


def _two(refusals: Sequence[tuple[int, str]]) -> tuple[list[int], list[str]]:
    return [line_no for line_no, _ in refusals], [reason for _, reason in refusals]


def _escaped(line: str) -> str:
    """As COPY's text format wants it; a line of a file has no end of line in it."""
    if "\\" in line or "\t" in line:
        return line.replace("\\", r"\\").replace("\t", r"\t")
    return line
