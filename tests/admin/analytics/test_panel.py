"""The person-month panel: who is seen from when to when, what counts as a redemption and as a leave, what is known before."""

from datetime import date

import pytest

from admin.analytics import panel
from tests.admin.analytics.panels import FIRST, bills, day, given, made, member, month, redeemed, rows

ALWAYS = bills("2023-12", "2025-03")


@pytest.fixture
def of(tmp_path):
    """The panel's rows of some tables."""

    def answer(undone=panel.KEPT, **tables):
        return rows(tmp_path / "panels", given(tmp_path / "snapshot", **tables), undone)

    return answer


def months(found):
    return [row["month"] for row in found]


def test_a_member_has_a_row_for_each_decided_month_and_leaves_in_the_last(of):
    found = of(member=[member(left="2024-05")], bill=bills("2023-12", "2024-05"))

    assert months(found) == list(range(month("2024-01"), month("2024-05") + 1))
    assert [row["left_here"] for row in found] == [0, 0, 0, 0, 1]


def test_the_last_ninety_days_are_not_decided_and_are_cut_off(of):
    found = of(member=[member(left="2025-02")], bill=ALWAYS)

    assert months(found)[-1] == month("2024-12")
    assert not any(row["left_here"] for row in found)


@pytest.mark.parametrize(
    ("last", "decided"), [("2025-03-30", "2024-11"), ("2025-03-31", "2024-12"), ("2025-04-29", "2024-12")]
)
def test_a_month_is_decided_ninety_days_after_its_last_day(tmp_path, last, decided):
    taken = given(tmp_path / "s", last=date.fromisoformat(last))

    assert panel.window(taken, taken.programmes[0]).last_month == month(decided)


def test_records_that_begin_within_a_month_count_from_the_next_one(tmp_path):
    taken = given(tmp_path / "s", first=date(2024, 1, 2))

    assert panel.window(taken, taken.programmes[0]).first_month == month("2024-02")


def test_whoever_joined_before_the_records_enters_when_they_begin_with_the_months_of_membership(of):
    found = of(
        member=[member(1, joined="2023-06"), member(2, joined="2024-10")],
        bill=ALWAYS + bills("2024-10", "2025-03", of=2),
    )

    first = {row["member_id"]: row for row in reversed(found)}
    assert (first[1]["month"], first[1]["tenure"]) == (month("2024-01"), 7)
    assert (first[2]["month"], first[2]["tenure"]) == (month("2024-10"), 0)


def test_whoever_left_before_the_records_begin_is_not_there(of):
    assert of(member=[member(left="2023-12")]) == []


def test_ninety_days_without_a_paid_bill_are_a_leave_on_the_first_silent_day(of):
    found = of(member=[member(left="2024-11")], bill=bills("2023-12", "2024-04"))

    assert (found[-1]["month"], found[-1]["left_here"]) == (month("2024-04"), 1)


def test_a_silence_that_begins_with_a_month_is_a_leave_of_that_month(of):
    on = day("2024-04-30")

    found = of(member=[member()], bill=[*bills("2023-12", "2024-03"), (1, month("2024-04"), 5_000, on, on)])

    assert (found[-1]["month"], found[-1]["left_here"]) == (month("2024-05"), 1)


def test_eighty_nine_silent_days_are_no_leave(of):
    on, again = day("2024-04-01"), day("2024-04-01") + 90

    def paid(next_day):
        return [
            *bills("2023-12", "2024-03"),
            (1, month("2024-04"), 5_000, on, on),
            (1, month("2024-07"), 5_000, next_day, next_day),
        ]

    found = of(member=[member()], bill=[*paid(again), *bills("2024-08", "2025-03")])
    assert months(found)[-1] == month("2024-12")


def test_whoever_comes_back_after_ninety_silent_days_had_left(of):
    found = of(member=[member()], bill=bills("2023-12", "2024-03") + bills("2024-07", "2025-03"))

    assert (found[-1]["month"], found[-1]["left_here"]) == (month("2024-03"), 1)


def test_bills_of_nothing_are_no_activity(of):
    empty = [(1, month(text), 0, -1, -1) for text in ("2024-05", "2024-06", "2024-07", "2024-08", "2024-09")]

    found = of(member=[member()], bill=bills("2023-12", "2024-04") + empty)

    assert (found[-1]["month"], found[-1]["left_here"]) == (month("2024-04"), 1)


def test_without_any_bill_of_the_programme_silence_says_nothing(of):
    found = of(member=[member()])

    assert months(found)[-1] == month("2024-12")


def test_fraud_death_and_debt_are_told_apart(of):
    found = of(member=[member(left="2024-05", involuntary=1)], bill=bills("2023-12", "2024-05"))

    assert [(row["left_here"], row["involuntary"]) for row in found[-2:]] == [(0, 0), (1, 1)]


def test_a_merged_member_goes_out_of_view_without_leaving(of):
    found = of(member=[member(merged="2024-06")], bill=ALWAYS)

    assert (found[-1]["month"], found[-1]["left_here"]) == (month("2024-05"), 0)


def test_of_several_kinds_in_a_month_the_one_with_most_points_is_the_exposure_and_all_of_them_cost(of):
    taken = [
        redeemed("2024-03", "bill", 300, 290),
        redeemed("2024-03", "bill", 300, 290),
        redeemed("2024-03", "club", 500, 80),
    ]

    found = of(member=[member()], bill=ALWAYS, redemption=taken)
    row = found[2]

    assert (row["kind"], row["points"], row["cost_fen"]) == (0, 1_100, 660)
    assert [one["kind"] for one in found if one is not row] == [-1] * 11


def test_what_is_undone_within_its_month_never_was_and_what_is_undone_later_stays(of):
    found = of(
        member=[member()], bill=ALWAYS,
        redemption=[redeemed("2024-03", undone="2024-03"), redeemed("2024-05", undone="2024-06")],
    )  # fmt: skip

    assert [row["month"] for row in found if row["kind"] >= 0] == [month("2024-05")]


def test_the_variant_drops_what_was_undone_later_as_well(of):
    found = of(
        undone=panel.DROPPED,
        member=[member()],
        bill=ALWAYS,
        redemption=[redeemed("2024-05", undone="2024-06")],
    )

    assert [row["kind"] for row in found] == [-1] * 12


def test_a_redemption_before_the_view_is_known_as_one_before_it(of):
    found = of(
        member=[member(1), member(2)], redemption=[redeemed("2023-09", of=2), redeemed("2024-02", of=1)]
    )

    assert {(row["member_id"], row["redeemed_before"]) for row in found} == {(1, 0), (2, 1)}


def test_a_balance_is_the_one_before_the_month_opens_and_holds_until_the_next_posting(of):
    balances = [(1, 0, month("2023-11"), 40), (1, 0, month("2023-12"), 50), (1, 0, month("2024-03"), 70)]

    found = of(member=[member()], bill=ALWAYS, fact=balances)

    assert [row["balance"] for row in found[:4]] == [50, 50, 70, 70]


def test_bills_are_those_of_the_months_before(of):
    paid = [
        (
            1,
            month(f"2024-{number:02}"),
            100 * number,
            day(f"2024-{number:02}-10"),
            day(f"2024-{number:02}-10"),
        )
        for number in range(1, 13)
    ]

    found = of(member=[member()], bill=paid + bills("2025-01", "2025-03"))

    assert [row["bill_fen"] for row in found[:4]] == [0, 100, 200, 300]
    assert [row["bills_fen"] for row in found[:5]] == [0, 100, 300, 600, 900]
    assert [row["bill_months"] for row in found[:5]] == [1, 2, 3, 3, 3]


def test_a_grade_and_a_tier_hold_from_their_month_on_and_are_unknown_before(of):
    told = [
        (1, 1, month("2024-03"), 2),
        (1, 1, month("2024-06"), 0),
        (1, 2, month("2023-02"), 2),
        (1, 10, month("2024-04"), 3),
    ]

    found = of(member=[member()], bill=ALWAYS, fact=told)

    assert [row["risk"] for row in found[1:6]] == [-1, 2, 2, 2, 0]
    assert {row["told_tier"] for row in found} == {2}
    assert [row["rank_1"] for row in found[2:4]] == [0, 3]


def test_a_kind_is_in_reach_with_the_balance_for_its_price_while_it_is_on_offer_or_when_it_was_redeemed(of):
    priced = [(7, 0, month(f"2024-{number:02}"), 300) for number in range(3, 13)] + [
        (8, 0, month("2024-01"), 1)
    ]

    found = of(
        member=[member()], bill=ALWAYS, price=priced, redemption=[redeemed("2024-04")],
        fact=[(1, 0, month("2024-01"), 500), (1, 0, month("2024-04"), 200), (1, 0, month("2024-06"), 300)],
    )  # fmt: skip

    assert [row["can_bill"] for row in found[:7]] == [0, 0, 1, 1, 0, 1, 1]
    assert not any(row["can_club"] for row in found)


def test_of_a_kind_that_was_never_on_offer_nobody_says_who_could_have_had_it(tmp_path):
    taken = given(
        tmp_path / "s", member=[member()], bill=ALWAYS, price=[(7, 0, month("2024-01"), 300)],
        redemption=[redeemed("2024-04"), redeemed("2024-06", "history")],
    )  # fmt: skip
    (chunk,) = made(tmp_path / "p", taken)

    assert chunk.kinds == ("bill", "history")
    # Where prices are held, who could afford nothing is held against nobody; where none is, everybody counts.
    assert chunk.can["history"].tolist() == [False] + [True] * (chunk.rows - 1)
    assert not (chunk.can["history"] | chunk.can["bill"])[0]


def test_members_of_another_programme_are_not_counted(of):
    other = (9, 8, *member()[2:])

    assert of(member=[other]) == []


def test_what_never_varies_is_dropped_and_named_and_the_lowest_tier_is_what_others_are_held_against(tmp_path):
    told = [(1, 2, month("2024-01"), 1), (2, 2, month("2024-01"), 2)]
    taken = given(tmp_path / "s", member=[member(1), member(2, joined="2024-02")], bill=ALWAYS, fact=told)

    found = made(tmp_path / "p", taken)

    assert {"usage", "arpu", "tier=gold"} <= set(found.covariates)
    assert {"risk", "risk_unknown", "balance", "rank_star"} <= set(found.dropped)
    assert "tier=blue" not in {*found.covariates, *found.dropped}


def test_chunks_are_person_months_with_all_rows_of_a_member_together(tmp_path):
    taken = given(
        tmp_path / "s", member=[member(1), member(2, left="2024-03", joined="2024-02"), member(203)], bill=ALWAYS,
        redemption=[redeemed("2024-02", "club", of=2), redeemed("2024-04", "merchant", of=203)],
    )  # fmt: skip
    (chunk,) = made(tmp_path / "p", taken)

    assert chunk.kinds == ("merchant", "club")
    assert chunk.members == 3
    assert [list(chunk.member).count(number) for number in range(3)] == [12, 2, 12]
    assert [chunk.kinds[kind] for kind in chunk.kind if kind >= 0] == ["club", "merchant"]
    assert list(chunk.left.nonzero()[0]) == [13]
    assert list(chunk.bucket) == [0, 1, 2]
    assert FIRST.year * 12 == chunk.month.min()
