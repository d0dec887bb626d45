"""Step one, the content: names, texts and terms in both languages, category, pictures."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from base.errors import Problem
from catalog.offers.categories import CATEGORIES
from catalog.offers.models import Offer
from catalog.pictures import pictures
from catalog.publishing.faults import (
    BadCount,
    BadText,
    CategoryUnknown,
    MissingTranslation,
    OfferIncomplete,
    PictureUnknown,
)

LANGUAGES = ("zh-CN", "en")
LONGEST = {"names": 60, "texts": 1_000, "terms": 5_000}
MAY_BE_NONE = frozenset({"terms"})  # in both languages or in none
MOST_PICTURES = 8


def faults(session: Session, offer: Offer, document: dict[str, Any]) -> list[Problem]:
    """What is missing or wrong in the content."""
    found = [fault for field in LONGEST for fault in _text(field, getattr(offer, field))]
    return [*found, *_category(offer.category), *_pictures(session, offer.pictures)]


def _text(field: str, said: dict[str, str]) -> Iterator[Problem]:
    if not any(said.get(language) for language in LANGUAGES):
        if field not in MAY_BE_NONE:
            yield OfferIncomplete(field=field)
        return
    for language in LANGUAGES:
        text = said.get(language)
        if not text or not text.strip():
            yield MissingTranslation(field=f"{field}.{language}", language=language)
        elif not is_plain(text, LONGEST[field], lines=field != "names"):
            yield BadText(
                field=f"{field}.{language}", why=f"1 to {LONGEST[field]} characters, no control characters"
            )


def is_plain(text: str, most: int, *, lines: bool = False) -> bool:
    """Whether a text is not too long and without control characters, but for the ends of its lines where it may have any."""
    rest = text.replace("\n", "") if lines else text
    return 0 < len(text) <= most and {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, rest))


def _category(category: str | None) -> Iterator[Problem]:
    if category is None:
        yield OfferIncomplete(field="category")
    elif category not in CATEGORIES:
        yield CategoryUnknown(field="category", choices=sorted(CATEGORIES))


def _pictures(session: Session, named: list[str]) -> Iterator[Problem]:
    if len(named) > MOST_PICTURES:
        yield BadCount(field="pictures", least=0, most=MOST_PICTURES)
    elif missing := sorted(set(named) - pictures.known(session, named)):
        yield PictureUnknown(field="pictures", hash=missing[0])
