"""Until when an acceptance is undone: the windows of the terms, and never past the cut-off of the merchant's day."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants import acceptances
from merchants.acceptances import Place
from merchants.models import Acceptance, Terms

CLERK, MANAGER = Place(1, 2, 3, 4), Place(1, 2, 9, 5, is_manager=True)


@pytest.mark.parametrize(
    ("cutoff", "accepted", "place", "until"),
    [
        (0, "15:55", CLERK, "15:59:59.999999"),  # five to midnight in Shanghai
        (360, "15:55", CLERK, "16:10"),  # a day that ends at six in the morning
        (360, "15:55", MANAGER, "21:59:59.999999"),
        (0, "01:00", MANAGER, "15:59:59.999999"),
    ],
)
def test_the_cut_off_ends_it_instead_of_midnight(cutoff, accepted, place, until):
    def at(time):
        return datetime.fromisoformat(f"2026-06-01T{time}").replace(tzinfo=UTC)

    row = Acceptance(recorded_at=at(accepted), terminal_id=3, outlet_id=2)
    version = Terms(cutoff_minute=cutoff, void_window_s=900, manager_void_window_s=86_400)

    assert acceptances.undoable_until(row, version, "Asia/Shanghai", place) == at(until)


def test_in_the_night_of_a_change_of_clocks_the_day_is_an_hour_longer():
    began = datetime(2026, 10, 25, 2, tzinfo=UTC)  # Berlin: three in the morning, after the clocks went back
    row = Acceptance(recorded_at=began - timedelta(hours=4), terminal_id=3, outlet_id=2)
    version = Terms(cutoff_minute=180, void_window_s=900, manager_void_window_s=86_400)

    until = acceptances.undoable_until(row, version, "Europe/Berlin", MANAGER)

    assert until == began - timedelta(microseconds=1)
