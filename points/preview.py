"""What a dry run tells beside its counts: points by rule and class, the largest members, a sample of rated lines.

Points are read from the postings themselves, in the transaction that made them and before it is rolled back; those of a
real run are counted in the same way, so that the report can be compared with the ledger.
"""

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from psycopg import Connection, Cursor
from sqlalchemy.orm import Session

from base import database
from base.csv_files import Row
from points.imports import Outcome, What
from points.kinds import Kind
from points.lots import CLASS_BITS
from points.models import Programme

LARGEST = 20
SAMPLE = 10
# What a file moves itself; whatever fell due beside it is not its doing.
_SIGNED = f"case when p.kind = {int(Kind.EARN)} then p.amount else -p.amount end"
_ITS_OWN = f"p.kind in ({int(Kind.EARN)}, {int(Kind.UNEARN)}, {int(Kind.OWE)})"
# Member by member over the key: left to itself, the planner reads all postings that there are, for every part.
_SINCE = (
    "from unnest(%s::bigint[], %s::bigint[]) k(m, s) cross join lateral (select p.*, p.xmin as made_by from posting p "
    "where p.member_id = k.m and p.seq > k.s offset 0) p"
)

Numbers = Mapping[int, int]


def numbers(session: Session, programme: Programme, customers: Iterable[str]) -> dict[int, int]:
    """Member id -> number of the latest posting, of all memberships of the customers."""
    rows = _ask(
        session,
        "select m.member_id, w.seq from member m join wallet w on w.member_id = m.member_id "
        "where m.programme_id = %s and m.customer_id = any(string_to_array(%s, chr(10)))",
        (programme.programme_id, "\n".join(customers)),
    )
    return dict(rows.fetchall())


def recounted(session: Session, before: Numbers) -> int:
    """The points of what this very transaction posted since."""
    [(points,)] = _ask(
        session,
        f"select coalesce(sum({_SIGNED}), 0)::bigint {_SINCE} "
        f"where {_ITS_OWN} and p.made_by = pg_current_xact_id()::xid",
        (list(before), list(before.values())),
    ).fetchall()
    return int(points)


def noted(
    session: Session, before: Numbers, rows: Sequence[Row], outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Of one part: points by rule and class, the largest members, and lines drawn by lot."""
    given = (list(before), list(before.values()))
    rules = _ask(
        session,
        f"select p.version_id, p.lots[1] & {(1 << CLASS_BITS) - 1}, count(*), sum({_SIGNED})::bigint {_SINCE} "
        f"where {_ITS_OWN} group by 1, 2",
        given,
    )
    largest = _ask(
        session,
        f"select m.customer_id, count(*), sum({_SIGNED})::bigint {_SINCE} join member m on m.member_id = p.member_id "
        f"where {_ITS_OWN} group by 1 order by 3 desc, 1 limit {LARGEST}",
        given,
    )
    drawn = heapq.nsmallest(
        SAMPLE,
        (
            (_lot(row), row, outcome)
            for row, outcome in zip(rows, outcomes, strict=True)
            if outcome.what is What.POSTED
        ),
    )
    return {
        "rules": [list(row) for row in rules],
        "largest": [list(row) for row in largest],
        "sample": [[lot, row.line_no, [*row.cells.items()], outcome.points] for lot, row, outcome in drawn],
    }


def told(session: Session, notes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All parts together, for the report; customers are masked."""
    rules: dict[tuple[int, int], list[int]] = {}
    largest: list[tuple[int, int, str]] = []
    sample: list[tuple[str, int, list[tuple[str, str]], int]] = []
    for note in notes:
        for rule_id, lot_class, lines, points in note["rules"]:
            sums = rules.setdefault((rule_id, lot_class), [0, 0])
            sums[0], sums[1] = sums[0] + lines, sums[1] + points
        largest = heapq.nlargest(LARGEST, [*largest, *((p, n, c) for c, n, p in note["largest"])])
        sample = heapq.nsmallest(SAMPLE, [*sample, *map(tuple, note["sample"])], key=lambda drawn: drawn[:2])
    names = _names(session, [rule_id for rule_id, _ in rules])
    return {
        "by_rule": [
            {
                "rule": str(rule_id),
                **names.get(rule_id, {}),
                "class": lot_class,
                "postings": lines,
                "points": points,
            }
            for (rule_id, lot_class), (lines, points) in sorted(rules.items())
        ],
        "largest": [
            {"customer": masked(c), "postings": lines, "points": points} for points, lines, c in largest
        ],
        "sample": [
            {"line": line_no, **{name: _told(name, value) for name, value in cells}, "points": points}
            for _, line_no, cells, points in sorted(sample, key=lambda drawn: drawn[1])
        ],
    }


def masked(customer: str) -> str:
    """A customer id for display: 86****42."""
    return f"{customer[:2]}****{customer[-2:]}" if len(customer) >= 8 else "****"


def _told(name: str, value: str) -> str:
    return masked(value) if name == "customer_id" else value


def _lot(row: Row) -> str:
    """A number drawn for a line: the same in every run over the same file, whatever the workers."""
    return sha256(json.dumps([row.line_no, row.cells]).encode()).hexdigest()[:16]


def _names(session: Session, rule_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    rows = _ask(
        session,
        "select rule_id, line_type, from_day from earn_rule where rule_id = any(%s::bigint[])",
        (list(rule_ids),),
    )
    return {rule_id: {"line_type": line_type, "from_day": str(day)} for rule_id, line_type, day in rows}


def _ask(session: Session, statement: str, values: Sequence[Any]) -> Cursor:
    connection: Connection = database.driver(session)
    return connection.execute(statement, values, binary=True)
