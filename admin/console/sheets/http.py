"""A table as a file that spreadsheets read: the rows of a page, neutralised, under the address with ?csv=1."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from base import audit, clock, csv_files
from base.auth.guard import current
from base.http.settings import config

MOST = 10_000  # rows of a file
BYTE_ORDER_MARK = "\ufeff"  # spreadsheets read UTF-8 by it


def is_asked() -> bool:
    """Whether the address asks for the list as a file."""
    return bool(request.args.get("csv"))


def of_list(session: Session, name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A list as it is filtered, as a file of at most MOST rows; that it was taken goes into the audit, with its filter."""
    asked = {key: value for key, value in request.args.items() if key not in ("csv", "after")}
    audit.write(session, current().actor, "list.exported", request.path, asked=asked)
    return answer(f"{name}-{clock.day(clock.now(), config().zone)}", headings, rows)


def answer(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The rows as a file of that name; None is an empty cell."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(headings)
    for row in rows:
        table.writerow([_cell(value) for value in row])
    made = Response(BYTE_ORDER_MARK + out.getvalue(), mimetype="text/csv")
    made.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return made


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    return csv_files.neutralised(str(value))
