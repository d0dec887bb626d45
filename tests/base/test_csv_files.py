"""Files from outside: refused as a whole before anything happens, or read to the end, bad rows and all."""

import csv
import hashlib
import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base import csv_files
from base.csv_files import (
    BadCell,
    ErrorFile,
    FileColumnsWrong,
    FileEmpty,
    FileNotReadable,
    FileNotUtf8,
    FileNotWritable,
    Row,
)

COLUMNS = ("bill", "amount")
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20)


@pytest.fixture
def file(tmp_path):
    def write(contents: bytes):
        path = tmp_path / "in.csv"
        path.write_bytes(contents)
        return path

    return write


def read(path, required=COLUMNS, optional=()):
    return list(csv_files.opened(path, required, optional).rows())


def test_a_file_is_known_by_its_bytes_and_its_lines(file):
    contents = b"bill,amount\r\nB1,5\r\nB2,6"

    opened = csv_files.opened(file(contents), COLUMNS)

    assert opened.sha256 == hashlib.sha256(contents).digest()
    assert opened.lines == 2
    assert list(opened.rows()) == [
        Row(2, {"bill": "B1", "amount": "5"}),
        Row(3, {"bill": "B2", "amount": "6"}),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_column(file):
    assert read(file(b"\xef\xbb\xbfbill,amount\nB1,5\n")) == [Row(2, {"bill": "B1", "amount": "5"})]


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent(file):
    assert read(file(b"amount,bill\n5,B1\n"), optional=("note",)) == [Row(2, {"bill": "B1", "amount": "5"})]


@pytest.mark.parametrize("line_no", [1, 2, 17, 60_000])
def test_another_encoding_is_refused_with_its_line(file, line_no):
    lines = [b"bill,amount", *[b"B1,5"] * 70_000]
    lines[line_no - 1] = "全球通,5".encode("gb18030")

    with pytest.raises(FileNotUtf8, match=f"line {line_no} is not UTF-8; save the file as UTF-8"):
        read(file(b"\n".join(lines)))


def test_a_letter_cut_off_at_the_end_is_not_utf8(file):
    with pytest.raises(FileNotUtf8, match="line 2 "):
        read(file(b"bill,amount\nB1,\xe5\x85"))


@pytest.mark.parametrize("contents", [b"", b"\xef\xbb\xbf", b"\n\nB1,5\n"])
def test_a_file_without_columns_is_empty(file, contents):
    with pytest.raises(FileEmpty):
        read(file(contents))


def test_all_faults_of_the_columns_are_told_at_once(file):
    with pytest.raises(FileColumnsWrong) as refused:
        read(file(b"Bill,note,note\n"))

    said = str(refused.value)
    assert "missing: 'bill', 'amount'" in said
    assert "unknown: 'Bill', 'note'" in said
    assert "twice: 'note'" in said
    assert "found: 'Bill', 'note', 'note'" in said


def test_a_file_that_is_not_there_or_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotReadable, match="nowhere"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(FileNotReadable):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"B1", "1 fields instead of 2"),
        (b"B1,5,6", "3 fields instead of 2"),
        (b'"B1,5', "a quotation mark is not closed"),
        (b'"B1"x,5', "a quotation mark is not closed on this line, or text follows it"),
        (b"B\x001,5", "NUL"),
        (b"B" * 70_000 + b",5", "longer than 65536"),
        (b"B" * 300_000 + b",5", "longer than 65536"),
    ],
)
def test_a_bad_row_never_hides_the_good_ones(file, line, reason):
    before, bad, after = read(file(b"bill,amount\nB0,1\n" + line + b"\nB9,9\n"))

    assert (before.cells["bill"], before.error) == ("B0", None)
    assert bad.line_no == 3
    assert reason in (bad.error or "")
    assert after == Row(4, {"bill": "B9", "amount": "9"})


def test_blank_lines_are_left_out_but_counted_in_line_numbers(file):
    assert [row.line_no for row in read(file(b"bill,amount\n\nB1,5\n  \nB2,6\n\n"))] == [3, 5]


@given(rows=st.lists(st.tuples(cells, cells), max_size=20))
def test_whatever_a_csv_writer_wrote_is_read_again(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "in.csv"
    with open(path, "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([COLUMNS, *rows])

    found = [tuple(row.cells.values()) for row in read(path)]

    assert found == [row for row in rows if (row[0] + "," + row[1]).strip()]


# The error file


def test_there_is_no_error_file_without_a_bad_row(tmp_path):
    with ErrorFile(tmp_path / "bad.csv", COLUMNS):
        pass

    assert not (tmp_path / "bad.csv").exists()


def test_the_error_file_has_the_columns_of_the_file_and_two_more(tmp_path):
    with ErrorFile(ErrorFile.beside(tmp_path / "bills.csv"), COLUMNS) as bad:
        bad.add(Row(7, {"bill": "=HYPERLINK(1)", "amount": "-5"}), "amount: is negative")

    text = (tmp_path / "bills.errors.csv").read_text(encoding="utf-8")
    assert text.splitlines() == ["bill,amount,line,error", "'=HYPERLINK(1),'-5,7,amount: is negative"]


@given(
    rows=st.lists(st.tuples(cells | st.sampled_from(["=1", "'=1", "''@x", "-5", "\t"]), cells), min_size=1)
)
def test_a_corrected_error_file_can_be_taken_in_as_it_is(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "in.errors.csv"
    with ErrorFile(path, COLUMNS) as bad:
        for number, row in enumerate(rows):
            bad.add(Row(number, dict(zip(COLUMNS, row, strict=True))), "some reason")

    assert [tuple(row.cells.values()) for row in read(path)] == rows


LIVE = tuple("=+-@\t\r＝＋－＠")


@pytest.mark.attack("A15")
@pytest.mark.parametrize("count", [100, pytest.param(10_000, marks=pytest.mark.torture)])
def test_no_spreadsheet_takes_a_neutralised_cell_for_a_formula(tmp_path, count):
    """As it stands in a file, read back: whatever begins like a formula begins with a mark, and its words are whole."""

    @settings(max_examples=count, database=None)
    @given(st.one_of(cells, st.builds(str.__add__, st.sampled_from(LIVE), cells)))
    def no_live_cell(cell):
        safe = csv_files.neutralised(cell)
        assert not safe.startswith(LIVE)
        assert safe in (cell, "'" + cell)
        out = io.StringIO()
        csv.writer(out).writerow([safe, "1"])
        assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [safe, "1"]

    no_live_cell()


def test_an_error_file_that_cannot_be_written_is_named(tmp_path):
    with (
        pytest.raises(FileNotWritable, match="nowhere"),
        ErrorFile(tmp_path / "nowhere" / "x.csv", COLUMNS) as bad,
    ):
        bad.add(Row(2, {}), "some reason")


# Cells


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+5",
        "５",
        "1e3",
        "1_000",
        "1,000",
        "NaN",
        "inf",
        " 5",
        "5 ",
        "5.0",
        "0x10",
        "٣",
        "²",
        "-",
        "--5",
        "五",
    ],
)
def test_only_plain_digits_are_a_whole_number(value):
    with pytest.raises(BadCell, match="not a whole number"):
        csv_files.whole_number({"amount": value}, "amount")


@pytest.mark.parametrize("value", [str(2**63), str(-(2**63)), "9" * 30, "9" * 60_000])
def test_a_number_beyond_63_bits_is_refused_shortly(value):
    with pytest.raises(BadCell, match="is too large") as refused:
        csv_files.whole_number({"amount": value}, "amount")
    assert len(str(refused.value)) < 100


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_whole_numbers_are_read_as_they_are(number):
    assert csv_files.whole_number({"amount": str(number)}, "amount") == number


def test_an_empty_cell_takes_the_default_where_there_is_one():
    assert csv_files.whole_number({"waived": ""}, "waived", default=0) == 0
    assert csv_files.whole_number({}, "waived", default=0) == 0


@given(st.dates())
def test_days_are_read_as_they_are(day):
    assert csv_files.day({"on": day.isoformat()}, "on") == day


@pytest.mark.parametrize(
    "value", ["", "20240101", "2024-1-1", "2024-02-30", "2024-W01-1", "２０２４-01-01", "1.1.2024"]
)
def test_a_day_is_year_month_day_and_exists(value):
    with pytest.raises(BadCell, match="on: "):
        csv_files.day({"on": value}, "on")


def test_a_leap_day_is_a_day():
    assert csv_files.day({"on": "2024-02-29"}, "on") == date(2024, 2, 29)


@pytest.mark.parametrize("value", ["", " a", "a\u00a0", "a\tb", "a\u202eb", "x" * 65])
def test_a_text_has_no_spaces_around_it_and_nothing_unseen(value):
    with pytest.raises(BadCell, match="bill: "):
        csv_files.text({"bill": value}, "bill")


def test_a_first_row_in_place_of_the_names_is_not_repeated(file):
    with pytest.raises(FileColumnsWrong) as refused:
        csv_files.opened(file("张三丰,13800138000,z@example.test\n".encode()), COLUMNS)

    assert not any(part in str(refused.value) for part in ("张三丰", "13800138000", "z@example.test"))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_line_is_found_again_by_its_place(file, ends, mark):
    lines = ["bill,amount", "B1,张", "", '"B,2",5', "x" * 70_000, "B3,6"]
    opened = csv_files.opened(file(mark + ends.join(lines).encode()), COLUMNS)

    with opened.path.open("rb") as again:
        found = [
            (line_no, text, opened.line_at(again.fileno(), at, length))
            for line_no, text, at, length in opened.placed()
        ]
        assert opened.unchanged(again.fileno())

    assert [(line_no, text) for line_no, text, _ in found] == list(opened.numbered())
    assert [opened.row(line_no, line) for line_no, _, line in found] == list(opened.rows())
