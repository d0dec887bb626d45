"""People of a merchant, signed in on its pages."""

from sqlalchemy.orm import Session

from base import clock, database
from base.auth import sign_ins
from base.auth.principals import MerchantPerson
from merchants.terminals import clerks
from merchants.terminals.models import OWNER, ClerkRow
from tests.given import Shop


def holder(session: Session, clerk_id: int, place_id: int) -> MerchantPerson | None:
    """The person behind a sign-in."""
    row = session.get(ClerkRow, clerk_id)
    if row is None or row.ended_at is not None:
        return None
    return MerchantPerson(row.clerk_id, row.merchant_id, row.role, None)


def person_token(shop: Shop, role: str = OWNER) -> str:
    """The token of a person of the shop's merchant."""
    sign_ins.held_by("merchant", holder)
    with database.begin() as session:
        row = clerks.add_clerk(session, shop.outlet, f"{role}-{len(role)}", "-", role=role)
        return sign_ins.begin(session, "merchant", row.clerk_id, clock.now())
