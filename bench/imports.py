"""A bill file from beginning to end, beside a plain COPY of the postings that came of it into a table with the same keys.

Both are durable and on one server, one after the other: reading, checking, sorting, rating, lots, keys and chain on one
side, bytes on the other.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from base import database, process
from bench import bill_file
from bench.server import Server
from points import bills, policies, programmes
from points.members import members
from points.members.members import Enrolment, Secrets
from points.models import Programme

CODE = "bench-import"
LINES_EACH = 10
WORKERS = 2
BLOCK = 1 << 20
Figures = dict[str, float]


class Plan(Protocol):
    """How many members get bills."""

    @property
    def members(self) -> int: ...


def measure(server: Server, plan: Plan) -> tuple[Figures, Figures]:
    """`import_over_copy`: rows a second of the import over those of COPY; figures with the cost of a line."""
    process.settle()
    database.connect(server.app_url, statement_timeout_ms=600_000)
    lines = plan.members * LINES_EACH
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        path = bill_file.write(Path(folder) / "bills.csv", lines, plan.members)
        programme = _given_members(plan.members)
        _checkpoint(server)
        python, began = python_cpu_s(), time.monotonic()
        report = bills.take_in(programme, path, quiet=True, workers=WORKERS)
        seconds, python = time.monotonic() - began, python_cpu_s() - python
        if not report.clean or report.posted != lines:
            raise RuntimeError(f"the import is not clean: {report}")
        began = time.monotonic()
        bills.take_in(programme, path, quiet=True, workers=WORKERS)
        again = time.monotonic() - began
        postings, copy_seconds = _copied(server, programme, Path(folder) / "postings")
    figures = {
        "import_lines": float(lines),
        "import_lines_per_s": round(lines / seconds, 1),
        "import_python_us_per_line": round(python / lines * 1e6, 1),
        "import_again_s": round(again, 2),
        "copy_rows_per_s": round(postings / copy_seconds, 1),
    }
    return {"import_over_copy": (lines / seconds) / (postings / copy_seconds)}, figures


def _given_members(count: int) -> Programme:
    with database.begin() as session:
        programme = programmes.create(
            session, CODE, {"zh-CN": CODE, "en": CODE}, zone="Asia/Shanghai", currency="CNY"
        )
        for line_type in bill_file.LINE_TYPES:
            policies.add_earn_rule(
                session, programme.programme_id, line_type, date(2020, 1, 1), points=1, per_fen=100
            )
        policies.add_expiry_policy(
            session, programme.programme_id, policies.BILL_POINTS, date(2020, 1, 1), months=36
        )
    names, secrets = bill_file.customers(count), Secrets(seal_key="0" * 64, index_key="0" * 64)
    for start in range(0, count, 5_000):
        rows = [Enrolment(name, date(2020, 1, 1)) for name in names[start : start + 5_000]]
        with database.begin() as session:
            members.enrol_many(session, programme, secrets, rows)
    return programme


def _copied(server: Server, programme: Programme, file: Path) -> tuple[int, float]:
    """How many postings the import made, and how long COPY takes to write as many into an empty table of their kind."""
    with server.admin("jifen") as admin, open(file, "wb") as out, admin.cursor() as cursor:
        made = (
            "select p.* from posting p join member m on m.member_id = p.member_id "
            f"where m.programme_id = {programme.programme_id} order by p.member_id, p.seq"
        )
        with cursor.copy(f"copy ({made}) to stdout (format binary)") as copy:
            out.writelines(copy)
        with _twin(admin):
            admin.execute("checkpoint")
            began = time.monotonic()
            with (
                cursor.copy("copy posting_copy from stdin (format binary)") as copy,
                open(file, "rb") as rows,
            ):
                while block := rows.read(BLOCK):
                    copy.write(block)
            seconds = time.monotonic() - began
            row = admin.execute("select count(*) from posting_copy").fetchone()
    return int(str(row[0])) if row else 0, seconds


@contextmanager
def _twin(admin: Any) -> Iterator[None]:
    """An empty table with the columns, checks and keys of posting."""
    admin.execute("create table posting_copy (like posting including all)")
    try:
        yield
    finally:
        admin.execute("drop table posting_copy")


def _checkpoint(server: Server) -> None:
    with server.admin("jifen") as admin:
        admin.execute("checkpoint")


def python_cpu_s() -> float:
    """Seconds of CPU of this process and of the workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
