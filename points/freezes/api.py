"""HTTP: a member freezes the own points and thaws them with a code; staff freeze for a member, and security thaws."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Member, Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.freezes import freezes
from points.freezes.schemas import (
    FrozenView,
    StaffFreezeRequest,
    StaffThawRequest,
    ThawRequest,
    frozen_view,
)
from points.members import scope

blueprint = Blueprint("freezes", __name__, description="Points frozen by hand")


@blueprint.route("/members/me/freeze")
@blueprint.response(200, FrozenView)
@needs("freezes:own")
def own() -> dict[str, Any]:
    """Whether one's points are frozen."""
    with database.begin() as session:
        return frozen_view(freezes.standing(session, _me().member_id))


@blueprint.route("/members/me/freeze", methods=["POST"])
@blueprint.response(200, FrozenView)
@blueprint.doc(**IDEMPOTENT)
@needs("freezes:own")
def freeze() -> Response:
    """Freeze the own points at once: nothing is redeemed or given away, earning goes on. Needs Idempotency-Key."""
    member_id = _me().member_id

    def effect(session: Session) -> dict[str, Any]:
        freezes.freeze(session, config(), member_id, current().actor, clock.now())
        return frozen_view(freezes.standing(session, member_id))

    with database.begin() as session:
        return answer_once(session, member_id, None, lambda: (200, effect(session)))


@blueprint.route("/members/me/freeze/code", methods=["POST"])
@blueprint.response(202)
@needs("freezes:own")
def send_code() -> dict[str, str]:
    """Send a code that thaws to the own number."""
    with database.begin() as session:
        freezes.send_code(session, config(), _me().member_id, clock.now())
    return {}


@blueprint.route("/members/me/freeze/thaw", methods=["POST"])
@blueprint.arguments(ThawRequest)
@blueprint.response(200, FrozenView)
@needs("freezes:own")
def thaw(asked: dict[str, str]) -> dict[str, Any]:
    """Thaw with the code, at once or after the wait; the code counts once, so it needs no key."""
    member_id, at = _me().member_id, clock.now()
    with database.begin() as session:
        right = freezes.thaw(session, config(), member_id, asked["code"], current().actor, at)
        view = frozen_view(freezes.standing(session, member_id))
    if not right:
        raise freezes.ThawCodeRefused(field="code")
    return view


@blueprint.route("/members/<member>/freeze", methods=["POST"])
@blueprint.arguments(StaffFreezeRequest)
@blueprint.response(200, FrozenView)
@blueprint.doc(**IDEMPOTENT)
@needs("points:freeze")
def freeze_for(asked: dict[str, str], member: str) -> Response:
    """Freeze for a member who called, who thaws with a code; or for suspected misuse, which security ends. Needs
    Idempotency-Key.
    """

    def effect(session: Session, member_id: int) -> dict[str, Any]:
        freezes.freeze_for(session, config(), _person(), member, asked["reason"], asked["case"], clock.now())
        return frozen_view(freezes.standing(session, member_id))

    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        return answer_once(session, member_id, asked, lambda: (200, effect(session, member_id)))


@blueprint.route("/members/<member>/freeze/thaw", methods=["POST"])
@blueprint.arguments(StaffThawRequest)
@blueprint.response(200, FrozenView)
@blueprint.doc(**IDEMPOTENT)
@needs("points:thaw")
def thaw_for(asked: dict[str, str], member: str) -> Response:
    """End every freeze of a member, once it is certain who asks. Needs Idempotency-Key."""

    def effect(session: Session, member_id: int) -> dict[str, Any]:
        freezes.thaw_for(session, config(), _person(), member, asked["case"], clock.now())
        return frozen_view(freezes.standing(session, member_id))

    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        return answer_once(session, member_id, asked, lambda: (200, effect(session, member_id)))


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _person() -> Staff:
    principal = current()
    assert isinstance(principal, Staff)
    return principal
