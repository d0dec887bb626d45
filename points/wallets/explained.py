"""The sentences of a page of postings: bill lines, rules and corrections are read for the whole page at once."""

import re
from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from points import explain, extensions, programmes
from points.explain import Correction, Reckoning, Sentence
from points.kinds import Kind
from points.members import members
from points.models import BillCorrection, BillLine, EarnRule, PostingRow

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
    of_correction = _corrections(session, member_id, [row.seq for row in rows], currency)
    of_line = _lines(session, member_id, rows, currency)
    behind = [(row, *of_correction.get(row.seq, (of_line.get(row.seq), None))) for row in rows]
    return {row.seq: explain.explain(row, line, correction, calendar) for row, line, correction in behind}


def _lines(
    session: Session, member_id: int, rows: Sequence[PostingRow], currency: str
) -> dict[int, Reckoning]:
    named = {row.seq: bill_line(row) for row in rows}
    places = {place for place in named.values() if place}
    if not places:
        return {}
    found = session.execute(
        select(BillLine, EarnRule)
        .join(EarnRule, EarnRule.rule_id == BillLine.rule_id)
        .where(BillLine.member_id == member_id, tuple_(BillLine.bill_id, BillLine.line_no).in_(places))
    )
    lines = {
        (line.bill_id, line.line_no): Reckoning(
            line.bill_id, line.line_no, line.amount_fen, line.waived_fen, rule.points, rule.per_fen, currency
        )
        for line, rule in found
    }
    return {seq: lines[place] for seq, place in named.items() if place in lines}


def bill_line(row: PostingRow) -> tuple[str, int] | None:
    """The bill line that an earning names."""
    found = _BILL_LINE.fullmatch(row.ref or "") if row.kind == Kind.EARN else None
    return (found[1], int(found[2])) if found and int(found[2]) < 2**31 else None


def _corrections(
    session: Session, member_id: int, seqs: list[int], currency: str
) -> dict[int, tuple[Reckoning, Correction]]:
    found = session.execute(
        select(BillCorrection, EarnRule)
        .join(
            BillLine,
            (BillLine.member_id == BillCorrection.member_id)
            & (BillLine.bill_id == BillCorrection.bill_id)
            & (BillLine.line_no == BillCorrection.line_no),
        )
        .join(EarnRule, EarnRule.rule_id == BillLine.rule_id)
        .where(BillCorrection.member_id == member_id, BillCorrection.seqs.overlap(seqs))
    )
    return {
        seq: (
            Reckoning(
                one.bill_id, one.line_no, one.amount_fen, one.waived_fen, rule.points, rule.per_fen, currency
            ),
            Correction(one.correction_id, one.points_before),
        )
        for one, rule in found
        for seq in one.seqs
    }
