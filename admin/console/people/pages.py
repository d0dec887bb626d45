"""Staff and access: everybody with roles and area, as the monthly review looks at them; changes by two persons."""

from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, cut, once, page, position
from admin.console.sheets import http as sheets
from admin.staff import access, entries, review
from admin.staff.access import PersonUnknown, Wanted
from admin.staff.models import NO_PASSWORD, StaffRow
from base import clock, database, ids
from base.approvals.approvals import Case
from base.auth import roles
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.http.settings import config
from points.members import areas

REVIEWS_SHOWN = 12
COLUMNS = (
    "name", "email", "roles", "area", "since", "last_used", "second_factor", "not_used_for_90_days", "possibly_shared",
)  # fmt: skip

blueprint = Blueprint("people", __name__)


@blueprint.route("/people")
@needs("staff:read")
def people() -> ResponseReturnValue:
    """Everybody whose access is open, or `?ended=1` those whose access ended; and this month's review."""
    at, gone, zone = clock.now(), request.args.get("ended") == "1", config().zone
    of_list = f"people {gone}"
    place = position(of_list)
    with database.begin() as session:
        if sheets.is_asked():
            every = review.listed(session, _person(), at, limit=sheets.MOST, gone=gone)
            return sheets.of_list(session, "access", COLUMNS, map(_cells, every))
        after = int(place[0]) if place else 0
        found = review.listed(session, _person(), at, after=after, limit=PAGE + 1, gone=gone)
        rows, after_rows = cut(of_list, found, lambda line: [line.row.staff_id])
        signed = review.signed(session, limit=REVIEWS_SHOWN)
        names = {one.staff_id: session.get_one(StaffRow, one.staff_id).name for one in signed}
    return page(
        "console/people.html",
        rows=[(ids.public("stf", line.row.staff_id), line) for line in rows],
        after=after_rows,
        gone=gone,
        as_file=bool(rows),
        signed=signed,
        names=names,
        open_month=review.month_of(at, zone) not in {one.month for one in signed},
        key=uuid4(),
        words=words,
        at=at,
    )


@blueprint.route("/people/review", methods=["POST"])
@needs("access:review")
def sign() -> ResponseReturnValue:
    """Sign for this month's list as it is now."""

    def effect(session: Session) -> str:
        note = request.form.get("note", "").strip()
        return review.sign(session, _person(), note, clock.now(), config().zone).month.isoformat()

    once(effect)
    return redirect("/staff/people", 303)


@blueprint.route("/people/new")
@needs("staff:propose")
def form() -> ResponseReturnValue:
    """Who is to come, with which roles, where."""
    return page("console/person_new.html", roles=words.ROLES, key=uuid4())


@blueprint.route("/people/new", methods=["POST"])
@needs("staff:propose")
def propose() -> ResponseReturnValue:
    """Propose access for somebody new; another person approves it."""
    return _proposed(lambda session: access.propose(session, _person(), _wanted(), clock.now()))


@blueprint.route("/people/<person>")
@needs("staff:read")
def one(person: str) -> ResponseReturnValue:
    """Somebody's access, sign-ins, and the form to propose another one."""
    return _shown(person)


@blueprint.route("/people/<person>", methods=["POST"])
@needs("staff:propose")
def change(person: str) -> ResponseReturnValue:
    """Propose another access for who is there; another person approves it."""

    def deed(session: Session) -> Case:
        row = _found(session, person)
        wanted = _wanted(email=row.email)
        return access.propose(session, _person(), wanted, clock.now(), of=row)

    return _proposed(deed)


@blueprint.route("/people/<person>/end", methods=["POST"])
@needs("staff:end")
def end(person: str) -> ResponseReturnValue:
    """Take all access away at once."""

    def effect(session: Session) -> None:
        reason = request.form.get("reason", "").strip()
        access.end(session, _person(), _found(session, person), reason, clock.now())

    once(effect)
    return redirect(f"/staff/people/{person}", 303)


@blueprint.route("/people/<person>/link")
@needs("staff:propose")
def link_before(person: str) -> ResponseReturnValue:
    """A reload or a change of language: the link was shown once."""
    return redirect(f"/staff/people/{person}", 303)


@blueprint.route("/people/<person>/link", methods=["POST"])
@needs("staff:propose")
def link(person: str) -> ResponseReturnValue:
    """A link with which the person sets a password, shown in this answer alone."""
    with database.begin() as session:
        token = access.make_link(session, _person(), _found(session, person), clock.now())
    return _shown(person, address=request.host_url.rstrip("/") + f"/staff/first-password#{token}")


def _shown(person: str, address: str | None = None) -> str:
    at, reader = clock.now(), _person()
    with database.begin() as session:
        row = _found(session, person)
        (line,) = review.listed(
            session, reader, at, after=row.staff_id - 1, limit=1, gone=row.ended_at is not None
        )
        there = entries.latest(session, row.staff_id, limit=20)
        place = areas.full_name(session, row.area) if row.area else None
    open_ones = {one.entry_id for one in there if entries.is_open(one, at)}
    return page(
        "console/person.html",
        id=person,
        line=line,
        row=row,
        place=place,
        entries=there,
        open_ones=open_ones,
        address=address,
        needs_link=row.password_hash == NO_PASSWORD and row.ended_at is None,
        is_own=row.staff_id == reader.staff_id,
        roles=words.ROLES,
        needed=roles.needs_second_factor(frozenset(row.roles)),
        key=uuid4(),
        words=words,
    )


def _proposed(deed: Any) -> ResponseReturnValue:
    proposal_id = once(lambda session: str(deed(session).proposal.proposal_id))
    return redirect(url_of(access.KIND, int(proposal_id)), 303)


def _wanted(email: str | None = None) -> Wanted:
    typed = request.form
    return Wanted(
        email=email or typed.get("email", "").strip(),
        name=typed.get("name", "").strip(),
        roles=tuple(typed.getlist("roles")),
        area=typed.get("area", "").strip(),
        reason=(typed.get("reason") or typed.get("why", "")).strip(),
        subject=typed.get("subject", "").strip(),
        sets_up_anew=typed.get("sets_up_anew") == "1",
    )


def _found(session: Session, person: str) -> StaffRow:
    """The person of a public id, within the reader's area; PersonUnknown."""
    (staff_id,) = ids.parse("stf", person, parts=1, unknown=PersonUnknown)
    row = access.find(session, staff_id)
    if not row.area.startswith(_person().area):
        raise PersonUnknown()
    return row


def _cells(line: review.Line) -> list[str]:
    row, said = line.row, line.said
    marks = ["yes" if one else "no" for one in (row.factor_at, line.stale, line.shared)]
    return [
        row.name,
        row.email,
        " ".join(row.roles),
        row.area,
        said["since"] or "",
        said["last_used"] or "",
        *marks,
    ]


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person
