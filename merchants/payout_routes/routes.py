"""Where a merchant is paid: at Stripe or at a bank. Each change is a further row; the first comes from reviewed documents."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, ids, seals
from merchants.models import Merchant
from merchants.onboarding import documents
from merchants.onboarding.models import MerchantDocuments, MerchantStep
from merchants.payout_routes.models import STRIPE, PayoutRoute

HOLD = timedelta(hours=48)


@dataclass(frozen=True)
class Contact:
    """Who is told of a merchant's payouts, in clear: a phone, or nothing."""

    name: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Details:
    """Where money goes, in clear: an account at Stripe, or holder, bank and number of a bank account."""

    kind: str
    account: str = ""
    holder: str = ""
    bank: str = ""
    number: str = ""

    @property
    def masked(self) -> str:
        """How it is shown to everybody."""
        if self.kind == STRIPE:
            return f"Stripe {documents.mask(self.account)}"
        return f"{self.bank} ···{self.number[-4:]}".strip()


def current(session: Session, merchant_id: int) -> PayoutRoute | None:
    """The route that counts: the latest."""
    asked = select(PayoutRoute).where(PayoutRoute.merchant_id == merchant_id)
    return session.scalar(asked.order_by(PayoutRoute.route_no.desc()).limit(1))


def find(session: Session, merchant_id: int, route_no: int) -> PayoutRoute:
    """One of a merchant's routes."""
    return session.get_one(PayoutRoute, (merchant_id, route_no))


def all_of(session: Session, merchant_id: int, limit: int = 50) -> list[PayoutRoute]:
    """A merchant's routes, the latest first."""
    asked = select(PayoutRoute).where(PayoutRoute.merchant_id == merchant_id)
    return list(session.scalars(asked.order_by(PayoutRoute.route_no.desc()).limit(limit)))


def add(
    session: Session,
    seal_key: str,
    merchant_id: int,
    details: Details,
    contact: Contact,
    actor: str,
    at: datetime,
    *,
    holds_until: datetime,
) -> PayoutRoute:
    """A further route, which counts from now on; nothing goes there before `holds_until`."""
    session.get_one(Merchant, merchant_id, with_for_update=True)  # of two at once, one waits
    before = current(session, merchant_id)
    number = before.route_no + 1 if before else 1
    row = PayoutRoute(
        merchant_id=merchant_id,
        route_no=number,
        at=at,
        holds_until=holds_until,
        kind=details.kind,
        account=details.account,
        masked=details.masked,
        actor=actor,
        sealed=sealed(seal_key, merchant_id, asdict(details)),
        contact_sealed=sealed(seal_key, merchant_id, asdict(contact)),
    )
    session.add(row)
    session.flush()
    audit.write(
        session,
        actor,
        "payout.route",
        ids.public("mer", merchant_id),
        route=number,
        kind=details.kind,
        shown=details.masked,
    )
    return row


def ensure(session: Session, seal_key: str, merchant_id: int, at: datetime) -> PayoutRoute | None:
    """The route that counts; the first is the one of the documents that two persons reviewed last, if there are any."""
    there = current(session, merchant_id)
    if there is not None:
        return there
    found = session.execute(
        select(MerchantStep, MerchantDocuments)
        .join(
            MerchantDocuments,
            (MerchantDocuments.merchant_id == MerchantStep.merchant_id)
            & (MerchantDocuments.documents_no == MerchantStep.documents_no),
        )
        .where(MerchantStep.merchant_id == merchant_id)
        .order_by(MerchantStep.step_no.desc())
        .limit(1)
    ).one_or_none()
    if found is None or not found.MerchantDocuments.payout_route:
        return None
    paper = documents.opened(seal_key, found.MerchantDocuments)
    details = Details(paper.payout_route, holder=paper.legal_name)
    if paper.payout_route == STRIPE:
        details = replace(details, account=paper.payout_account)
    else:
        details = replace(details, number=paper.payout_account)
    contact = Contact(paper.contact_name, paper.contact_phone)
    step = found.MerchantStep
    return add(session, seal_key, merchant_id, details, contact, step.actor, at, holds_until=step.at + HOLD)


def details_of(seal_key: str, row: PayoutRoute) -> Details:
    """Everything of a route, in clear: for the file that a bank gets, and nobody else."""
    return Details(**opened(seal_key, row.merchant_id, row.sealed))


def contact_of(seal_key: str, row: PayoutRoute) -> Contact:
    """Whom to ask and to tell when this route changes."""
    return Contact(**opened(seal_key, row.merchant_id, row.contact_sealed))


def sealed(seal_key: str, merchant_id: int, said: dict[str, str]) -> bytes:
    """Values sealed for a merchant's route."""
    return seals.seal(seal_key, json.dumps(said, ensure_ascii=False), f"payout-route:{merchant_id}")


def opened(seal_key: str, merchant_id: int, stored: bytes) -> dict[str, str]:
    """The same again."""
    found: dict[str, str] = json.loads(seals.opened(seal_key, stored, f"payout-route:{merchant_id}"))
    return found
