"""Whose merchants and outlets somebody may see: one home for the question. What lies outside is not there.

A merchant's own people see their merchant, a manager the own outlet alone. Staff of an area see the merchants and the
outlets in it; a merchant is in every area where it has an outlet.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from base import ids
from base.auth.principals import Clerk, MerchantPerson, Principal, Service, Staff
from base.errors import NotAllowed, NotFound
from merchants.merchants import MerchantUnknown
from merchants.models import Merchant, Outlet
from merchants.terminals.models import FINANCE, MANAGER, OWNER, ClerkRow


class OutletUnknown(NotFound):
    """There is no such outlet."""

    zh = "没有该门店。"


class NotOfAMerchant(NotAllowed):
    """Only a merchant's own people do this."""

    zh = "只有商户自己的人员可以操作。"


class OutsideArea(NotAllowed):
    """This area is not yours."""

    zh = "该地区不在您负责的范围内。"


@dataclass(frozen=True)
class Reach:
    """What of a merchant one of its people may see and change: everything, or (outlet_id) one outlet."""

    merchant_id: int
    outlet_id: int | None
    clerk_id: int
    role: str
    actor: str


def reach_of(session: Session, principal: Principal) -> Reach:
    """The reach of a merchant's person, on its pages or as manager at a till; NotOfAMerchant."""
    if isinstance(principal, MerchantPerson):
        wide = principal.role in (FINANCE, OWNER)
        outlet_id = None if wide else principal.outlet_id
        return Reach(
            principal.merchant_id,
            outlet_id,
            principal.clerk_id,
            principal.role,
            f"clerk:{principal.clerk_id}",
        )
    if isinstance(principal, Clerk) and principal.is_manager:
        row = session.get_one(ClerkRow, principal.clerk_id)
        role = OWNER if row.role == OWNER else MANAGER
        return Reach(
            principal.merchant_id,
            principal.outlet_id,
            principal.clerk_id,
            role,
            f"clerk:{principal.clerk_id}",
        )
    raise NotOfAMerchant()


def ours(reach: Reach, asked: Select[Any], merchant_id: Any, outlet_id: Any) -> Select[Any]:
    """The same question about what is in reach; the columns name merchant and outlet."""
    asked = asked.where(merchant_id == reach.merchant_id)
    return asked if reach.outlet_id is None else asked.where(outlet_id == reach.outlet_id)


def outlet(session: Session, reach: Reach, public_id: str) -> Outlet:
    """An outlet in reach, by its public id; OutletUnknown."""
    asked = ours(reach, select(Outlet), Outlet.merchant_id, Outlet.outlet_id)
    number = number_of("out", public_id, OutletUnknown)
    found: Outlet | None = session.scalar(asked.where(Outlet.outlet_id == number))
    if found is None:
        raise OutletUnknown()
    return found


def number_of(prefix: str, public_id: str, unknown: type[NotFound]) -> int:
    """The number in a public id; what is none is answered like an unknown one."""
    try:
        (number,) = ids.parse(prefix, public_id, parts=1)
    except NotFound:
        raise unknown() from None
    return number


def rule(principal: Principal) -> ColumnElement[bool]:
    """Whether a merchant is one of the operator's person's (or system's) own."""
    area = _area(principal)
    if not area:
        return true()
    within = exists().where(
        Outlet.merchant_id == Merchant.merchant_id, Outlet.area.startswith(area, autoescape=True)
    )
    return or_(Merchant.area.startswith(area, autoescape=True), within)


def merchant(session: Session, principal: Principal, code: str) -> Merchant:
    """The merchant of a code, when it is one of the principal's own; MerchantUnknown."""
    found = session.scalar(select(Merchant).where(Merchant.code == code, rule(principal)))
    if found is None:
        raise MerchantUnknown(merchant=code[:64])
    return found


def sees(session: Session, principal: Principal, merchant_id: int) -> bool:
    """Whether a merchant is one of the principal's own."""
    asked = select(exists().where(Merchant.merchant_id == merchant_id, rule(principal)))
    return bool(session.scalar(asked))


def outlets_of(
    session: Session, principal: Principal, merchant_id: int, *, after: int = 0, limit: int | None = None
) -> list[Outlet]:
    """A merchant's outlets within the principal's area, in the order in which they came."""
    asked = select(Outlet).where(
        Outlet.merchant_id == merchant_id,
        Outlet.area.startswith(_area(principal), autoescape=True),
        Outlet.outlet_id > after,
    )
    return list(session.scalars(asked.order_by(Outlet.outlet_id).limit(limit)))


def outlet_within(session: Session, principal: Principal, public_id: str) -> Outlet:
    """An outlet within the principal's area, by its public id; OutletUnknown."""
    found = session.get(Outlet, number_of("out", public_id, OutletUnknown))
    if found is None or not found.area.startswith(_area(principal)):
        raise OutletUnknown()
    return found


def _area(principal: Principal) -> str:
    return principal.area if isinstance(principal, Staff | Service) else ""


def check_area(principal: Principal, area: str) -> None:
    """OutsideArea, unless this area lies in the principal's."""
    if not area.startswith(_area(principal)):
        raise OutsideArea(area=area)


def merchant_of(session: Session, reach: Reach) -> Merchant:
    """The merchant of one of its people."""
    return session.get_one(Merchant, reach.merchant_id)
