"""Workbooks (XLSX) to give away: the same rows make the same bytes, for good, on any machine.

ISO/IEC 29500 in its smallest form: texts in their cells, one style for whole numbers and one for money. No moment, no name of a
program, no compression (whose bytes differ from library to library). Rows are written as they come, however many.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from base.csv_files import neutralised
from base.errors import Conflict
from base.money import yuan_text

MOST_ROWS = 1_048_576  # of a sheet, in every program that opens one
_LONGEST_TEXT = 32_767
_AT_ONCE = 1_000
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_UNIX = 3


class TooManyRows(Conflict):
    """A sheet does not hold so many rows."""

    zh = "行数超过电子表格的上限。"
    next_en, next_zh = "Ask for the CSV file.", "请下载 CSV 文件。"


@dataclass(frozen=True)
class Fen:
    """Money in a cell: a number with two decimals."""

    fen: int


Cell = str | int | Fen | None


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, the widths of its columns in characters, its rows, how many of the first stay in sight."""

    name: str
    widths: Sequence[int]
    rows: Iterable[Sequence[Cell]]
    frozen: int = 0


def write(sheets: Sequence[Sheet], out: BinaryIO) -> None:
    """The workbook into a file that can be searched. Texts that a spreadsheet would take for a formula are neutralised.

    TooManyRows, when half of it may be written.
    """
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for name, text in _frame(sheets):
            archive.writestr(_entry(name), text)
        for number, sheet in enumerate(sheets, start=1):
            with archive.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as part:
                for text in _sheet(sheet):
                    part.write(text.encode())


def _entry(name: str) -> ZipInfo:
    made = ZipInfo(name, _LONG_AGO)
    made.create_system, made.external_attr = _UNIX, 0o600 << 16
    return made


def _sheet(sheet: Sheet) -> Iterable[str]:
    yield f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    if sheet.frozen:
        yield f'<pane ySplit="{sheet.frozen}" topLeftCell="A{sheet.frozen + 1}" activePane="bottomLeft" state="frozen"/>'
    yield "</sheetView></sheetViews><cols>"
    for number, width in enumerate(sheet.widths, start=1):
        yield f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
    yield "</cols><sheetData>"
    waiting: list[str] = []
    for number, row in enumerate(sheet.rows, start=1):
        if number > MOST_ROWS:
            raise TooManyRows(most=MOST_ROWS)
        cells = "".join(_cell(f"{_column(place)}{number}", cell) for place, cell in enumerate(row))
        waiting.append(f'<row r="{number}">{cells}</row>')
        if len(waiting) == _AT_ONCE:
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting) + "</sheetData></worksheet>"


def _cell(place: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Fen):
        return f'<c r="{place}" s="1"><v>{yuan_text(cell.fen)}</v></c>'
    if isinstance(cell, int):
        return f'<c r="{place}"><v>{cell}</v></c>'
    text = escape(_NOT_XML.sub("", neutralised(cell))[:_LONGEST_TEXT])
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _column(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _frame(sheets: Sequence[Sheet]) -> Iterable[tuple[str, str]]:
    numbers = range(1, len(sheets) + 1)
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{parts}</Types>',
    )
    yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
    named = "".join(
        f'<sheet name="{escape(sheet.name, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, sheet in zip(numbers, sheets, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        _relations([*(("worksheet", f"worksheets/sheet{n}.xml") for n in numbers), ("styles", "styles.xml")]),
    )
    yield "xl/styles.xml", _STYLES


def _relations(found: Sequence[tuple[str, str]]) -> str:
    said = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(found, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{said}</Relationships>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
