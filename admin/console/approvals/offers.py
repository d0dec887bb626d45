"""A proposed version of an offer beside the one before it, field by field, as a person reads it."""

import json
from dataclasses import dataclass
from typing import Any

from admin.console import words
from base.errors import Problem
from base.money import yuan_text
from base.web import formats
from base.web.i18n import both
from catalog.offers import categories, limits
from catalog.publishing import contents
from catalog.publishing.classes import CLASSES
from catalog.publishing.schemas.views import changed
from catalog.publishing.wording import LANGUAGES

IN_FEN = frozenset({"value_fen", "cost_fen"})
MOMENTS = frozenset({"from_at", "until_at", "event_at"})
NOTHING: tuple[Any, ...] = (None, "", [], {})
IN_BOTH_LANGUAGES = frozenset({"names", "texts", "terms"})


@dataclass(frozen=True)
class Compared:
    """One field: what it is called, what it said, what it is to say."""

    label: str
    was: str
    now: str
    differs: bool


def compared(before: dict[str, Any] | None, content: dict[str, Any]) -> list[Compared]:
    """Every field that says anything, those that differ first."""
    content = contents.EMPTY | content
    differing = set(changed(before, content)) if before is not None else set[str]()
    rows = [
        Compared(
            str(words.OFFER_FIELDS[name]),
            _told(name, (before or {}).get(name)),
            str(words.FROM_THE_APPROVAL)
            if name == "from_at" and not content.get(name)
            else _told(name, content.get(name)),
            name in differing,
        )
        for name in contents.FIELDS
        if content.get(name) not in NOTHING or name in differing or name == "from_at"
    ]
    return sorted(rows, key=lambda row: not row.differs)


def _told(name: str, value: Any) -> str:
    if value in NOTHING:
        return "—"
    if name in IN_BOTH_LANGUAGES:
        return " / ".join(value.get(language, "—") for language in LANGUAGES)
    if name in MOMENTS:
        return formats.moment(contents.moment(value))
    if name == "limits":
        return _limits(value)
    if name in IN_FEN:
        return yuan_text(value)
    if name == "cash_choices":
        return ", ".join(map(yuan_text, value))
    if name == "category":
        return " / ".join(categories.names_of(value).values())
    if name == "approval_class" and value in CLASSES:
        return " / ".join(CLASSES[value].words.values())
    if isinstance(value, bool):
        return str(words.YES if value else words.NO)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _limits(value: Any) -> str:
    """Limits in sentences; what cannot be read, as it is."""
    try:
        return " ".join(both(one) for one in limits.said(limits.of(value)))
    except Problem:
        return json.dumps(value, ensure_ascii=False)
