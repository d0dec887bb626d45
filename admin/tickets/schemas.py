"""JSON of tickets."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from admin.tickets import course, entries, listing, matters, numbers, subjects, tickets
from admin.tickets.listing import VIEWS
from admin.tickets.models import Ticket, TicketStep
from admin.tickets.subjects import Rule
from base import ids
from base.channels import CHANNELS
from base.config import Config
from base.http.api import Request, Text, View, WholeNumber
from points.care import care
from points.wallets.schemas import PageQuery

MOST_TYPED = 4_000  # characters of a text as it comes in; what is kept is checked by the rules


class Words(ma.fields.String):
    """Words in several lines; how many are kept is a rule's question."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=ma.validate.Length(max=MOST_TYPED), **options)


class OpenTicketRequest(Request):
    """What is asked or complained of. `member` and `channel` are for the staff: whose it is, and by which way it came."""

    subject = ma.fields.String(required=True, validate=ma.validate.OneOf(list(subjects.SUBJECTS)))
    words = Words(required=True, metadata={"description": "1 to 2,000 characters"})
    about = Text(
        load_default=None,
        allow_none=True,
        most=matters.MOST,
        metadata={
            "description": 'public id of a redemption, voucher, acceptance, dispute or message; "posting 12"; "bill B line 1"'
        },
    )
    member = Text(load_default=None, allow_none=True, most=40)
    channel = Text(load_default=None, allow_none=True, most=40)


class TicketsQuery(PageQuery):
    """Which tickets; of a member only the page counts."""

    view = ma.fields.String(load_default=listing.OPEN, validate=ma.validate.OneOf(VIEWS))
    department = ma.fields.String(load_default=None)
    subject = ma.fields.String(load_default=None, validate=ma.validate.OneOf(list(subjects.SUBJECTS)))
    stage = ma.fields.String(load_default=None, validate=ma.validate.OneOf(course.STAGES))


class AnswerRequest(Request):
    """What the member reads."""

    words = Words(required=True, metadata={"description": "1 to 2,000 characters"})


class CallBackRequest(Request):
    """A try to call the member after the answer."""

    reached = ma.fields.Boolean(required=True, truthy={True}, falsy={False})
    words = Words(load_default="")
    channel = Text(load_default="hotline", most=40)


class CloseTicketRequest(Request):
    """What was agreed, if anything; the member does not read it."""

    words = Words(load_default="")


class HandOverTicketRequest(Request):
    """To whom, by mail address, and why."""

    to = Text(required=True, most=200)
    reason = Words(required=True)


class DepartmentNameView(View):
    """A department."""

    code = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class TicketView(View):
    """A ticket. A member's own has neither level, owner, tries nor member."""

    id = ma.fields.String()
    number = ma.fields.String(metadata={"description": "what people say: 7M4P-8KQ2"})
    subject = ma.fields.String(metadata={"enum": list(subjects.SUBJECTS)})
    stage = ma.fields.String(metadata={"enum": list(course.STAGES)})
    department = ma.fields.Nested(DepartmentNameView)
    about = ma.fields.String(allow_none=True)
    channel = ma.fields.String(metadata={"enum": list(CHANNELS)})
    opened_at = ma.fields.String()
    due_at = ma.fields.String(
        allow_none=True, metadata={"description": "the answer's, then the call-back's; null: nothing is due"}
    )
    is_overdue = ma.fields.Boolean()
    answered_at = ma.fields.String(allow_none=True)
    reopen_until = ma.fields.String(
        allow_none=True, metadata={"description": "until when the member may take it up again, once"}
    )
    member = ma.fields.String()
    owner = ma.fields.String(allow_none=True)
    level = ma.fields.Integer(
        metadata={"description": "0 its owner, 1 the lead, 2 the city, 3 the province, 4 headquarters"}
    )
    tries = ma.fields.Integer(metadata={"description": "call-backs since the answer"})


class TicketStepView(View):
    """A step; `words` null: none, not for this reader, or the person was erased."""

    no = ma.fields.Integer()
    at = ma.fields.String()
    did = ma.fields.String(metadata={"enum": list(course.DEEDS)})
    stage = ma.fields.String()
    words = ma.fields.String(allow_none=True)
    by = ma.fields.String(metadata={"description": "for the staff alone"})


class OneTicketView(TicketView):
    """A ticket with its steps, and what it is about in words."""

    about_names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), allow_none=True)
    steps = ma.fields.List(ma.fields.Nested(TicketStepView))


class TicketsView(View):
    """A page of tickets."""

    data = ma.fields.List(ma.fields.Nested(TicketView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class SubjectsQuery(Request):
    """Of which programme; a member's own counts."""

    programme = ma.fields.String(load_default=None)


class SubjectView(View):
    """A subject, its leading department and how soon it is answered."""

    subject = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    department = ma.fields.Nested(DepartmentNameView)
    by_card = ma.fields.Boolean(
        metadata={"description": "the department of the member's card, if it has one, goes before this one"}
    )
    hours = ma.fields.Integer()
    in_working_hours = ma.fields.Boolean()


class SubjectsView(View):
    """All subjects."""

    data = ma.fields.List(ma.fields.Nested(SubjectView))


class TicketRuleRequest(Request):
    """From a day on a subject's tickets are led by a department and answered within so many hours."""

    programme = Text(required=True, most=64)
    subject = ma.fields.String(required=True, validate=ma.validate.OneOf(list(subjects.SUBJECTS)))
    from_day = ma.fields.Date(required=True)
    department = Text(required=True, most=32)
    name_zh = Text(required=True, most=60)
    name_en = Text(required=True, most=60)
    by_card = ma.fields.Boolean(load_default=True, truthy={True}, falsy={False})
    hours = WholeNumber(required=True, least=1, most=subjects.MOST_HOURS)
    in_working_hours = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})


def subject_view(subject: str, rule: Rule) -> dict[str, Any]:
    """SubjectView of a rule."""
    return {
        "subject": subject,
        "names": subjects.SUBJECTS[subject],
        "department": {"code": rule.department, "names": rule.names},
        "by_card": rule.by_card,
        "hours": rule.hours,
        "in_working_hours": rule.in_working_hours,
    }


def own_view(row: Ticket, at: datetime) -> dict[str, Any]:
    """The ticket for its member."""
    until = tickets.reopen_until(row, at)
    return {
        "id": numbers.reference(row),
        "number": numbers.number(row.ticket_id),
        "subject": row.subject,
        "stage": row.stage,
        "department": {"code": row.department, "names": row.department_names},
        "about": row.about,
        "channel": row.channel,
        "opened_at": row.opened_at.isoformat(),
        "due_at": row.due_at and row.due_at.isoformat(),
        "is_overdue": listing.is_overdue(row, at),
        "answered_at": row.answered_at and row.answered_at.isoformat(),
        "reopen_until": until and until.isoformat(),
    }


def staff_view(session: Session, row: Ticket, at: datetime) -> dict[str, Any]:
    """The ticket for the staff."""
    return own_view(row, at) | {
        "member": ids.public("mbr", row.member_id),
        "owner": care.name_of(session, row.owner_id) if row.owner_id else None,
        "level": row.level,
        "tries": row.tries,
    }


def own_whole(session: Session, config: Config, row: Ticket, at: datetime) -> dict[str, Any]:
    """OneTicketView for its member: what was said between the staff is left out."""
    shown = [_step_view(step, words) for step, words in entries.told(session, config, row)]
    return own_view(row, at) | {"about_names": about_names(session, row), "steps": shown}


def staff_whole(session: Session, config: Config, row: Ticket, at: datetime) -> dict[str, Any]:
    """OneTicketView for the staff."""
    shown = [
        _step_view(step, entries.said_at(session, config, step)) | {"by": step.actor}
        for step in entries.steps(session, row)
    ]
    return staff_view(session, row, at) | {"about_names": about_names(session, row), "steps": shown}


def about_names(session: Session, row: Ticket) -> dict[str, str] | None:
    """What it is about in words; None: nothing, or it is not the member's any more."""
    matter = matters.maybe(session, row.member_id, row.about)
    return matter.names if matter else None


def _step_view(step: TicketStep, words: str | None) -> dict[str, Any]:
    return {
        "no": step.no,
        "at": step.at.isoformat(),
        "did": step.did,
        "stage": step.stage,
        "words": words,
    }
