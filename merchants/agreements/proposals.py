"""Terms by two persons: a version is proposed, approved by another, and holds once the merchant's owner has agreed to it.

It begins in the future, in the merchant's zone; nothing that was written is edited, what is wrong is followed by another.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Case
from base.approvals.models import Proposal
from base.auth.principals import Principal
from base.errors import Conflict, NotFound, field_errors
from merchants import merchants, scope, terms
from merchants.models import Merchant, Terms
from merchants.scope import Reach

KIND = "terms"
READS, PROPOSES, APPROVES = "merchants:read", "terms:propose", "terms:approve"
LONGEST_WINDOW_S = 7 * terms.DAY_S
MOST_FEN = 10**12


class TermsUnknown(NotFound):
    """There are no such terms."""

    zh = "没有该版本的条款。"


class TermsThere(Conflict):
    """There is a version of these terms from that day on already."""

    zh = "该日期已有一个版本的条款。"
    next_en, next_zh = "Choose another day.", "请选择其他日期。"


class TermsBegun(Conflict):
    """The day from which this version was to hold has come."""

    zh = "该版本的生效日期已到。"
    next_en, next_zh = "Ask the operator for a version with a later day.", "请运营商另提一个日期更晚的版本。"


@dataclass(frozen=True)
class Wanted:
    """A version as it is proposed: shares in basis points, windows in seconds, fen."""

    from_day: date
    price_bp: int
    fee_bp: int
    vat_bp: int
    void_window_s: int = 900
    manager_void_window_s: int = terms.DAY_S
    typed_limit_fen: int = 5_000
    direct_accept: bool = False


def propose(
    session: Session, person: Principal, merchant: Merchant, wanted: Wanted, reason: str, at: datetime
) -> Case:
    """Propose a version; Invalid, TermsThere, MerchantLeft."""
    _check(session, merchant, wanted, at)
    content = asdict(wanted) | {
        "from_day": wanted.from_day.isoformat(),
        "merchant": merchant.code,
        "reason": reason,
    }
    return approvals.propose(session, person, KIND, content, member_id=NO_MEMBER, at=at)


def carry_out(session: Session, proposal: Proposal, at: datetime) -> None:
    """Write the version, which waits for the merchant's agreement; what `propose` refuses, for days have passed since."""
    said = dict(proposal.said)
    merchant = merchants.by_code(session, said["merchant"])
    session.refresh(merchant, with_for_update=True)
    wanted = wanted_of(said)
    _check(session, merchant, wanted, at)
    numbers = asdict(wanted)
    from_day = numbers.pop("from_day")
    approval = approvals.reference(proposal.proposal_id)
    terms.add(session, merchant.merchant_id, from_day, approval=approval, confirmed=False, **numbers)


def wanted_of(said: dict[str, Any]) -> Wanted:
    """What a proposal's content asks for."""
    numbers = {name: said[name] for name in Wanted.__dataclass_fields__}
    return Wanted(**numbers | {"from_day": date.fromisoformat(said["from_day"])})


def within(session: Session, person: Principal, said: dict[str, Any]) -> bool:
    """Whether the merchant that a content names is one of the person's own."""
    return scope.sees(session, person, merchants.by_code(session, said["merchant"]).merchant_id)


def agree(session: Session, reach: Reach, public_id: str, at: datetime) -> Terms:
    """The merchant's owner confirms a version before its day; TermsUnknown (another merchant's), TermsBegun."""
    found = of_merchant(session, reach.merchant_id, public_id)
    zone = merchants.zone_of(session, reach.merchant_id)
    if terms.is_confirmed(session, found):
        return found
    if found.from_day <= clock.day(at, zone):
        raise TermsBegun(from_day=str(found.from_day))
    terms.confirm(session, found, reach.clerk_id, at)
    audit.write(session, reach.actor, "terms.confirmed", ids.public("trs", found.terms_id))
    return found


def of_merchant(session: Session, merchant_id: int, public_id: str) -> Terms:
    """A version of this merchant, by its public id; TermsUnknown."""
    found = session.get(Terms, scope.number_of("trs", public_id, TermsUnknown))
    if found is None or found.merchant_id != merchant_id:
        raise TermsUnknown()
    return found


def listed(session: Session, merchant_id: int, *, before: date | None = None, limit: int) -> list[Terms]:
    """A merchant's versions, the latest day first, from before a day on."""
    asked = select(Terms).where(Terms.merchant_id == merchant_id)
    if before is not None:
        asked = asked.where(Terms.from_day < before)
    return list(session.scalars(asked.order_by(Terms.from_day.desc()).limit(limit)))


def standing(session: Session, one: Terms, today: date) -> str:
    """waiting (for the owner), later, in-force, replaced, or lapsed (nobody agreed in time)."""
    if not terms.is_confirmed(session, one):
        return "waiting" if one.from_day > today else "lapsed"
    if one.from_day > today:
        return "later"
    return "in-force" if terms.in_force(session, one.merchant_id, today) is one else "replaced"


def public_id(one: Terms) -> str:
    return ids.public("trs", one.terms_id)


def _check(session: Session, merchant: Merchant, wanted: Wanted, at: datetime) -> None:
    merchants.check_there(merchant)
    wrong: dict[str, str] = {}
    if wanted.from_day <= clock.day(at, merchant.zone):
        wrong["from_day"] = "must be tomorrow or later"
    for name in ("price_bp", "fee_bp", "vat_bp"):
        if not 0 <= getattr(wanted, name) <= 10_000:
            wrong[name] = "must be from 0 to 10000 basis points"
    if not 0 <= wanted.void_window_s <= LONGEST_WINDOW_S:
        wrong["void_window_s"] = f"must be from 0 to {LONGEST_WINDOW_S} seconds"
    if not wanted.void_window_s <= wanted.manager_void_window_s <= LONGEST_WINDOW_S:
        wrong["manager_void_window_s"] = f"must be from void_window_s to {LONGEST_WINDOW_S} seconds"
    if not 0 <= wanted.typed_limit_fen <= MOST_FEN:
        wrong["typed_limit_fen"] = f"must be from 0 to {MOST_FEN}"
    if wrong:
        raise field_errors(wrong)
    asked = select(Terms.terms_id).where(
        Terms.merchant_id == merchant.merchant_id, Terms.from_day == wanted.from_day
    )
    if session.scalar(asked) is not None:
        raise TermsThere(from_day=str(wanted.from_day))
