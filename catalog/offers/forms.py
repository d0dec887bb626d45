"""What only one kind of offer knows (its `form`): each kind's topic hands in how its own is checked before it is offered."""

from collections.abc import Callable

from base.errors import Invalid
from catalog.offers.models import Offer

Check = Callable[[Offer], None]


class BadForm(Invalid):
    """This kind of offer cannot be set up like that."""

    zh = "该类权益的设置不正确。"


_checks: dict[str, Check] = {}


def register(kind: str, check: Check) -> None:
    """Say how offers of a kind are checked; a later one of that kind takes its place."""
    _checks[kind] = check


def check(offer: Offer) -> None:
    """BadForm (field, why) where the offer, which need not be stored yet, is not one of its kind."""
    if offer.kind in _checks:
        _checks[offer.kind](offer)
    elif offer.form:
        raise BadForm(field="form", why="this kind of offer has no form")
