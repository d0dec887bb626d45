"""Proposals of offers: the whole content of a version by one person, put in force by another; nothing in between changes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case, OtherContent
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Conflict, NotFound
from catalog.offers import offers
from catalog.offers.models import BASIC, Offer, OfferState
from catalog.offers.offers import OfferUnknown
from catalog.publishing import contents, drafts, steps
from catalog.publishing.classes import CLASSES, ApprovalClass
from catalog.publishing.faults import CaseUnknown
from catalog.publishing.models import OfferDraft
from catalog.stock.models import Stock
from points import programmes
from points.members import scope
from points.models import Programme

KIND = "offer"
READS, PROPOSES, APPROVES = "proposals:read", "offers:propose", "offers:approve"


class OfferMovedOn(Conflict):
    """This offer got another version meanwhile."""

    zh = "该权益期间已有其他版本。"
    next_en, next_zh = "Look at that version, then propose again.", "请查看新版本后重新提出申请。"


class SameMoment(Conflict):
    """There is a version of this offer from that moment on already."""

    zh = "该权益在该时刻已有版本。"
    next_en, next_zh = "Choose another moment.", "请选择其他时间。"


def propose(
    session: Session, person: Principal, draft_id: int, revision: int, at: datetime
) -> tuple[OfferDraft, Case]:
    """Propose a draft as it is; the first fault of its five steps, with all of them, where one is not done.

    DraftInReview, OfferCodeTaken, OfferEnded, and as `drafts.edit`.
    """
    draft = drafts.own_open(session, person, draft_id, revision, at)
    programme = programmes.open_one(session, draft.programme_id)
    _check_place(session, draft)
    steps.refuse_faults(drafts.check(session, draft, at))
    _check_case(session, person, programme, draft.content)
    content = _content(session, draft, programme)
    waits = class_of(draft.content).waits
    case = approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at, waits=waits)
    return drafts.proposed_as(session, draft, case.proposal.proposal_id, at), case


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put in force what was approved; all that is asked of a draft is asked once more, for the world may have moved on.

    OtherContent (the draft was edited), OfferMovedOn, SameMoment, StartsInThePast and every other fault of a step.
    """
    said = proposal.said
    draft = _claimed(session, proposal, said["revision"], at)
    programme = programmes.open_one(session, draft.programme_id)
    _lock(session, draft)
    _check_place(session, draft)
    steps.refuse_faults(drafts.check(session, draft, at))
    document = said["content"]
    values = contents.values_of(session, document) | {"proposal_id": proposal.proposal_id}
    from_at = starts_at(document, at)
    if draft.offer_id is not None:
        versions = drafts.versions_of(session, draft.offer_id)
        if len(versions) != said["versions"]:
            raise OfferMovedOn()
        if any(version.from_at == from_at for version in versions):
            raise SameMoment(field="from_at")
        offers.add_version(session, draft.offer_id, from_at, **values)
        return
    place = {"kind": draft.kind, "from_at": from_at, "stock": document["stock"]}
    made = offers.add(session, programme.programme_id, draft.code, **place, **values)
    session.execute(
        update(OfferDraft).where(OfferDraft.draft_id == draft.draft_id).values(offer_id=made.offer_id)
    )


def starts_at(document: dict[str, Any], at: datetime) -> datetime:
    """From when on a version counts that is approved at a moment."""
    return max(at, contents.moment(document.get("from_at")) or at)


def class_of(document: dict[str, Any]) -> ApprovalClass:
    """The class of approval that a document asks for."""
    return CLASSES[document.get("approval_class") or BASIC]


def checkers(said: dict[str, Any]) -> int:
    """How many checkers a content takes: two from a cost on that its class names, or where the cost has no bound."""
    limit, cost = class_of(said["content"]).second_checker_from_fen, said["whole_cost_fen"]
    return 2 if limit is not None and (cost is None or cost >= limit) else 1


def before(session: Session, proposal: Proposal) -> dict[str, Any] | None:
    """The content of the version that a proposal follows; None for a new offer."""
    said = proposal.said
    if said["before"] is None:
        return None
    offer = offers.version(session, int(said["before"]))
    return contents.document_of(session, offer, programmes.by_id(session, offer.programme_id))


def made(session: Session, proposal_id: int) -> Offer | None:
    """The version that an approval put in force."""
    return session.scalar(select(Offer).where(Offer.proposal_id == proposal_id))


def _content(session: Session, draft: OfferDraft, programme: Programme) -> dict[str, Any]:
    versions = drafts.versions_of(session, draft.offer_id) if draft.offer_id is not None else []
    return {
        "draft": drafts.reference(draft.draft_id),
        "revision": draft.revision,
        "programme": programme.code,
        "offer": ids.public("off", draft.offer_id) if draft.offer_id is not None else None,
        "versions": len(versions),
        "before": str(versions[-1].version_id) if versions else None,
        "offer_kind": draft.kind,
        "code": draft.code,
        "whole_cost_fen": _whole_cost(session, draft),
        "content": draft.content,
    }


def _whole_cost(session: Session, draft: OfferDraft) -> int | None:
    """What all units there are would cost, in fen; None where there is no limit."""
    known = session.get(Stock, draft.offer_id) if draft.offer_id is not None else None
    units = known.total if known else draft.content.get("stock")
    return None if units is None else int(units * draft.content["cost_fen"])


def _claimed(session: Session, proposal: Proposal, revision: int, at: datetime) -> OfferDraft:
    """The draft, while nobody edits it; OtherContent when it was edited after it was proposed."""
    claimed = session.scalar(
        update(OfferDraft)
        .where(OfferDraft.proposal_id == proposal.proposal_id, OfferDraft.revision == revision)
        .values(changed_at=at)
        .returning(OfferDraft)
        .execution_options(populate_existing=True)
    )
    if claimed is None or claimed.content != proposal.said["content"]:
        raise OtherContent()
    return claimed


def _lock(session: Session, draft: OfferDraft) -> None:
    """Of two approvals about one offer, or one code, one comes after the other."""
    name = f"offer:{draft.programme_id}:{draft.code}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _check_place(session: Session, draft: OfferDraft) -> None:
    if draft.offer_id is None:
        drafts.refuse_taken(session, draft.programme_id, draft.code)
        return
    state = session.get(OfferState, draft.offer_id, populate_existing=True)
    if state is None:
        raise OfferUnknown()
    drafts.refuse_ended(state)


def seen_by(session: Session, person: Principal, content: dict[str, Any]) -> dict[str, Any]:
    """A content as a person may see it: whom a single case is about is for those whose member it is.

    A draft may still name a member who does not exist; that tells of nobody, and its maker reads it to mend it.
    """
    member = (content.get("case") or {}).get("member")
    if not member:
        return content
    try:
        (member_id,) = ids.parse("mbr", member, parts=1)
    except NotFound:
        return content
    return content if scope.sees(session, person, member_id) else content | {"case": None}


def _check_case(session: Session, person: Principal, programme: Programme, document: dict[str, Any]) -> None:
    """The member of a single case is there, in this programme, and one whom the maker may see."""
    case = document.get("case") or {}
    if not case.get("member"):
        return
    try:
        member = scope.find(session, person, case["member"])
    except NotFound:
        raise CaseUnknown(field="case.member") from None
    if member.programme_id != programme.programme_id:
        raise CaseUnknown(field="case.member")
