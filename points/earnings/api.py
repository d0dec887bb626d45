"""HTTP: what would this bill earn? Asks and writes nothing, so it needs no Idempotency-Key."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.errors import field_errors
from base.http.api import Blueprint
from points import programmes
from points.earnings import estimates
from points.earnings.estimates import Asked
from points.earnings.schemas import EstimateRequest, EstimateView, line_view
from points.factors import Circumstances
from points.models import Programme

blueprint = Blueprint("earnings", __name__, description="What bills would earn")


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
