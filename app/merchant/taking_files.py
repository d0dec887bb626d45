"""What a filter finds as a file for the merchant's own books: CSV or XLSX, the same rows and columns in both."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from base import clock, ids, workbooks
from base.csv_files import neutralised
from base.errors import Conflict
from base.money import yuan_text
from base.web.i18n import both
from base.web.i18n import gettext as _
from base.workbooks import Cell, Fen, Sheet
from merchants.takings.takings import Taken

CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_ROWS = 20_000
WIDTHS = (20, 34, 8, 8, 24, 14, 8, 14, 14, 14, 10, 40)
BOM = "\ufeff"  # without it a spreadsheet takes UTF-8 for something else


class TooManyToExport(Conflict):
    """This filter finds more than fits into one file."""

    zh = "筛选结果超过单个文件的上限。"
    next_en, next_zh = (
        "Choose fewer days or one outlet, and export again.",
        "请缩短日期或选择单个门店后再导出。",
    )


def written(kind: str, rows: Sequence[Taken], zone: str) -> bytes:
    """The file; headings and names in the language of the reader. TooManyToExport."""
    if len(rows) > MOST_ROWS:
        raise TooManyToExport(most=MOST_ROWS)
    out = io.BytesIO()
    if kind == XLSX:
        workbooks.write([Sheet(str(_("Acceptances")), WIDTHS, _cells(rows, zone), frozen=1)], out)
    else:
        text = io.StringIO(newline="")
        lines = csv.writer(text, lineterminator="\r\n")
        lines.writerows([_plain(cell) for cell in row] for row in _cells(rows, zone))
        out.write((BOM + text.getvalue()).encode())
    return out.getvalue()


def _cells(rows: Iterable[Taken], zone: str) -> Iterator[Sequence[Cell]]:
    yield [
        str(one)
        for one in (
            _("When"), _("Offer"), _("Code ends in"), _("Units"), _("Outlet"), _("Till"), _("Clerk"), _("Owed"), _("Fee"),
            _("Tax on it"), _("Undone"), _("Number"),
        )
    ]  # fmt: skip
    for one in rows:
        row = one.acceptance
        yield [
            row.recorded_at.astimezone(clock.zone(zone)).strftime("%Y-%m-%d %H:%M:%S"),
            both(row.offer_names),
            row.last4,
            row.units,
            both(one.outlet.names),
            one.terminal,
            one.clerk,
            Fen(row.owed_fen),
            Fen(row.fee_fen),
            Fen(row.vat_fen),
            str(_("yes")) if row.void_id else "",
            ids.public("acc", row.member_id, row.acceptance_id),
        ]


def _plain(cell: Cell) -> str:
    if isinstance(cell, Fen):
        return yuan_text(cell.fen)
    return neutralised(str("" if cell is None else cell))
