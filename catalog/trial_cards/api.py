"""HTTP: propose a trial card, look, decide; tell what came of it. The checker is another person than the maker."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals import approvals
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from catalog.trial_cards import trial_cards
from catalog.trial_cards.schemas import (
    ResultRequest,
    ResultView,
    TrialCardRequest,
    TrialCardsView,
    TrialCardView,
    result_view,
    trial_card_view,
)
from catalog.trial_cards.trial_cards import Wanted

blueprint = Blueprint("trial-cards", __name__, description="Trial cards by two persons")


@blueprint.route("/trial-cards", methods=["POST"])
@blueprint.arguments(TrialCardRequest)
@blueprint.response(201, TrialCardView)
@blueprint.doc(**IDEMPOTENT)
@needs(trial_cards.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a trial card for a member; another person decides, and only then it is handed out. Needs Idempotency-Key."""
    (member_id,) = ids.parse("mbr", asked["member"], parts=1)
    with database.begin() as session:
        return answer_once(session, member_id, asked, lambda: (201, _propose(session, member_id, asked)))


@blueprint.route("/trial-cards/<proposal>/result", methods=["POST"])
@blueprint.arguments(ResultRequest)
@blueprint.response(201, ResultView)
@blueprint.doc(**IDEMPOTENT)
@needs(trial_cards.PROPOSES)
def result(asked: dict[str, Any], proposal: str) -> Response:
    """Tell what came of a card that was handed out, once. Needs Idempotency-Key."""
    number = approvals.parse(proposal)
    with database.begin() as session:
        case = approvals.by_id(session, number, trial_cards.KIND, current())
        return answer_once(
            session,
            case.proposal.member_id,
            asked,
            lambda: (
                201,
                result_view(trial_cards.record(session, current(), case, **asked, at=clock.now())),
            ),
        )


deciding(blueprint, "trial-cards", trial_cards, trial_card_view, TrialCardView, TrialCardsView)


def _propose(session: Session, member_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    wanted = Wanted(**{name: value for name, value in asked.items() if name != "member"})
    return trial_card_view(session, trial_cards.propose(session, current(), member_id, wanted, at), at)
