"""The history of points as a file, CSV or XLSX: of what is narrowed, read page by page while it is sent."""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, stream_with_context
from flask.typing import ResponseReturnValue

from app.member import points
from app.member.frame import _, blueprint, me
from app.member.points import Filter, Movement
from base import database, workbooks
from base.auth.guard import needs
from base.csv_files import neutralised
from base.errors import NotFound
from base.web import formats
from base.workbooks import Cell, Sheet
from points import lots, programmes

AT_ONCE, BLOCK, MOST_IN_MEMORY = 500, 1 << 16, 1 << 20
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WIDTHS = (18, 30, 40, 60, 12, 12, 40, 8)


class NoSuchFile(NotFound):
    """There is no such file."""

    zh = "没有该文件。"
    next_en, next_zh = "Take it as CSV or XLSX.", "请选择 CSV 或 XLSX 格式。"


@blueprint.route("/points/movements.<form>")
@needs("wallet:own")
def export_points(form: str) -> ResponseReturnValue:
    """All movements that the address narrows to, newest first."""
    if form not in TYPES:
        raise NoSuchFile()
    wanted = points.asked()
    with database.begin() as session:
        zone = programmes.by_id(session, me().programme_id).zone
    rows = _rows(wanted, zone)
    body: Any = _lines(rows) if form == "csv" else _workbook(rows)
    answer = Response(stream_with_context(body), content_type=TYPES[form])
    name = "-".join(["points", *wanted.query.values()])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return answer


def _rows(wanted: Filter, zone: str) -> Iterator[Sequence[Cell]]:
    """The head, then a row each movement; postings are never changed, so pages of several transactions fit each other."""
    yield [
        _("When"),
        _("Reason"),
        _("About"),
        _("How it was reckoned"),
        _("Points"),
        _("Balance"),
        _("Lots"),
        _("No."),
    ]
    before: int | None = None
    while True:
        with database.begin() as session:
            found = points.postings(session, wanted, before=before, limit=AT_ONCE)
            moved = points.movements(session, found)
        yield from (_row(one, zone) for one in moved)
        if len(found) < AT_ONCE:
            return
        before = found[-1].seq


def _row(one: Movement, zone: str) -> Sequence[Cell]:
    lapse = "; ".join(
        f"{count} × {_('do not lapse') if day == lots.NO_END else day.isoformat()}" for day, count in one.lots
    )
    at, after = formats.moment(one.posting.at, zone), one.posting.balance_after
    return at, one.reason, one.about, one.explanation, one.points, after, lapse, one.posting.seq


def _lines(rows: Iterator[Sequence[Cell]]) -> Iterator[bytes]:
    """With a byte order mark, by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    yield "\ufeff".encode()
    for row in rows:
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
        if text.tell() >= BLOCK:
            yield _emptied(text)
    yield _emptied(text)


def _workbook(rows: Iterator[Sequence[Cell]]) -> Iterator[bytes]:
    with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY) as file:
        workbooks.write([Sheet(_("Points"), WIDTHS, rows, frozen=1)], file)  # type: ignore[arg-type]
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def _emptied(text: io.StringIO) -> bytes:
    said = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return said
