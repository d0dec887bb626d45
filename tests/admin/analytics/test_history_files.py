"""Files of intervals: what is read, what is refused, and how a refusal names its rows."""

import time

import numpy as np
import pytest

from admin.analytics import histories as h
from admin.analytics import history_files as f
from admin.analytics.history_files import read_intervals
from base.errors import Invalid

HEAD = "id,start,stop,event,exposed"


@pytest.fixture
def given_file(tmp_path):
    def write(*lines, encoding="utf-8"):
        path = tmp_path / "histories.csv"
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_read_with_or_without_a_byte_order_mark(given_file, encoding):
    path = given_file(
        HEAD + ",kind", "客户1,0,3,0,0,", "客户1,3,6,1,1,bill", "b,2.5,4,0,0,", encoding=encoding
    )

    histories = read_intervals(path)

    assert histories.ids.tolist() == ["客户1", "b"]
    assert histories.member.tolist() == [0, 0, 1]
    assert histories.start.tolist() == [0, 3, 2.5]
    assert histories.stop.tolist() == [3, 6, 4]
    assert histories.event.tolist() == [False, True, False]
    assert histories.exposed.tolist() == [False, True, False]
    assert histories.ever.tolist() == [True, False]
    assert histories.kinds == ("bill",)
    assert histories.unit == "month"


def test_columns_may_stand_in_any_order_and_members_may_alternate(given_file):
    path = given_file("stop,event,exposed,id,start", "2,0,0,a,0", "", "3,1,0,b,0", "4,0,1,a,2")

    histories = read_intervals(path, unit="day")

    assert histories.member.tolist() == [0, 0, 1]
    assert histories.stop.tolist() == [2, 4, 3]
    assert histories.unit == "day"


def test_further_columns_become_covariates(given_file):
    path = given_file(
        HEAD + ",age,city,land", "a,0,1,0,0,30,Leshan,x", "b,0,1,0,0,40,Aba,x", "c,0,1,0,0,50,Leshan,x"
    )

    histories = read_intervals(path)

    assert {name: values.tolist() for name, values in histories.covariates.items()} == {
        "age": [30, 40, 50],
        "city=Leshan": [1, 0, 1],
    }
    assert histories.dropped_covariates == ("land",)


def test_only_the_covariates_asked_for_are_used(given_file):
    path = given_file(HEAD + ",age,city", "a,0,1,0,0,30,Leshan", "b,0,1,0,0,40,")

    assert list(read_intervals(path, covariates=["age"]).covariates) == ["age"]
    assert not read_intervals(path, covariates=[]).covariates


@pytest.mark.parametrize(
    ("error", "facts", "lines"),
    [
        (h.HistoriesEmpty, {}, [HEAD]),
        (f.HistoryColumnsMissing, {"columns": ["stop", "exposed"]}, ["id,start,event", "a,0,1"]),
        (f.HistoryColumnsMissing, {"columns": list(f.NEEDED)}, []),
        (f.HistoryColumnTwice, {"columns": ["age"]}, [HEAD + ",age,age", "a,0,1,0,0,1,1"]),
        (f.HistoryRowTooShortOrLong, {"rows": [3], "count": 1}, [HEAD, "a,0,1,0,0", "b,0,1,0"]),
        (h.HistoryValuesMissing, {"rows": [2, 4], "count": 2}, [HEAD, "a,0,,0,0", "b,0,1,0,0", ",0,1,0,0"]),
        (h.HistoryValuesMissing, {"rows": [3], "count": 1}, [HEAD + ",age", "a,0,1,0,0,3", "b,0,1,0,0,NA"]),
        (f.HistoryNotANumber, {"rows": [3], "count": 1, "column": "stop"}, [HEAD, "a,0,1,0,0", "b,0,x,0,0"]),
        (f.HistoryNotANumber, {"rows": [2], "count": 1, "column": "stop"}, [HEAD, "a,0,inf,0,0"]),
        (f.HistoryFlagNotZeroOrOne, {"rows": [2], "count": 1, "column": "event"}, [HEAD, "a,0,1,2,0"]),
        (f.HistoryFlagNotZeroOrOne, {"rows": [2], "count": 1, "column": "exposed"}, [HEAD, "a,0,1,0,0.5"]),
        (h.HistoryBeforeJoining, {"rows": [2], "count": 1}, [HEAD, "a,-1,1,0,0"]),
        (h.HistoryStopNotAfterStart, {"rows": [3], "count": 1}, [HEAD, "a,0,1,0,0", "a,1,1,0,0"]),
        (h.HistoryRowsBackward, {"rows": [5], "count": 1}, [HEAD, "a,4,5,0,0", "b,0,1,0,0", "", "a,1,2,0,0"]),
        (h.HistoryRowsOverlap, {"rows": [3], "count": 1}, [HEAD, "a,0,2,0,0", "a,1,3,0,0"]),
        (h.HistoryLeaveBeforeLastRow, {"rows": [2], "count": 1}, [HEAD, "a,0,2,1,0", "a,2,3,0,0"]),
    ],
)
def test_bad_input_is_a_named_error_with_its_rows(given_file, error, facts, lines):
    with pytest.raises(error) as raised:
        read_intervals(given_file(*lines))

    assert raised.value.facts == facts


def test_a_column_of_too_many_words_is_refused(given_file):
    lines = [f"{n},0,1,0,0,word{n}" for n in range(21)]

    with pytest.raises(f.HistoryTooManyCategories) as raised:
        read_intervals(given_file(HEAD + ",word", *lines))

    assert raised.value.facts == {"column": "word", "found": 21, "limit": 20}


def test_what_is_not_text_is_refused(tmp_path, given_file):
    with pytest.raises(f.HistoryFileUnreadable):
        read_intervals(given_file(HEAD, "客户,0,1,0,0", encoding="gb18030"))
    with pytest.raises(f.HistoryFileUnreadable):
        read_intervals(given_file(HEAD, 'a,0,1,0,"0'))
    with pytest.raises(f.HistoryFileUnreadable):
        read_intervals(tmp_path / "absent.csv")


def test_members_with_a_missing_value_are_left_out_whole_and_counted(given_file):
    path = given_file(HEAD, "a,0,3,0,0", "a,3,,1,1", "b,0,4,1,0", ",0,1,0,0")

    histories = read_intervals(path, drop_missing=True)

    assert histories.ids.tolist() == ["b"]
    assert histories.excluded == (
        {"reason": "missing_value", "count": 1, "rows": 2},
        {"reason": "missing_id", "count": 1, "rows": 1},
    )


def test_every_error_has_a_chinese_title():
    errors = [one for one in (*vars(h).values(), *vars(f).values()) if str(one).startswith("<class 'admin.")]

    for error in errors:
        if issubclass(error, Invalid):
            assert error.zh != Invalid.zh, error


def test_half_a_million_rows_are_read_in_seconds(given_file):
    path = given_file(HEAD, *(f"m{n},0,{n % 24 + 1},{n % 2},0" for n in range(500_000)))

    begun = time.perf_counter()
    histories = read_intervals(path)

    assert histories.rows == 500_000
    assert int(np.sum(histories.event)) == 250_000
    assert time.perf_counter() - begun < 15
