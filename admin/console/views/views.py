"""Saving, sharing and archiving views. A view is an address of a list: whoever opens it sees what the own rights show.

A view lies at its list and is offered there alone, so that nobody is led to a list that the own rights do not open.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.console.views.models import SavedView
from base import audit, ids
from base.auth.principals import Staff
from base.errors import NotFound, OverLimit, field_errors
from points.adjustments.adjustments import said_plainly

PLACES = frozenset(f"/staff/{name}" for name in (
    "approvals", "audit", "campaigns", "care/proofs", "care/tasks", "care/visits", "disputes", "imports", "merchants",
    "notices/report", "offer-drafts", "offers", "payouts", "people", "resources", "segments", "statements", "tickets",
    "till-alerts", "view-log",
))  # fmt: skip
NOT_KEPT = frozenset({"after", "csv", "number"})  # where somebody was in the list, not what was asked of it
MOST_NAME, MOST_QUERY, MOST_VIEWS, MOST_SHOWN = 60, 1_000, 50, 100


class ViewUnknown(NotFound):
    """There is no such view of yours."""

    zh = "没有该视图，或不是您保存的。"


class TooManyViews(OverLimit):
    """A person keeps at most fifty views of a list."""

    zh = "每人在一个列表中最多保存 50 个视图。"
    next_en, next_zh = "Remove one that nobody needs.", "请先移除不再需要的视图。"


def save(
    session: Session, person: Staff, place: str, query: str, name: str, at: datetime, *, shared: bool = False
) -> SavedView:
    """A filter of a list under a name. ViewUnknown (no such list), TooManyViews, Invalid."""
    if place not in PLACES:
        raise ViewUnknown()
    if not said_plainly(name, MOST_NAME):
        raise field_errors({"view_name": f"must be 1 to {MOST_NAME} characters without control characters"})
    if len(query) > MOST_QUERY:
        raise field_errors({"query": f"must be at most {MOST_QUERY} characters"})
    mine = select(func.count()).where(
        SavedView.place == place, SavedView.staff_id == person.staff_id, SavedView.archived_at.is_(None)
    )
    if (session.scalar(mine) or 0) >= MOST_VIEWS:
        raise TooManyViews(most=MOST_VIEWS)
    row = SavedView(
        view_id=ids.new_id(), staff_id=person.staff_id, made_at=at, shared_at=at if shared else None, archived_at=None,
        place=place, query=plain(query), name=name,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.write(session, person.actor, "view.saved", reference(row), place=place, shared=shared)
    return row


def of_list(session: Session, person: Staff, place: str) -> Sequence[SavedView]:
    """The person's own views of a list and those that others share, the own ones first, by name."""
    is_own = SavedView.staff_id == person.staff_id
    asked = select(SavedView).where(
        SavedView.place == place, SavedView.archived_at.is_(None), is_own | SavedView.shared_at.is_not(None)
    )
    order = (is_own.desc(), SavedView.name, SavedView.view_id)
    return session.scalars(asked.order_by(*order).limit(MOST_SHOWN)).all()


def share(session: Session, person: Staff, view_id: int, at: datetime, *, shared: bool) -> SavedView:
    """Show an own view to everybody who may open its list, or no longer. ViewUnknown."""
    row = _own(session, person, view_id)
    row.shared_at = at if shared else None
    audit.write(
        session, person.actor, "view.shared" if shared else "view.unshared", reference(row), place=row.place
    )
    return row


def archive(session: Session, person: Staff, view_id: int, at: datetime) -> SavedView:
    """Take an own view away, for those with whom it was shared as well. ViewUnknown."""
    row = _own(session, person, view_id)
    row.archived_at = at
    audit.write(session, person.actor, "view.archived", reference(row), place=row.place)
    return row


def plain(query: str) -> str:
    """A filter as it is kept: in one way of writing, without the place within the list."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name not in NOT_KEPT])


def address(row: SavedView) -> str:
    """Where the view leads."""
    return f"{row.place}?{row.query}" if row.query else row.place


def reference(row: SavedView) -> str:
    """Its public id."""
    return ids.public("vue", row.view_id)


def _own(session: Session, person: Staff, view_id: int) -> SavedView:
    row = session.get(SavedView, view_id, with_for_update=True)
    if row is None or row.staff_id != person.staff_id or row.archived_at is not None:
        raise ViewUnknown()
    return row
