"""A proposal climbs from the area of its maker to headquarters, a part of its time with each."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from base.approvals.climbing import HEADQUARTERS, ladder, standing

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_of_a_county_it_climbs_through_city_and_province_to_headquarters():
    found = [standing("330106", BEGUN, BEGUN + 8 * HOUR, BEGUN + hours * HOUR) for hours in (0, 2, 4, 6, 9)]

    assert ladder("330106") == ["330106", "3301", "33", HEADQUARTERS]
    assert [one.now.area for one in found] == ["330106", "3301", "33", "", ""]
    assert [one.next and one.next.area for one in found] == ["3301", "33", "", None, None]
    assert [one.climbed for one in found] == [False, True, True, True, True]
    assert [one.is_urgent for one in found] == [False, False, False, True, True]


@given(st.sampled_from(["", "33", "3301", "330106"]), st.integers(1, 10**6), st.integers(0, 10**6))
def test_it_is_always_with_somebody_and_never_climbs_down(area, whole, gone):
    ends_at = BEGUN + timedelta(seconds=whole)
    now, later = (standing(area, BEGUN, ends_at, BEGUN + timedelta(seconds=n)) for n in (gone, gone + 1))

    assert len(later.now.area) <= len(now.now.area)
    assert area.startswith(now.now.area)
    assert now.next is None or now.next.until > now.now.until
