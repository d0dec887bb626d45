"""A member's last messages, masked: what each was about, to which number, and whether it arrived; never what it says."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.console.search import hits
from base.auth.guard import current
from base.auth.principals import Staff
from base.http.settings import config
from base.notices import notices
from base.notices.models import Notice
from points.members import masks


@dataclass(frozen=True)
class Seen:
    """A message as anybody who may see the member sees it; `about`: words and page of what it tells, where there is one."""

    row: Notice
    receiver: str
    about: str
    href: str | None


def last(session: Session, member_id: int, member: str, *, limit: int) -> list[Seen]:
    """The newest first, those that were held back among them."""
    rows = notices.of_member(session, member_id, before=None, limit=limit, held_back=True)
    to = {one.notice_id: one.receiver for one in notices.opened(session, rows, config().seal_key)}
    return list(_seen(rows, to, member))


def _seen(rows: Iterable[Notice], to: dict[int, str], member: str) -> Iterable[Seen]:
    person = current()
    assert isinstance(person, Staff)
    for row in rows:
        hit = next(hits.of_id(person, row.subject or ""), None)
        href = hit.href if hit else None
        if href is None and row.seq is not None:
            href = f"/staff/members/{member}/movements/{row.seq}"
        yield Seen(row, masks.phone(to.get(row.notice_id)), _about(row), href)


def _about(row: Notice) -> str:
    """The id of what it tells; a posting by its number."""
    return row.subject or (f"#{row.seq}" if row.seq is not None else "")
