"""Tasks of care: the list with its filters in the address, and one task, done with a contact or with a reason."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.care import listing, occasions, tasks
from admin.care.listing import Wanted
from admin.care.models import CareTask
from admin.care.opening import OPEN
from admin.console.bulk import http as bulk
from admin.console.care import words
from admin.console.http import PAGE, chosen, cut, page, position
from admin.console.sheets import http as sheets
from admin.console.tickets import words as ticket_words
from admin.console.tickets.pages import name_of, once
from admin.staff.models import StaffRow
from admin.tickets import subjects
from base import channels, clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config
from base.web.i18n import both
from points import programmes
from points.care import care
from points.members.models import Member
from points.people import looking

COLUMNS = (
    "task",
    "occasion",
    "customer_id",
    "on",
    "due_on",
    "is_overdue",
    "person",
    "department",
    "state",
    "reason",
)
blueprint = Blueprint("care_tasks", __name__)


@blueprint.route("/care/tasks")
@needs(tasks.READS)
def task_list() -> ResponseReturnValue:
    """Tasks of a view, the soonest due first."""
    person, wanted = _person(), _wanted()
    with database.begin() as session:
        choice = chosen(session)
        if choice["programme"] is None:
            return page("console/care_tasks.html", rows=[], wanted=wanted, words=words, **choice)
        programme = choice["programme"]
        on, name = clock.day(clock.now(), programme.zone), f"care {wanted}"
        if sheets.is_asked():
            return _file(
                session, listing.listed(session, person, programme, wanted, on, limit=sheets.MOST), on
            )
        place = position(name)
        after_row = (date.fromisoformat(place[0]), int(place[1])) if place else None
        found = listing.listed(session, person, programme, wanted, on, after=after_row, limit=PAGE + 1)
        rows, after = cut(name, found, lambda row: [str(row.due_on), row.task_id])
        shown = _all_shown(session, rows)
        return page(
            "console/care_tasks.html",
            rows=shown,
            as_file=bool(shown),
            wanted=wanted,
            counts=listing.counts(session, person, programme, on),
            departments=subjects.departments(session),
            occasions=occasions.OCCASIONS,
            rules=occasions.in_force(session, programme.programme_id, on),
            options=ticket_words.options,
            words=words,
            on=on,
            reasons=tasks.REASONS,
            may_work=tasks.WORKS in person.permissions,
            key=uuid4(),
            after=after,
            **choice,
        )


@blueprint.route("/care/tasks/<task>")
@needs(tasks.READS)
def one_task(task: str) -> ResponseReturnValue:
    """What is to be done for whom and until when, by which ways the member may be reached, what came of it."""
    person = _person()
    with database.begin() as session:
        row = tasks.find(session, person, *_key(task))
        member_ref = ids.public("mbr", row.member_id)
        zone = programmes.by_id(session, row.programme_id).zone
        open_ways = tasks.ways(session, config(), row.member_id)
        return page(
            "console/care_task.html",
            id=task,
            row=row,
            names=occasions.OCCASIONS[row.occasion],
            department=subjects.departments(session).get(row.department),
            owner=care.name_of(session, row.staff_id) if row.staff_id else None,
            ended_by=name_of(session, row.ended_by) if row.ended_by else None,
            member_ref=member_ref,
            seen=looking.view(session, config(), person, member_ref),
            ways={way: channels.CHANNELS[way] for way in open_ways},
            names_a_manager=row.occasion == occasions.MANAGER,
            reasons=tasks.REASONS,
            options=ticket_words.options,
            results=ticket_words.RESULTS,
            words=words,
            on=clock.day(clock.now(), zone),
            may_work=tasks.WORKS in person.permissions,
            key=uuid4(),
        )


@blueprint.route("/care/tasks/<task>/done", methods=["POST"])
@needs(tasks.WORKS)
def done(task: str) -> ResponseReturnValue:
    """Write down how the member was turned to."""
    form = request.form

    def deed(session: Session, person: Staff, key: tuple[int, int]) -> CareTask:
        return tasks.do(
            session,
            config(),
            person,
            key,
            channel=form.get("channel", ""),
            result=form.get("result", ""),
            words=form.get("words", ""),
            at=clock.now(),
        )

    return _done(task, deed)


@blueprint.route("/care/tasks/<task>/not-needed", methods=["POST"])
@needs(tasks.WORKS)
def not_needed(task: str) -> ResponseReturnValue:
    """Nothing is to be done, and why."""
    reason = request.form.get("reason", "")
    return _done(
        task, lambda session, person, key: tasks.not_needed(session, person, key, reason, clock.now())
    )


@blueprint.route("/care/tasks/not-needed-many", methods=["POST"])
@needs(tasks.WORKS)
def not_needed_many() -> ResponseReturnValue:
    """Nothing is to be done about those that were chosen, and why."""
    person, reason = _person(), request.form.get("reason", "")
    outcomes = bulk.each(
        lambda task: _key(task)[0],
        lambda session, task: tasks.not_needed(session, person, _key(task), reason, clock.now()),
    )
    with database.begin() as session:
        called = {one.id: _called(session, one.id) for one in outcomes}
    return page(
        "console/bulk.html",
        outcomes=[(called[one.id], url_for(".one_task", task=one.id), one.problem) for one in outcomes],
        done=sum(one.problem is None for one in outcomes),
        back=url_for(".task_list"),
    )


def _called(session: Session, task: str) -> str:
    """Occasion and customer number of a task of the person's own; what is none, as it came."""
    try:
        row = tasks.find(session, _person(), *_key(task))
    except tasks.CareTaskUnknown:
        return task[:64]
    return f"{both(occasions.OCCASIONS[row.occasion])} · {session.get_one(Member, row.member_id).customer_id}"


def _done(task: str, deed: Callable[[Session, Staff, tuple[int, int]], CareTask]) -> ResponseReturnValue:
    person, key = _person(), _key(task)
    with database.begin() as session:
        once(session, key[0], lambda: (303, deed(session, person, key).state))
    return redirect(url_for(".one_task", task=task), 303)


def _file(session: Session, rows: Sequence[CareTask], on: date) -> Response:
    """The tasks that the filter shows as a file."""
    lines = (_line(one["row"], one, on) for one in _all_shown(session, rows))
    return sheets.of_list(session, "care-tasks", COLUMNS, lines)


def _line(row: CareTask, shown: dict[str, Any], on: date) -> Sequence[Any]:
    is_overdue = row.state == OPEN and row.due_on < on
    return (
        shown["id"], row.occasion, shown["customer_id"], row.on_day, row.due_on, int(is_overdue), shown["owner"],
        row.department, row.state, row.reason,
    )  # fmt: skip


def _all_shown(session: Session, rows: Sequence[CareTask]) -> list[dict[str, Any]]:
    database.bring(session, Member, (row.member_id for row in rows))
    database.bring(session, StaffRow, (row.staff_id for row in rows))
    return [_shown(session, row) for row in rows]


def _shown(session: Session, row: CareTask) -> dict[str, Any]:
    member = session.get(Member, row.member_id)
    assert member is not None
    return {
        "id": tasks.reference(row),
        "row": row,
        "customer_id": member.customer_id,
        "owner": care.name_of(session, row.staff_id) if row.staff_id else None,
    }


def _wanted() -> Wanted:
    """What the address asks for."""
    view, occasion = request.args.get("view", listing.MINE), request.args.get("occasion")
    return Wanted(
        view if view in listing.VIEWS else listing.MINE,
        request.args.get("department") or None,
        occasion if occasion in occasions.OCCASIONS else None,
    )


def _key(task: str) -> tuple[int, int]:
    member_id, task_id = ids.parse("cre", task, unknown=tasks.CareTaskUnknown)
    return member_id, task_id


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person
