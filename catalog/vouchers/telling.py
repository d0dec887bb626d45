"""The member is told of every acceptance and its undoing, by a job behind the commit: a till does not wait for a message."""

from typing import Any

from sqlalchemy.orm import Session

from base import database, ids, outbox
from base.config import Config
from base.notices import notices
from base.notices.templates import Facts
from catalog.vouchers import life
from catalog.vouchers.models import Voucher
from merchants.models import Acceptance
from points.notices import telling

TASK = "vouchers.tell"
ACCEPTED, VOIDED = "voucher-accepted", "voucher-voided"


def promise(session: Session, acceptance: Acceptance, template: str) -> None:
    """Have the member told once this transaction has committed."""
    args: dict[str, Any] = {
        "member_id": acceptance.member_id,
        "acceptance_id": acceptance.acceptance_id,
        "template": template,
    }
    outbox.put(session, acceptance.member_id, TASK, args)


def run(config: Config, member_id: int, acceptance_id: int, template: str) -> None:
    """Tell it, and before an undoing the use, each unless it was told; safe to run twice, and in any order."""
    subject = ids.public("acc", member_id, acceptance_id)
    with database.begin() as session:
        acceptance = session.get_one(Acceptance, (member_id, acceptance_id))
        voucher = session.get_one(Voucher, (member_id, acceptance.voucher_id), with_for_update=True)
        person = life.holder(voucher)
        facts: Facts = {"offer": acceptance.offer_names, "last4": acceptance.last4}
        for one in (ACCEPTED, VOIDED) if template == VOIDED else (template,):
            if not notices.is_told(session, person, one, subject):
                telling.tell(session, config, person, one, facts, subject=subject)
