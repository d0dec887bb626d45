"""The figures of a report out of sums: nothing rescaled, nothing hidden, whole numbers."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from admin.console.replays import chart
from admin.replay import figures, runs
from admin.replay.figures import Known, OfferNamed, Unit
from admin.replay.segments import FIGURES, merged
from base.money import BASIS_POINTS
from catalog.offers import heaps

NAMES = {"zh-CN": "x", "en": "x"}


def row(**values):
    return [values.get(name, 0) for name in FIGURES]


def named(**kinds):
    return {key.removeprefix("o"): OfferNamed(int(key[1:]), key, kind, NAMES) for key, kind in kinds.items()}


def test_the_mix_shows_what_belongs_nowhere_and_is_never_rescaled():
    then = {"1": 1600, "2": 8100, "3": 200, "4": 3, "5": 97}
    own = {key: dict.fromkeys(FIGURES, 0) | {"points_then": points} for key, points in then.items()}
    kinds = named(o1="voucher", o2="bill_credit", o3="event", o4="service", o5="history")

    mix = figures.mix(own, kinds)

    assert [one["heap"] for one in mix] == list(heaps.HEAPS)
    assert [one["share_bp_then"] for one in mix] == [1600, 8100, 200, 3, 97]
    assert [one["share_bp_new"] for one in mix] == [0] * 5


@given(st.lists(st.integers(0, 10**12), min_size=5, max_size=5))
def test_shares_never_add_up_to_more_than_the_whole(points):
    own = {str(at): dict.fromkeys(FIGURES, 0) | {"points_then": one} for at, one in enumerate(points, 1)}

    mix = figures.mix(own, named(o1="voucher", o2="bill_credit", o3="perk", o4="service", o5="history"))

    assert sum(one["points_then"] for one in mix) == sum(points)
    assert BASIS_POINTS - 5 < sum(one["share_bp_then"] for one in mix) <= BASIS_POINTS or not any(points)
    drawn = chart.of_mix(mix)
    assert all(0 <= pair.then <= chart.WIDTH - chart.LABELS for pair in drawn.pairs)


def test_parts_come_together_in_any_order():
    one = {"offer": {"1": row(count=1)}, "tier": {"": row(members=2)}}
    two = {"offer": {"1": row(count=2), "2": row(count=5)}}

    assert (
        merged(merged({}, one), two)
        == merged(merged({}, two), one)
        == {
            "offer": {"1": row(count=3), "2": row(count=5)},
            "tier": {"": row(members=2)},
        }
    )


def test_ten_offers_that_move_most_and_none_that_stay():
    own = {
        str(n): dict(zip(FIGURES, row(count=1, points_then=100, points_new=100 + (n - 6) * 10), strict=True))
        for n in range(1, 15)
    }

    moved = figures.movers(own, {})

    assert len(moved) == 10
    assert [int(one["code"]) for one in moved] == [14, 13, 12, 1, 11, 2, 10, 3, 9, 4]


def test_a_warning_says_what_is_dear_and_whether_it_is_so_today():
    own = {
        "1": row(
            count=1,
            points_then=90,
            points_new=95,
            net_cost_then=100,
            net_cost_new=100,
            net_value_then=100,
            net_value_new=100,
        ),
        "2": row(count=1, points_then=100, points_new=120, net_value_then=110, net_value_new=110),
        "3": row(count=1, points_then=9, points_new=9, net_cost_then=99, net_cost_new=99),
        "4": row(count=2, impossible=2, net_cost_then=9),
    }
    known = Known(
        ((100, 100), (100, 100)),
        named(o1="perk", o2="voucher", o3="history", o4="perk"),
        unit=Unit("draft", 1, 90, 80, 100),
    )

    told = figures.of("offer", {"offer": own}, known)["warnings"]

    assert [
        (one["code"], one["what"], one["fen"], one["points_worth_fen"], one["was_so"]) for one in told
    ] == [
        ("o1", "cost-above-worth", 100, 95, True),
        ("o2", "premium-negative", 110, 120, False),
    ]
    assert figures.worth(-150, (100, 99)) == -148
    assert figures.worth(150, None) == 0


def test_months_are_whole_days_up_to_yesterday_and_a_short_month_has_its_last_day():
    assert runs.days_before(date(2026, 5, 31), 3) == (date(2026, 2, 28), date(2026, 5, 30))
    assert runs.days_before(date(2026, 1, 1), 1) == (date(2025, 12, 1), date(2025, 12, 31))
    assert runs.days_before(date(2026, 3, 15), 12) == (date(2025, 3, 15), date(2026, 3, 14))
