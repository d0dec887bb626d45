"""HTTP: a member says what it prefers; the operator's systems tell what a member said elsewhere."""

import json
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import channels, clock, database, seals
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.members import scope
from points.preferences import preferences
from points.preferences.schemas import PreferenceRequest, PreferenceView, ToldRequest, preference_view

blueprint = Blueprint("preferences", __name__, description="What members prefer, with consent")


@blueprint.route("/members/me/preferences")
@blueprint.response(200, PreferenceView(many=True))
@needs("preferences:own")
def mine() -> list[dict[str, Any]]:
    """The word that counts for each preference, by whom and since when."""
    with database.begin() as session:
        found = preferences.latest(session, config(), _me())
        return [preference_view(said, clear=True) for _, said in sorted(found.items())]


@blueprint.route("/members/me/preferences", methods=["POST"])
@blueprint.arguments(PreferenceRequest)
@blueprint.response(200, PreferenceView)
@blueprint.doc(**IDEMPOTENT)
@needs("preferences:own")
def say(asked: dict[str, Any]) -> Response:
    """Say what counts from now on; without consent nothing is chosen by it. Needs Idempotency-Key."""
    with database.begin() as session:
        return answer_once(
            session,
            _me(),
            _blind(asked),
            lambda: _say(session, _me(), asked | {"channel": channels.MEMBER_WEB}),
        )


@blueprint.route("/members/<member>/preferences", methods=["POST"])
@blueprint.arguments(ToldRequest)
@blueprint.response(200, PreferenceView)
@blueprint.doc(**IDEMPOTENT)
@needs("members:write")
def tell(asked: dict[str, Any], member: str) -> Response:
    """Tell what a member said, where and when; a later word wins, whichever came first. Needs Idempotency-Key."""
    with database.begin() as session:
        member_id = scope.find(session, current(), member).member_id
        return answer_once(session, member_id, _blind(asked), lambda: _say(session, member_id, asked))


def _me() -> int:
    principal = current()
    assert isinstance(principal, Member)
    return principal.member_id


def _say(session: Session, member_id: int, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    said = preferences.say(
        session,
        config(),
        member_id,
        asked["name"],
        asked["values_"],
        consent=asked["consent"],
        channel=asked["channel"],
        at=clock.now(),
        since=asked.get("since"),
    )
    return 200, preference_view(said, clear=False)  # the answer is kept: nothing of a person stands in it


def _blind(asked: dict[str, Any]) -> str:
    return seals.blind(config().secret_key, "asked", json.dumps(asked, sort_keys=True, default=str)).hex()
