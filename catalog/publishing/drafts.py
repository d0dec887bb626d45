"""Drafts: one person writes an offer, or a further version of one, until it is proposed; an edit takes an open proposal back.

A draft is its maker's alone: who wrote a part of it could else approve it. Others read it, and begin their own.
"""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import clock, ids
from base.approvals import approvals
from base.approvals.approvals import NotAPerson
from base.approvals.models import APPROVED
from base.auth.principals import Principal, Staff
from base.errors import Conflict, Invalid, NotAllowed, NotFound, field_errors
from catalog.offers.models import ENDED, HISTORY, Offer, OfferState
from catalog.offers.offers import OfferUnknown
from catalog.publishing import contents, steps
from catalog.publishing.models import OfferDraft
from catalog.publishing.steps import Step
from points import programmes
from points.models import Programme

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)


class DraftUnknown(NotFound):
    """There is no such draft."""

    zh = "没有该草稿。"


class DraftOfAnother(NotAllowed):
    """This draft is another person's."""

    zh = "该草稿属于其他人员。"
    next_en, next_zh = "Begin a draft of your own.", "请新建本人的草稿。"


class DraftChanged(Conflict):
    """This draft was changed meanwhile."""

    zh = "该草稿已被修改。"
    next_en, next_zh = "Look at it again, then decide.", "请重新查看草稿后再操作。"


class DraftClosed(Conflict):
    """This draft was approved or thrown away."""

    zh = "该草稿已审批通过或已作废。"
    next_en, next_zh = "Begin another draft from the offer.", "请从该权益新建草稿。"


class DraftInReview(Conflict):
    """This draft waits for a decision already."""

    zh = "该草稿正在审批中。"
    next_en, next_zh = (
        "Wait for the decision, or edit it, which takes the proposal back.",
        "请等待审批；修改草稿会撤回申请。",
    )


class OfferEnded(Conflict):
    """This offer has ended for good."""

    zh = "该权益已永久终止。"
    next_en, next_zh = "Set up a new offer.", "请新建权益。"


class OfferCodeTaken(Conflict):
    """There is an offer with this code already."""

    zh = "该代码的权益已存在。"
    next_en, next_zh = "Choose another code, or change that offer.", "请换一个代码，或修改已有权益。"


class BadOfferCode(Invalid):
    """A code is 1 to 60 small letters, digits and dashes."""

    zh = "代码应为 1 至 60 位小写字母、数字或连字符。"


def begin(
    session: Session,
    person: Principal,
    programme_code: str,
    kind: str,
    code: str,
    content: dict[str, Any],
    *,
    campaign_id: int | None = None,
) -> OfferDraft:
    """A new offer, on paper, maybe of a merchant's campaign; ProgrammeUnknown, ProgrammeClosed, BadOfferCode, OfferCodeTaken."""
    programme = programmes.open_one(session, programmes.by_code(session, programme_code).programme_id)
    if not CODE.fullmatch(code):
        raise BadOfferCode(field="code")
    refuse_taken(session, programme.programme_id, code)
    content = {"currency": programme.currency} | content
    return _write(session, person, programme, kind, code, content, campaign_id=campaign_id)


def begin_from(
    session: Session, person: Principal, offer_id: int, version_id: int | None = None
) -> OfferDraft:
    """A further version of an offer, begun from its latest one or, to go back to it, from an earlier one.

    OfferUnknown, OfferEnded, ProgrammeClosed.
    """
    state = session.get(OfferState, offer_id)
    if state is None or state.kind == HISTORY:
        raise OfferUnknown()
    refuse_ended(state)
    versions = versions_of(session, offer_id)
    chosen = (
        versions[-1]
        if version_id is None
        else next((v for v in versions if v.version_id == version_id), None)
    )
    if chosen is None:
        raise OfferUnknown()
    programme = programmes.open_one(session, state.programme_id)
    content = contents.document_of(session, chosen, programme) | {"from_at": None}
    return _write(
        session,
        person,
        programme,
        state.kind,
        state.code,
        content,
        offer_id=offer_id,
        from_version_id=chosen.version_id,
    )


def edit(
    session: Session, person: Principal, draft_id: int, revision: int, changes: dict[str, Any], at: datetime
) -> OfferDraft:
    """Write other values; those that are not named stay. A proposal that waits is taken back: what is approved is what was read.

    DraftUnknown, DraftOfAnother, DraftChanged (another revision than the one seen), DraftClosed; ProposalDecided when a
    checker was first.
    """
    draft = _own(session, person, draft_id, revision, at)
    if _review(session, draft, at) == approvals.PROPOSED and draft.proposal_id is not None:
        approvals.withdraw(session, person, draft.proposal_id, at)
    values = {"content": draft.content | changes, "revision": revision + 1}
    return _change(session, draft, revision, values, at)


def discard(session: Session, person: Principal, draft_id: int, revision: int, at: datetime) -> OfferDraft:
    """Throw a draft away; a proposal that waits is taken back. As `edit`."""
    draft = _own(session, person, draft_id, revision, at)
    if _review(session, draft, at) == approvals.PROPOSED and draft.proposal_id is not None:
        approvals.withdraw(session, person, draft.proposal_id, at)
    return _change(session, draft, revision, {"discarded_at": at, "revision": revision + 1}, at)


def proposed_as(session: Session, draft: OfferDraft, proposal_id: int, at: datetime) -> OfferDraft:
    """Note what the draft was proposed as; DraftChanged when it was changed meanwhile."""
    return _change(session, draft, draft.revision, {"proposal_id": proposal_id}, at)


def own_open(session: Session, person: Principal, draft_id: int, revision: int, at: datetime) -> OfferDraft:
    """A person's draft that is to be proposed; as `edit`, and DraftInReview."""
    draft = _own(session, person, draft_id, revision, at)
    if _review(session, draft, at) == approvals.PROPOSED:
        raise DraftInReview()
    return draft


def find(session: Session, draft_id: int) -> OfferDraft:
    """A draft; DraftUnknown."""
    found = session.get(OfferDraft, draft_id)
    if found is None:
        raise DraftUnknown()
    return found


def listed(
    session: Session, *, before: int | None = None, maker_id: int | None = None, limit: int
) -> list[OfferDraft]:
    """Drafts, newest first, from before an id on; maybe of one person."""
    asked = select(OfferDraft).order_by(OfferDraft.draft_id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(OfferDraft.draft_id < before)
    if maker_id is not None:
        asked = asked.where(OfferDraft.maker_id == maker_id)
    return list(session.scalars(asked))


def check(session: Session, draft: OfferDraft, at: datetime) -> list[Step]:
    """The five steps of a draft as they are now."""
    programme, is_new = programmes.by_id(session, draft.programme_id), draft.offer_id is None
    return steps.of(session, programme, draft.kind, draft.code, draft.content, is_new=is_new, at=at)


def versions_of(session: Session, offer_id: int) -> list[Offer]:
    """All versions of an offer, the first one first."""
    asked = select(Offer).where(Offer.offer_id == offer_id)
    return list(session.scalars(asked.order_by(Offer.from_at, Offer.version_id)))


def refuse_taken(session: Session, programme_id: int, code: str) -> None:
    """OfferCodeTaken where the programme has an offer of that code."""
    taken = (OfferState.programme_id == programme_id, OfferState.code == code)
    if session.scalar(select(OfferState.offer_id).where(*taken)) is not None:
        raise OfferCodeTaken(field="code")


def refuse_ended(state: OfferState) -> None:
    """OfferEnded where it has ended for good."""
    if state.state == ENDED:
        raise OfferEnded()


def reference(draft_id: int) -> str:
    """The draft's public id."""
    return ids.public("drf", draft_id)


def _write(
    session: Session,
    person: Principal,
    programme: Programme,
    kind: str,
    code: str,
    content: dict[str, Any],
    **of: int | None,
) -> OfferDraft:
    if not isinstance(person, Staff):
        raise NotAPerson()
    if unknown := sorted(set(content) - set(contents.FIELDS)):
        raise field_errors(dict.fromkeys(unknown, "is no part of an offer"))
    at = clock.now()
    draft = OfferDraft(
        draft_id=ids.new_id(),
        programme_id=programme.programme_id,
        maker_id=person.staff_id,
        made_at=at,
        changed_at=at,
        revision=1,
        kind=kind,
        code=code,
        content=content,
        **of,
    )
    session.add(draft)
    session.flush()
    return draft


def _own(session: Session, person: Principal, draft_id: int, revision: int, at: datetime) -> OfferDraft:
    draft = find(session, draft_id)
    if not isinstance(person, Staff):
        raise NotAPerson()
    if draft.maker_id != person.staff_id:
        raise DraftOfAnother()
    if draft.discarded_at is not None or _review(session, draft, at) == APPROVED:
        raise DraftClosed()
    if draft.revision != revision:
        raise DraftChanged(revision=draft.revision)
    return draft


def _change(
    session: Session, draft: OfferDraft, revision: int, values: dict[str, Any], at: datetime
) -> OfferDraft:
    """Write to a draft that is still as it was read."""
    changed = session.scalar(
        update(OfferDraft)
        .where(
            OfferDraft.draft_id == draft.draft_id,
            OfferDraft.revision == revision,
            OfferDraft.proposal_id.is_not_distinct_from(draft.proposal_id),
            OfferDraft.discarded_at.is_(None),
        )
        .values(**values, changed_at=at)
        .returning(OfferDraft)
        .execution_options(populate_existing=True)
    )
    if changed is None:
        raise DraftChanged()
    return changed


def _review(session: Session, draft: OfferDraft, at: datetime) -> str | None:
    """What became of the last proposal; None where there is none."""
    return approvals.by_id(session, draft.proposal_id).state(at) if draft.proposal_id is not None else None
