"""Merchants and their outlets."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Conflict, NotAllowed, NotFound
from merchants.models import ACTIVE, CLOSED, TAKING, Merchant, Outlet


class MerchantUnknown(NotFound):
    """There is no such merchant."""

    zh = "没有该商户。"


class MerchantNotOpen(NotAllowed):
    """This merchant does not take vouchers yet."""

    zh = "该商户尚未开通核销。"
    next_en = "The till works. The operator opens the merchant when the last steps of joining are done."
    next_zh = "收银机工作正常。完成入驻的剩余步骤后，由运营商开通。"
    clerk_en = "We are still setting up; please keep your voucher for another day."
    clerk_zh = "本店还在开通中，请您改日再用这张券。"
    then = "support"


class MerchantLeft(Conflict):
    """This merchant has left; nothing is added any more."""

    zh = "该商户已终止合作，不能再增加内容。"


def add(
    session: Session,
    code: str,
    names: dict[str, str],
    *,
    zone: str,
    currency: str,
    city: str,
    area: str = "",
    state: str = ACTIVE,
) -> Merchant:
    """The merchant of that code; made when it is not there."""
    found = session.scalar(select(Merchant).where(Merchant.code == code))
    if found is None:
        found = Merchant(
            merchant_id=ids.new_id(),
            code=code,
            names=names,
            zone=zone,
            currency=currency,
            city=city,
            area=area,
            state=state,
        )
        session.add(found)
        session.flush()
    return found


def check_there(merchant: Merchant) -> None:
    """MerchantLeft, once this merchant is closed."""
    if merchant.state == CLOSED:
        raise MerchantLeft()


def check_takes(state: str) -> None:
    """MerchantNotOpen, unless the tills of a merchant at this stage take vouchers."""
    if state not in TAKING:
        raise MerchantNotOpen()


def add_outlet(
    session: Session,
    merchant: Merchant,
    names: dict[str, str],
    address: dict[str, str],
    *,
    area: str = "",
    hours: list[dict[str, Any]] | None = None,
) -> Outlet:
    """A shop more, in an area (code of city or county), open at hours as Outlet says."""
    outlet = Outlet(
        outlet_id=ids.new_id(),
        merchant_id=merchant.merchant_id,
        names=names,
        address=address,
        area=area,
        hours=hours or [],
    )
    session.add(outlet)
    session.flush()
    return outlet


def by_id(session: Session, merchant_id: int) -> Merchant:
    """A merchant; MerchantUnknown."""
    found = session.get(Merchant, merchant_id)
    if found is None:
        raise MerchantUnknown()
    return found


def zone_of(session: Session, merchant_id: int) -> str:
    """The zone in which a merchant's days are counted; MerchantUnknown."""
    for row in database.rows(session, "select zone from merchant where merchant_id = %s", (merchant_id,)):
        return str(row.zone)
    raise MerchantUnknown()


def by_code(session: Session, code: str) -> Merchant:
    """The merchant of a code; MerchantUnknown."""
    found = session.scalar(select(Merchant).where(Merchant.code == code))
    if found is None:
        raise MerchantUnknown(merchant=code[:64])
    return found


def outlets_of(session: Session, merchant_id: int) -> list[Outlet]:
    """A merchant's shops."""
    return list(
        session.scalars(select(Outlet).where(Outlet.merchant_id == merchant_id).order_by(Outlet.outlet_id))
    )
