"""HTTP: a provider's system tells that a perk is used."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from catalog.perks import uses
from catalog.perks.schemas import PerkUseRequest, PerkUseView, perk_use_view
from catalog.redemptions import redemptions
from points.members import scope

blueprint = Blueprint("perks", __name__, description="Club perks at their providers")


@blueprint.route("/perks/uses", methods=["POST"])
@blueprint.arguments(PerkUseRequest)
@blueprint.response(200, PerkUseView)
@blueprint.doc(**IDEMPOTENT)
@needs("perks:use")
def use(asked: dict[str, Any]) -> Response:
    """The member is there and uses the perk, with so many guests; the same once more changes nothing. Needs
    Idempotency-Key.
    """
    member_id, redemption_id = ids.parse("red", asked["redemption"])
    with database.begin() as session:
        if not scope.sees(session, current(), member_id):
            raise redemptions.RedemptionUnknown()
        return answer_once(
            session, member_id, asked, lambda: (200, _use(session, member_id, redemption_id, asked))
        )


def _use(session: Session, member_id: int, redemption_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    redemption = redemptions.find(session, member_id, redemption_id)
    row = uses.use(
        session,
        redemption,
        asked["guests"],
        present=asked["member_present"],
        actor=current().actor,
        at=clock.now(),
    )
    shown: dict[str, Any] = PerkUseView().dump(perk_use_view(row))
    return shown
