"""The second wall: whose rows a signed-in person may see is said to the database too, in each transaction.

The first wall is the condition in every query (points/members/scope.py, merchants/scope.py). Should one be forgotten,
row-level security answers as if the rows of others were not there. Transactions of staff who work for an area, and of a
merchant's people, run under a role of their own, with the scope beside it; without a scope that role sees nothing.
Everybody and everything else (members, tills, systems, jobs, commands, headquarters, from whom nothing is hidden) keeps
the application's role and pays nothing. The policies are in migrations/walls.py.
"""

from base.auth.principals import MerchantPerson, Principal, Staff
from base.walled import Wall

STAFF_ROLE, MERCHANT_ROLE = "jifen_staff", "jifen_merchant"
ROLES = (STAFF_ROLE, MERCHANT_ROLE)
# Codes of areas are digits: bytewise, all of them lie between an area's code and the same with this behind it.
LAST = "~"


def of(principal: Principal) -> Wall | None:
    """The settings of a transaction of this principal; None: there is no wall for it."""
    if isinstance(principal, Staff) and principal.area:
        return {
            "role": STAFF_ROLE,
            "jifen.area_from": principal.area,
            "jifen.area_until": principal.area + LAST,
        }
    if isinstance(principal, MerchantPerson):
        return {"role": MERCHANT_ROLE, "jifen.merchant": str(principal.merchant_id)}
    return None
