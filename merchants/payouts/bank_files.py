"""Payouts by a bank: a file for each run, the same bytes whenever it is written, in the form that a bank's template asks for.

Releasing the file is sending: two persons approve the run with the file's SHA-256, and its lines are on their way. What
became of them the bank tells in a file of its own (`bank_returns.py`).
"""

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.csv_files import neutralised
from base.errors import Invalid, NotFound
from base.halts import halts
from base.money import yuan_text
from merchants.payout_routes import routes
from merchants.payout_routes.models import BANK
from merchants.payout_routes.routes import Details
from merchants.payouts.models import PayoutRun, PayoutRunRow

PLAIN, DOMESTIC = "plain", "domestic"


class TemplateUnknown(Invalid):
    """There is no such template of a bank's file."""

    zh = "没有该银行文件模板。"


class RunWithoutFile(NotFound):
    """This run has no file: its money goes through Stripe."""

    zh = "该批次经 Stripe 付款，没有银行文件。"


@dataclass(frozen=True)
class Line:
    """A line of a bank's file, in clear."""

    reference: str
    details: Details
    amount_fen: int
    currency: str
    purpose: str


@dataclass(frozen=True)
class Template:
    """The form of a bank's files: outgoing and, with the names of its columns, coming back.

    `paid`, `returned`: the words of its state column, in lower case.
    """

    code: str
    encoding: str
    columns: tuple[str, ...]
    cells: Callable[[int, Line], Sequence[str]]
    head: Callable[[int, int], Sequence[Sequence[str]]]
    back: tuple[str, str, str, str]  # reference, amount, state, reason
    amount_in_fen: bool
    paid: frozenset[str]
    returned: frozenset[str]


@dataclass(frozen=True)
class BankFile:
    """A run's file: name, bytes, and what two persons compare."""

    name: str
    content: bytes
    count: int
    sum_fen: int

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


TEMPLATES = {
    PLAIN: Template(
        code=PLAIN,
        encoding="utf-8",
        columns=("line", "reference", "holder", "bank", "account", "amount_fen", "currency", "purpose"),
        cells=lambda n, one: (
            str(n), one.reference, one.details.holder, one.details.bank, one.details.number,
            str(one.amount_fen), one.currency, one.purpose,
        ),
        head=lambda count, sum_fen: (),
        back=("reference", "amount_fen", "state", "reason"),
        amount_in_fen=True,
        paid=frozenset({"paid"}),
        returned=frozenset({"returned"}),
    ),
    DOMESTIC: Template(
        code=DOMESTIC,
        encoding="gbk",
        columns=("序号", "业务编号", "收款户名", "收款开户行", "收款账号", "金额(元)", "币种", "用途"),
        cells=lambda n, one: (
            str(n), one.reference, one.details.holder, one.details.bank, one.details.number,
            yuan_text(one.amount_fen), one.currency, one.purpose,
        ),
        head=lambda count, sum_fen: (("总笔数", str(count), "总金额(元)", yuan_text(sum_fen)),),
        back=("业务编号", "金额(元)", "状态", "原因"),
        amount_in_fen=False,
        paid=frozenset({"成功", "已入账"}),
        returned=frozenset({"退回", "失败", "退汇"}),
    ),
}  # fmt: skip


def template(code: str) -> Template:
    """The template of a code; TemplateUnknown."""
    if code not in TEMPLATES:
        raise TemplateUnknown(known=sorted(TEMPLATES))
    return TEMPLATES[code]


def written(
    session: Session, seal_key: str, run_id: int, code: str, currency: str, rows: Sequence[PayoutRunRow]
) -> BankFile:
    """The file of a run: a function of its lines, of the routes they name, and of nothing else."""
    form, total = template(code), sum(row.amount_fen for row in rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows(form.head(len(rows), total))
    writer.writerow(form.columns)
    for row in rows:
        route = routes.find(session, row.merchant_id, row.route_no)
        details = routes.details_of(seal_key, route)
        statement = ids.public("stm", row.merchant_id, row.statement_no)
        line = Line(reference(run_id, row.line_no), details, row.amount_fen, currency, statement)
        writer.writerow([neutralised(cell) for cell in form.cells(row.line_no, line)])
    name = f"payouts-{ids.public('pyr', run_id)}.csv"
    return BankFile(name, out.getvalue().encode(form.encoding, "replace"), len(rows), total)


def of_run(session: Session, seal_key: str, run: PayoutRun) -> BankFile:
    """A run's file again, with the bytes that were approved; RunWithoutFile, PayoutsStopped."""
    if run.route != BANK:
        raise RunWithoutFile()
    halts.check(session, halts.PAYOUT)
    return written(session, seal_key, run.run_id, run.template, run.currency, rows_of(session, run.run_id))


def rows_of(session: Session, run_id: int) -> list[PayoutRunRow]:
    """The lines of a run in order."""
    asked = select(PayoutRunRow).where(PayoutRunRow.run_id == run_id).order_by(PayoutRunRow.line_no)
    return list(session.scalars(asked))


def reference(run_id: int, line_no: int) -> str:
    """What a line is known by at the bank and when it comes back."""
    return f"{ids.public('pyr', run_id)}-{line_no}"


def parsed(text: str) -> tuple[int, int] | None:
    """Run and line of such a reference; None when it is none of ours."""
    run, _, line = text.rpartition("-")
    try:
        (run_id,) = ids.parse("pyr", run, parts=1)
    except NotFound:
        return None
    return (run_id, int(line)) if line.isascii() and line.isdecimal() and len(line) < 8 else None
