"""Files of a sealed statement: CSV, XLSX and a page to print, pure functions of the sealed rows and the layout.

No clock, no locale, no name that may change later: the same statement makes the same bytes for good. Whoever changes what is in
a file raises LAYOUT. The words are here and not in the catalogue of translations for the same reason.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, BinaryIO

from base import clock, ids, workbooks
from base.csv_files import neutralised
from base.errors import NotFound
from base.money import yuan_text
from base.workbooks import Cell, Fen, Sheet
from merchants.statements import lines
from merchants.statements.models import KINDS, Statement

LAYOUT = 1
CSV, XLSX, HTML = "csv", "xlsx", "html"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    HTML: "text/html; charset=utf-8",
}
LANGUAGES = ("zh-CN", "en")
STYLE = "/static/statement.css"
MOST_IN_A_WORKBOOK = 200_000  # lines; it is whole before the first byte is sent
Say = Callable[[str], str]
_AT_ONCE = 1_000
_BYTE_ORDER_MARK = "\ufeff"  # else a spreadsheet takes Chinese for something else
COLUMNS = (
    "statement", "line_no", "kind", "about", "recorded_at", "owed", "fee", "tax", "net", "currency",
)  # fmt: skip


class FileUnknown(NotFound):
    """There is no such file of a statement."""

    zh = "没有该格式的文件。"
    next_en, next_zh = "Ask for csv, xlsx or html.", "请选择 csv、xlsx 或 html。"


@dataclass(frozen=True)
class Sealed:
    """A statement, and what never changes of its merchant: the code and the zone in which moments are said."""

    statement: Statement
    code: str
    zone: str

    @property
    def id(self) -> str:
        return ids.public("stm", self.statement.merchant_id, self.statement.statement_no)

    def moment(self, at: datetime) -> str:
        """In the merchant's zone, to the second."""
        return at.astimezone(clock.zone(self.zone)).strftime("%Y-%m-%d %H:%M:%S")


def name(sealed: Sealed, kind: str) -> str:
    """What a file is called."""
    return f"statement-{sealed.code}-{sealed.statement.statement_no:04d}.{kind}"


def as_csv(sealed: Sealed, rows: Iterable[Any]) -> Iterator[bytes]:
    """A line for each line: words as in the API, moments to the microsecond, amounts with two decimals."""
    text = io.StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(COLUMNS)
    for number, row in enumerate(rows, start=1):
        at = row.recorded_at.astimezone(clock.zone(sealed.zone)).isoformat(timespec="microseconds")
        out.writerow(
            [
                sealed.id, row.line_no, row.kind, neutralised(_about(sealed, row)), at,
                *(yuan_text(fen) for fen in _amounts(row)), neutralised(sealed.statement.currency),
            ]
        )  # fmt: skip
        if number % _AT_ONCE == 0:
            yield _emptied(text)
    yield _emptied(text)


def as_xlsx(sealed: Sealed, rows: Iterable[Any], language: str, out: BinaryIO) -> None:
    """Two sheets: the sums, and all lines. TooManyRows for more than somebody would wait for."""
    say = _words(language)
    if sealed.statement.line_count > MOST_IN_A_WORKBOOK:
        raise workbooks.TooManyRows(most=MOST_IN_A_WORKBOOK)
    head: list[Sequence[Cell]] = [(say(label), value) for label, value in _facts(sealed)]
    sums: list[Sequence[Cell]] = [tuple(say(word) for word in _SUM_HEAD)]
    sums += [(say(kind), count, *map(Fen, amounts)) for kind, count, amounts in _sums(sealed)]
    workbooks.write(
        [
            Sheet(say("statement"), (30, 24, 16, 16, 16, 16), [*head, (), *sums]),
            Sheet(
                say("lines"), (8, 22, 34, 20, 14, 14, 14, 14), _line_rows(sealed, rows, language), frozen=1
            ),
        ],
        out,
    )


def as_page(sealed: Sealed, rows: Iterable[Any], language: str) -> Iterator[str]:
    """A page to print, on A4, with as many lines as there are."""
    say = _words(language)
    title = escape(f"{say('statement')} {sealed.code} {sealed.statement.statement_no}")
    yield (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="{STYLE}"></head><body><main><h1>{title}</h1><dl>'
    )
    for label, value in _facts(sealed):
        yield f"<div><dt>{say(label)}</dt><dd>{escape(_shown(value))}</dd></div>"
    yield f"</dl><h2>{say('sums')}</h2>" + _table_head(say, _SUM_HEAD, 1)
    for kind, count, amounts in _sums(sealed):
        yield _row([say(kind), str(count), *map(yuan_text, amounts)], numbers_from=1)
    yield f"</tbody></table><h2>{say('lines')}</h2>"
    found = iter(_line_rows(sealed, rows, language))
    next(found)
    yield _table_head(say, _LINE_HEAD, 4)
    for row in found:
        yield _row([_shown(cell) for cell in row], numbers_from=4)
    yield f"</tbody></table><footer>{say('seal')}: {sealed.statement.hash.hex()}</footer></main></body></html>\n"


def _line_rows(sealed: Sealed, rows: Iterable[Any], language: str) -> Iterator[Sequence[Cell]]:
    say = _words(language)
    yield tuple(say(word) for word in _LINE_HEAD)
    for row in rows:
        yield (
            row.line_no, say(row.kind), _about(sealed, row), sealed.moment(row.recorded_at), *map(Fen, _amounts(row)),
        )  # fmt: skip


def _facts(sealed: Sealed) -> list[tuple[str, Cell]]:
    one = sealed.statement
    return [
        ("id", sealed.id), ("merchant", sealed.code), ("number", one.statement_no),
        ("from", sealed.moment(one.from_at)), ("to", sealed.moment(one.to_at)), ("zone", sealed.zone),
        ("sealed", sealed.moment(one.sealed_at)), ("currency", one.currency), ("opening", Fen(one.opening_fen)),
        ("owed", Fen(one.owed_fen)), ("fee", Fen(one.fee_fen)), ("tax", Fen(one.vat_fen)), ("net", Fen(one.net_fen)),
        ("payable", Fen(one.payable_fen)), ("due", one.due_day.isoformat() if one.due_day else None),
        ("carried", Fen(one.carried_fen)), ("reserve", Fen(one.reserve_fen)), ("terms", " ".join(one.terms)),
        ("before", one.previous_hash.hex()), ("seal", one.hash.hex()), ("layout", LAYOUT),
    ]  # fmt: skip


def _sums(sealed: Sealed) -> Iterator[tuple[str, int, tuple[int, int, int, int]]]:
    for kind in KINDS:
        if said := sealed.statement.sums.get(kind):
            owed, fee, tax = said["owed_fen"], said["fee_fen"], said["vat_fen"]
            yield kind, said["lines"], (owed, fee, tax, owed - fee - tax)


def _about(sealed: Sealed, row: Any) -> str:
    return lines.public_id(sealed.statement.merchant_id, row.kind, row.member_id, row.source_id)


def _amounts(row: Any) -> tuple[int, int, int, int]:
    return row.owed_fen, row.fee_fen, row.vat_fen, row.owed_fen - row.fee_fen - row.vat_fen


def _emptied(text: io.StringIO) -> bytes:
    said = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return said


def _shown(cell: Cell) -> str:
    if isinstance(cell, Fen):
        return yuan_text(cell.fen)
    return "" if cell is None else str(cell)


def _table_head(say: Say, words: Sequence[str], numbers_from: int) -> str:
    said = "".join(_cell("th", say(word), place >= numbers_from) for place, word in enumerate(words))
    return f"<table><thead><tr>{said}</tr></thead><tbody>\n"


def _row(cells: Sequence[str], *, numbers_from: int) -> str:
    said = "".join(_cell("td", cell, place >= numbers_from) for place, cell in enumerate(cells))
    return f"<tr>{said}</tr>\n"


def _cell(tag: str, text: str, number: bool) -> str:
    marked = ' class="n"' if number else ""
    return f"<{tag}{marked}>{escape(text)}</{tag}>"


def _words(language: str) -> Say:
    place = LANGUAGES.index(language)
    return lambda word: _WORDS[word][place]


_SUM_HEAD = ("kind", "count", "owed", "fee", "tax", "net")
_LINE_HEAD = ("line_no", "kind", "about", "recorded_at", "owed", "fee", "tax", "net")
_WORDS = {
    "statement": ("结算单", "Statement"), "sums": ("分类合计", "Sums"), "lines": ("明细", "Lines"),
    "id": ("结算单编号", "Id"), "merchant": ("商户", "Merchant"), "number": ("期号", "Number"),
    "from": ("起", "From"), "to": ("止（不含）", "Until (excluded)"), "zone": ("时区", "Time zone"),
    "sealed": ("封账时间", "Sealed"), "currency": ("币种", "Currency"), "opening": ("上期结转", "Opening balance"),
    "owed": ("应结金额", "Owed"), "fee": ("服务费", "Fee"), "tax": ("服务费税额", "Tax on it"), "net": ("净额", "Net"),
    "payable": ("应付金额", "To be paid"), "due": ("付款日", "Due on"), "carried": ("结转下期", "Carried to the next"),
    "reserve": ("保证金余额", "In reserve"), "terms": ("适用条款", "Terms"), "before": ("上期封签", "Seal before"),
    "seal": ("封签", "Seal"), "layout": ("版式", "Layout"), "kind": ("类别", "Kind"), "count": ("笔数", "Lines"),
    "line_no": ("序号", "No."), "about": ("编号", "Id"), "recorded_at": ("时间", "When"),
    "carried-in": ("上期结转", "Carried in"), "acceptance": ("核销", "Acceptance"), "void": ("撤销核销", "Undone"),
    "earning": ("发放积分", "Points issued"), "earning-reversal": ("收回积分", "Points taken back"),
    "adjustment": ("调账", "Adjustment"), "clawback": ("追回", "Clawback"),
    "dispute-held": ("争议冻结", "Held for a dispute"), "dispute-released": ("争议解冻", "Released after a dispute"),
    "reserve-in": ("转入保证金", "Into reserve"), "reserve-out": ("释放保证金", "Out of reserve"),
}  # fmt: skip
