"""Every movement of points with its reason and the balance after it, and the lots with their last days."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.member.frame import PAGE, _, blueprint, cursor, me, position
from base import clock, database, ids
from base.auth.guard import needs
from base.web import formats
from base.web.i18n import both
from catalog.redemptions import redemptions
from points import lots
from points.bonuses.reasons import OF_BONUS
from points.kinds import Kind
from points.lots import Calendar
from points.models import PostingRow
from points.statements import statements
from points.statements.statements import Month
from points.wallets import explained, wallets
from points.wallets.schemas import posting_view

GROUPS: dict[str, tuple[Kind, ...]] = {
    "collected": (Kind.EARN,),
    "redeemed": (Kind.REDEEM, Kind.HOLD, Kind.CAPTURE),
    "returned": (Kind.RELEASE, Kind.TIMEOUT, Kind.REVERSE),
    "lapsed": (Kind.EXPIRE, Kind.CLOSE_OUT, Kind.RESTORE),
    "gifts": (Kind.GIFT_OUT, Kind.GIFT_IN, Kind.GIFT_RETURN),
    "corrected": (Kind.UNEARN, Kind.OWE, Kind.REPAY, Kind.ADJUST_UP, Kind.ADJUST_DOWN),
    "moved": (
        Kind.MERGE_OUT,
        Kind.MERGE_IN,
        Kind.MERGE_DEBT_OUT,
        Kind.MERGE_DEBT_IN,
        Kind.REDATE_OUT,
        Kind.REDATE_IN,
    ),
}


@dataclass(frozen=True)
class Movement:
    """A posting in words; `points` has the sign it has for the member, `explanation` is the sum behind them, `lots` are the
    points taken or given by their last day.
    """

    posting: PostingRow
    points: int
    reason: str
    about: str
    href: str
    explanation: str
    lots: list[tuple[date, int]]


@dataclass(frozen=True)
class Filter:
    """What narrows the history: a group of kinds, a month; None: all."""

    kind: str | None = None
    month: Month | None = None

    @property
    def query(self) -> dict[str, str]:
        """As an address says it."""
        said = {"kind": self.kind, "month": str(self.month) if self.month else None}
        return {name: value for name, value in said.items() if value}


@blueprint.route("/points")
@needs("wallet:own")
def list_points() -> ResponseReturnValue:
    """Postings, newest first, of a kind or a month if the address says so; the lots stand on the first page."""
    place, wanted, at = position(), asked(), clock.now()
    with database.begin() as session:
        shown = wallets.show(session, me().member_id, at)
        rows = postings(session, wanted, before=place[0] if place else None, limit=PAGE + 1)
        found = movements(session, rows[:PAGE])
        months = list(statements.months(session, me().member_id, at))
    return render_template(
        "member/points.html",
        shown=shown,
        movements=found,
        first_page=place is None and not wanted.query,
        wanted=wanted,
        kinds=[(name, group_name(name)) for name in GROUPS],
        months=[(str(month), formats.month(month.first)) for month in months],
        next_cursor=cursor(rows[PAGE - 1].seq) if len(rows) > PAGE else None,
        no_end=lots.NO_END,
    )


def asked() -> Filter:
    """What the address narrows the history to; what it says wrongly narrows nothing."""
    kind, month = request.args.get("kind"), request.args.get("month")
    found = None
    if month:
        with suppress(statements.BadMonth):
            found = statements.month_of(month)
    return Filter(kind if kind in GROUPS else None, found)


def postings(session: Session, wanted: Filter, *, before: int | None, limit: int) -> list[PostingRow]:
    """The caller's postings that are wanted, newest first, from before a number on."""
    return wallets.postings(
        session,
        me().member_id,
        before=before,
        limit=limit,
        kinds=GROUPS[wanted.kind] if wanted.kind else (),
        from_day=wanted.month.first if wanted.month else None,
        until_day=wanted.month.next.first - timedelta(days=1) if wanted.month else None,
    )


def movements(session: Session, rows: list[PostingRow]) -> list[Movement]:
    """Postings in words, as many statements for all as for one."""
    referred = {row.seq: _redemption_of(row) for row in rows}
    names = redemptions.names_of(session, me().member_id, {found for found in referred.values() if found})
    said = explained.explanations(session, me().member_id, [row for row in rows if _is_reckoned(row)])
    calendar = wallets.calendar(session, me().member_id, clock.now())
    return [_movement(row, referred[row.seq], names, both(said.get(row.seq)), calendar) for row in rows]


def group_name(name: str) -> str:
    """What a group of kinds is called."""
    return {
        "collected": _("Collected"),
        "redeemed": _("Redeemed"),
        "returned": _("Given back"),
        "lapsed": _("Lapsed"),
        "gifts": _("Gifts"),
        "corrected": _("Corrected"),
        "moved": _("Moved"),
    }[name]


def _movement(
    row: PostingRow,
    redemption_id: int | None,
    names: dict[int, dict[str, str]],
    explanation: str,
    calendar: Calendar,
) -> Movement:
    about = both(names.get(redemption_id)) if redemption_id in names else _about(row.ref)
    href = url_for("member_pages.one_redemption", redemption=row.ref) if redemption_id in names else ""
    taken = [
        (lots.last_day(lots.lasting(row.lots[at], calendar)), row.lots[at + 2])
        for at in range(0, len(row.lots), 3)
    ]
    return Movement(row, posting_view(row)["points"], reason(Kind(row.kind)), about, href, explanation, taken)


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
