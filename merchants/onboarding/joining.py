"""What moves a ticket by itself: an invitation begins it, complete documents go on to the operator's review."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from base.auth.principals import Principal, Staff
from base.errors import field_errors
from merchants import merchants
from merchants.models import DOCUMENTS, INVITED, Merchant
from merchants.onboarding import checklist, documents, stages
from merchants.onboarding.documents import Paper
from points.members import areas


def invite(session: Session, person: Principal, wanted: dict[str, Any], at: datetime) -> Merchant:
    """Begin a merchant's ticket: code, names, zone, currency, city, area. MerchantThere, BadArea, Invalid."""
    if wanted["area"]:
        areas.checked(wanted["area"])
    try:
        ZoneInfo(wanted["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise field_errors({"zone": "a name of a time zone, for example Asia/Shanghai"}) from None
    staff_id = person.staff_id if isinstance(person, Staff) else None
    return stages.invite(session, **wanted, actor=person.actor, at=at, staff_id=staff_id)


def hand_in(
    session: Session, seal_key: str, merchant: Merchant, paper: Paper, actor: str, at: datetime
) -> None:
    """Hand in documents; of an invited merchant, complete ones take the step to documents. Invalid, MerchantLeft."""
    merchants.check_there(merchant)
    documents.hand_in(session, seal_key, merchant, paper, actor, at)
    session.refresh(merchant)
    points = checklist.of(session, merchant, DOCUMENTS, at)
    if merchant.state == INVITED and all(one.done for one in points):
        stages.step(session, merchant, DOCUMENTS, actor, at)
