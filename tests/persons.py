"""People of a merchant, signed in on its pages."""

from base import clock, database
from base.auth import sign_ins
from merchants.terminals import clerks
from merchants.terminals.models import OWNER
from tests.given import Shop


def person_token(shop: Shop, role: str = OWNER) -> str:
    """The token of a person of the shop's merchant."""
    with database.begin() as session:
        row = clerks.add_clerk(session, shop.outlet, f"{role}-{len(role)}", "-", role=role)
        return sign_ins.begin(session, "merchant", row.clerk_id, clock.now())
