"""Bill credit on the course of redemptions: points are set aside, the billing system lowers the next bill, then they are spent."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base.config import Config
from base.errors import Conflict
from base.money import yuan_text
from base.notices.templates import Facts
from catalog.bill_credit import billing
from catalog.bill_credit.billing import ADJUST, Credit, Found
from catalog.offers.models import BILL_CREDIT, Offer
from catalog.redemptions import course, ordering, undoing
from catalog.redemptions.courses import Course
from catalog.redemptions.models import FAILED, REVERSED, Redemption
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
    """Only what certainly was not credited, or what the billing system has taken back for two persons."""
    if new == REVERSED and undoing.is_undone(redemption):
        return
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


# ---- what was credited is taken off the bill again, under a reference of its own


def _order_back(session: Session, redemption: Redemption) -> Credit:
    credit = _order(session, redemption)
    case = undoing.noted(redemption)["case"]
    return replace(credit, reference=f"{credit.reference}:back", reason=f"reversal {case}")


def _settle_back(config: Config, credit: Credit, sent_before: bool) -> Outcome:
    options: dict[str, Any] = {"timeout_s": float(config.billing_timeout_s), "way": ADJUST}
    return billing.settle(config.billing_url, credit, sent_before=sent_before, **options)


def _look_up_back(config: Config, credit: Credit) -> Outcome | NotFound:
    options: dict[str, Any] = {"timeout_s": float(config.billing_timeout_s), "way": ADJUST}
    found = billing.look_up(config.billing_url, credit.reference, **options)
    return billing.judge(credit, found, ADJUST) if isinstance(found, Found) else found


def _ended_back(
    session: Session, config: Config, redemption: Redemption, done: bool, seq: int | None, at: datetime
) -> None:
    """The member is told that the money is off the bill and the points are back."""
    facts: Facts = {"points": redemption.price_points, "yuan": yuan_text(redemption.value_fen)}
    telling.tell(session, config, redemption.member_id, "bill-credit-back", facts, seq=seq)


BACK = Port("billing system", _order_back, _settle_back, _look_up_back, _ended_back)
