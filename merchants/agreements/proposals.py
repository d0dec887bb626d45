"""Terms by two persons: a version is proposed, approved by another, and holds once the merchant's owner has agreed to it.

It begins in the future, in the merchant's zone; nothing that was written is edited, what is wrong is followed by another.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict
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
from merchants.agreements import wanted as checks
from merchants.agreements.wanted import Prices, Wanted
from merchants.models import Merchant, Terms
from merchants.scope import Reach

KIND = "terms"
READS, PROPOSES, APPROVES = "merchants:read", "terms:propose", "terms:approve"
OffersOf = Callable[[Session, int, Collection[int]], Collection[int]]
_offers_of: list[OffersOf] = []


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


def offers_by(known: OffersOf) -> None:
    """Say which of some offers (by number) are a merchant's own."""
    _offers_of[:] = [known]


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
    wanted = checks.of_content(said)
    _check(session, merchant, wanted, at)
    numbers = asdict(wanted)
    from_day = numbers.pop("from_day")
    numbers["prices"] = {str(_number(offer)): price for offer, price in wanted.prices.items()}
    approval = approvals.reference(proposal.proposal_id)
    terms.add(session, merchant.merchant_id, from_day, approval=approval, confirmed=False, **numbers)


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


def prices_of(one: Terms) -> Prices:
    """The prices of a version by the public ids of offers."""
    return {ids.public("off", int(offer)): price for offer, price in one.prices.items()}


def _check(session: Session, merchant: Merchant, wanted: Wanted, at: datetime) -> None:
    merchants.check_there(merchant)
    wrong = checks.faults(wanted)
    if wanted.from_day <= clock.day(at, merchant.zone):
        wrong["from_day"] = "must be tomorrow or later"
    if strangers := _strangers(session, merchant, wanted.prices):
        wrong.setdefault("prices", f"no offers of this merchant: {', '.join(strangers)}")
    elif len({_number(offer) for offer in wanted.prices}) < len(wanted.prices):
        wrong.setdefault("prices", "an offer has two prices")
    if wrong:
        raise field_errors(wrong)
    asked = select(Terms.terms_id).where(
        Terms.merchant_id == merchant.merchant_id, Terms.from_day == wanted.from_day
    )
    if session.scalar(asked) is not None:
        raise TermsThere(from_day=str(wanted.from_day))


def _strangers(session: Session, merchant: Merchant, prices: Prices) -> list[str]:
    numbers = {offer: _number(offer) for offer in prices}
    if not numbers:
        return []
    asked = [number for number in numbers.values() if number is not None]
    own = _offers_of[0](session, merchant.merchant_id, asked)
    return [offer[:64] for offer, number in numbers.items() if number not in own]


def _number(offer: str) -> int | None:
    try:
        (number,) = ids.parse("off", offer, parts=1)
    except NotFound:
        return None
    return number
