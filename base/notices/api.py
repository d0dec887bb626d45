"""HTTP: is this message from us, for everybody; and the gateway's receipts."""

from typing import Any

from flask import Response, request

from base import clock, database, ids
from base.auth.guard import needs, open_to_all
from base.http.api import IDEMPOTENT, NO_SIGN_IN, Blueprint, answer_once
from base.http.settings import config
from base.notices import genuine, handing
from base.notices.genuine import Answer
from base.notices.models import DELIVERED
from base.notices.schemas import NoticeCheckRequest, NoticeCheckView, ReceiptRequest, ReceiptView

blueprint = Blueprint("notices", __name__, description="Messages: whether one is ours, and receipts")


@blueprint.route("/notices/check", methods=["POST"])
@blueprint.arguments(NoticeCheckRequest)
@blueprint.response(200, NoticeCheckView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def check(asked: dict[str, Any]) -> Answer:
    """Is this message from us? A POST, so that the code is in no address; wrong codes are counted by source."""
    with database.begin() as session:
        return genuine.check(session, config(), asked["code"], request.remote_addr or "", clock.now())


@blueprint.route("/notices/receipts", methods=["POST"])
@blueprint.arguments(ReceiptRequest)
@blueprint.response(200, ReceiptView)
@blueprint.doc(**IDEMPOTENT)
@needs("notices:receipts")
def receipt(asked: dict[str, Any]) -> Response:
    """What became of a message that was handed over. Needs Idempotency-Key."""
    member_id, notice_id = ids.parse("ntc", asked["reference"])
    delivered, reason = asked["state"] == DELIVERED, asked["reason"]

    with database.begin() as session:

        def taken() -> tuple[int, Any]:
            state = handing.receipt(
                session, member_id, notice_id, delivered=delivered, reason=reason, at=clock.now()
            )
            return 200, {"reference": asked["reference"], "state": state}

        return answer_once(session, member_id, asked, taken)
