"""What is asked: contents of drafts, whose free parts are bounded, and which drafts and offers."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from base.http.api import MOST, QueryNumber, Request, Text, WholeNumber
from catalog.offers import categories
from catalog.offers.search import MOST_QUERY
from catalog.publishing import life
from catalog.publishing.classes import CLASSES
from catalog.publishing.wording import LANGUAGES, LONGEST

MOST_JSON, DEEPEST = 8_000, 8
YEARS = (2000, 2200)


class Moment(ma.fields.AwareDateTime):
    """A moment with its offset, of a year that every zone has."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        at: datetime = super()._deserialize(value, attr, data, **options)
        if not YEARS[0] <= at.year < YEARS[1]:
            raise ma.ValidationError(f"must lie between the years {YEARS[0]} and {YEARS[1]}")
        return at.astimezone(UTC)


class Lines(Text):
    """A text that may have several lines."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        lines = value.replace("\r\n", "\n").split("\n")
        for line in filter(None, lines):
            super()._deserialize(line, attr, data, **options)
        text = "\n".join(lines)
        if not 0 < len(text) <= self.most:
            raise ma.ValidationError(f"must be 1 to {self.most} characters")
        return text


class Free(ma.fields.Field[Any]):
    """JSON of a rule: objects, lists, plain texts, whole numbers, true, false, null; no deeper and longer than it must be."""

    def __init__(self, outer: type, **options: Any) -> None:
        super().__init__(**options)
        self.outer = outer

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if not isinstance(value, self.outer):
            raise ma.ValidationError("must be an object" if self.outer is dict else "must be a list")
        if not _is_free(value, DEEPEST) or len(json.dumps(value)) > MOST_JSON:
            raise ma.ValidationError(
                f"takes plain texts, whole numbers, true, false and null, {DEEPEST} deep and {MOST_JSON} long at most"
            )
        return value


def _is_free(value: Any, deep: int) -> bool:
    if isinstance(value, dict):
        return deep > 0 and all(_is_free(k, deep) and _is_free(v, deep - 1) for k, v in value.items())
    if isinstance(value, list):
        return deep > 0 and all(_is_free(one, deep - 1) for one in value)
    if isinstance(value, str):
        return {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, value))
    return value is None or (isinstance(value, int) and abs(value) <= MOST)


class TextsField(ma.fields.Dict):
    """A text in one language or both; what is missing is said by the step, not refused here."""

    def __init__(self, most: int, field: type[Text] = Text, **options: Any) -> None:
        keys = ma.fields.String(validate=ma.validate.OneOf(LANGUAGES))
        super().__init__(keys=keys, values=field(most=most), **options)


class CaseField(Request):
    """A single case: the member it is for, why, and what is expected of it."""

    member = Text(most=40, metadata={"description": "mbr_..."})
    reason = Text(most=500)
    expected = Text(most=500)


class ContentField(Request):
    """What an offer says; every field may still be missing in a draft."""

    category = Text(most=40, metadata={"description": ", ".join(categories.CATEGORIES)})
    city = Text(most=60, allow_none=True)
    names = TextsField(LONGEST["names"])
    texts = TextsField(LONGEST["texts"], Lines)
    terms = TextsField(LONGEST["terms"], Lines)
    pictures = ma.fields.List(Text(most=64), metadata={"description": "hashes of pictures that were sent"})
    eligibility = Free(dict, metadata={"description": "who may redeem it; empty: everybody"})
    limits = Free(list, metadata={"description": "how much of it"})
    most_units = WholeNumber(least=-MOST, metadata={"description": "at most so many at once"})
    cancellable = ma.fields.Boolean(truthy={True}, falsy={False})
    voucher_days = WholeNumber(least=-MOST, allow_none=True)
    event_at = Moment(allow_none=True)
    from_at = Moment(allow_none=True, metadata={"description": "null: from the approval on"})
    until_at = Moment(allow_none=True)
    form = Free(dict, metadata={"description": "what only its kind knows"})
    merchant = Text(most=64, allow_none=True, metadata={"description": "its code"})
    stock = WholeNumber(
        least=-MOST, allow_none=True, metadata={"description": "of a new offer; null: no limit"}
    )
    budget = Text(most=40, allow_none=True)
    value_fen = WholeNumber(least=-MOST, metadata={"description": "what one unit is worth to the member"})
    cost_fen = WholeNumber(least=-MOST, metadata={"description": "what one unit costs the operator"})
    currency = Text(most=3)
    cash_choices = ma.fields.List(
        WholeNumber(least=-MOST), metadata={"description": "how much of a unit may be paid in cash (fen)"}
    )
    approval_class = Text(most=20, metadata={"description": ", ".join(CLASSES)})
    case = ma.fields.Nested(CaseField, allow_none=True)


class DraftRequest(Request):
    """A new offer (programme, kind, code), or a further version of one (offer, and version to go back to an earlier one)."""

    programme = Text(most=64, load_default=None)
    kind = Text(most=32, load_default=None)
    code = Text(most=60, load_default=None)
    content = ma.fields.Nested(ContentField, load_default=dict)
    offer = Text(most=40, load_default=None)
    version = Text(most=40, load_default=None)

    @ma.validates_schema
    def _one_of_both(self, data: dict[str, Any], **options: Any) -> None:
        new = [name for name in ("programme", "kind", "code") if data[name] is not None]
        if data["offer"] is None and (len(new) < 3 or data["version"] is not None):
            raise ma.ValidationError("needs programme, kind and code; or an offer", "offer")
        if data["offer"] is not None and new:
            raise ma.ValidationError("an offer keeps its programme, kind and code", "offer")


class EditRequest(Request):
    """Other values for the named fields; `revision` is the one that was read."""

    revision = WholeNumber(least=1, required=True)
    content = ma.fields.Nested(ContentField, required=True)


class RevisionRequest(Request):
    """Which revision was read."""

    revision = WholeNumber(least=1, required=True)


class ReasonRequest(Request):
    """Why."""

    reason = Text(required=True, most=life.MOST_REASON)


class DraftsQuery(Request):
    """Which drafts."""

    mine = ma.fields.Boolean(load_default=False)
    limit = QueryNumber(least=1, most=100, load_default=50)
    cursor = ma.fields.String(load_default=None)


class StaffOffersQuery(Request):
    """Which offers."""

    programme = Text(required=True, most=64)
    kind = Text(most=32, load_default=None)
    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(life.OF_OFFERS))
    category = Text(most=40, load_default=None)
    q = Text(
        most=MOST_QUERY,
        load_default=None,
        metadata={"description": "words in a name, the code or the category"},
    )
    limit = QueryNumber(least=1, most=100, load_default=50)
    cursor = ma.fields.String(load_default=None)


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """A loaded content as plain JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in content.items()
    }
