"""What a statement comes to: nothing is made or lost on the way, a reserve never makes a net negative, small change waits."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from base import clock
from merchants.models import MONTHLY
from merchants.statements.lines import Sum
from merchants.statements.reckoning import Rules, pays, reckon

fen = st.integers(-(10**9), 10**9)
ZONE = "Asia/Shanghai"


def rules(reserve_bp=0, minimum_fen=0, **more):
    values = {"cycle": MONTHLY, "cutoff_minute": 0, "draft_days": 2, "pay_days": 4, "reserve_days": 30} | more
    return Rules(zone=ZONE, reserve_bp=reserve_bp, minimum_fen=minimum_fen, **values)


@given(fen, fen, st.integers(0, 10**9), st.integers(0, 10_000), st.integers(0, 10**6))
def test_what_comes_in_goes_out_paid_carried_or_kept(opening, net, released, bp, minimum):
    found = reckon(rules(bp, minimum), opening, {"acceptance": Sum(3, net, 0, 0)}, released, 1)

    assert opening + net + released == found.payable_fen + found.carried_fen + found.reserve_in_fen
    assert found.payable_fen == 0 or found.carried_fen == 0
    assert found.whole.net_fen == found.payable_fen + found.carried_fen
    assert found.payable_fen >= 0
    assert not pays(found.carried_fen, minimum)


@given(st.integers(0, 10**9), st.integers(1, 10_000))
def test_a_reserve_is_a_share_of_what_was_earned_and_leaves_a_net_of_no_less_than_zero(net, bp):
    found = reckon(rules(bp), 0, {"acceptance": Sum(1, net, 0, 0)}, 0, 0)

    assert abs(found.reserve_in_fen * 10_000 - net * bp) <= 5_000
    assert found.whole.net_fen >= 0


def test_of_what_was_carried_because_it_was_small_no_share_is_kept_again_and_what_was_owed_counts():
    earned = {"acceptance": Sum(1, 1_000, 0, 0)}

    assert reckon(rules(1_000), 500, earned, 0, 0).reserve_in_fen == 100
    assert reckon(rules(1_000), -400, earned, 0, 0).reserve_in_fen == 60
    assert reckon(rules(1_000), -2_000, earned, 0, 0).reserve_in_fen == 0
    assert reckon(rules(1_000), 0, earned | {"reserve-out": Sum(1, 700, 0, 0)}, 300, 1).reserve_in_fen == 100


def test_less_than_the_minimum_is_carried_and_the_minimum_itself_is_paid():
    found = [reckon(rules(minimum_fen=100), 0, {"acceptance": Sum(1, net, 0, 0)}, 0, 0) for net in (99, 100)]

    assert [(one.payable_fen, one.carried_fen) for one in found] == [(0, 99), (100, 0)]


def test_nothing_makes_no_statement_but_what_was_carried_and_may_be_paid_now_does():
    assert reckon(rules(), 0, {}, 0, 0) is None
    assert reckon(rules(), -50, {}, 0, 0) is None
    assert reckon(rules(minimum_fen=100), 50, {}, 0, 0) is None
    assert reckon(rules(), 50, {}, 0, 0).payable_fen == 50


def test_draft_time_and_due_day_count_business_days_from_the_end_of_the_period():
    calendar = {date(2026, 6, 1): False}
    found = rules(calendar=calendar, cutoff_minute=180)
    may = found.period_of(clock.start_of(date(2026, 5, 20), ZONE))

    looks_until = found.looks_until(may).astimezone(clock.zone(ZONE))

    assert looks_until.isoformat() == "2026-06-04T03:00:00+08:00"
    assert found.due_day(may) == date(2026, 6, 5)
    assert (
        rules(draft_days=0).looks_until(rules().period_of(may.from_at))
        == rules().period_of(may.from_at).to_at
    )
