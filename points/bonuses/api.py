"""HTTP: the operator's systems tell occasions; rules by two persons; anybody asks what a bonus would give."""

import uuid
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.approvals.api import deciding
from base.auth.guard import current, needs
from base.auth.principals import Member, Service
from base.errors import NotAllowed, field_errors
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from points import programmes
from points.bonuses import granting, rules
from points.bonuses.deciding import Wanted
from points.bonuses.rules import NO_MEMBER
from points.bonuses.schemas import (
    BonusQuestion,
    BonusQuestionView,
    BonusRequest,
    BonusRuleRequest,
    BonusRulesView,
    BonusRuleView,
    BonusView,
    bonus_view,
    question_view,
    rule_view,
)
from points.members import members
from points.members.members import MemberUnknown
from points.models import Programme

blueprint = Blueprint("bonuses", __name__, description="Points for occasions beside bills, and their rules")


@blueprint.route("/bonuses", methods=["POST"])
@blueprint.arguments(BonusRequest)
@blueprint.response(201, BonusView)
@blueprint.alt_response(200, schema=BonusView, description="It was given before")
@blueprint.doc(**IDEMPOTENT)
@needs("bonuses:write")
def give(asked: dict[str, Any]) -> Response:
    """Give a bonus, once for each `ref`: told again it answers 200 with what was given. Needs Idempotency-Key."""
    me = current()
    assert isinstance(me, Service)
    with database.begin() as session:
        programme = programmes.open_one(session, me.programme_id)
        wanted = Wanted(_named(session, programme, asked), asked["rule"], asked["on"], asked["ref"])
        return answer_once(session, wanted.member_id, asked, lambda: _give(session, programme, wanted))


@blueprint.route("/bonuses/estimate", methods=["POST"])
@blueprint.arguments(BonusQuestion)
@blueprint.response(200, BonusQuestionView)
@needs("earnings:estimate")
def estimate(asked: dict[str, Any]) -> dict[str, Any]:
    """What a bonus would give, without writing; refused for the reason for which the bonus would be."""
    me = current()
    with database.begin() as session:
        if isinstance(me, Member):
            programme, member_id = programmes.by_id(session, me.programme_id), me.member_id
            if asked["member"] is not None and asked["member"] != ids.public("mbr", member_id):
                raise NotAllowed(needs="members:read")
        else:
            programme, member_id = _of_staff(session, asked)
        at = clock.now()
        on = asked["on"] or clock.day(at, programme.zone)
        wanted = Wanted(member_id, asked["rule"], on, asked["ref"] or uuid.uuid4().hex)
        given = granting.question(session, programme, wanted, at)
        return question_view(given, granting.left(session, given), of_all=not isinstance(me, Member))


@blueprint.route("/bonus-rules", methods=["POST"])
@blueprint.arguments(BonusRuleRequest)
@blueprint.response(201, BonusRuleView)
@blueprint.doc(**IDEMPOTENT)
@needs(rules.PROPOSES)
def propose(asked: dict[str, Any]) -> Response:
    """Propose a rule, or a later version of one: points, days, caps, budget; another person decides. Needs
    Idempotency-Key.
    """
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _propose(session, asked)))


deciding(blueprint, "bonus-rules", rules, rule_view, BonusRuleView, BonusRulesView)


def _give(session: Session, programme: Programme, wanted: Wanted) -> tuple[int, dict[str, Any]]:
    given = granting.grant(session, programme, wanted, clock.now())
    return 200 if given.repeated else 201, bonus_view(given, granting.left(session, given))


def _propose(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    return rule_view(session, rules.propose(session, current(), rules.Wanted(**asked), at), at)


def _named(session: Session, programme: Programme, asked: dict[str, Any]) -> int:
    """The member that is named, who must be in the programme; MemberUnknown."""
    if "member" in asked:
        member = members.by_id(session, ids.parse("mbr", asked["member"], parts=1)[0])
        if member.programme_id != programme.programme_id:
            raise MemberUnknown()
        return member.member_id
    customer = asked["customer_id"]
    found = members.find_many(session, programme.programme_id, [customer])
    if customer not in found:
        raise MemberUnknown()
    return found[customer]


def _of_staff(session: Session, asked: dict[str, Any]) -> tuple[Programme, int]:
    """The programme and the member that a member of the staff asks about; NotAllowed, MemberUnknown."""
    if asked["member"] is None:
        raise field_errors({"member": "is needed"})
    if "members:read" not in current().permissions:
        raise NotAllowed(needs="members:read")
    member = members.by_id(session, ids.parse("mbr", asked["member"], parts=1)[0])
    return programmes.by_id(session, member.programme_id), member.member_id
