"""What a bank says became of its lines: a file in the form of its template, taken in once, row by row.

The file is read as a stream, in UTF-8 or GBK, up to a size; a row that does not fit is kept with the reason and stops no
other. All of it is one transaction, with the file's hash: the same file again is refused.
"""

import codecs
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit, csv_files, ids
from base.csv_files import BadCell, CsvFile, FileNotReadable, Row, whole_number
from base.errors import Conflict, Invalid
from base.money import parse_yuan
from merchants.payout_routes.models import BANK
from merchants.payouts import bank_files, payouts, states
from merchants.payouts.bank_files import Template
from merchants.payouts.models import PAID, RETURNED, SENT, BankReturn, Payout, PayoutRunRow

MOST_BYTES, MOST_ROWS, BLOCK = 8_000_000, 20_000, 1 << 16
OPTIONAL = ("date", "日期", "序号", "收款户名", "收款账号")
CHARSETS = ("utf-8-sig", "gb18030")


class FileTakenIn(Conflict):
    """This very file was taken in before."""

    zh = "该文件此前已导入。"
    next_en, next_zh = "Look at what came of it; a corrected file is another one.", "请查看上次的导入结果。"


class FileTooLarge(Invalid):
    """This file is larger than a bank's answer may be."""

    zh = "文件过大。"
    next_en, next_zh = "Split it; at most 8 MB and 20,000 rows.", "请拆分文件；最多 8 MB、20,000 行。"


class FileInNoCharset(Invalid):
    """This file is neither UTF-8 nor GBK."""

    zh = "文件不是 UTF-8 或 GBK 编码。"


class Taken(NamedTuple):
    """A file that was taken in, and the rows that did not fit, each with its reason."""

    file: BankReturn
    wrong: list[tuple[Row, str]]


def take(session: Session, path: Path, code: str, actor: str, at: datetime) -> Taken:
    """Take a bank's file in: its lines are paid or returned. FileTakenIn, FileTooLarge, FileInNoCharset, FileColumnsWrong."""
    form = bank_files.template(code)
    sha256 = _hash(path)
    # Of two who take the same file in at once, one waits for the other, and then finds it there.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(sha256.hex(), 0))))
    if session.scalar(select(BankReturn.return_id).where(BankReturn.sha256 == sha256)) is not None:
        raise FileTakenIn()
    with _in_utf8(path) as plain:
        file = csv_files.opened(plain, form.back, OPTIONAL)
        if file.lines > MOST_ROWS:
            raise FileTooLarge(rows=file.lines)
        counts, wrong = _rows(session, file, form, actor, at)
    row = BankReturn(
        return_id=ids.new_id(), at=at, rows=sum(counts.values()) + len(wrong), paid=counts[PAID],
        returned=counts[RETURNED], wrong=len(wrong), template=code, actor=actor, sha256=sha256,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.write(
        session,
        actor,
        "bank-return.taken-in",
        public_id(row),
        rows=row.rows,
        wrong=row.wrong,
        sha256=sha256.hex(),
    )
    return Taken(row, wrong)


def _rows(
    session: Session, file: CsvFile, form: Template, actor: str, at: datetime
) -> tuple[dict[str, int], list[tuple[Row, str]]]:
    counts, wrong = {PAID: 0, RETURNED: 0}, []
    for row in file.rows():
        try:
            if row.error:
                raise BadCell(row.error)
            counts[_one(session, row, form, actor, at)] += 1
        except BadCell as error:
            wrong.append((row, str(error)))
    return counts, wrong


def _one(session: Session, row: Row, form: Template, actor: str, at: datetime) -> str:
    """What a row says of its payout, done; BadCell names the column."""
    named, amount, told, why = (row.cells.get(column, "").strip() for column in form.back)
    said = told.lower()
    if said not in form.paid | form.returned:
        known = ", ".join(sorted(form.paid | form.returned))
        raise BadCell(f"{form.back[2]}: is one of {known}")
    payout = _payout(session, named, form)
    if _fen(row, form, amount) != payout.amount_fen:
        raise BadCell(f"{form.back[1]}: the payout is of {payout.amount_fen} fen")
    to = PAID if said in form.paid else RETURNED
    if payout.state != to:
        if to == PAID and payout.state != SENT:
            raise BadCell(f"{form.back[2]}: this payout is {payout.state}")
        states.move(
            session, payout, to, actor, at, reference=named, reason=why[:200] if to == RETURNED else ""
        )
    return to


def _payout(session: Session, named: str, form: Template) -> Payout:
    place = bank_files.parsed(named)
    line = session.get(PayoutRunRow, place) if place else None
    payout = payouts.of_statement(session, line.merchant_id, line.statement_no) if line else None
    if payout is None or payout.route != BANK:
        raise BadCell(f"{form.back[0]}: no payout of ours")
    if payout.transfer != named or payout.state not in (SENT, PAID, RETURNED):
        raise BadCell(f"{form.back[0]}: this payout was sent anew since")
    return payout


def _fen(row: Row, form: Template, amount: str) -> int:
    column = form.back[1]
    if form.amount_in_fen:
        return whole_number(row.cells, column)
    try:
        return parse_yuan(amount)
    except ValueError:
        raise BadCell(f"{column}: is an amount such as 12.30") from None


def _hash(path: Path) -> bytes:
    """SHA-256 of the file as it came; FileTooLarge, FileNotReadable."""
    digest = hashlib.sha256()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileTooLarge()
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise FileNotReadable(error.strerror or str(error), file=path.name) from error
    return digest.digest()


@contextmanager
def _in_utf8(path: Path) -> Iterator[Path]:
    """The same file in UTF-8, for as long as it is read, for its owner alone; FileInNoCharset."""
    with TemporaryDirectory(prefix="jifen-") as folder:
        for charset in CHARSETS:
            copy = Path(folder) / charset
            if _copied(path, copy, charset):
                yield copy
                return
        raise FileInNoCharset()


def _copied(path: Path, copy: Path, charset: str) -> bool:
    decoder = codecs.getincrementaldecoder(charset)()
    with open(path, "rb") as file, open(copy, "w", encoding="utf-8", newline="", opener=_private) as plain:
        try:
            while block := file.read(BLOCK):
                plain.write(decoder.decode(block))
            plain.write(decoder.decode(b"", final=True))
        except UnicodeDecodeError:
            return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def listed(session: Session, *, before: int | None = None, limit: int) -> list[BankReturn]:
    """Files that were taken in, the newest first, from before one on."""
    asked = select(BankReturn).order_by(BankReturn.return_id.desc()).limit(limit)
    return list(session.scalars(asked if before is None else asked.where(BankReturn.return_id < before)))


def public_id(row: BankReturn) -> str:
    return ids.public("bkr", row.return_id)
