"""Tables of programmes, wallets and postings, as the rest of the product reads them.

Wallets and postings are written by points/ledger.py alone; keys begin with the member, so that one engine on many
machines can distribute them. Column order is chosen for short write-ahead records (see docs/architecture.md).
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base


class Programme(Base):
    """A points scheme of one brand; `unit`: what it calls its points, by language (None: points)."""

    __tablename__ = "programme"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    zone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    minimum_tenure_days: Mapped[int] = mapped_column(Integer)
    closed_at: Mapped[datetime | None]
    unit: Mapped[dict[str, str] | None] = mapped_column(JSONB)


class WalletRow(Base):
    """One member's points, one row; `stopped`: frozen by hand, see points/freezes."""

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
    stopped: Mapped[bool] = mapped_column(Boolean, server_default="false")
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
    approval: Mapped[str | None] = mapped_column(Text)


class EarnFactor(Base):
    """By how many percent lines earn more for a tier, for years as a customer or in the month of the birthday.

    From a date on, never edited. `adds`: the percent are added to 100; else points are multiplied by percent / 100.
    `line_type` None: every type. `tier` stands with the kind tier alone, `least_years` with tenure alone.
    """

    __tablename__ = "earn_factor"
    factor_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    percent: Mapped[int] = mapped_column(BigInteger)
    adds: Mapped[bool] = mapped_column(Boolean)
    from_day: Mapped[date] = mapped_column(Date)
    least_years: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    line_type: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)


class ExpiryPolicy(Base):
    """How long points of a class live, from a date on; months NULL: they do not lapse."""

    __tablename__ = "expiry_policy"
    policy_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    lot_class: Mapped[int] = mapped_column(SmallInteger)
    from_day: Mapped[date] = mapped_column(Date)
    months: Mapped[int | None] = mapped_column(Integer)


class ExtensionRow(Base):
    """An announcement: points of a class lapsing from a day to a day last until a later one; counts from `announced_at`."""

    __tablename__ = "extension"
    extension_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    announced_at: Mapped[datetime]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    lot_class: Mapped[int] = mapped_column(SmallInteger)
    announced_by: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class ExpiryRun(Base):
    """A walk through a programme's wallets and where it stands: `task` sweep of a day, restore after an extension."""

    __tablename__ = "expiry_run"
    programme_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    last_member: Mapped[int] = mapped_column(BigInteger)
    members: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger, server_default="0")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BillLine(Base):
    """A rated line of a bill: what it is worth in points once it is paid, under which rule, factors and policy.

    `paid_fen`: how much was paid when it came; None: it is paid in full, whatever the amount. One line earns once.
    """

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
    paid_fen: Mapped[int | None] = mapped_column(BigInteger)
    factor_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)


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

    `nth` numbers what happened to a line, corrections and payments alike, from 1; `seqs` are the postings that it
    made, none where no point moved. `points` are those of the line when paid in full.
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


class BillPayment(Base):
    """A payment towards a bill line: what was paid, and the points that it released by the posting `seq` (none: None).

    `nth` is counted together with the line's corrections.
    """

    __tablename__ = "bill_payment"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bill_id: Mapped[str] = mapped_column(Text, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    payment_id: Mapped[str] = mapped_column(Text, primary_key=True)
    nth: Mapped[int] = mapped_column(Integer)
    paid_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    paid_day: Mapped[date] = mapped_column(Date)
    at: Mapped[datetime]
    seq: Mapped[int | None] = mapped_column(BigInteger)


class WaitingLine(Base):
    """A bill line that no rule is in force for yet, as it came last; gone once it is rated."""

    __tablename__ = "waiting_line"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    bill_id: Mapped[str] = mapped_column(Text, primary_key=True)
    line_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    waived_fen: Mapped[int] = mapped_column(BigInteger)
    paid_fen: Mapped[int | None] = mapped_column(BigInteger)
    since: Mapped[datetime]
    bill_day: Mapped[date] = mapped_column(Date)
    line_type: Mapped[str] = mapped_column(Text)
