"""Bill credit on the course of redemptions: points are set aside, the billing system lowers the next bill, then they are spent."""

from datetime import datetime

from sqlalchemy.orm import Session

from base.config import Config
from base.errors import Conflict
from base.money import yuan_text
from base.notices.templates import Facts
from catalog.bill_credit import billing
from catalog.bill_credit.billing import Credit, Found
from catalog.offers.models import BILL_CREDIT, Offer
from catalog.redemptions import course, ordering
from catalog.redemptions.courses import Course
from catalog.redemptions.models import FAILED, Redemption
from catalog.redemptions.ordering import Port
from catalog.redemptions.outcomes import NotFound, Outcome
from points import programmes
from points.members import members
from points.notices import telling


class CreditIsOnTheBill(Conflict):
    """The credit is on the bill already and cannot be taken back."""

    zh = "话费已到账，无法退回。"
    next_en, next_zh = "Support can help where something went wrong.", "如有问题请联系客服。"


def _begin(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    ordering.promise(session, redemption)


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """Only what certainly was not credited."""
    if new != FAILED and redemption.maybe_sent:
        raise CreditIsOnTheBill()


COURSE = Course(BILL_CREDIT, holds=True, begin=_begin, take_back=_take_back)


def _order(session: Session, redemption: Redemption) -> Credit:
    member = members.by_id(session, redemption.member_id)
    return Credit(
        account=member.customer_id,
        amount_fen=redemption.value_fen,
        currency=programmes.by_id(session, member.programme_id).currency,
        reference=course.reference(redemption),
    )


def _settle(config: Config, credit: Credit, sent_before: bool) -> Outcome:
    timeout_s = float(config.billing_timeout_s)
    return billing.settle(config.billing_url, credit, sent_before=sent_before, timeout_s=timeout_s)


def _look_up(config: Config, credit: Credit) -> Outcome | NotFound:
    found = billing.look_up(config.billing_url, credit.reference, timeout_s=float(config.billing_timeout_s))
    return billing.judge(credit, found) if isinstance(found, Found) else found


def _ended(
    session: Session, config: Config, redemption: Redemption, done: bool, seq: int | None, at: datetime
) -> None:
    """The member is told, of the credit or that the points are back."""
    facts: Facts = {"points": redemption.price_points, "yuan": yuan_text(redemption.value_fen)}
    template = "bill-credit-done" if done else "bill-credit-failed"
    telling.tell(session, config, redemption.member_id, template, facts, seq=seq)


PORT = Port("billing system", _order, _settle, _look_up, _ended)
