"""The heaps that redemptions are counted in, as operators report them: mall, bill credit, club, new services, and the rest.

The rest is shown beside them and never shared out: what cannot be told apart is not the others'.
"""

from catalog.offers.models import (
    BILL_CREDIT,
    BUNDLE,
    EVENT,
    GIFT,
    GOODS,
    HISTORY,
    PERK,
    SERVICE,
    TRIAL_CARD,
    VOUCHER,
)

MALL, CREDIT, CLUB, NEW_SERVICES, UNATTRIBUTED = "mall", "bill_credit", "club", "new_services", "unattributed"
HEAPS = (MALL, CREDIT, CLUB, NEW_SERVICES, UNATTRIBUTED)
OF_KIND = {
    VOUCHER: MALL,
    GOODS: MALL,
    BUNDLE: MALL,
    GIFT: MALL,
    BILL_CREDIT: CREDIT,
    PERK: CLUB,
    EVENT: CLUB,
    TRIAL_CARD: CLUB,
    SERVICE: NEW_SERVICES,
    HISTORY: UNATTRIBUTED,
}
