"""The sentences of a page of postings: bill lines with all that happened to them are read for the whole page at once."""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from points import explain, extensions, line_history, programmes
from points.bonuses import reasons as bonus_reasons
from points.explain import Correction, Payment, Reckoning, Sentence
from points.kinds import Kind
from points.line_history import Corrected, Line, Place, Standing
from points.members import members
from points.models import PostingRow

Reasons = tuple[Reckoning, Correction | Payment | None]
_BILL_LINE = re.compile(r"bill (.+) line (\d{1,10})")


def explanations(session: Session, member_id: int, rows: Sequence[PostingRow]) -> dict[int, Sentence]:
    """A sentence for each posting of a member, by the posting's number; as many statements for two hundred as for
    one.
    """
    if not rows:
        return {}
    programme_id = members.by_id(session, member_id).programme_id
    currency = programmes.by_id(session, programme_id).currency
    calendar = extensions.of(session, programme_id, max(row.at for row in rows))
    named = {row.seq: place for row in rows if (place := bill_line(row))}
    told = _told_of(session, member_id, [row.seq for row in rows])
    places = {*named.values(), *told}
    lines = line_history.of_member(session, member_id, places=places) if places else {}
    reasons = {
        seq: (_reckoning(lines[member_id, *place], None, currency), None)
        for seq, place in named.items()
        if (member_id, *place) in lines
    } | _of_events(lines, currency)
    behind = [(row, *reasons.get(row.seq, (None, None))) for row in rows]
    bonuses = bonus_reasons.of_postings(session, member_id, rows)
    return {row.seq: explain.explain(row, line, cause, calendar) for row, line, cause in behind} | {
        row.seq: bonus.sentence(row)
        for row in rows
        if (bonus := bonuses.get(row.seq)) and bonus.explains(row)
    }


def bill_line(row: PostingRow) -> tuple[str, int] | None:
    """The bill line that an earning names."""
    found = _BILL_LINE.fullmatch(row.ref or "") if row.kind == Kind.EARN else None
    return (found[1], int(found[2])) if found and int(found[2]) < 2**31 else None


def _told_of(session: Session, member_id: int, seqs: list[int]) -> set[tuple[str, int]]:
    """The lines whose corrections or payments made these postings."""
    rows = session.connection().exec_driver_sql(
        "select bill_id, line_no from bill_correction where member_id = %(m)s and seqs && %(s)s::bigint[] union "
        "select bill_id, line_no from bill_payment where member_id = %(m)s and seq = any(%(s)s)",
        {"m": member_id, "s": seqs},
    )
    return {(row[0], row[1]) for row in rows}


def _of_events(lines: dict[Place, Line], currency: str) -> dict[int, Reasons]:
    """What made the postings of corrections and payments: how the line stood after each, and before it."""
    return {
        seq: (_reckoning(line, after, currency), _cause(event, before))
        for line in lines.values()
        for event, before, after in _steps(line)
        for seq in event.seqs
    }


def _steps(line: Line) -> Iterable[tuple[Corrected | line_history.Paid, Standing, Standing]]:
    standings = line.standings()
    return zip(line.events, standings, standings[1:], strict=False)


def _cause(event: Corrected | line_history.Paid, before: Standing) -> Correction | Payment:
    if isinstance(event, Corrected):
        return Correction(event.correction_id, before.earned)
    return Payment(event.payment_id, event.paid_fen, before.earned)


def _reckoning(line: Line, standing: Standing | None, currency: str) -> Reckoning:
    now = standing or line.first
    _, bill_id, line_no = line.place
    return Reckoning(
        bill_id,
        line_no,
        now.amount_fen,
        now.waived_fen,
        line.rule.points,
        line.rule.per_fen,
        currency,
        line.factors,
        now.paid_fen,
    )
