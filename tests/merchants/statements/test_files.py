"""Files of statements: the same bytes in any process, locale and zone; sums in them add up; nothing a spreadsheet would run."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest

from base import clock, database, ids
from base.money import parse_yuan
from base.workbooks import TooManyRows
from merchants import items
from merchants.items import Amounts
from merchants.models import ADJUSTMENT, DAILY
from merchants.statements import closing, files, lines
from merchants.statements.files import Sealed
from merchants.statements.models import KINDS, Statement, StatementLine
from tests.conftest import ROOT
from tests.given import ZONE, caller, closed, given_programme, given_shop, given_taken, service_key

FIRST = date(2026, 3, 2)
DAY = timedelta(days=1)
# What each file of KNOWN is in layout 1: whoever changes a byte of it makes another layout.
LAYOUT_1 = {
    "csv": "82c4e9bae3221271",
    "xlsx zh-CN": "a76d512adc3a17b0",
    "xlsx en": "e305f0bd9cfd26c4",
    "html zh-CN": "52e383f6dd746d30",
    "html en": "fe9bb35cc6d14d75",
}
KNOWN = Statement(
    merchant_id=1, statement_no=3, from_at=datetime(2026, 2, 28, 16, tzinfo=UTC), to_at=datetime(2026, 3, 31, 16, tzinfo=UTC),
    sealed_at=datetime(2026, 4, 2, 16, 1, tzinfo=UTC), owed_fen=900, fee_fen=20, vat_fen=1, net_fen=879, opening_fen=-100,
    payable_fen=879, carried_fen=0, reserve_fen=50, line_count=2, currency="CNY", form=2, due_day=date(2026, 4, 6),
    sums={
        "acceptance": {"lines": 1, "owed_fen": 1_000, "fee_fen": 20, "vat_fen": 1},
        "carried-in": {"lines": 1, "owed_fen": -100, "fee_fen": 0, "vat_fen": 0},
    },
    terms=["trs_1"], previous_hash=bytes(32), hash=bytes(range(32)),
)  # fmt: skip
KNOWN_LINES = [
    StatementLine(
        line_no=number, kind=kind, member_id=member_id, source_id=2, owed_fen=owed, fee_fen=fee, vat_fen=tax,
        recorded_at=datetime(2026, 3, 29, 1, 2, 3, 4, tzinfo=UTC),
    )
    for number, kind, member_id, owed, fee, tax in ((1, "carried-in", 0, -100, 0, 0), (2, "acceptance", 7, 1_000, 20, 1))
]  # fmt: skip


@pytest.fixture
def statement(db, monkeypatch):
    """A statement of which every number is known: ids count from one thousand on."""
    numbers = iter(range(1_000, 9_999))
    shop = given_shop("=cmd|tea", cycle=DAILY, draft_days=0, reserve_bp=500, reserve_days=9)
    monkeypatch.setattr(ids, "new_id", lambda: next(numbers))
    noon = clock.start_of(FIRST, ZONE) + timedelta(hours=12)
    for minute, owed in enumerate((1_050, 2_000, 777)):
        given_taken(
            shop,
            noon + timedelta(minutes=minute, microseconds=minute),
            owed,
            voided_at=noon + timedelta(hours=1) if minute == 2 else None,
        )
    with database.begin() as session:
        items.add(
            session,
            shop.merchant.merchant_id,
            ADJUSTMENT,
            Amounts(-25),
            at=noon - timedelta(seconds=1),
            reason="x",
            actor="staff:1",
        )
    return closed(shop, FIRST)


def rows_of(statement):
    with database.begin() as session:
        return list(lines.stored(session, statement))


def made(statement, rows, code="=cmd|tea"):
    """Every file of it, by kind and language."""
    sealed = Sealed(statement, code, ZONE)
    found = {"csv": b"".join(files.as_csv(sealed, rows))}
    for language in files.LANGUAGES:
        out = io.BytesIO()
        files.as_xlsx(sealed, rows, language, out)
        found[f"xlsx {language}"] = out.getvalue()
        found[f"html {language}"] = "".join(files.as_page(sealed, rows, language)).encode()
    return found


def test_layout_1_is_what_it_was():
    found = {
        name: hashlib.sha256(body).hexdigest()[:16] for name, body in made(KNOWN, KNOWN_LINES, "tea").items()
    }

    assert files.LAYOUT == 1
    assert found == LAYOUT_1


def test_each_file_is_the_same_to_the_byte_in_another_process_locale_and_zone(statement, tmp_path):
    here = {
        name: hashlib.sha256(body).hexdigest() for name, body in made(statement, rows_of(statement)).items()
    }

    for zone, words, seed in (
        ("America/New_York", "de_DE.UTF-8", "1"),
        ("Pacific/Apia", "C", "77"),
        ("UTC", "zh_CN.GBK", "3"),
    ):
        env = os.environ | {
            "TZ": zone,
            "LC_ALL": words,
            "LANG": words,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, _told(statement)],
            capture_output=True,
            text=True,
            env=env,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        assert json.loads(done.stdout) == here


_PROGRAM = """
import hashlib, io, json, sys
from collections import namedtuple
from datetime import date, datetime, timezone
import datetime as dt
from merchants.statements import files
from merchants.statements.files import Sealed
from merchants.statements.models import Statement
Row = namedtuple("Row", "line_no kind member_id source_id recorded_at owed_fen fee_fen vat_fen")
header, rows = eval(sys.argv[1])
sealed = Sealed(Statement(**header), "=cmd|tea", "Asia/Shanghai")
rows = [Row(*row) for row in rows]
found = {"csv": b"".join(files.as_csv(sealed, rows))}
for language in files.LANGUAGES:
    out = io.BytesIO()
    files.as_xlsx(sealed, rows, language, out)
    found["xlsx " + language] = out.getvalue()
    found["html " + language] = "".join(files.as_page(sealed, rows, language)).encode()
print(json.dumps({name: hashlib.sha256(body).hexdigest() for name, body in found.items()}))
"""


def _told(statement):
    """Header and lines as text that the other process reads."""
    header = {column.name: getattr(statement, column.name) for column in statement.__table__.columns}
    return (
        repr((header, [tuple(row) for row in rows_of(statement)]))
        .replace("datetime.", "dt.")
        .replace("tzinfo=zoneinfo.ZoneInfo(key='UTC')", "tzinfo=timezone.utc")
    )


def test_csv_has_every_line_and_adds_up_to_the_statement(statement):
    found = made(statement, rows_of(statement))["csv"].decode("utf-8-sig")
    told = list(csv.DictReader(io.StringIO(found, newline="")))

    assert len(told) == statement.line_count == 6
    assert sum(parse_yuan(row["net"]) for row in told) == statement.net_fen
    assert [row["kind"] for row in told] == [
        "adjustment", "acceptance", "acceptance", "acceptance", "void", "reserve-in",
    ]  # fmt: skip
    assert told[2]["recorded_at"] == "2026-03-02T12:01:00.000001+08:00"
    assert told[0]["net"] == "-0.25"
    assert {row["statement"] for row in told} == {ids.public("stm", statement.merchant_id, 1)}


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "核销"), ("en", "Acceptance")])
def test_the_workbook_has_sums_and_lines_and_a_merchants_code_is_no_formula(statement, language, word):
    with zipfile.ZipFile(io.BytesIO(made(statement, rows_of(statement))[f"xlsx {language}"])) as archive:
        first, second = (ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{n}.xml")) for n in (1, 2))
    texts = ["".join(cell.itertext()) for cell in first.iter() if cell.tag.endswith("}c")]
    found = [["".join(cell.itertext()) for cell in row] for row in second.iter() if row.tag.endswith("}row")]

    assert "'=cmd|tea" in texts
    assert statement.hash.hex() in texts
    assert len(found) == 1 + statement.line_count
    assert found[2][1] == word
    assert found[2][3] == "2026-03-02 12:00:00"
    assert sum(parse_yuan(row[-1]) for row in found[1:]) == statement.net_fen


def test_the_page_to_print_is_in_both_languages_and_escapes_what_it_shows(statement):
    found = made(statement, rows_of(statement), code="<script>")

    for language, word in (("zh-CN", "应付金额"), ("en", "To be paid")):
        page = found[f"html {language}"].decode()
        assert f'<html lang="{language}">' in page
        assert word in page
        assert "<script>" not in page
        assert "style=" not in page
        assert page.count("<tr>") == 2 + len(statement.sums) + statement.line_count


def test_every_kind_of_line_has_its_word():
    assert set(KINDS) <= set(files._WORDS)


def test_a_workbook_nobody_would_wait_for_is_refused(statement, monkeypatch):
    monkeypatch.setattr(files, "MOST_IN_A_WORKBOOK", 5)

    with pytest.raises(TooManyRows):
        made(statement, rows_of(statement))


def test_finance_loads_the_files_over_the_api_as_they_are_made_here(app, statement):
    system = caller(app, service_key(given_programme("any"), "statements:read"))
    path = f"/v1/statements/{ids.public('stm', statement.merchant_id, 1)}/files"
    wanted = made(statement, rows_of(statement))

    got = {
        f"{kind} {language}".removesuffix(" zh-CN" if kind == "csv" else "?"): system.get(f"{path}/{kind}", language=language)
        for kind, language in (("csv", "zh-CN"), *((kind, one) for kind in ("xlsx", "html") for one in files.LANGUAGES))
    }  # fmt: skip

    assert {name: answer.data for name, answer in got.items()} == wanted
    assert got["csv"].headers["Content-Disposition"].startswith("attachment; filename=")
    assert got["html en"].content_type == "text/html; charset=utf-8"
    assert system.get(f"{path}/pdf").status_code == 404
    assert system.get(f"{path}/csv", language="fr").status_code == 422


def test_lines_are_read_some_at_a_time_and_all_of_them(statement, monkeypatch):
    monkeypatch.setattr(lines, "AT_ONCE", 2)
    monkeypatch.setattr(lines.page, "__kwdefaults__", {"after": 0, "limit": 2})

    assert [row.line_no for row in rows_of(statement)] == [1, 2, 3, 4, 5, 6]


def test_the_api_tells_kinds_sums_and_what_is_carried_and_pages_through_lines(app, statement):
    system = caller(app, service_key(given_programme("any"), "statements:read"))
    path = f"/v1/statements/{ids.public('stm', statement.merchant_id, 1)}"

    first = system.get(path, limit=4).json
    rest = system.get(path, limit=4, cursor=first["next_cursor"]).json

    assert [line["line_no"] for line in first["lines"] + rest["lines"]] == [1, 2, 3, 4, 5, 6]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert first["sums"]["reserve-in"]["owed_fen"] == -first["reserve_fen"] < 0
    assert first["payable_fen"] + first["carried_fen"] == first["net_fen"]
    assert (first["opening_fen"], first["form"], first["due_day"]) == (0, 2, str(statement.due_day))
    assert first["lines"][0]["about"].startswith("itm_")
    assert first["lines"][0]["acceptance"] is None
    assert first["lines"][1]["acceptance"] == first["lines"][1]["about"]
    with database.begin() as session:
        assert first["hash"] == closing.find(session, statement.merchant_id, 1).hash.hex()
