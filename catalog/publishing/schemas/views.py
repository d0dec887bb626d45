"""What is told: drafts with their five steps, proposals beside the version before, versions, offers of every state."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals, endorsements
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.errors import Problem
from base.http.api import View
from catalog.offers.models import Offer
from catalog.publishing import contents, life, proposals, steps
from catalog.publishing.classes import CLASSES
from catalog.publishing.drafts import reference
from catalog.publishing.listing import Row
from catalog.publishing.showing import Shown
from catalog.publishing.wording import LANGUAGES
from points.models import Programme


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
            f"staff:{person}" for person in endorsements.persons(session, case.proposal.proposal_id)
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
