"""Why this balance? Each lot led back to the bill lines behind it, each movement in one sentence; and one movement's lots."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.http import PAGE, cut, page, position
from base import clock, database
from base.auth.guard import current, needs
from base.http.settings import config
from base.web.i18n import both
from points import lots
from points.kinds import Kind
from points.models import PostingRow
from points.people import looking
from points.wallets import explained, told, traced, wallets
from points.wallets.schemas import posting_view
from points.wallets.traced import Origin, Part

blueprint = Blueprint("why", __name__)


@blueprint.route("/members/<member>/why")
@needs("members:read")
def balance(member: str) -> ResponseReturnValue:
    """What is there lot by lot with its bill lines, and all movements with their sentences, newest first."""
    name, at = f"why {member}", clock.now()
    place = position(name)
    with database.begin() as session:
        row = looking.view(session, config(), current(), member).member
        shown = wallets.show(session, row.member_id, at)
        found = wallets.postings(session, row.member_id, before=place[0] if place else None, limit=PAGE + 1)
        rows, after = cut(name, found, lambda posting: [posting.seq])
        return page(
            "console/why.html",
            member=row,
            member_ref=member,
            shown=shown,
            parts=_told(traced.of_wallet(session, row.member_id)),
            movements=movements(session, row.member_id, rows),
            after=after,
            at=at,
            words=words,
        )


@blueprint.route("/members/<member>/movements/<int(max=9223372036854775807):seq>")
@needs("members:read")
def movement(member: str, seq: int) -> ResponseReturnValue:
    """The lots that a movement took or gave, and where their points came from."""
    with database.begin() as session:
        row = looking.view(session, config(), current(), member).member
        posting = wallets.posting(session, row.member_id, seq)
        return page(
            "console/movement.html",
            member=row,
            member_ref=member,
            movement=movements(session, row.member_id, [posting])[0],
            parts=_told(traced.of_posting(session, row.member_id, seq)),
            words=words,
        )


def movements(session: Session, member_id: int, rows: Sequence[PostingRow]) -> list[dict[str, Any]]:
    """Postings as the console shows them: each with its sentence."""
    said = explained.explanations(session, member_id, rows)
    return [posting_view(row) | {"said": said[row.seq]} for row in rows]


def _told(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Lots with the words for their class, and for what brought their points."""
    return [
        {
            "points": part.points,
            "last_day": None if part.last_day == lots.NO_END else part.last_day,
            "class": words.LOT_CLASSES.get(part.lot_class, part.lot_class),
            "origins": [(one, _what(one)) for one in traced.joined(part.origins)],
        }
        for part in parts
    ]


def _what(origin: Origin) -> str:
    said = told.what(origin)
    return both(said) if said else str(words.POSTING_KINDS[Kind(origin.kind).name.lower()])
