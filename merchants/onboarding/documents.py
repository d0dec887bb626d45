"""What a merchant hands in to join: licence, legal name, tax number, contacts, where it is paid, how it invoices.

Each handing in is a version of its own. Contacts and account lie sealed, and are shown masked.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, ids, seals
from base.errors import field_errors
from merchants.models import Merchant
from merchants.onboarding.models import MerchantDocuments


@dataclass(frozen=True)
class Paper:
    """What is handed in; an empty text is not there yet. The contact is a person of the merchant."""

    licence_number: str = ""
    legal_name: str = ""
    tax_number: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    payout_route: str = ""
    payout_account: str = ""
    invoice_regime: str = ""


SEALED = ("contact_name", "contact_phone", "contact_email", "payout_account")


def hand_in(
    session: Session, seal_key: str, merchant: Merchant, paper: Paper, actor: str, at: datetime
) -> MerchantDocuments:
    """A further version; those before it stay. A route without an account, or the other way round, is Invalid."""
    if bool(paper.payout_route) != bool(paper.payout_account):
        raise field_errors({"payout_account": "needed together with payout_route"})
    session.get_one(Merchant, merchant.merchant_id, with_for_update=True)
    before = latest(session, merchant.merchant_id)
    number = before.documents_no + 1 if before else 1
    said = asdict(paper)
    secret = json.dumps({name: said.pop(name) for name in SEALED}, ensure_ascii=False)
    row = MerchantDocuments(
        merchant_id=merchant.merchant_id,
        documents_no=number,
        at=at,
        actor=actor,
        has_contact=bool(paper.contact_name and (paper.contact_phone or paper.contact_email)),
        sealed=seals.seal(seal_key, secret, _bound(merchant.merchant_id, number)),
        **said,
    )
    session.add(row)
    session.flush()
    audit.write(
        session, actor, "merchant.documents", ids.public("mer", merchant.merchant_id), documents=number
    )
    return row


def latest(session: Session, merchant_id: int) -> MerchantDocuments | None:
    """The version that counts."""
    asked = select(MerchantDocuments).where(MerchantDocuments.merchant_id == merchant_id)
    return session.scalar(asked.order_by(MerchantDocuments.documents_no.desc()).limit(1))


def opened(seal_key: str, row: MerchantDocuments | None) -> Paper:
    """Everything that was handed in; an empty paper where nothing was."""
    if row is None:
        return Paper()
    secret = json.loads(seals.opened(seal_key, row.sealed, _bound(row.merchant_id, row.documents_no)))
    plain = {name: getattr(row, name) for name in asdict(Paper()) if name not in SEALED}
    return Paper(**plain, **secret)


def masked(paper: Paper) -> Paper:
    """The same with contact and account masked, as it is shown."""
    shown = asdict(paper)
    for name in SEALED:
        shown[name] = mask(shown[name])
    return Paper(**shown)


def digest(row: MerchantDocuments) -> str:
    """A fingerprint of a version: what two persons review is exactly this."""
    plain = [row.licence_number, row.legal_name, row.tax_number, row.invoice_regime, row.payout_route]
    body = json.dumps([row.merchant_id, row.documents_no, *plain], ensure_ascii=False).encode()
    return hashlib.sha256(body + row.sealed).hexdigest()


def mask(text: str) -> str:
    """The first sign and the last two, or less of a short text."""
    if len(text) <= 4:
        return text[:1] + "*" * (len(text) - 1)
    return f"{text[0]}***{text[-2:]}"


def _bound(merchant_id: int, number: int) -> str:
    return f"merchant:{merchant_id}:{number}"
