"""An archive of tables: of each a JSON and a CSV file, and a page that says what they are."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from base import csv_files
from base.web.i18n import say

MADE = (1980, 1, 1, 0, 0, 0)  # what is in the archive says when; the archive itself does not


class Archive:
    """Files as they come, compressed in memory."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_DEFLATED)
        self._counts: list[tuple[str, int]] = []

    def add(self, name: str, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
        """One table; every row has exactly these columns."""
        plain = [{column: _plain(row[column]) for column in columns} for row in rows]
        self._write(f"{name}.json", json.dumps(plain, ensure_ascii=False, indent=1))
        table = io.StringIO()
        lines = csv.writer(table)
        lines.writerow(columns)
        lines.writerows([csv_files.neutralised(_cell(row[column])) for column in columns] for row in plain)
        self._write(f"{name}.csv", "\ufeff" + table.getvalue())
        self._counts.append((name, len(plain)))

    def closed(self, language: str) -> bytes:
        """The whole archive."""
        said = say(
            language,
            "Your own data. Each table is there twice: as .csv for a spreadsheet and as .json. Times are in UTC. "
            "Nothing in here opens a voucher or signs anybody in.",
        )
        lines = [said, "", *(f"{name}: {count}" for name, count in self._counts)]
        self._write("README.txt", "\n".join(lines) + "\n")
        self._zip.close()
        return self._bytes.getvalue()

    def _write(self, name: str, text: str) -> None:
        info = zipfile.ZipInfo(name, MADE)
        info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(info, text.encode())


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
