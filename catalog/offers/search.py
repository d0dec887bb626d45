"""Searching offers by what a person types: every word is in a name or text, in either language, in the code, city or category."""

import unicodedata

from catalog.offers import categories
from catalog.offers.models import Offer

MOST_QUERY = 60


def matches(offer: Offer, q: str) -> bool:
    """Whether each word of `q` occurs in what the offer is called; upper or lower case and width do not matter. No word: yes."""
    told = text_of(offer)
    return all(word in told for word in words_of(q))


def text_of(offer: Offer) -> str:
    """All that a search of an offer looks at, made plain."""
    found = (
        *offer.names.values(),
        *offer.texts.values(),
        offer.code,
        offer.category,
        offer.city or "",
        *categories.names_of(offer.category).values(),
    )
    return _plain("\n".join(found))


def words_of(q: str) -> list[str]:
    """The words that a person typed, made plain."""
    return _plain(q).split()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
