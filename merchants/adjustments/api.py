"""HTTP: propose to adjust a merchant's account, look, decide. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from merchants import scope
from merchants.adjustments import adjustments
from merchants.adjustments.schemas import (
    MerchantAdjustmentRequest,
    MerchantAdjustmentsView,
    MerchantAdjustmentView,
    adjustment_view,
    wanted_of,
)

blueprint = Blueprint(
    "merchant_adjustments", __name__, description="What merchants get or give back, by two persons"
)


@blueprint.route("/merchant-adjustments", methods=["POST"])
@blueprint.arguments(MerchantAdjustmentRequest)
@blueprint.response(201, MerchantAdjustmentView)
@blueprint.doc(**IDEMPOTENT)
@needs(adjustments.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a line of a merchant's next statement; another person decides. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at = clock.now()
        merchant = scope.merchant(session, current(), asked["merchant"])
        case = adjustments.propose(session, current(), merchant, wanted_of(asked), at)
        return adjustment_view(session, case, at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(
    blueprint,
    "merchant-adjustments",
    adjustments,
    adjustment_view,
    MerchantAdjustmentView,
    MerchantAdjustmentsView,
)
