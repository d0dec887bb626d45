"""HTTP: billing tells bill lines, payments and corrections; members and staff ask what a bill would earn.

None of these calls takes an Idempotency-Key. A question writes nothing, and whatever billing tells is its own key: the
ledger knows a line by bill and number, a payment and a correction by its id too, as it does those of a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Member, Service
from base.errors import field_errors
from base.halts import halts
from base.http.api import Blueprint
from points import bills, corrections, payments, policies, programmes
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.earnings import estimates
from points.earnings.estimates import Asked
from points.earnings.schemas import (
    BillLinesRequest,
    CorrectionsRequest,
    EstimateRequest,
    EstimateView,
    OutcomesView,
    PaymentsRequest,
    line_view,
    outcome_view,
)
from points.factors import Circumstances
from points.imports import Outcome
from points.models import Programme
from points.payments import PaymentIn

blueprint = Blueprint("earnings", __name__, description="What bills earn, and what they would")


@blueprint.route("/bill-lines", methods=["POST"])
@blueprint.arguments(BillLinesRequest)
@blueprint.response(200, OutcomesView)
@needs("bills:write")
def tell_lines(asked: dict[str, Any]) -> dict[str, Any]:
    """Bill lines, up to 500, each its own key: sent again it is there and earns nothing more; other contents are refused.

    One that is refused harms no other. A line that no rule is in force for is refused and waits for one.
    """
    lines = [BillLineIn(**line) for line in asked["lines"]]

    def take(session: Session, programme: Programme) -> list[Outcome]:
        versions = policies.load(session, programme.programme_id)
        return bills.post_lines(session, programme, versions, lines)

    return _told(take)


@blueprint.route("/bill-payments", methods=["POST"])
@blueprint.arguments(PaymentsRequest)
@blueprint.response(200, OutcomesView)
@needs("bills:write")
def tell_payments(asked: dict[str, Any]) -> dict[str, Any]:
    """Payments of bill lines, up to 500, each its own key: sent again it is there and releases nothing more.

    One that is refused harms no other; those of one line are taken in the order sent.
    """
    told = [PaymentIn(**payment) for payment in asked["payments"]]
    return _told(lambda session, programme: payments.post_payments(session, programme, told))


@blueprint.route("/bill-corrections", methods=["POST"])
@blueprint.arguments(CorrectionsRequest)
@blueprint.response(200, OutcomesView)
@needs("bills:write")
def tell_corrections(asked: dict[str, Any]) -> dict[str, Any]:
    """Bill lines as they are after a correction, up to 500, each its own key: sent again it is there and moves nothing.

    One that is refused harms no other; those of one line are taken in the order sent.
    """
    told = [CorrectionIn(**correction) for correction in asked["corrections"]]
    return _told(lambda session, programme: corrections.post_corrections(session, programme, told))


def _told(take: Callable[[Session, Programme], Sequence[Outcome]]) -> dict[str, Any]:
    """What became of each, in one transaction, in the system's own programme; ProgrammeClosed, EarningStopped.

    StillRunning where others change the same members for longer than a second: nothing is kept, send it again.
    """
    me = current()
    assert isinstance(me, Service)
    with database.begin() as session:
        programme = programmes.open_one(session, me.programme_id)
        halts.check(session, halts.EARN, programme.programme_id)
        outcomes = take(session, programme)
    return {"answers": [outcome_view(outcome) for outcome in outcomes]}


@blueprint.route("/earnings/estimate", methods=["POST"])
@blueprint.arguments(EstimateRequest)
@blueprint.response(200, EstimateView)
@needs("earnings:estimate")
def estimate(asked: dict[str, Any]) -> dict[str, Any]:
    """What a bill would earn, line by line, with the sum behind it: a member's own, or for staff any customer's."""
    lines = [Asked(**line) for line in asked["lines"]]
    with database.begin() as session:
        programme = _programme(session, asked.get("programme"))
        on = asked.get("bill_day") or clock.day(clock.now(), programme.zone)
        found = estimates.estimate(session, programme, lines, on, _customer(session, asked, on))
    return {
        "programme": programme.code,
        "bill_day": on,
        "points": sum(one.points for one in found),
        "pending": sum(one.pending for one in found),
        "lines": [line_view(*pair) for pair in zip(lines, found, strict=True)],
    }


def _customer(session: Session, asked: dict[str, Any], on: date) -> Circumstances:
    """Who is asked about: the member who asks, or nobody in particular; what was said counts first."""
    caller = current()
    known = (
        estimates.of_member(session, caller.member_id, on) if isinstance(caller, Member) else Circumstances()
    )
    names = {"tier": "tier", "years": "years", "birthday_month": "birthday"}
    return replace(known, **{name: asked[said] for said, name in names.items() if said in asked})


def _programme(session: Session, code: str | None) -> Programme:
    """The caller's own programme; staff, who work for all of them, name one."""
    own = getattr(current(), "programme_id", None)
    if own is not None:
        return programmes.by_id(session, own)
    if code is None:
        choices = ", ".join(programme.code for programme in programmes.every(session))
        raise field_errors({"programme": f"name one of: {choices}"})
    return programmes.by_code(session, code)
