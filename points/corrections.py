"""Corrections of bill lines: what a line says later, under the rule, the factors and the policy that it was rated under.

What was paid keeps what it earned as far as it is still due: the pending points shrink or grow first. Fewer are taken
back from the line's own earnings, latest first, and what was spent already becomes debt; more enter the lot of the
line's first policy. A correction counts once: its keys in the ledger come from the programme, the line and the
correction's id. Several of one line follow each other, each against the latest amounts.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy.orm import Session

from base import clock, csv_files
from base.database import StillRunning
from base.errors import Problem
from points import bills, imports, ledger, line_history, payments, policies
from points.bills import MOST_FEN
from points.deeds import Request
from points.imports import Format, How, Outcome, Report, What, refused
from points.kinds import MOST_POINTS, Kind
from points.ledger import Answer
from points.line_history import Corrected, Line, Named, Paid, Place, Standing
from points.models import Programme

REQUIRED = ("correction_id", "bill_id", "line_no", "customer_id", "correction_day", "amount_fen")
OPTIONAL = ("waived_fen",)
CHANGED = "changed: a correction is never edited; send another one"
ITS_POSTINGS = (Kind.EARN, Kind.UNEARN, Kind.OWE)  # the rest of an answer fell due beside it


@dataclass(frozen=True, slots=True)
class CorrectionIn:
    """A bill line's amounts after a correction, in fen; `waived_fen` None: as before."""

    customer_id: str
    correction_id: str
    bill_id: str
    line_no: int
    correction_day: date
    amount_fen: int
    waived_fen: int | None = None


@dataclass(frozen=True, slots=True)
class _Rated:
    """A correction that can be posted: how the line stood and how it will."""

    correction: CorrectionIn
    line: Line
    after: Standing

    @property
    def more(self) -> int:
        """Earned points that the correction brings; negative: that it takes back."""
        return self.after.earned - self.line.latest.earned


@dataclass(frozen=True, slots=True)
class _Earned:
    """A posting that a line earned by, and what is left of it to take back."""

    seq: int
    left: int


class _CannotCorrect(ValueError):
    """The correction cannot be posted; the text says why."""


def take_in(programme: Programme, path: Path, **how: Unpack[How]) -> Report:
    """A file of corrections; opens its own transactions, see points/imports.py."""
    return imports.run(programme, path, form(programme), **how)


def form(programme: Programme) -> Format[CorrectionIn]:
    """How corrections are taken in."""
    return Format(
        kind="corrections",
        required=REQUIRED,
        optional=OPTIONAL,
        changed=CHANGED,
        parse=_parse,
        take=lambda session, corrections: post_corrections(session, programme, corrections),
        identity=lambda one: (one.customer_id, one.bill_id, one.line_no, one.correction_id),
    )


def post_corrections(
    session: Session, programme: Programme, corrections: Sequence[CorrectionIn]
) -> list[Outcome]:
    """Rate and post corrections, one outcome each in the same order; safe to repeat. Nothing is committed here.

    Those of one line are done in the order given: the first of each line together, then the second, and so on.
    Another run that corrects the same members' lines at this moment is waited for; StillRunning after a second.
    """
    outcomes: dict[int, Outcome] = {}
    for numbered in line_history.turns(corrections, _named):
        outcomes |= _post_round(session, programme, numbered)
    return [outcomes[number] for number in range(len(corrections))]


def _named(correction: CorrectionIn) -> Named:
    return correction.customer_id, correction.bill_id, correction.line_no


def _post_round(
    session: Session, programme: Programme, corrections: Mapping[int, CorrectionIn]
) -> dict[int, Outcome]:
    lines = line_history.of_customers(session, programme, map(_named, corrections.values()))
    today = clock.day(clock.now(), programme.zone)
    outcomes: dict[int, Outcome] = {}
    rated: dict[int, _Rated] = {}
    for number, correction in corrections.items():
        line = lines.get(_named(correction))
        if line is None:
            outcomes[number] = refused("bill_id: this customer has no such bill line in this programme")
        elif known := _known(line, correction.correction_id):
            outcomes[number] = Outcome(What.THERE) if _says_the_same(correction, known) else refused(CHANGED)
        else:
            try:
                rated[number] = _rate(correction, line, today)
            except _CannotCorrect as fault:
                outcomes[number] = refused(str(fault))
    return outcomes | _post(session, programme, rated)


# Rating


def _known(line: Line, correction_id: str) -> Corrected | None:
    return next(
        (e for e in line.events if isinstance(e, Corrected) and e.correction_id == correction_id), None
    )


def _says_the_same(correction: CorrectionIn, known: Corrected) -> bool:
    waived_fen = known.waived_fen if correction.waived_fen is None else correction.waived_fen
    said = (correction.amount_fen, waived_fen, correction.correction_day)
    return said == (known.amount_fen, known.waived_fen, known.day)


def _rate(correction: CorrectionIn, line: Line, today: date) -> _Rated:
    latest, day = line.latest, correction.correction_day
    waived_fen = latest.waived_fen if correction.waived_fen is None else correction.waived_fen
    if not 0 <= correction.amount_fen <= MOST_FEN:
        raise _CannotCorrect(f"amount_fen: must lie between 0 and {MOST_FEN}")
    if not 0 <= waived_fen <= correction.amount_fen:
        raise _CannotCorrect(f"waived_fen: {waived_fen} does not lie between 0 and the amount")
    if day > today:
        raise _CannotCorrect("correction_day: lies in the future")
    if day < latest.day:
        raise _CannotCorrect(f"correction_day: lies before the line's latest word, of {latest.day}")
    points = line.points_for(correction.amount_fen, waived_fen)
    after = Standing(correction.amount_fen, waived_fen, points, latest.paid_fen, day)
    if points > MOST_POINTS:
        raise _CannotCorrect(f"points: over {MOST_POINTS}")
    return _Rated(correction, line, after)


# Posting


def _post(session: Session, programme: Programme, rated: Mapping[int, _Rated]) -> dict[int, Outcome]:
    """Differences go to the wallets, corrections to `bill_correction`; one without a difference is only kept."""
    earned = _earned(session, programme, [one.line for one in rated.values() if one.more < 0])
    expiry = policies.expiry_by_id(session, {one.line.policy_id for one in rated.values() if one.more > 0})
    at = clock.now()
    requests: list[Request] = []
    of: list[int] = []
    outcomes: dict[int, Outcome] = {}
    for number, one in rated.items():
        place = one.line.place
        if one.more > 0:
            lot_key = policies.lot_key(expiry[one.line.policy_id], one.line.first.day)
            asked = [_earn(programme, one, lot_key, at)]
        else:
            asked = _unearns(programme, one, earned.get(place, []), at)
        if sum(request.points for request in asked) < abs(one.more):
            outcomes[number] = refused("points: less is left of the line's points than is to be taken back")
            continue
        requests += asked
        of += [number] * len(asked)
    answers: dict[int, list[Answer | Problem]] = defaultdict(list)
    for number, answer in zip(of, ledger.post_many(session, requests), strict=True):
        answers[number].append(answer)
    good: list[tuple[_Rated, list[int]]] = []
    for number, one in rated.items():
        if number in outcomes:
            continue
        posted = [answer for answer in answers[number] if isinstance(answer, Answer)]
        problems = [answer for answer in answers[number] if isinstance(answer, Problem)]
        if problems and posted:  # the line's state changed in between: the whole chunk is done again
            raise StillRunning(retry_after_s=1)
        if problems:
            outcomes[number] = refused(f"points: {problems[0]}")
            continue
        outcomes[number] = Outcome(What.POSTED, one.more, one.line.line_type)
        good.append((one, [p.seq for answer in posted for p in answer.postings if p.kind in ITS_POSTINGS]))
    _keep(session, good, at)
    return outcomes


def _earn(programme: Programme, one: _Rated, lot_key: int, at: datetime) -> Request:
    return Request(
        member_id=one.line.place[0],
        idem=key(programme, one.line.place, one.correction.correction_id),
        kind=Kind.EARN,
        points=one.more,
        at=at,
        zone=programme.zone,
        lot_key=lot_key,
        version_id=one.line.rule.rule_id,
        ref=_ref(one),
    )


def _unearns(programme: Programme, one: _Rated, earned: Sequence[_Earned], at: datetime) -> list[Request]:
    """One request for each posting that the line earned by, the latest first, until the difference is reached."""
    missing, requests = -one.more, []
    for earning in earned:
        points = min(missing, earning.left)
        if points:
            requests.append(
                Request(
                    member_id=one.line.place[0],
                    idem=key(programme, one.line.place, one.correction.correction_id, earning.seq),
                    kind=Kind.UNEARN,
                    points=points,
                    at=at,
                    zone=programme.zone,
                    rev_of=earning.seq,
                    version_id=one.line.rule.rule_id,
                    ref=_ref(one),
                )
            )
            missing -= points
    return requests


def key(programme: Programme, place: Place, correction_id: str, *earning: int) -> UUID:
    """Under which key a correction is posted; one that takes back from several earnings has one for each."""
    return ledger.key("bill-correction", json.dumps([programme.code, *place[1:], correction_id, *earning]))


def _ref(one: _Rated) -> str:
    return f"bill {one.line.place[1]} line {one.line.place[2]} correction {one.correction.correction_id}"


# Reading and keeping


def keys_of(programme: Programme, line: Line) -> list[UUID]:
    """The keys under which a line may have earned: as it came, by payments, and by corrections upwards."""
    _, bill_id, line_no = line.place
    return [
        bills.key(programme, bill_id, line_no),
        *(
            payments.key(programme, line.place, event.payment_id)
            if isinstance(event, Paid)
            else key(programme, line.place, event.correction_id)
            for event in line.events
        ),
    ]


def _earned(session: Session, programme: Programme, lines: Sequence[Line]) -> dict[Place, list[_Earned]]:
    """What lines earned by, each with what is left of it to take back; the latest first."""
    keys = {(line.place[0], one): line.place for line in lines for one in keys_of(programme, line)}
    rows = session.connection().exec_driver_sql(
        "select p.member_id, p.idem, p.seq, p.amount - coalesce((select sum(r.amount) from posting r "
        "where r.member_id = p.member_id and r.rev_of = p.seq), 0)::bigint "
        "from unnest(%s::bigint[], %s::text[]) k(m, i) join posting p on p.member_id = k.m and p.idem = k.i::uuid "
        "where p.kind = %s order by p.member_id, p.seq desc",
        ([m for m, _ in keys], [str(one) for _, one in keys], int(Kind.EARN)),
    )
    found: dict[Place, list[_Earned]] = defaultdict(list)
    for member_id, idem, seq, left in rows:
        found[keys[member_id, idem]].append(_Earned(seq, left))
    return found


def _keep(session: Session, good: Sequence[tuple[_Rated, list[int]]], at: datetime) -> None:
    rows = sorted(
        (*one.line.place, one.correction.correction_id, len(one.line.events) + 1, one.after.amount_fen,
         one.after.waived_fen, one.line.latest.points, one.after.points, one.after.day,
         "{" + ",".join(map(str, seqs)) + "}")
        for one, seqs in good
    )  # fmt: skip
    session.connection().exec_driver_sql(
        "insert into bill_correction (member_id, bill_id, line_no, correction_id, nth, amount_fen, waived_fen, "
        "points_before, points, correction_day, seqs, at) select m, b, l, c, n, a, w, pb, p, d, s::bigint[], %s "
        "from unnest(%s::bigint[], %s::text[], %s::int[], %s::text[], %s::int[], %s::bigint[], %s::bigint[], "
        "%s::bigint[], %s::bigint[], %s::date[], %s::text[]) t(m, b, l, c, n, a, w, pb, p, d, s)",
        (at, *_columns(rows, 11)),
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(width)]


def _parse(cells: dict[str, str]) -> CorrectionIn:
    return CorrectionIn(
        customer_id=csv_files.text(cells, "customer_id"),
        correction_id=csv_files.text(cells, "correction_id"),
        bill_id=csv_files.text(cells, "bill_id"),
        line_no=csv_files.whole_number(cells, "line_no"),
        correction_day=csv_files.day(cells, "correction_day"),
        amount_fen=csv_files.whole_number(cells, "amount_fen"),
        waived_fen=csv_files.whole_number(cells, "waived_fen") if cells.get("waived_fen") else None,
    )
