"""Proof of offers by two persons: each approval made one version, of what was approved; a pause and an end have two persons."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from base.models import AuditRow
from catalog.offers.models import ENDED, PAUSED, Offer, OfferState
from catalog.publishing import contents, proposals
from points.models import Programme

RULE = "offer approval"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong. Read-only; give it a REPEATABLE READ transaction."""
    made = {
        offer.proposal_id: offer
        for offer in session.scalars(select(Offer).where(Offer.proposal_id.is_not(None)))
    }
    programmes = {row.programme_id: row for row in session.scalars(select(Programme))}
    asked = (
        select(Proposal, Decision)
        .join(Decision, Decision.proposal_id == Proposal.proposal_id)
        .where(Proposal.kind == proposals.KIND, Decision.verdict == APPROVED)
    )
    for proposal, decision in session.execute(asked):
        place, offer = approvals.reference(proposal.proposal_id), made.pop(proposal.proposal_id, None)
        if offer is None:
            yield Finding(RULE, place, "it was approved and no version was made")
        elif _said_of(session, offer, programmes[offer.programme_id]) != _said(proposal, decision):
            yield Finding(RULE, place, f"version {offer.version_id} is not what was approved")
    for offer in made.values():
        yield Finding(RULE, f"version {offer.version_id}", "no second person approved it")
    yield from _by_hand(session)


def _said(proposal: Proposal, decision: Decision) -> dict[str, Any]:
    said = proposal.said
    document = said["content"]
    found = {name: contents.EMPTY.get(name) for name in contents.IN_A_VERSION}
    found |= {name: document[name] for name in contents.IN_A_VERSION if document.get(name) is not None}
    found["from_at"] = proposals.starts_at(document, decision.at).isoformat()
    return found | {"code": said["code"], "kind": said["offer_kind"], "programme": said["programme"]}


def _said_of(session: Session, offer: Offer, programme: Programme) -> dict[str, Any]:
    document = contents.document_of(session, offer, programme)
    found = {name: document[name] for name in contents.IN_A_VERSION}
    return found | {"code": offer.code, "kind": offer.kind, "programme": programme.code}


def _by_hand(session: Session) -> Iterator[Finding]:
    """Who paused and who ended an offer stands in the audit too."""
    rows = session.scalars(
        select(OfferState).where(OfferState.paused_by.is_not(None) | OfferState.ended_by.is_not(None))
    ).all()
    told = {
        (row.subject, row.action, row.actor)
        for row in session.scalars(select(AuditRow).where(AuditRow.action.in_(("offer.paused", "offer.ended"))))
    } if rows else set()  # fmt: skip
    for row in rows:
        place = ids.public("off", row.offer_id)
        for person, action in ((row.paused_by, "offer.paused"), (row.ended_by, "offer.ended")):
            if person is not None and (place, action, f"staff:{person}") not in told:
                yield Finding(RULE, place, f"{action} by staff:{person} is not in the audit")
        if row.state == ENDED and row.paused_by == row.ended_by and row.ended_by is not None:
            yield Finding(RULE, place, "one person alone ended it")
        if row.state not in (PAUSED, ENDED):
            yield Finding(RULE, place, f"it is {row.state} and somebody paused it")
