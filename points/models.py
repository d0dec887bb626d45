"""Tables of programmes, wallets and postings, as the rest of the product reads them.

Wallets and postings are written by points/ledger.py alone; keys begin with the member, so that one engine on many
machines can distribute them. Column order is chosen for short write-ahead records (see docs/architecture.md).
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Programme(Base):
    """A points scheme of one brand."""

    __tablename__ = "programme"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    zone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    minimum_tenure_days: Mapped[int] = mapped_column(Integer)
    closed_at: Mapped[datetime | None]


class WalletRow(Base):
    """One member's points, one row."""

    __tablename__ = "wallet"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    state: Mapped[int] = mapped_column(SmallInteger)
    lot_key: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    lot_in: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    seq: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[int] = mapped_column(BigInteger)
    balance: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger)
    debt: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    head: Mapped[bytes] = mapped_column(BYTEA)
    lot_out: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class PostingRow(Base):
    """One immutable movement of points; the application's role may insert and read, nothing else."""

    __tablename__ = "posting"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    held_after: Mapped[int] = mapped_column(BigInteger)
    debt_after: Mapped[int] = mapped_column(BigInteger)
    contra: Mapped[int] = mapped_column(BigInteger)
    version_id: Mapped[int] = mapped_column(BigInteger)
    req_hash: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    rev_of: Mapped[int | None] = mapped_column(BigInteger)
    spender_id: Mapped[int | None] = mapped_column(BigInteger)
    value_fen: Mapped[int | None] = mapped_column(BigInteger)
    ends_at: Mapped[datetime | None]
    effective_on: Mapped[date] = mapped_column(Date)
    part: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[int] = mapped_column(SmallInteger)
    from_class: Mapped[int] = mapped_column(SmallInteger)
    to_class: Mapped[int] = mapped_column(SmallInteger)
    idem: Mapped[UUID]
    hash: Mapped[bytes] = mapped_column(BYTEA)
    lots: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    ref: Mapped[str | None] = mapped_column(Text)


class HoldRow(Base):
    """An open hold; rebuildable from postings."""

    __tablename__ = "hold"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    open_points: Mapped[int] = mapped_column(BigInteger)
    ends_at: Mapped[datetime]


class EarnRule(Base):
    """How points arise from bill lines of a type, from a date on; never edited, a change is a later row."""

    __tablename__ = "earn_rule"
    rule_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    line_type: Mapped[str] = mapped_column(Text)
    from_day: Mapped[date] = mapped_column(Date)
    points: Mapped[int] = mapped_column(BigInteger)
    per_fen: Mapped[int] = mapped_column(BigInteger)


class ExpiryPolicy(Base):
    """How long points of a class live, from a date on; months NULL: they do not lapse."""

    __tablename__ = "expiry_policy"
    policy_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    lot_class: Mapped[int] = mapped_column(SmallInteger)
    from_day: Mapped[date] = mapped_column(Date)
    months: Mapped[int | None] = mapped_column(Integer)


class BillLine(Base):
    """A rated line of a bill: what earned, under which rule and policy. One line earns once."""

    __tablename__ = "bill_line"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bill_id: Mapped[str] = mapped_column(Text, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    waived_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    rule_id: Mapped[int] = mapped_column(BigInteger)
    policy_id: Mapped[int] = mapped_column(BigInteger)
    bill_day: Mapped[date] = mapped_column(Date)
    line_type: Mapped[str] = mapped_column(Text)


class ImportRun(Base):
    """One file that was taken in: its hash, its counts, how it ended."""

    __tablename__ = "import_run"
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    file_hash: Mapped[bytes] = mapped_column(BYTEA)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StagedLine(Base):
    """A line of a file that waits to be taken in; gone when its import is closed. member_id 0: no such customer."""

    __tablename__ = "staged_line"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line: Mapped[str] = mapped_column(Text)


class ImportPart(Base):
    """Staged lines that are done in one transaction, and once that is so what became of them; gone as the lines are.

    Numbers from 1: lines of a range of members. Below 0: what was read from the file up to that line at a time, with
    the rows that could not be staged.
    """

    __tablename__ = "import_part"
    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    part_no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    first_member: Mapped[int] = mapped_column(BigInteger)
    last_member: Mapped[int] = mapped_column(BigInteger)
    first_line: Mapped[int] = mapped_column(BigInteger)
    last_line: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[int] = mapped_column(BigInteger)
    read: Mapped[int] = mapped_column(BigInteger)
    done_at: Mapped[datetime | None]
    posted: Mapped[int] = mapped_column(BigInteger)
    already_there: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    recounted: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[dict[str, int]] = mapped_column(JSONB)
    preview: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    refused_lines: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))


class BillCorrection(Base):
    """A later word on a bill line: its amounts and points from then on, under the line's own rule and policy.

    `nth` numbers the corrections of a line from 1; `seqs` are the postings that it made, none where points stayed equal.
    """

    __tablename__ = "bill_correction"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bill_id: Mapped[str] = mapped_column(Text, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    correction_id: Mapped[str] = mapped_column(Text, primary_key=True)
    nth: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    waived_fen: Mapped[int] = mapped_column(BigInteger)
    points_before: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    correction_day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime]
    seqs: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
