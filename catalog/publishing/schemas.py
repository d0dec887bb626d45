"""JSON of drafts, of proposals of offers, and of offers as staff see them."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.errors import Problem
from base.http.api import MOST, QueryNumber, Request, Text, View, WholeNumber
from catalog.offers import categories
from catalog.offers.models import Offer
from catalog.offers.search import MOST_QUERY
from catalog.publishing import contents, life, proposals, steps
from catalog.publishing.classes import CLASSES
from catalog.publishing.drafts import Shown, reference
from catalog.publishing.listing import Row
from catalog.publishing.wording import LANGUAGES, LONGEST
from points.models import Programme

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


class FaultView(View):
    """What is missing or wrong."""

    type = ma.fields.String()
    pointer = ma.fields.String()
    detail = ma.fields.String()
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class DraftStepView(View):
    """One of the five steps."""

    step = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    done = ma.fields.Boolean()
    missing = ma.fields.List(ma.fields.Nested(FaultView))


class ConcernView(View):
    """Something that looks dear; it is said and not refused."""

    type = ma.fields.String()
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class DraftView(View):
    """A draft with its life and its five steps."""

    id = ma.fields.String()
    life = ma.fields.String(metadata={"description": ", ".join(life.LIVES)})
    revision = ma.fields.Integer()
    programme = ma.fields.String()
    kind = ma.fields.String()
    code = ma.fields.String()
    offer = ma.fields.String(allow_none=True)
    begun_from = ma.fields.String(allow_none=True, metadata={"description": "the version"})
    content = ma.fields.Dict()
    steps = ma.fields.List(ma.fields.Nested(DraftStepView))
    concerns = ma.fields.List(ma.fields.Nested(ConcernView))
    price_points = ma.fields.Integer(allow_none=True, metadata={"description": "at the rate of today"})
    approval = ma.fields.Dict(metadata={"description": "what its class asks for"})
    proposal = ma.fields.Nested(CaseView, allow_none=True)
    made_by = ma.fields.String()
    made_at = ma.fields.String()
    changed_at = ma.fields.String()


class DraftsView(View):
    """A page of drafts."""

    data = ma.fields.List(ma.fields.Nested(DraftView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class OfferProposalView(CaseView):
    """A proposal of an offer: its content, and that of the version before."""

    draft = ma.fields.String()
    revision = ma.fields.Integer()
    programme = ma.fields.String()
    offer_kind = ma.fields.String()
    code = ma.fields.String()
    offer = ma.fields.String(allow_none=True)
    version = ma.fields.String(allow_none=True, metadata={"description": "the one that the approval made"})
    content = ma.fields.Dict()
    whole_cost_fen = ma.fields.Integer(
        allow_none=True, metadata={"description": "of all there are; null: no limit"}
    )
    checkers = ma.fields.Integer(metadata={"description": "how many persons have to approve it"})
    endorsed_by = ma.fields.List(
        ma.fields.String(), metadata={"description": "who has, where it takes several"}
    )
    before = ma.fields.Dict(allow_none=True)
    changed = ma.fields.List(ma.fields.String(), metadata={"description": "fields that differ from before"})


class OfferProposalsView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(OfferProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class OfferVersionView(View):
    """A version of an offer."""

    id = ma.fields.String()
    from_at = ma.fields.String()
    in_force = ma.fields.Boolean()
    content = ma.fields.Dict()
    proposal = ma.fields.String(allow_none=True)


class VersionsView(View):
    """All versions of an offer, the newest first."""

    data = ma.fields.List(ma.fields.Nested(OfferVersionView))


class StaffOfferView(View):
    """An offer as staff see it, whatever its state."""

    id = ma.fields.String()
    version = ma.fields.String()
    life = ma.fields.String(metadata={"description": ", ".join(life.OF_OFFERS)})
    kind = ma.fields.String()
    code = ma.fields.String()
    category = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    value_fen = ma.fields.Integer()
    cost_fen = ma.fields.Integer()
    approval_class = ma.fields.String()
    left_over = ma.fields.Integer(allow_none=True)
    from_at = ma.fields.String()
    until_at = ma.fields.String(allow_none=True)
    reason = ma.fields.String(allow_none=True, metadata={"description": "why it was paused or ended"})
    changed_at = ma.fields.String()


class StaffOffersView(View):
    """A page of offers."""

    data = ma.fields.List(ma.fields.Nested(StaffOfferView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class CategoryView(View):
    """A category."""

    code = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """A loaded content as plain JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in content.items()
    }


def fault_view(step: str, fault: Problem) -> dict[str, Any]:
    """A fault as FaultView."""
    shown = {name: value for name, value in steps.error_of(step, fault).items() if name != "step"}
    return shown | {"words": {language: fault.title(language) for language in LANGUAGES}}


def draft_view(shown: Shown, at: datetime) -> dict[str, Any]:
    """A draft as DraftView."""
    draft, named = shown.draft, CLASSES.get(shown.draft.content.get("approval_class") or "basic")
    return {
        "id": reference(draft.draft_id),
        "life": shown.life,
        "revision": draft.revision,
        "programme": shown.programme.code,
        "kind": draft.kind,
        "code": draft.code,
        "offer": ids.public("off", draft.offer_id) if draft.offer_id is not None else None,
        "begun_from": version_reference(draft.from_version_id) if draft.from_version_id is not None else None,
        "content": draft.content,
        "steps": [
            {
                "step": step.name,
                "names": steps.NAMES[step.name],
                "done": step.done,
                "missing": [fault_view(step.name, fault) for fault in step.faults],
            }
            for step in shown.steps
        ],
        "concerns": [{"type": one.name, "words": one.words} for one in shown.concerns],
        "price_points": shown.price_points,
        "approval": {"class": named.words, "before": named.before, "days": named.waits.days} if named else {},
        "proposal": case_view(shown.case, at) if shown.case else None,
        "made_by": f"staff:{draft.maker_id}",
        "made_at": draft.made_at.isoformat(),
        "changed_at": draft.changed_at.isoformat(),
    }


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """A proposal as OfferProposalView."""
    said, before = case.proposal.said, proposals.before(session, case.proposal)
    made = proposals.made(session, case.proposal.proposal_id)
    content = said["content"]
    return case_view(case, at) | {
        "draft": said["draft"],
        "revision": said["revision"],
        "programme": said["programme"],
        "offer_kind": said["offer_kind"],
        "code": said["code"],
        "offer": ids.public("off", made.offer_id) if made else said["offer"],
        "version": version_reference(made.version_id) if made else None,
        "whole_cost_fen": said["whole_cost_fen"],
        "checkers": approvals.checkers_of(case.proposal),
        "endorsed_by": [
            f"staff:{person}" for person in approvals.endorsed_by(session, case.proposal.proposal_id)
        ],
        "content": content,
        "before": before,
        "changed": changed(before, content),
    }


def changed(before: dict[str, Any] | None, content: dict[str, Any]) -> list[str]:
    """The fields in which a content differs from the version before; all that are there for a new offer."""
    old = before or {}
    empty = contents.EMPTY
    return [
        name
        for name in contents.FIELDS
        if name in content
        and (before is None or (old.get(name) or empty.get(name)) != (content[name] or empty.get(name)))
    ]


def version_reference(version_id: int) -> str:
    """The public id of a version."""
    return ids.public("ofv", version_id)


def version_view(
    session: Session, offer: Offer, programme: Programme, in_force_id: int | None
) -> dict[str, Any]:
    """A version as OfferVersionView."""
    return {
        "id": version_reference(offer.version_id),
        "from_at": offer.from_at.isoformat(),
        "in_force": offer.version_id == in_force_id,
        "content": contents.document_of(session, offer, programme),
        "proposal": approvals.reference(offer.proposal_id) if offer.proposal_id is not None else None,
    }


def staff_offer_view(row: Row, at: datetime) -> dict[str, Any]:
    """An offer as StaffOfferView."""
    offer, state = row.offer, row.state
    return {
        "id": ids.public("off", offer.offer_id),
        "version": version_reference(offer.version_id),
        "life": row.life(at),
        "kind": offer.kind,
        "code": offer.code,
        "category": offer.category,
        "names": offer.names,
        "value_fen": offer.value_fen,
        "cost_fen": offer.cost_fen,
        "approval_class": offer.approval_class,
        "left_over": row.left_over,
        "from_at": offer.from_at.isoformat(),
        "until_at": offer.until_at.isoformat() if offer.until_at else None,
        "reason": state.reason,
        "changed_at": state.changed_at.isoformat(),
    }
