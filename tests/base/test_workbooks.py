"""Workbooks: the same bytes for the same rows, numbers as numbers, nothing that a spreadsheet would run."""

import io
import zipfile
from xml.etree import ElementTree

import pytest

from base import workbooks
from base.workbooks import Fen, Sheet, TooManyRows

SPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def written(rows, **more):
    out = io.BytesIO()
    workbooks.write([Sheet("one & <two>", (10, 20), rows, **more)], out)
    return out.getvalue()


def cells(content):
    """Type, style and text of each cell of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [
        (cell.get("r"), cell.get("t"), cell.get("s"), "".join(cell.itertext()))
        for cell in sheet.iterfind(".//m:c", SPACE)
    ]


def test_texts_numbers_and_money_each_have_their_cell():
    found = cells(written([("核销 <&>", 12, Fen(-1234)), (), (None, "x")], frozen=1))

    assert found == [
        ("A1", "inlineStr", None, "核销 <&>"), ("B1", None, None, "12"), ("C1", None, "1", "-12.34"),
        ("B3", "inlineStr", None, "x"),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "＝"])
@pytest.mark.attack("A15")
def test_what_a_spreadsheet_would_take_for_a_formula_is_neutralised(sign):
    (found,) = cells(written([(f"{sign}1+1",)]))

    assert found[3] == f"'{sign}1+1"


def test_signs_that_xml_does_not_know_are_left_out_and_columns_go_on_after_z():
    found = cells(written([("a\x00b\x1f\ud800",), tuple(range(28))]))

    assert found[0][3] == "ab"
    assert [place for place, *_ in found[-2:]] == ["AA2", "AB2"]


def test_the_same_rows_make_the_same_bytes_and_say_neither_when_nor_by_what():
    first, second = written([("a", 1)]), written(iter([("a", 1)]))

    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        entries = archive.infolist()
    assert first == second
    assert {(one.date_time, one.compress_type, one.create_system) for one in entries} == {
        ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 3)
    }
    assert not any(one.filename.startswith("docProps") for one in entries)


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)

    assert len(cells(written([(1,)] * 3))) == 3
    with pytest.raises(TooManyRows):
        written([(1,)] * 4)
