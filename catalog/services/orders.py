"""Services on the course of redemptions: points are set aside, the operator's ordering system confirms, then they are spent."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from base.config import Config
from base.errors import Conflict
from base.notices.templates import Facts
from catalog.offers import forms, offers
from catalog.offers.forms import BadForm
from catalog.offers.models import SERVICE, Offer
from catalog.redemptions import course, ordering
from catalog.redemptions.courses import Course
from catalog.redemptions.models import FAILED, Redemption
from catalog.redemptions.ordering import Port
from catalog.redemptions.outcomes import NotFound, Outcome
from catalog.services import product_orders
from catalog.services.product_orders import ServiceOrder
from points.members import members
from points.notices import telling

OPERATOR = "operator"
MOST_MONTHS = 36


class ServiceIsOrdered(Conflict):
    """The service was ordered at the operator and cannot be taken back here."""

    zh = "业务已向运营商下单，无法在此撤回。"
    next_en, next_zh = "Support can end the service itself.", "如需停用该业务，请联系客服。"


@dataclass(frozen=True)
class Service:
    """What an offer of a service says: its code at the operator, for how many months the points pay, its monthly price.

    `monthly_fen` 0: nothing is paid by the month (a data pack).
    """

    code: str
    months: int
    monthly_fen: int


def of(offer: Offer) -> Service:
    """The service of an offer."""
    return Service(str(offer.form["service"]), int(offer.form["months"]), int(offer.form["monthly_fen"]))


def check_form(offer: Offer) -> None:
    """{service, months, monthly_fen, provider: operator}; nobody can cancel it. BadForm names the field."""
    forms.fields(offer, {"service": str, "months": int, "monthly_fen": int, "provider": str})
    told = offer.form
    if not 1 <= told["months"] <= MOST_MONTHS:
        raise BadForm(field="months", why=f"from 1 to {MOST_MONTHS}")
    if told["monthly_fen"] < 0:
        raise BadForm(field="monthly_fen", why="not below 0")
    if told["provider"] != OPERATOR:
        raise BadForm(field="provider", why=OPERATOR)
    if offer.cancellable:
        raise BadForm(field="cancellable", why="a service that was ordered cannot be taken back")


def _begin(session: Session, redemption: Redemption, offer: Offer, at: datetime) -> None:
    ordering.promise(session, redemption)


def _take_back(session: Session, redemption: Redemption, offer: Offer, new: str, at: datetime) -> None:
    """Only what certainly was not ordered."""
    if new != FAILED and redemption.maybe_sent:
        raise ServiceIsOrdered()


COURSE = Course(SERVICE, holds=True, begin=_begin, take_back=_take_back)


def _order(session: Session, redemption: Redemption) -> ServiceOrder:
    service = of(offers.version(session, redemption.version_id))
    return ServiceOrder(
        account=members.by_id(session, redemption.member_id).customer_id,
        code=service.code,
        units=redemption.units,
        months=service.months,
        reference=course.reference(redemption),
    )


def _settle(config: Config, order: ServiceOrder, sent_before: bool) -> Outcome:
    timeout_s = float(config.billing_timeout_s)
    return product_orders.settle(config.ordering_url, order, sent_before=sent_before, timeout_s=timeout_s)


def _look_up(config: Config, order: ServiceOrder) -> Outcome | NotFound:
    return product_orders.look_up(config.ordering_url, order, timeout_s=float(config.billing_timeout_s))


def _ended(
    session: Session, config: Config, redemption: Redemption, done: bool, seq: int | None, at: datetime
) -> None:
    """The member is told that the service is there, or that the points are back."""
    names = offers.version(session, redemption.version_id).names
    facts: Facts = {"points": redemption.price_points, "offer": names}
    template = "service-done" if done else "service-failed"
    telling.tell(session, config, redemption.member_id, template, facts, seq=seq)


PORT = Port("operator's product ordering", _order, _settle, _look_up, _ended)
