"""Files of person-months: what is read, what is refused by name and row, intervals made into months."""

import duckdb
import numpy as np
import pytest

from admin.analytics import histories as h
from admin.analytics import person_month_files as f
from admin.analytics import tables as t
from admin.analytics.curves import by_exposure
from admin.analytics.histories import Histories, from_members, of_rows
from admin.analytics.history_files import read_intervals
from admin.analytics.person_month_files import read, read_person_months
from admin.analytics.person_months import PersonMonths, histories_of
from admin.analytics.sources import gather
from admin.analytics.whole_months import of_intervals
from base.errors import Invalid

HEAD = "id,month,left,redeemed_kind"


@pytest.fixture
def given_file(tmp_path):
    def write(*lines, encoding="utf-8"):
        path = tmp_path / "months.csv"
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_column_that_is_understood_is_read(given_file, encoding):
    path = given_file(
        HEAD + ",tenure,can_bill,can_club,redeemed_before,cost_fen,points,involuntary,arm,usage,city",
        "乙,2026-01,0,,5,1,0,1,,,0,asked,1.5,Leshan",
        "甲,2025-12,0,bill,0,1,1,0,500,300,0,control,2,Aba",
        "甲,2026-01,1,,1,1,0,0,,,1,control,3,Leshan",
        encoding=encoding,
    )

    found = read_person_months(path)

    assert found.ids.tolist() == ["乙", "甲"]
    assert found.member.tolist() == [0, 1, 1]
    assert found.month.tolist() == [2026 * 12, 2025 * 12 + 11, 2026 * 12]
    assert found.tenure.tolist() == [5, 0, 1]
    assert found.left.tolist() == [False, False, True]
    assert found.kinds == ("bill", "club")
    assert found.kind.tolist() == [-1, 0, -1]
    assert {name: able.tolist() for name, able in found.can.items()} == {
        "bill": [True, True, True],
        "club": [False, True, False],
    }
    assert found.redeemed_before.tolist() == [True, False]
    assert found.cost_fen.tolist() == [0, 500, 0]
    assert found.points.tolist() == [0, 300, 0]
    assert found.event.tolist() == [False, False, False]
    assert found.arms == ("asked", "control")
    assert found.arm.tolist() == [0, 1, 1]
    assert {name: values.tolist() for name, values in found.covariates.items()} == {
        "usage": [1.5, 2, 3],
        "city=Leshan": [1, 0, 1],
    }


def test_the_columns_tell_the_form(given_file):
    assert isinstance(read(given_file("id,start,stop,event,exposed", "a,0,2,0,0", "b,0,1,0,1")), Histories)
    assert isinstance(read(given_file(HEAD, "a,1,0,", "b,1,0,bill")), PersonMonths)
    with pytest.raises(t.HistoryColumnsMissing):
        read(given_file("a,b", "1,2"))


def test_parquet_says_the_same_as_csv(given_file, tmp_path):
    path = given_file(HEAD + ",usage", "a,2026-01,0,,1.5", "a,2026-02,1,club,2.5", "b,2026-01,0,,3.5")
    other = tmp_path / "months.parquet"
    duckdb.sql(f"copy (select * from read_csv('{path}')) to '{other}'")

    one, two = read(path), read(other)

    for name in ("ids", "member", "month", "tenure", "left", "kind", "bucket"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist(), name
    assert one.covariates["usage"].tolist() == two.covariates["usage"].tolist()


def test_the_order_of_rows_does_not_matter(given_file):
    rows = [f"m{n % 7},{n // 7},0,{'bill' if n == 9 else ''},{n}" for n in range(28)]

    one = read(given_file(HEAD + ",usage", *rows))
    two = read(given_file(HEAD + ",usage", *reversed(rows)))

    for name in ("ids", "member", "month", "kind", "bucket"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist(), name
    assert one.covariates["usage"].tolist() == two.covariates["usage"].tolist()


@pytest.mark.parametrize(
    ("error", "facts", "lines"),
    [
        (h.HistoriesEmpty, {}, [HEAD]),
        (t.HistoryColumnsMissing, {"columns": ["left"]}, ["id,month,redeemed_kind", "a,1,"]),
        (t.HistoryColumnTwice, {"columns": ["age"]}, [HEAD + ",age,age", "a,1,0,,1,1"]),
        (t.HistoryRowTooShortOrLong, {"rows": [3], "count": 1}, [HEAD, "a,1,0,", "b,1,0"]),
        (t.HistoryNotANumber, {"rows": [3], "count": 1, "column": "month"}, [HEAD, "a,1,0,", "b,May,0,"]),
        (
            t.HistoryNotANumber,
            {"rows": [3], "count": 1, "column": "month"},
            [HEAD, "a,2026-01,0,", "b,2026-13,0,"],
        ),
        (t.HistoryNotWhole, {"rows": [3], "count": 1, "column": "month"}, [HEAD, "a,1,0,", "b,1.5,0,"]),
        (t.HistoryFlagNotZeroOrOne, {"rows": [2], "count": 1, "column": "left"}, [HEAD, "a,1,2,"]),
        (t.HistoryFlagNotZeroOrOne, {"rows": [2], "count": 1, "column": "can_bill"}, [HEAD + ",can_bill", "a,1,0,,7"]),
        (h.HistoryValuesMissing, {"rows": [2, 4], "count": 2}, [HEAD, "a,,0,", "b,1,0,", ",1,0,"]),
        (h.HistoryValuesMissing, {"rows": [3], "count": 1}, [HEAD + ",age", "a,1,0,,3", "b,1,0,,NA"]),
        (f.HistoryMonthTwice, {"rows": [4], "count": 1}, [HEAD, "a,1,0,", "b,1,0,", "a,1,0,"]),
        (h.HistoryLeaveBeforeLastRow, {"rows": [2], "count": 1}, [HEAD, "a,1,1,", "a,2,0,"]),
        (h.HistoryBeforeJoining, {"rows": [2], "count": 1}, [HEAD + ",tenure", "a,1,0,bill,-1", "a,2,0,,0"]),
        (f.HistoryTenureJumps, {"rows": [3], "count": 1}, [HEAD + ",tenure", "a,1,0,,0", "a,2,0,,4"]),
        (
            t.HistoryKindNameTaken,
            {"rows": [3], "count": 1, "column": "redeemed_kind"},
            [HEAD, "a,1,0,", "b,1,0,any"],
        ),
        (t.HistoryNotWhole, {"rows": [2], "count": 1, "column": "cost_fen"}, [HEAD + ",cost_fen", "a,1,0,bill,-5"]),
        (
            f.HistoryKindNotOnOffer,
            {"rows": [3], "count": 1, "kind": "bill"},
            [HEAD + ",can_bill", "a,1,0,,0", "b,1,0,bill,0"],
        ),
    ],
)  # fmt: skip
def test_bad_input_is_a_named_error_with_its_rows(given_file, error, facts, lines):
    with pytest.raises(error) as raised:
        read_person_months(given_file(*lines))

    assert raised.value.facts == facts


def test_one_bad_row_among_many_is_named_as_a_spreadsheet_counts_it(given_file):
    lines = [f"m{n // 20},{n % 20},0," for n in range(100_000)]
    lines[54_320] = "m2716,0,no,"
    lines.insert(100, "")

    with pytest.raises(t.HistoryNotANumber) as raised:
        read_person_months(given_file(HEAD, *lines))

    assert raised.value.facts == {"rows": [54_323], "count": 1, "column": "left"}


def test_members_with_a_missing_value_are_left_out_whole_and_counted(given_file):
    path = given_file(HEAD + ",age", "a,1,0,,3", "a,2,0,,", "b,1,0,bill,4", ",1,0,,5", "c,1,0,,6")

    found = read_person_months(path, drop_missing=True)

    assert found.ids.tolist() == ["b", "c"]
    assert found.excluded == (
        {"reason": "missing_value", "count": 1, "rows": 2},
        {"reason": "missing_id", "count": 1, "rows": 1},
    )


def test_a_constant_column_is_dropped_and_named_and_too_many_words_are_refused(given_file):
    assert read_person_months(given_file(HEAD + ",land", "a,1,0,,x", "b,1,0,,x")).dropped_covariates == (
        "land",
    )
    lines = [f"m{n},1,0,,word{n}" for n in range(21)]
    with pytest.raises(t.HistoryTooManyCategories):
        read_person_months(given_file(HEAD + ",word", *lines))


def test_many_members_share_two_hundred_buckets_by_their_id(given_file):
    rows = [f"member-{n},1,0," for n in range(20_001)]

    found = read_person_months(given_file(HEAD, *rows))
    again = read_person_months(given_file(HEAD, *rows[:-1][::-1], "another-one,1,0,"))

    counts = np.bincount(found.bucket, minlength=200)
    assert len(counts) == 200
    assert counts.min() > 50
    one = dict(zip(found.ids.tolist(), found.bucket.tolist(), strict=True))
    other = dict(zip(again.ids.tolist(), again.bucket.tolist(), strict=True))
    assert all(other[name] == bucket for name, bucket in one.items() if name in other)


def test_an_exposed_row_is_a_redemption_in_the_month_before_it(given_file):
    path = given_file(
        "id,start,stop,event,exposed,kind,age",
        "a,0,3,0,0,,1", "a,3,5,1,1,club,1", "b,2,4,0,1,bill,2", "c,0,2,0,0,,3", "c,4,5,0,1,bill,3",
    )  # fmt: skip

    found = of_intervals(read_intervals(path))

    assert found.kinds == ("bill", "club")
    assert found.member.tolist() == [0, 0, 0, 0, 0, 1, 1, 2, 2, 2]
    assert found.tenure.tolist() == [0, 1, 2, 3, 4, 2, 3, 0, 1, 4]
    assert found.kind.tolist() == [-1, -1, 1, -1, -1, -1, -1, -1, -1, -1]
    assert found.left.tolist() == [False] * 4 + [True] + [False] * 5
    # Exposed from the first row on, and after months that nobody recorded: redeemed before the file begins.
    assert found.redeemed_before.tolist() == [False, True, True]
    assert found.covariates["age"].tolist() == [1] * 5 + [2] * 2 + [3] * 3


@pytest.mark.parametrize(("start", "unit"), [(0.5, "month"), (0, "day")])
def test_what_is_not_in_whole_months_has_no_person_months(start, unit):
    assert of_intervals(of_rows([0], [start], [3], [0], [0], unit=unit)) is None


def test_months_made_of_intervals_give_the_same_curves():
    random = np.random.default_rng(4)
    left = random.integers(0, 20, 300)
    redeemed = np.where(random.random(300) < 0.5, random.integers(0, 20, 300), -1)
    redeemed = np.where(redeemed <= left, redeemed, -1)
    histories = from_members(np.zeros(300), left, random.random(300) < 0.7, redeemed)

    back = histories_of(of_intervals(histories))

    for one, other in zip(by_exposure(histories), by_exposure(back), strict=True):
        assert one.survival == pytest.approx(other.survival, nan_ok=True)
        assert one.at_risk.tolist() == other.at_risk.tolist()
    assert back.ever.tolist() == histories.ever.tolist()


def test_every_error_has_a_chinese_title():
    errors = [one for one in (*vars(f).values(), *vars(t).values()) if isinstance(one, type)]

    assert [
        one for one in errors if issubclass(one, Invalid) and one is not Invalid and one.zh == Invalid.zh
    ] == []


@pytest.mark.parametrize(
    ("column", "lines"),
    [
        ("month", ("a,1,0,", "b,99999999999,0,")),
        ("month", ("a,1,0,", "b,-99999999999,0,")),
        ("tenure", ("a,1,0,,0", "b,1,0,,99999999999")),
        ("cost_fen", ("a,1,0,bill,0", "b,1,0,bill,1e30")),
    ],
)
def test_a_number_beyond_all_reason_is_named_and_never_wrapped_around(given_file, column, lines):
    head = HEAD if column == "month" else f"{HEAD},{column}"

    with pytest.raises(t.HistoryOutOfRange) as caught:
        read(given_file(head, *lines))

    assert caught.value.facts["rows"] == [3]
    assert caught.value.facts["column"] == column


def test_an_interval_of_thousands_of_years_is_named_before_it_becomes_months(given_file):
    lines = ("id,start,stop,event,exposed", "a,0,5,1,0", "b,0,3000000000,1,0")

    with pytest.raises(t.HistoryOutOfRange) as caught:
        read(given_file(*lines))

    assert caught.value.facts["rows"] == [3]
    assert read(given_file(*lines), unit="day").members == 2


def test_months_may_count_up_to_zero(given_file):
    found = gather(read(given_file(HEAD, "a,-6,0,", "a,-5,1,", "b,-6,0,bill", "b,-5,0,")))

    assert found.span == (-6, -5)


def test_one_word_among_numbers_is_a_slip_with_its_row_but_a_mixed_column_is_of_words(given_file):
    numbers = [f"m{n},1,0,,{n % 3}" for n in range(20)]

    with pytest.raises(t.HistoryNotANumber) as caught:
        read(given_file(f"{HEAD},usage", *numbers, "z,1,0,,oops"))

    assert caught.value.facts["rows"] == [22]
    assert caught.value.facts["column"] == "usage"
    found = read(given_file(f"{HEAD},usage", "a,1,0,,1", "b,1,0,,gold", "c,1,0,,2"))
    assert set(found.covariates) == {"usage=2", "usage=gold"}


def test_the_arm_of_a_member_is_drawn_once(given_file):
    lines = (f"{HEAD},arm", "a,1,0,,asked", "a,2,0,,asked", "b,1,0,,control", "b,2,0,,asked")

    with pytest.raises(f.HistoryArmChanges) as caught:
        read(given_file(*lines))

    assert caught.value.facts["rows"] == [5]
