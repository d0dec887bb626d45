"""Drafts as their list has them, on its page and in its file: how far each is, and who wrote it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.console.offer_drafts import told
from admin.staff.models import StaffRow
from base.web.i18n import both
from catalog.publishing import drafts, showing
from catalog.publishing.models import OfferDraft

PLACE = "/staff/offer-drafts"
COLUMNS = (
    "draft",
    "code",
    "name",
    "kind",
    "is_further_version",
    "steps_done",
    "written_by",
    "changed_at",
    "state",
)


def shown(session: Session, row: OfferDraft, at: datetime) -> dict[str, Any]:
    """A draft with its address, its life and how many of its steps are done."""
    whole = showing.shown(session, row, at)
    steps = told.of(whole.steps, row.kind, is_new=row.offer_id is None)
    done = sum(one.is_done for one in steps.values())
    return {"row": row, "href": f"{PLACE}/{drafts.reference(row.draft_id)}", "life": whole.life, "done": done}


def makers(session: Session, rows: Sequence[OfferDraft]) -> dict[int, str]:
    """What those are called who wrote them."""
    asked = select(StaffRow.staff_id, StaffRow.name).where(
        StaffRow.staff_id.in_({row.maker_id for row in rows})
    )
    return {row.staff_id: row.name for row in session.execute(asked)}


def lines(session: Session, rows: Sequence[OfferDraft], at: datetime) -> Iterator[Sequence[Any]]:
    """Drafts as the rows of a file."""
    names = makers(session, rows)
    for row in rows:
        one, called = shown(session, row, at), both(row.content.get("names")) or row.code
        yield (
            drafts.reference(row.draft_id), row.code, called, row.kind, int(row.from_version_id is not None), one["done"],
            names.get(row.maker_id), row.changed_at.isoformat(), one["life"],
        )  # fmt: skip
