"""A later version of a message's texts by two persons: what may be proposed, and what an approval puts in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Invalid
from base.notices import templates
from base.notices.texts import EN, ZH

KIND = "notice-template"
READS, PROPOSES, APPROVES = "notices:read", "notices:propose", "notices:approve"
MOST_REASON = 200


class BadTemplateProposal(Invalid):
    """A later version of a message needs a reason of 1 to 200 characters."""

    zh = "新版本须填写原因（1 至 200 字）。"


@dataclass(frozen=True)
class Wanted:
    """What a maker asks for: the texts of a message from the approval on, or from a later moment on; and why."""

    template: str
    texts: Mapping[str, str]
    reason: str
    from_at: datetime | None = None


def propose(session: Session, person: Principal, wanted: Wanted, at: datetime) -> Case:
    """Propose a version. What templates.check raises, TemplateVersionTaken, BadTemplateProposal."""
    templates.check(wanted.template, wanted.texts)
    templates.may_begin(session, wanted.template, max(wanted.from_at or at, at))
    reason = wanted.reason.strip()
    if not reason or len(reason) > MOST_REASON or not reason.isprintable():
        raise BadTemplateProposal()
    content = {
        "template": wanted.template,
        "zh": wanted.texts[ZH],
        "en": wanted.texts[EN],
        "from": wanted.from_at.isoformat() if wanted.from_at else None,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Put what was approved in force, from now on or from its later moment; what templates.change raises."""
    wanted = wanted_of(proposal)
    now = clock.now()
    from_at = max(wanted.from_at or now, now)
    templates.change(session, wanted.template, wanted.texts, from_at, f"staff:{proposal.maker_id}")


def wanted_of(proposal: Proposal) -> Wanted:
    """What a proposal's content asks for."""
    said: dict[str, Any] = proposal.said
    return Wanted(
        template=said["template"],
        texts={ZH: said["zh"], EN: said["en"]},
        reason=said["reason"],
        from_at=datetime.fromisoformat(said["from"]) if said["from"] else None,
    )
