"""One use of a voucher at a till, and the button "This was not me" with what comes of it."""

from uuid import uuid4

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import blueprint, me
from base import clock, database, idempotency, ids
from base.auth.guard import needs
from base.http.settings import config
from catalog.disputes import disputing
from catalog.vouchers import shelf
from catalog.vouchers.refusals import VoucherUnknown
from catalog.vouchers.shelf import Kept
from merchants.acceptances import AcceptanceUnknown
from merchants.models import Acceptance, Outlet
from points.groups import spending


@blueprint.route("/acceptances/<acceptance>")
@needs("vouchers:own")
def one_acceptance(acceptance: str) -> ResponseReturnValue:
    """Where and when a voucher was used; who did not do it says so here, or reads what became of that."""
    member_id, acceptance_id = ids.parse("acc", acceptance)
    with database.begin() as session:
        row, kept = _mine(session, member_id, acceptance_id)
        return render_template(
            "member/acceptance.html",
            row=row,
            kept=kept,
            outlet=session.get_one(Outlet, row.outlet_id),
            dispute=disputing.of_member(session, member_id, row.voucher_id).get(acceptance_id),
            acceptance_id=acceptance,
            key=str(uuid4()),
        )


@blueprint.route("/acceptances/<acceptance>/not-me", methods=["POST"])
@needs("vouchers:own")
def not_me(acceptance: str) -> ResponseReturnValue:
    """Say so, once; what is left of the voucher is frozen."""
    member_id, acceptance_id = ids.parse("acc", acceptance)
    key = idempotency.checked(request.form.get("key"))
    with database.begin() as session:

        def effect() -> tuple[int, str]:
            dispute = disputing.not_me(session, config(), me(), (member_id, acceptance_id), clock.now())
            return 303, disputing.reference(dispute)

        asked = {"page": "not-me", "acceptance": acceptance}
        idempotency.once(session, member_id, me().actor, key, asked, effect)
    return redirect(url_for("member_pages.one_acceptance", acceptance=acceptance), 303)


def _mine(session: Session, member_id: int, acceptance_id: int) -> tuple[Acceptance, Kept]:
    """A use of the member's own voucher, or of one redeemed for a group; AcceptanceUnknown."""
    row = session.get(Acceptance, (member_id, acceptance_id))
    if row is None:
        raise AcceptanceUnknown()
    try:
        kept = shelf.find(session, member_id, row.voucher_id, clock.now())
    except VoucherUnknown:
        raise AcceptanceUnknown() from None
    if not spending.belongs(session, me().member_id, member_id, kept.voucher.spender_id):
        raise AcceptanceUnknown()
    return row, kept
