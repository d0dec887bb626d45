"""Which earned points a posting moved, back to the lines of the bills that brought them: reads what the trace needs.

Of a member's postings only those come over that gave points to the lots in question, and what came back with their
originals. The server finds them by looking through this member's postings (3 ms for ten thousand), so that the hottest
table needs no further index; the number of statements does not grow with the history.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, ColumnElement, and_, any_, cast, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import NotFound
from points import ledger, lots, trace
from points.bonuses import reasons
from points.bonuses.reasons import Reason
from points.gifts.models import RECEIVED, Gift
from points.kinds import GIVES, Kind
from points.lots import Interval
from points.models import BillCorrection, BillLine, PostingRow
from points.trace import History, Moved, Source
from points.wallets import explained, wallets

_GIVES = sorted(int(kind) for kind in GIVES)


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill line behind an earning; `correction_id` where a later correction of the line brought the points."""

    bill_id: str
    line_no: int
    bill_day: date
    line_type: str
    correction_id: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """`points` that came into a wallet from outside by posting `seq` of `member_id`, and the bill line or bonus behind them."""

    member_id: int
    seq: int
    kind: Kind
    points: int
    day: date
    ref: str | None
    bill: Bill | None = None
    bonus: Reason | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Points of one lot, and where they came from; the origins' points add up to them."""

    last_day: date
    lot_class: int
    points: int
    origins: tuple[Origin, ...]


def of_posting(
    session: Session, member_id: int, seq: int, *, through_gifts: bool = False
) -> tuple[Part, ...]:
    """The lots that a posting took or gave, in its order, each with the postings that brought its points.

    A gift is where the trace of its receiver ends; `through_gifts` follows it into the giver's wallet, which is for the
    operator's eyes alone. PostingUnknown.
    """
    row = wallets.posting(session, member_id, seq)
    return _parts(session, member_id, _intervals(row.lots), through_gifts)


def of_wallet(session: Session, member_id: int, *, through_gifts: bool = False) -> tuple[Part, ...]:
    """The points that are in the wallet now (also those of lots that no sweep has taken yet), lot by lot."""
    pot = ledger.read(session, member_id).lots
    left = [Interval(k, taken, given - taken) for k, given, taken in zip(*pot, strict=True) if given > taken]
    return _parts(session, member_id, left, through_gifts)


def _parts(
    session: Session, member_id: int, intervals: Sequence[Interval], through_gifts: bool
) -> tuple[Part, ...]:
    history = _history(session, member_id, {interval.key for interval in intervals})
    traced = [history.sources([interval]) for interval in intervals]
    calendar = wallets.calendar(session, member_id, clock.now())
    every = _Origins(session, member_id, {source.seq for sources in traced for source in sources})
    return tuple(
        Part(
            lots.last_day(lots.lasting(interval.key, calendar)),
            lots.lot_class(interval.key),
            interval.count,
            tuple(origin for source in sources for origin in every.of(source, through_gifts)),
        )
        for interval, sources in zip(intervals, traced, strict=True)
    )


def _history(session: Session, member_id: int, keys: set[int]) -> History:
    """Gives of these lots, with what they came back from; one round for each lot that points came back from at most."""
    found: dict[int, Moved] = {}
    known: set[int] = set()
    while keys - known:
        asked, known = keys - known, known | keys
        gives = _read(session, member_id, _touches(asked))
        originals = {seq for give in gives if (seq := trace.comes_back_from(give)) is not None}
        behind = _read(session, member_id, _they_or_what_came_back(originals)) if originals else []
        found |= {posting.seq: posting for posting in (*gives, *behind)}
        keys = keys | {one.key for seq in originals if seq in found for one in found[seq].lots}
    return History(found.values())


def _touches(keys: Iterable[int]) -> ColumnElement[bool]:
    """Gives of these lots; a count that happens to be equal to a key brings in one too many, which does no harm."""
    return and_(PostingRow.kind.in_(_GIVES), PostingRow.lots.overlap(_numbers(keys)))


def _they_or_what_came_back(seqs: Iterable[int]) -> ColumnElement[bool]:
    wanted = _numbers(seqs)
    return or_(PostingRow.seq == any_(wanted), PostingRow.rev_of == any_(wanted))


def _numbers(numbers: Iterable[int]) -> ColumnElement[Sequence[int]]:
    return cast(sorted(numbers), ARRAY(BigInteger))


def _read(session: Session, member_id: int, which: ColumnElement[bool]) -> list[Moved]:
    """Few columns: of a long history these are all that is sent."""
    asked = select(
        PostingRow.seq,
        PostingRow.kind,
        PostingRow.amount,
        PostingRow.rev_of,
        PostingRow.lots,
        PostingRow.contra,
    )
    rows = session.execute(asked.where(PostingRow.member_id == member_id, which))
    return [
        Moved(seq, Kind(kind), amount, rev_of, _intervals(flat), contra)
        for seq, kind, amount, rev_of, flat, contra in rows
    ]


def _intervals(flat: Sequence[int]) -> tuple[Interval, ...]:
    return tuple(Interval(*flat[at : at + 3]) for at in range(0, len(flat), 3))


class _Origins:
    """What is told about the postings that brought points; read for all of them at once."""

    def __init__(self, session: Session, member_id: int, seqs: set[int]) -> None:
        self._session, self._member_id = session, member_id
        mine = PostingRow.member_id == member_id
        rows = session.scalars(select(PostingRow).where(mine, PostingRow.seq == any_(_numbers(seqs))))
        self._rows = {row.seq: row for row in rows}
        self._bills = bills_behind(session, member_id, list(self._rows.values()))
        self._bonuses = reasons.of_postings(session, member_id, self._rows.values())

    def of(self, source: Source, through_gifts: bool) -> tuple[Origin, ...]:
        row = self._rows[source.seq]
        if through_gifts and row.kind == Kind.GIFT_IN:
            return self._of_giver(row, source)
        return (
            Origin(
                self._member_id, row.seq, Kind(row.kind), source.count, row.effective_on, row.ref,
                self._bills.get(row.seq), self._bonuses.get(row.seq),
            ),
        )  # fmt: skip

    def _of_giver(self, arrived: PostingRow, source: Source) -> tuple[Origin, ...]:
        """The same points in the giver's wallet: a gift arrives with the lots and counts with which it left."""
        try:
            (gift_id,) = ids.parse("gft", arrived.ref or "", parts=1)
        except NotFound:
            return self.of(source, through_gifts=False)
        gift = self._session.scalar(
            select(Gift).where(
                Gift.receiver_id == self._member_id, Gift.state == RECEIVED, Gift.gift_id == gift_id
            )
        )
        if gift is None or gift.sent_seq is None or gift.end_seq != arrived.seq:
            return self.of(source, through_gifts=False)
        sent = wallets.posting(self._session, gift.member_id, gift.sent_seq)
        cut = lots.head_of(_intervals(sent.lots), source.first, source.count)
        parts = _parts(self._session, gift.member_id, cut, through_gifts=True)
        return tuple(origin for part in parts for origin in part.origins)


def bills_behind(session: Session, member_id: int, rows: Sequence[PostingRow]) -> dict[int, Bill]:
    """The bill line behind each earning that has one, by the posting's number."""
    named = {row.seq: place for row in rows if (place := explained.bill_line(row))}
    corrected = {
        seq: one
        for one in session.scalars(
            select(BillCorrection).where(
                BillCorrection.member_id == member_id,
                BillCorrection.seqs.overlap(_numbers(row.seq for row in rows)),
            )
        )
        for seq in one.seqs
    }
    named |= {seq: (one.bill_id, one.line_no) for seq, one in corrected.items()}
    lines = {
        (line.bill_id, line.line_no): line
        for line in session.scalars(
            select(BillLine).where(
                BillLine.member_id == member_id,
                tuple_(BillLine.bill_id, BillLine.line_no).in_(set(named.values())),
            )
        )
    }
    return {
        seq: Bill(
            line.bill_id, line.line_no, line.bill_day, line.line_type,
            corrected[seq].correction_id if seq in corrected else None,
        )
        for seq, place in named.items()
        if (line := lines.get(place))
    }  # fmt: skip


def joined(origins: Iterable[Origin]) -> list[Origin]:
    """Origins of several parts with those of one posting as one, in the order in which they first appear."""
    found: dict[tuple[int, int], Origin] = {}
    for origin in origins:
        place = (origin.member_id, origin.seq)
        before = found[place].points if place in found else 0
        found[place] = replace(origin, points=before + origin.points)
    return list(found.values())
