"""What a text leads to: public ids by their prefix, customers by their number, offers, merchants and segments by name or code.

Each finder needs its own permission and sees within the asker's area alone; what the asker may not see is not found.
Names and numbers of phones are not searched here: the text stands in the address.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from base import ids
from base.auth.principals import Staff
from base.web.i18n import lazy_gettext as _
from catalog.offers.models import HISTORY, Offer
from catalog.offers.offers import in_force
from merchants import scope as merchant_scope
from merchants.models import Merchant
from points import programmes
from points.members import members, scope
from points.members.members import CUSTOMER_ID
from points.segments.models import Segment

MOST = 10
LANGUAGES = ("zh-CN", "en")
LONGEST = 80
# Prefix of a public id -> (permission, what it is, where its page is)
PAGES = {
    "mbr": ("members:read", _("Member"), "/staff/members/{}"),
    "stm": ("statements:read", _("Statement"), "/staff/statements/{}"),
    "dsp": ("disputes:read", _("Dispute"), "/staff/disputes/{}"),
    "seg": ("segments:read", _("Segment"), "/staff/segments/{}"),
    "tkt": ("tickets:read", _("Ticket"), "/staff/tickets/{}"),
    "alr": ("till-alerts:read", _("Alert about a till"), "/staff/till-alerts/{}"),
}
PROPOSAL = "apr"
TRACED = ("red", "vch", "acc", "voi", "stl")


@dataclass(frozen=True)
class Hit:
    """Something that was found: what it is, its name in both languages or as it stands, and its page."""

    what: object
    names: dict[str, str] | str
    note: str
    href: str


def found(session: Session, person: Staff, text: str, at: datetime) -> list[Hit]:
    """What the text leads to, the surest first; at most MOST of each kind."""
    text = text.strip()[:LONGEST]
    if not text or not text.isprintable():
        return []
    return [hit for finder in FINDERS for hit in finder(session, person, text, at)]


def of_id(person: Staff, text: str) -> Iterator[Hit]:
    """The page of a public id, where the person may open it."""
    prefix, _line, rest = text.partition("_")
    if not rest:
        return
    if prefix in PAGES:
        permission, what, place = PAGES[prefix]
        if permission in person.permissions:
            yield Hit(what, text, "", place.format(text))
    elif prefix in TRACED and "trace:read" in person.permissions:
        yield Hit(_("Trace"), text, "", f"/staff/trace?id={text}")
    elif prefix == PROPOSAL and "proposals:read" in person.permissions:
        yield Hit(_("Proposal"), text, "", f"/staff/approvals/{text}")


def _by_id(session: Session, person: Staff, text: str, at: datetime) -> Iterator[Hit]:
    return of_id(person, text)


def _members(session: Session, person: Staff, text: str, at: datetime) -> Iterator[Hit]:
    if "members:read" not in person.permissions or not CUSTOMER_ID.fullmatch(text):
        return
    for programme in programmes.every(session):
        member_id = members.find_many(session, programme.programme_id, [text]).get(text)
        if member_id is not None and scope.sees(session, person, member_id):
            yield Hit(_("Member"), text, programme.code, f"/staff/members/{ids.public('mbr', member_id)}")


def _merchants(session: Session, person: Staff, text: str, at: datetime) -> Iterator[Hit]:
    if "merchants:read" not in person.permissions:
        return
    asked = (
        select(Merchant)
        .where(merchant_scope.rule(person), _named(text, Merchant.code, Merchant.names))
        .order_by(Merchant.code)
        .limit(MOST)
    )
    for merchant in session.scalars(asked):
        yield Hit(_("Merchant"), merchant.names, merchant.code, f"/staff/merchants/{merchant.code}")


def _offers(session: Session, person: Staff, text: str, at: datetime) -> Iterator[Hit]:
    if "offers:read" not in person.permissions:
        return
    asked = (
        select(Offer)
        .where(in_force(at), Offer.kind != HISTORY, _named(text, Offer.code, Offer.names))
        .order_by(Offer.code)
        .limit(MOST)
    )
    codes = {one.programme_id: one.code for one in programmes.every(session)}
    for offer in session.scalars(asked):
        place = f"/staff/offers?programme={codes[offer.programme_id]}#{ids.public('off', offer.offer_id)}"
        yield Hit(_("Offer"), offer.names, offer.code, place)


def _segments(session: Session, person: Staff, text: str, at: datetime) -> Iterator[Hit]:
    if "segments:read" not in person.permissions or person.area:
        return
    asked = (
        select(Segment)
        .where(Segment.ended_at.is_(None), _named(text, Segment.code, Segment.names))
        .order_by(Segment.code)
        .limit(MOST)
    )
    for segment in session.scalars(asked):
        yield Hit(
            _("Segment"),
            segment.names,
            segment.code,
            f"/staff/segments/{ids.public('seg', segment.segment_id)}",
        )


def _named(
    text: str, code: InstrumentedAttribute[str], names: InstrumentedAttribute[dict[str, str]]
) -> ColumnElement[bool]:
    said = (code, *(names[language].as_string() for language in LANGUAGES))
    return or_(*(one.icontains(text, autoescape=True) for one in said))


FINDERS: tuple[Callable[[Session, Staff, str, datetime], Iterator[Hit]], ...] = (
    _by_id,
    _members,
    _merchants,
    _offers,
    _segments,
)
