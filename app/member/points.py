"""Every movement of points with its reason and the balance after it, and the lots with their last days."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, _, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import needs
from base.web.i18n import both
from catalog.redemptions import redemptions
from points import lots
from points.bonuses.reasons import OF_BONUS
from points.kinds import Kind
from points.models import PostingRow
from points.wallets import explained, wallets
from points.wallets.schemas import posting_view


@dataclass(frozen=True)
class Movement:
    """A posting in words; `points` has the sign it has for the member, `explanation` is the sum behind them."""

    posting: PostingRow
    points: int
    reason: str
    about: str
    href: str
    explanation: str


@blueprint.route("/points")
@needs("wallet:own")
def list_points() -> ResponseReturnValue:
    """Postings, newest first; the lots stand on the first page."""
    place = position()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, clock.now())
        rows = wallets.postings(session, me().member_id, before=place[0] if place else None, limit=PAGE + 1)
        movements = _movements(session, rows[:PAGE])
    return render_template(
        "member/points.html",
        shown=shown,
        movements=movements,
        first_page=place is None,
        next_cursor=cursor(rows[PAGE - 1].seq) if len(rows) > PAGE else None,
        no_end=lots.NO_END,
    )


def _movements(session: Session, rows: list[PostingRow]) -> list[Movement]:
    referred = {row.seq: _redemption_of(row) for row in rows}
    names = redemptions.names_of(session, me().member_id, {found for found in referred.values() if found})
    said = explained.explanations(session, me().member_id, [row for row in rows if _is_reckoned(row)])
    return [_movement(row, referred[row.seq], names, both(said.get(row.seq))) for row in rows]


def _movement(
    row: PostingRow, redemption_id: int | None, names: dict[int, dict[str, str]], explanation: str
) -> Movement:
    about = both(names.get(redemption_id)) if redemption_id in names else _about(row.ref)
    href = url_for("member_pages.one_redemption", redemption=row.ref) if redemption_id in names else ""
    return Movement(row, posting_view(row)["points"], reason(Kind(row.kind)), about, href, explanation)


def _is_reckoned(row: PostingRow) -> bool:
    """Whether there is a sum to show; the others are told by their reason and what they are about."""
    if row.kind == Kind.EARN:
        return (row.ref or "").startswith(("bill ", OF_BONUS))
    return row.kind in (Kind.UNEARN, Kind.OWE, Kind.REPAY, Kind.EXPIRE, Kind.RESTORE)


def reason(kind: Kind) -> str:
    """Why points moved, in the member's words."""
    return {
        Kind.EARN: _("Collected"),
        Kind.UNEARN: _("Taken back after a bill correction"),
        Kind.OWE: _("Owed after a bill correction"),
        Kind.REPAY: _("Repaid after a bill correction"),
        Kind.REDEEM: _("Redeemed"),
        Kind.HOLD: _("Set aside"),
        Kind.CAPTURE: _("Spent from the points set aside"),
        Kind.RELEASE: _("Given back"),
        Kind.TIMEOUT: _("Given back"),
        Kind.REVERSE: _("Given back after a cancellation"),
        Kind.EXPIRE: _("Lapsed"),
        Kind.ADJUST_UP: _("Adjusted"),
        Kind.ADJUST_DOWN: _("Adjusted"),
        Kind.GIFT_OUT: _("Given to another member"),
        Kind.GIFT_IN: _("A gift from another member"),
        Kind.GIFT_RETURN: _("A gift that came back"),
        Kind.MERGE_OUT: _("Moved to another membership"),
        Kind.MERGE_IN: _("Moved from another membership"),
        Kind.MERGE_DEBT_OUT: _("Moved to another membership"),
        Kind.MERGE_DEBT_IN: _("Moved from another membership"),
        Kind.REDATE_OUT: _("Kept over a suspension"),
        Kind.REDATE_IN: _("Kept over a suspension, with a later last day"),
        Kind.CLOSE_OUT: _("Cleared after the line was cancelled"),
        Kind.RESTORE: _("Came back: their last day was extended"),
    }[kind]


def _redemption_of(row: PostingRow) -> int | None:
    """The redemption that a posting's reference names."""
    if not (row.ref or "").startswith("red_"):
        return None
    return ids.parse("red", row.ref or "")[1]


def _about(ref: str | None) -> str:
    """A reference that is no redemption: bill lines are named, others are shown as they are."""
    if ref == "opening balance":
        return _("opening balance")
    if (ref or "").startswith(OF_BONUS):
        return ""  # its sentence names it
    words = (ref or "").split(" ")
    if words[0::2][:2] == ["bill", "line"] and (
        len(words) == 4 or words[4:5] in (["correction"], ["payment"])
    ):
        return _("Bill %(bill)s, line %(line)s", bill=words[1], line=words[3])
    return ref or ""
