"""The given of tests about campaigns: what a merchant asks for, and its people."""

from typing import Any

from base import clock, database
from base.auth.principals import MerchantPerson
from catalog.campaigns import campaigns, taking
from catalog.campaigns.taking import Completed
from catalog.campaigns.wanted import Wanted
from merchants import scope
from tests.given import Shop, given_colleague

COMPLETED = Completed("tea-birthday", "dining", "value_added", 850)


def asked(**more: Any) -> Wanted:
    """A birthday campaign that is whole."""
    usual: dict[str, Any] = {
        "kind": "birthday",
        "names": {"zh-CN": "生日 10 元券", "en": "Birthday: 10 yuan"},
        "texts": {"zh-CN": "生日当月可兑。", "en": "In the month of your birthday."},
        "value_fen": 1000,
        "voucher_days": 30,
        "stock": 100,
        "most": 1,
        "per": "month",
    }
    return Wanted(**usual | more)


class Person:
    """A person of a merchant, whose deeds are a transaction each."""

    def __init__(self, shop: Shop, role: str, number: str) -> None:
        row = given_colleague(shop, role, number)
        self.principal = MerchantPerson(
            row.clerk_id, row.merchant_id, role, shop.outlet.outlet_id if role == "manager" else None
        )

    def do(self, deed: Any, *more: Any) -> Any:
        with database.begin() as session:
            return deed(session, scope.reach_of(session, self.principal), *more, clock.now())

    def begin(self, **more: Any) -> Any:
        return self.do(campaigns.begin, "gotone", asked(**more))

    def hand_in(self, campaign: Any) -> Any:
        return self.do(campaigns.hand_in, campaigns.reference(campaign), campaign.revision)

    def handed_in(self, **more: Any) -> Any:
        return self.hand_in(self.begin(**more))


def proposed_by(staff: Any, campaign: Any, completed: Completed = COMPLETED) -> Any:
    """A person of staff completes a campaign and proposes it."""
    with database.begin() as session:
        name = campaigns.reference(campaign)
        return taking.take_and_propose(session, staff, name, campaign.revision, completed, clock.now())
