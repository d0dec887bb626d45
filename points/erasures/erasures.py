"""Erasing a person who has left: the key of the vault is thrown away, and nothing leads from the person to the member.

What is forgotten: names, addresses, numbers (sealed under the member's key, which is gone), the digests by which numbers
are found, the customer id, birthday, interests and preferences. What stays: postings, redemptions, statements, jobs and
answers, which know the opaque member id alone, so that every sum is as it was. There is no way back.
"""

import re
import secrets
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import ids, vault
from base.approvals import approvals
from base.approvals.approvals import Case
from base.approvals.models import Proposal
from base.auth import sign_ins
from base.auth.principals import Principal
from base.errors import Conflict, Invalid
from points.members import members, scope
from points.members.models import Member, MemberFacts, Phone, PhoneHolder

KIND = "erasure"
READS, PROPOSES, APPROVES = "approvals:read", "erasures:propose", "erasures:approve"
REASONS = ("request", "authority", "end-of-term")
TICKET = re.compile(r"[A-Za-z][A-Za-z0-9._/-]{0,63}", re.ASCII)
GONE = "erased-"


class MemberStillThere(Conflict):
    """This customer has not left: a person is erased after the last line has ended."""

    zh = "该客户仍在网；须在号码全部销户后才能删除其个人信息。"
    next_en, next_zh = "Cancel the line first, then propose it again.", "请先办理销户，再提出申请。"


class BadErasure(Invalid):
    """An erasure needs a reason of the list and the number of a case."""

    zh = "删除个人信息须选择原因并填写工单号。"


def propose(
    session: Session, person: Principal, reference: str, reason: str, ticket: str, at: datetime
) -> Case:
    """Propose that a member's person is erased. BadErasure, MemberUnknown, MemberStillThere, PersonErased."""
    if reason not in REASONS or not TICKET.fullmatch(ticket):
        raise BadErasure()
    member = scope.find(session, person, reference)
    _erasable(session, member)
    content = {"member": ids.public("mbr", member.member_id), "reason": reason, "ticket": ticket}
    return approvals.propose(session, person, KIND, content, member_id=member.member_id, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Erase the person; MemberStillThere and PersonErased as they are at this moment."""
    member_id = proposal.member_id
    member = members.by_id(session, member_id)
    _locked(session, member)
    _erasable(session, member)
    vault.shred(session, member_id, at)
    sign_ins.end_all(session, "member", [member_id])
    _forget_numbers(session, member_id, at)
    member.customer_id = f"{GONE}{secrets.token_hex(16)}"
    session.execute(
        update(MemberFacts).where(MemberFacts.member_id == member_id).values(birthday=None, interests=[])
    )


def is_gone(member: Member) -> bool:
    """Whether the customer id is one that stands for an erased person."""
    return member.customer_id.startswith(GONE)


def _erasable(session: Session, member: Member) -> None:
    if vault.is_erased(session, member.member_id):
        raise vault.PersonErased()
    if member.left_on is None or members.open_member(session, member.programme_id, member.customer_id):
        raise MemberStillThere()


def _locked(session: Session, member: Member) -> None:
    """Nobody joins, leaves or is erased beside us: all memberships of the customer."""
    asked = select(Member).where(
        Member.programme_id == member.programme_id, Member.customer_id == member.customer_id
    )
    session.scalars(
        asked.order_by(Member.member_id).with_for_update().execution_options(populate_existing=True)
    ).all()


def _forget_numbers(session: Session, member_id: int, at: datetime) -> None:
    """No index finds them again, and those that were sealed before there were keys are gone too."""
    for row in session.scalars(select(Phone).where(Phone.member_id == member_id).with_for_update()):
        row.until = row.until or max(at, row.since)
        row.digest, row.sealed = secrets.token_bytes(32), b""
    for holder in session.scalars(
        select(PhoneHolder).where(PhoneHolder.member_id == member_id).with_for_update()
    ):
        holder.member_id, holder.since, holder.digest = None, at, secrets.token_bytes(32)
    session.flush()
