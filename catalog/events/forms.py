"""What an event's offer says beside its price: places, waiting list, how long a place is offered, who did not come."""

from dataclasses import dataclass, fields

from catalog.offers.forms import BadForm
from catalog.offers.models import Offer

LIMITS = {  # least and most
    "capacity": (1, 100_000),
    "waiting": (0, 100_000),
    "offer_hours": (1, 168),
    "check_in_minutes": (0, 1_440),
    "bar_days": (0, 365),
}


@dataclass(frozen=True)
class Form:
    """`waiting`: how many may wait; `offer_hours`: how long a freed place is kept for the first of them; `check_in_minutes`:
    how long before it begins people are let in; `bar_days`: who did not come signs up for no event for so long.
    """

    capacity: int
    waiting: int = 100
    offer_hours: int = 24
    check_in_minutes: int = 60
    bar_days: int = 0


def of(offer: Offer) -> Form:
    """The form of an event's offer."""
    return Form(**offer.form)


def check(offer: Offer) -> None:
    """BadForm where it is none of an event."""
    for name, value in offer.form.items():
        if name not in LIMITS:
            raise BadForm(field=f"form.{name}", why=f"choose of: {', '.join(f.name for f in fields(Form))}")
        least, most = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadForm(field=f"form.{name}", why=f"a whole number from {least} to {most}")
    if "capacity" not in offer.form:
        raise BadForm(field="form.capacity", why="how many places there are")
    if offer.event_at is None:
        raise BadForm(field="event_at", why="when it begins")
    if offer.most_units != 1:
        raise BadForm(field="most_units", why="one place for each person")
