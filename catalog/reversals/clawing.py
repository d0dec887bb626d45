"""Taking back from merchants what they got for the uses of a voucher whose redemption two persons undo.

The proposal names each use with its amounts, so that the checker sees what is taken from whom; uses that changed since
are not what was approved.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from base import clock, ids
from base.errors import Conflict
from catalog.offers.models import VOUCHER
from catalog.redemptions.models import Redemption
from catalog.vouchers import freezing, life
from catalog.vouchers.models import EXPIRED, Voucher
from catalog.vouchers.refusals import VoucherExpired
from merchants import acceptances, clawbacks, merchants
from merchants.disputes import disputes, holding
from merchants.models import Acceptance


class NothingToClawBack(Conflict):
    """No use of a voucher stands that a merchant was credited for."""

    zh = "没有可向商户收回的核销。"
    next_en, next_zh = "Propose the reversal without a clawback.", "请提出不含追回的冲正。"


class UsesChanged(Conflict):
    """The voucher was used, undone or decided on since this was proposed."""

    zh = "提出申请后，该券的核销情况已变化。"
    next_en, next_zh = "Withdraw it and propose it again.", "请撤回后重新提出。"


def listed(session: Session, redemption: Redemption) -> list[dict[str, Any]]:
    """The uses that would be taken back, as a proposal names them; NothingToClawBack, AcceptanceDisputed."""
    voucher = _voucher(session, redemption)
    uses = _uses(session, voucher) if voucher else []
    if not uses:
        raise NothingToClawBack()
    for one in uses:
        holding.check_free(session, one)
    return [_said(session, one) for one in uses]


def carry_out(
    session: Session,
    redemption: Redemption,
    said: list[dict[str, Any]],
    *,
    approval: str,
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    """Take back exactly what was approved, and make the voucher unusable for good. UsesChanged, AcceptanceDisputed,
    AlreadyClawedBack; VoucherExpired where something was left of it when it lapsed.
    """
    voucher = _voucher(session, redemption)
    if voucher is None:
        raise NothingToClawBack()
    voucher = freezing.lock(session, (voucher.member_id, voucher.voucher_id))
    uses = _uses(session, voucher)
    for one in uses:
        holding.check_free(session, one)
    if [_said(session, one) for one in uses] != said:
        raise UsesChanged()
    today = clock.day(at, merchants.zone_of(session, voucher.merchant_id))
    if life.state_now(voucher, at, today) == EXPIRED:
        raise VoucherExpired(last_day=str(voucher.last_day))
    for one in uses:
        clawbacks.take(session, one, approval=approval, reason=reason, actor=actor, at=at)
    freezing.cancel(session, (voucher.member_id, voucher.voucher_id), at)


def _voucher(session: Session, redemption: Redemption) -> Voucher | None:
    if redemption.kind != VOUCHER:
        return None
    return life.of_redemption(session, redemption.member_id, redemption.redemption_id)


def _uses(session: Session, voucher: Voucher) -> list[Acceptance]:
    """Those that stand and were not decided to be another's: what those brought stays held."""
    used = acceptances.of_voucher(session, voucher.member_id, voucher.voucher_id)
    lost = disputes.lost(session, voucher.member_id, voucher.voucher_id)
    return sorted(
        (one for one, _ in used if one.acceptance_id not in lost), key=lambda one: one.acceptance_id
    )


def _said(session: Session, one: Acceptance) -> dict[str, Any]:
    return {
        "acceptance": ids.public("acc", one.member_id, one.acceptance_id),
        "merchant": merchants.by_id(session, one.merchant_id).code,
        "owed_fen": one.owed_fen,
        "fee_fen": one.fee_fen,
        "vat_fen": one.vat_fen,
    }
