"""A file of opening balances: each line is a lot that a member brings, posted once under the approval of the file's totals.

A line is known by its customer and its key: the same again changes nothing, another content is refused. What points were
worth in the older system is kept where it says so and never guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session

from base import clock, csv_files, database
from base.csv_files import BadCell
from base.errors import Problem
from points import ledger, lots, policies, staged_imports
from points.deeds import Request
from points.imports import Format, Outcome, Report, What, refused
from points.kinds import MOST_POINTS, Kind
from points.members import members
from points.models import Programme
from points.opening import opening
from points.policies import NoRuleInForce, Policies
from points.staged_imports import How

REQUIRED = ("key", "customer_id", "class", "last_day", "points", "source")
OPTIONAL = ("value_fen", "earned_on")
CHANGED = "key: changed; an opening lot is posted once, propose an adjustment"
NO_CUSTOMER = "customer_id: no such customer in this programme"
MOST_FEN = 10**13
MOST_CLASS = 2**lots.CLASS_BITS - 1
EARLIEST = date(1990, 1, 1)
_UNAPPROVED = 0  # of a dry run, which keeps nothing


@dataclass(frozen=True, slots=True)
class Lot:
    """A line of the file; `last_day` None: its points do not lapse."""

    customer_id: str
    key: str
    lot_class: int
    last_day: date | None
    points: int
    value_fen: int | None
    source: str
    earned_on: date | None

    @property
    def until(self) -> date:
        return self.last_day or lots.NO_END


Place = tuple[int, str]
_Contents = tuple[int, date, int, int | None, str, date | None]


def take_in(programme: Programme, proposal_id: int, path: Path, **how: Unpack[How]) -> Report:
    """A file of opening balances under an approval; opens its own transactions, see points/staged_imports.py."""
    return staged_imports.run(programme, path, partial(form, proposal_id), **how)


def tried(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """What a file would bring: its control totals; nothing is kept."""
    how["dry_run"] = True
    return take_in(programme, _UNAPPROVED, path, **how)


def form(proposal_id: int, session: Session, programme: Programme) -> Format[Lot]:
    """How opening balances are taken in under an approval."""
    versions = policies.load(session, programme.programme_id)
    return Format(
        kind=opening.RUN,
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=lambda session, rows: post_lots(session, programme, versions, proposal_id, rows),
        identity=lambda row: (row.customer_id, row.key),
        sums=_sums,
    )


def post_lots(
    session: Session, programme: Programme, versions: Policies, proposal_id: int, rows: Sequence[Lot]
) -> list[Outcome]:
    """Post lots, one outcome each in the same order; safe to repeat. Nothing is committed here."""
    today = clock.day(clock.now(), programme.zone)
    found = members.find_many(session, programme.programme_id, list({row.customer_id for row in rows}))
    known = _stored(session, {(found[row.customer_id], row.key) for row in rows if row.customer_id in found})
    outcomes: dict[int, Outcome] = {}
    fresh: dict[int, Place] = {}
    first: dict[Place, int] = {}
    repeats: dict[int, int] = {}
    for number, row in enumerate(rows):
        place = (found.get(row.customer_id, 0), row.key)
        if not place[0]:
            outcomes[number] = refused(NO_CUSTOMER)
        elif place in known:
            same = known[place] == _contents(row)
            outcomes[number] = Outcome(What.THERE) if same else refused(CHANGED)
            if same and place in first:
                repeats[number] = first[place]
        elif fault := _fault(row, versions, today):
            outcomes[number] = refused(fault)
        else:
            fresh[number], known[place], first[place] = place, _contents(row), number
    requests = [_request(programme, proposal_id, place[0], rows[number]) for number, place in fresh.items()]
    kept: dict[Place, tuple[int, Lot]] = {}
    for (number, place), answer in zip(fresh.items(), ledger.post_many(session, requests), strict=True):
        row = rows[number]
        if isinstance(answer, Problem):
            outcomes[number] = refused(f"points: {answer}")
        elif answer.replayed:
            outcomes[number] = refused(CHANGED)
        else:
            kept[place] = (answer.seq, row)
            outcomes[number] = Outcome(What.POSTED, row.points, opening.name_of(row.lot_class, row.until))
    _keep(session, proposal_id, kept)
    return [
        outcomes[repeats[number]] if _failed(outcomes, repeats.get(number)) else outcomes[number]
        for number in range(len(rows))
    ]


def _failed(outcomes: dict[int, Outcome], number: int | None) -> bool:
    return number is not None and outcomes[number].what is What.REFUSED


def _fault(row: Lot, versions: Policies, today: date) -> str:
    """Why there can be no such lot; empty when there can."""
    try:
        policy = versions.expiry_policy(row.lot_class, today)
    except NoRuleInForce:
        return f"class: the programme has no expiry policy for class {row.lot_class}"
    if row.last_day is None and policy.months is not None:
        return f"last_day: is empty, and points of class {row.lot_class} lapse"
    if row.last_day is not None and not today <= row.last_day < lots.NO_END:
        return f"last_day: must lie between {today} and {lots.NO_END}"
    if row.earned_on is not None and not EARLIEST <= row.earned_on <= today:
        return f"earned_on: must lie between {EARLIEST} and today"
    return ""


def _request(programme: Programme, proposal_id: int, member_id: int, row: Lot) -> Request:
    return Request(
        member_id=member_id,
        idem=ledger.key("opening", f"{programme.code}:{row.key}"),
        kind=Kind.EARN,
        points=row.points,
        at=clock.now(),
        zone=programme.zone,
        lot_key=lots.key(row.until, row.lot_class),
        value_fen=row.value_fen,
        ref=opening.ref_of(proposal_id, row.source),
    )


def _contents(row: Lot) -> _Contents:
    return row.lot_class, row.until, row.points, row.value_fen, row.source, row.earned_on


def _stored(session: Session, places: Iterable[Place]) -> dict[Place, _Contents]:
    wanted = sorted(places)
    rows = session.connection().exec_driver_sql(
        "select o.member_id, o.key, o.lot_class, o.last_day, o.points, o.value_fen, o.source, o.earned_on "
        "from unnest(%s::text::bigint[], %s::text::text[]) k(m, k) "
        "join opening_lot o on o.member_id = k.m and o.key = k.k",
        (database.array(m for m, _ in wanted), database.array(k for _, k in wanted)),
    )
    return {(row[0], row[1]): (row[2], row[3], row[4], row[5], row[6], row[7]) for row in rows}


def _keep(session: Session, proposal_id: int, kept: dict[Place, tuple[int, Lot]]) -> None:
    rows = [
        (m, key, seq, row.points, row.value_fen, row.until, row.earned_on, row.lot_class, row.source)
        for (m, key), (seq, row) in sorted(kept.items(), key=lambda one: one[0])
    ]
    if rows:
        session.connection().exec_driver_sql(
            "insert into opening_lot (proposal_id, member_id, key, seq, points, value_fen, last_day, earned_on, lot_class, "
            "source) select %s, t.* from unnest(%s::text::bigint[], %s::text::text[], %s::text::bigint[], "
            "%s::text::bigint[], %s::text::bigint[], %s::text::date[], %s::text::date[], %s::text::smallint[], "
            "%s::text::text[]) t",
            (proposal_id, *(database.array(column) for column in zip(*rows, strict=True))),
        )


def _sums(rows: Sequence[Lot]) -> dict[str, int]:
    """Lines of one customer are never in two parts, so the members of the parts add up."""
    sums = {
        "members": len({row.customer_id for row in rows}),
        "points": sum(row.points for row in rows),
        "value_fen": sum(row.value_fen or 0 for row in rows),
        "without_value": sum(row.value_fen is None for row in rows),
    }
    for row in rows:
        name = opening.name_of(row.lot_class, row.until)
        sums[name] = sums.get(name, 0) + row.points
    return sums


def _parse(cells: dict[str, str]) -> Lot:
    points = csv_files.whole_number(cells, "points")
    if not 1 <= points <= MOST_POINTS:
        raise BadCell(f"points: must lie between 1 and {MOST_POINTS}")
    lot_class = csv_files.whole_number(cells, "class")
    if not 0 <= lot_class <= MOST_CLASS:
        raise BadCell(f"class: must lie between 0 and {MOST_CLASS}")
    value_fen = csv_files.whole_number(cells, "value_fen") if cells.get("value_fen") else None
    if value_fen is not None and not 0 <= value_fen <= MOST_FEN:
        raise BadCell(f"value_fen: must lie between 0 and {MOST_FEN}")
    return Lot(
        csv_files.text(cells, "customer_id"),
        csv_files.text(cells, "key"),
        lot_class,
        csv_files.day(cells, "last_day") if cells.get("last_day") else None,
        points,
        value_fen,
        csv_files.text(cells, "source"),
        csv_files.day(cells, "earned_on") if cells.get("earned_on") else None,
    )
