"""Histories: what is accepted, what is refused with its row numbers, and when exposure begins."""

import numpy as np
import pytest

from admin.analytics import histories as h
from admin.analytics.histories import NEVER, from_members, of_rows


def rows_of(histories):
    columns = (
        histories.ids[histories.member],
        histories.start,
        histories.stop,
        histories.event,
        histories.exposed,
    )
    return [(str(i), int(a), int(b), bool(e), bool(x)) for i, a, b, e, x in zip(*columns, strict=True)]


def test_a_member_is_exposed_from_the_month_after_the_first_redemption():
    histories = from_members([0], [5], [True], [2], ids=["a"])

    assert rows_of(histories) == [("a", 0, 3, False, False), ("a", 3, 6, True, True)]


@pytest.mark.parametrize(
    ("entry", "redeemed", "rows"),
    [
        (0, NEVER, [("0", 0, 6, True, False)]),
        (0, 5, [("0", 0, 6, True, False)]),
        (4, 1, [("0", 4, 6, True, True)]),
        (4, 3, [("0", 4, 6, True, True)]),
        (4, 4, [("0", 4, 5, False, False), ("0", 5, 6, True, True)]),
    ],
)
def test_late_entry_and_late_redemption_keep_their_months(entry, redeemed, rows):
    histories = from_members([entry], [5], [True], [redeemed])

    assert rows_of(histories) == rows
    assert histories.ever.tolist() == [redeemed != NEVER]
    assert histories.first_start.tolist() == [entry]
    assert histories.tenure.tolist() == [6]
    assert histories.left.tolist() == [True]


def test_a_covariate_follows_its_member_into_every_row():
    histories = from_members([0, 0], [5, 5], [True, False], [2, NEVER], covariates={"tier": [7, 9]})

    assert histories.covariates["tier"].tolist() == [7, 7, 9]


def test_rows_are_sorted_by_member_and_keep_their_order_in_time():
    histories = of_rows([1, 0, 1], [0, 0, 2], [2, 3, 4], [0, 1, 0], [0, 0, 1], ids=["a", "b"])

    assert rows_of(histories) == [
        ("a", 0, 3, True, False),
        ("b", 0, 2, False, False),
        ("b", 2, 4, False, True),
    ]
    assert histories.ever.tolist() == [False, True]


def test_a_gap_between_rows_is_allowed():
    assert of_rows([0, 0], [0, 5], [2, 6], [0, 1], [0, 0]).rows == 2


def test_histories_cannot_be_changed():
    histories = from_members([0], [5], [True], [2])

    with pytest.raises(ValueError, match="read-only"):
        histories.stop[0] = 99


@pytest.mark.parametrize(
    ("error", "rows", "member", "start", "stop", "event"),
    [
        (h.HistoryValuesMissing, [2], [0, 1], [0, np.nan], [1, 1], [0, 0]),
        (h.HistoryBeforeJoining, [1], [0, 1], [-1, 0], [1, 1], [0, 0]),
        (h.HistoryStopNotAfterStart, [1, 2], [0, 1], [1, 2], [1, 1], [0, 0]),
        (h.HistoryRowsBackward, [3], [0, 1, 0], [3, 0, 1], [4, 1, 2], [0, 0, 0]),
        (h.HistoryRowsOverlap, [2], [0, 0], [0, 1], [2, 3], [0, 0]),
        (h.HistoryLeaveBeforeLastRow, [1], [0, 0], [0, 1], [1, 2], [1, 0]),
    ],
)
def test_an_impossible_row_is_named_by_its_number(error, rows, member, start, stop, event):
    with pytest.raises(error) as raised:
        of_rows(member, start, stop, event, np.zeros(len(member)))

    assert raised.value.facts == {"rows": rows, "count": len(rows)}


def test_nothing_at_all_is_refused():
    with pytest.raises(h.HistoriesEmpty):
        of_rows([], [], [], [], [])


@pytest.mark.parametrize(
    ("error", "entry", "exit_month", "redeemed"),
    [
        (h.HistoryBeforeJoining, -1, 5, NEVER),
        (h.HistoryBeforeJoining, 0, 5, -2),
        (h.HistoryStopNotAfterStart, 6, 5, NEVER),
        (h.HistoryRedeemedAfterLastMonth, 0, 5, 6),
    ],
)
def test_an_impossible_member_is_named_by_number(error, entry, exit_month, redeemed):
    with pytest.raises(error) as raised:
        from_members([0, entry], [5, exit_month], [0, 0], [NEVER, redeemed])

    assert raised.value.facts == {"rows": [2], "count": 1}


def test_a_member_may_not_appear_twice():
    with pytest.raises(h.HistoryMemberTwice) as raised:
        from_members([0, 0, 0], [5, 5, 5], [0, 0, 0], [1, 2, 3], ids=["a", "b", "a"])

    assert raised.value.facts["rows"] == [3]


def test_only_the_first_ten_rows_are_listed_and_all_are_counted():
    with pytest.raises(h.HistoryStopNotAfterStart) as raised:
        of_rows(range(25), [1] * 25, [1] * 25, [0] * 25, [0] * 25)

    assert raised.value.facts == {"rows": list(range(1, 11)), "count": 25}
