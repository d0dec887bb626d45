"""What only one kind of offer knows (its `form`): each kind's topic hands in how its own is checked before it is offered."""

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from base.errors import Invalid
from catalog.offers.models import Offer

Check = Callable[[Offer], None]
Against = Callable[[Session, Offer], None]


class BadForm(Invalid):
    """This kind of offer cannot be set up like that."""

    zh = "该类权益的设置不正确。"


_checks: dict[str, Check] = {}
_against: dict[str, Against] = {}


def register(kind: str, check: Check, against: Against | None = None) -> None:
    """Say how offers of a kind are checked, alone and against what is stored; a later one of that kind takes its place."""
    _checks[kind] = check
    if against is not None:
        _against[kind] = against


def check(offer: Offer, session: Session | None = None) -> None:
    """BadForm (field, why) where the offer, which need not be stored yet, is not one of its kind.

    With a session also what it names is asked for (the parts of a bundle).
    """
    if offer.kind in _checks:
        _checks[offer.kind](offer)
        if session is not None and offer.kind in _against:
            _against[offer.kind](session, offer)
    elif offer.form:
        raise BadForm(field="form", why="this kind of offer has no form")


def fields(offer: Offer, needed: Mapping[str, type], allowed: Mapping[str, type] | None = None) -> None:
    """BadForm, unless the form has all these members, maybe those besides, and no other, each of its type and not empty."""
    known = {**needed, **(allowed or {})}
    for name in offer.form.keys() - known.keys():
        raise BadForm(field=name[:40], why=f"a {offer.kind} has {', '.join(known)}")
    for name, kind in known.items():
        value = offer.form.get(name)
        if value is None and name not in needed:
            continue
        if value is None or isinstance(value, bool) or not isinstance(value, kind) or value == "":
            raise BadForm(field=name, why="needed")
