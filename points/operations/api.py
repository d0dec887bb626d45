"""HTTP: operations on wallets, for the operator's systems."""

from typing import Any

from flask import Response, jsonify, request

from base import database, idempotency, ids
from base.auth.guard import current, needs
from base.auth.principals import Service
from base.errors import NotAllowed, Problem
from base.http.api import IDEMPOTENT, Blueprint
from base.http.problems import body_of, status_of
from points import programmes
from points.ledger import Answer
from points.models import Programme
from points.operations import operations
from points.operations.operations import ISSUES, Operation
from points.operations.schemas import (
    OperationRequest,
    OperationsRequest,
    OperationsView,
    OperationView,
    operation_of,
    operation_view,
    operations_of,
)

blueprint = Blueprint("operations", __name__, description="Operations on wallets, for the operator's systems")
ISSUE = "wallet:issue"


class MayNotIssue(NotAllowed):
    """This key may spend points, not make or take back any."""

    zh = "该密钥可以使用积分，但不能发放或收回积分。"
    next_en, next_zh = "Ask for a key with the scope wallet:issue.", "请申请带有 wallet:issue 权限的密钥。"


@blueprint.route("/members/<member>/operations", methods=["POST"])
@blueprint.arguments(OperationRequest)
@blueprint.response(201, OperationView)
@blueprint.doc(**IDEMPOTENT)
@needs("wallet:post")
def operate(asked: dict[str, Any], member: str) -> Response:
    """Earn, redeem, hold, capture, release, reverse or unearn. Needs Idempotency-Key."""
    key = idempotency.checked(request.headers.get("Idempotency-Key"))
    (member_id,) = ids.parse("mbr", member, parts=1)
    operation = operation_of(asked, member_id, key)
    answer = operations.do(_programme([operation]), _me().actor, operation)
    response = jsonify(operation_view(answer))
    response.status_code = 201
    if answer.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@blueprint.route("/operations", methods=["POST"])
@blueprint.arguments(OperationsRequest)
@blueprint.response(200, OperationsView)
@needs("wallet:post")
def operate_many(asked: dict[str, Any]) -> Response:
    """Up to 500 operations with a key each, written in one transaction; one that is refused harms no other."""
    batch = operations_of(asked["operations"])
    programme = _programme(batch)
    with database.begin() as session:
        answers = operations.do_many(session, programme, _me().actor, batch)
    return jsonify(
        {"answers": [_told(each.key, answer) for each, answer in zip(batch, answers, strict=True)]}
    )


def _told(key: str, answer: Answer | Problem) -> dict[str, Any]:
    if isinstance(answer, Problem):
        problem = body_of(answer, status_of(type(answer)))
        del problem["request_id"]  # of the whole batch, in its header
        return {"key": key, "status": "refused", "operation": None, "problem": problem}
    return {"key": key, "status": "posted", "operation": operation_view(answer), "problem": None}


def _programme(asked: list[Operation]) -> Programme:
    """The key's programme, which must take writes; MayNotIssue."""
    me = _me()
    if ISSUE not in me.permissions and any(operation.kind in ISSUES for operation in asked):
        raise MayNotIssue()
    with database.begin() as session:
        return programmes.open_one(session, me.programme_id)


def _me() -> Service:
    principal = current()
    assert isinstance(principal, Service)
    return principal
