"""HTTP: every version of earn rules; versions that one person proposes and another approves."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points import programmes
from points.earn_rules import earn_rules
from points.earn_rules.earn_rules import Row, Wanted
from points.earn_rules.schemas import (
    EarnRulesProposalsView,
    EarnRulesProposalView,
    EarnRulesQuery,
    EarnRulesRequest,
    EarnRuleView,
    proposal_view,
    rule_views,
)

blueprint = Blueprint("earn-rules", __name__, description="What bill lines earn, from which day on")


@blueprint.route("/earn-rules")
@blueprint.arguments(EarnRulesQuery, location="query")
@blueprint.response(200, EarnRuleView(many=True))
@needs("rates:read")
def list_rules(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Every version of a programme's earn rules, of each type of line the earliest first."""
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        on = query["on"] or clock.day(clock.now(), programme.zone)
        return rule_views(earn_rules.versions(session, programme.programme_id), on)


@blueprint.route("/earn-rules/proposals", methods=["POST"])
@blueprint.arguments(EarnRulesRequest)
@blueprint.response(201, EarnRulesProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(earn_rules.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose versions, which another person approves all together or not. Needs Idempotency-Key."""
    plain = {name: str(value) for name, value in asked.items()}
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, plain, lambda: (201, _propose(session, asked)))


deciding(
    blueprint,
    "earn-rules/proposals",
    earn_rules,
    proposal_view,
    EarnRulesProposalView,
    EarnRulesProposalsView,
)


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at, rows = clock.now(), tuple(Row(**row) for row in asked["rows"])
    wanted = Wanted(asked["programme"], rows, asked["reason"])
    return proposal_view(session, earn_rules.propose(session, current(), wanted, at), at)
