"""Searching offers by what a person types: every word is in a name, in either language, in the code or the category."""

import unicodedata

from catalog.offers import categories
from catalog.offers.models import Offer

MOST_QUERY = 60


def matches(offer: Offer, q: str) -> bool:
    """Whether each word of `q` occurs in what the offer is called; upper or lower case and width do not matter. No word: yes."""
    found = (*offer.names.values(), offer.code, *categories.names_of(offer.category).values())
    told = _plain("\n".join(found))
    return all(word in told for word in _plain(q).split())


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
